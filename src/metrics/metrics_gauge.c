#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "metrics/metrics_p.h"

/* Under the lock. Takes over `labels` on success. */
static struct metric_gauge *gauge_new(const struct metric_desc *desc, struct label_set *labels)
{
    struct family *f = labels->dimensions ? NULL : metrics_family(desc);
    if (f == NULL || !metrics_series_begin(desc->name))
        return NULL;
    struct metric_gauge *g = calloc(1, sizeof *g);
    if (g == NULL) {
        metrics_series_end();
        return NULL;
    }
    struct metric_gauge **at = &f->gauges;
    while (*at != NULL && strcmp((*at)->labels.key, labels->key) < 0)
        at = &(*at)->next;
    g->family = f;
    g->labels = *labels;
    g->next = *at;
    *at = g;
    return g;
}

struct metric_gauge *metrics_gauge(const struct metric_desc *desc, const struct metric_label *labels,
                                   size_t nlabels, double (*read)(void *ctx), void *ctx)
{
    struct label_set set;
    struct metric_gauge *g = NULL;
    if (label_set_init(&set, labels, nlabels) == ERR_OK) {
        pthread_mutex_lock(&metrics_lock);
        g = gauge_new(desc, &set);
        if (g != NULL) {
            g->read = read;
            g->ctx = ctx;
        }
        pthread_mutex_unlock(&metrics_lock);
        if (g == NULL)
            label_set_free(&set);
    }
    if (g == NULL)
        log_limited(LOG_LEVEL_WARNING, "metrics: %s is not shown (no room or no memory)", desc->name);
    return g;
}

void metrics_gauge_set(struct metric_gauge *g, double value)
{
    if (g == NULL)
        return;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    __atomic_store_n(&g->value, bits, __ATOMIC_RELAXED);
}

void metrics_gauge_remove(struct metric_gauge *g)
{
    if (g == NULL)
        return;
    pthread_mutex_lock(&metrics_lock);
    struct metric_gauge **at = &g->family->gauges;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    metrics_series_end();
    pthread_mutex_unlock(&metrics_lock);
    label_set_free(&g->labels);
    free(g);
}
