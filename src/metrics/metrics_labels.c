#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "metrics/metrics_p.h"

void label_set_free(struct label_set *set)
{
    for (unsigned i = 0; i < set->count; i++)
        free(set->labels[i].value);
    free(set->key);
    *set = (struct label_set){0};
}

static void sort_by_name(struct kept_label *labels, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        struct kept_label moved = labels[i];
        unsigned k = i;
        for (; k > 0 && strcmp(labels[k - 1].name, moved.name) > 0; k--)
            labels[k] = labels[k - 1];
        labels[k] = moved;
    }
}

/* "name\1value\2..." with unprintable separators, so that no two sets spell the same. */
static char *spell(const struct label_set *set)
{
    size_t len = 1;
    for (unsigned i = 0; i < set->count; i++) {
        const struct kept_label *l = &set->labels[i];
        len += strlen(l->name) + 2 + (l->value != NULL ? strlen(l->value) : 1);
    }
    char *key = malloc(len);
    if (key == NULL)
        return NULL;
    char *at = key;
    for (unsigned i = 0; i < set->count; i++) {
        const struct kept_label *l = &set->labels[i];
        at = stpcpy(at, l->name);
        *at++ = '\1';
        at = stpcpy(at, l->value != NULL ? l->value : "\3");
        *at++ = '\2';
    }
    *at = '\0';
    return key;
}

int label_set_init(struct label_set *set, const struct metric_label *labels, size_t nlabels)
{
    *set = (struct label_set){.combinations = 1};
    if (nlabels > METRIC_LABELS_MAX)
        return ERR_LIMIT;
    /* Backward, because the last dimension given is the one whose neighbours lie side by side. */
    for (size_t i = nlabels; i-- > 0;) {
        struct kept_label *kept = &set->labels[set->count++];
        kept->name = labels[i].name;
        if (labels[i].values != NULL) {
            kept->values = labels[i].values;
            kept->nvalues = labels[i].nvalues;
            kept->step = set->combinations;
            if (kept->nvalues == 0 || kept->nvalues > METRIC_CELLS_MAX / set->combinations) {
                label_set_free(set);
                return ERR_LIMIT;
            }
            set->combinations *= kept->nvalues;
            set->dimensions = true;
        } else if ((kept->value = strdup(labels[i].value)) == NULL) {
            label_set_free(set);
            return -ENOMEM;
        }
    }
    sort_by_name(set->labels, set->count);
    set->key = spell(set);
    if (set->key == NULL) {
        label_set_free(set);
        return -ENOMEM;
    }
    return ERR_OK;
}
