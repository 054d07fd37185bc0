/* The page: Prometheus' text format, version 0.0.4. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "metrics/metrics_p.h"

/* ---- numbers ---- */

/* A value in its family's unit, exactly: no detour over floating point. */
static void put_amount(struct bytes *out, uint64_t value, enum metric_unit unit)
{
    if (unit == METRIC_PLAIN) {
        bytes_printf(out, "%llu", (unsigned long long)value);
        return;
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%llu.%09llu", (unsigned long long)(value / 1000000000u),
                     (unsigned long long)(value % 1000000000u));
    while (text[n - 1] == '0')
        n--;
    if (text[n - 1] == '.')
        n--;
    bytes_append(out, text, (size_t)n);
}

static void put_double(struct bytes *out, double value)
{
    if (isnan(value)) {
        bytes_append_str(out, "NaN");
        return;
    }
    if (isinf(value)) {
        bytes_append_str(out, value > 0 ? "+Inf" : "-Inf");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) { /* the fewest that read back as the same number */
        double again = 0;
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (sscanf(text, "%lf", &again) == 1 && again == value)
            break;
    }
    bytes_append_str(out, text);
}

/* ---- labels ---- */

/* Octets of the UTF-8 character at `p`, 0 where it is none: Prometheus refuses a page with broken UTF-8
 * whole. */
static unsigned utf8_len(const unsigned char *p)
{
    unsigned len = p[0] < 0x80   ? 1
                   : p[0] < 0xc2 ? 0
                   : p[0] < 0xe0 ? 2
                   : p[0] < 0xf0 ? 3
                   : p[0] < 0xf5 ? 4
                                 : 0;
    for (unsigned i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

static void put_escaped(struct bytes *out, const char *text, bool quoted)
{
    for (const char *p = text; *p != '\0';) {
        unsigned len = utf8_len((const unsigned char *)p);
        if (*p == '\\')
            bytes_append(out, "\\\\", 2);
        else if (*p == '\n')
            bytes_append(out, "\\n", 2);
        else if (quoted && *p == '"')
            bytes_append(out, "\\\"", 2);
        else if (len == 0)
            bytes_append(out, "?", 1);
        else
            bytes_append(out, p, len);
        p += len == 0 ? 1 : len;
    }
}

static void put_name(struct bytes *out, const char *name, const char *suffix)
{
    bytes_append_str(out, name);
    bytes_append_str(out, suffix);
}

/* The labels without their braces. */
static void put_labels(struct bytes *out, const struct label_set *set, unsigned index)
{
    for (unsigned i = 0; i < set->count; i++) {
        const struct kept_label *l = &set->labels[i];
        const char *value = l->value != NULL ? l->value : l->values[index / l->step % l->nvalues];
        bytes_printf(out, "%s%s=\"", i == 0 ? "" : ",", l->name);
        put_escaped(out, value, true);
        bytes_append(out, "\"", 1);
    }
}

static void put_braced_labels(struct bytes *out, const struct label_set *set, unsigned index)
{
    if (set->count > 0) {
        bytes_append(out, "{", 1);
        put_labels(out, set, index);
        bytes_append(out, "}", 1);
    }
    bytes_append(out, " ", 1);
}

/* ---- series ---- */

static void put_header(struct bytes *out, const struct metric_desc *desc, bool *headed)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    if (*headed)
        return;
    *headed = true;
    bytes_printf(out, "# HELP %s ", desc->name);
    put_escaped(out, desc->help, false);
    bytes_printf(out, "\n# TYPE %s %s\n", desc->name, types[desc->type]);
}

static void put_counter(struct bytes *out, const struct family *f, const struct series *s, unsigned index,
                        bool *headed)
{
    uint64_t value = metrics_cell_sum(s->metric.cell + index);
    if (value == 0 && (s->labels.dimensions || f->desc->hide_zero))
        return;
    put_header(out, f->desc, headed);
    bytes_append_str(out, f->desc->name);
    put_braced_labels(out, &s->labels, index);
    put_amount(out, value, f->desc->unit);
    bytes_append(out, "\n", 1);
}

static void put_bucket(struct bytes *out, const struct family *f, const struct series *s, unsigned index,
                       unsigned bucket, uint64_t count)
{
    put_name(out, f->desc->name, "_bucket{");
    put_labels(out, &s->labels, index);
    bytes_append_str(out, s->labels.count > 0 ? ",le=\"" : "le=\"");
    if (bucket < s->metric.nbounds)
        put_amount(out, s->metric.bounds[bucket], f->desc->unit);
    else
        bytes_append_str(out, "+Inf");
    bytes_printf(out, "\"} %llu\n", (unsigned long long)count);
}

static void put_histogram(struct bytes *out, const struct family *f, const struct series *s, unsigned index,
                          bool *headed)
{
    uint32_t cell = s->metric.cell + index * s->metric.stride;
    uint64_t total = 0;
    for (unsigned i = 0; i <= s->metric.nbounds; i++)
        total += metrics_cell_sum(cell + i);
    if (total == 0 && (s->labels.dimensions || f->desc->hide_zero))
        return;
    put_header(out, f->desc, headed);
    /* Workers go on counting, so each bucket is read once more here and the last one is made the sum of what
     * was shown. */
    uint64_t below = 0;
    for (unsigned i = 0; i <= s->metric.nbounds; i++) {
        below += metrics_cell_sum(cell + i);
        put_bucket(out, f, s, index, i, below);
    }
    put_name(out, f->desc->name, "_sum");
    put_braced_labels(out, &s->labels, index);
    put_amount(out, metrics_cell_sum(cell + s->metric.nbounds + 1u), f->desc->unit);
    bytes_append(out, "\n", 1);
    put_name(out, f->desc->name, "_count");
    put_braced_labels(out, &s->labels, index);
    bytes_printf(out, "%llu\n", (unsigned long long)below);
}

static void put_gauges(struct bytes *out, const struct family *f, bool *headed)
{
    const char *shown = NULL;
    for (const struct metric_gauge *g = f->gauges; g != NULL; g = g->next) {
        if (shown != NULL && strcmp(shown, g->labels.key) == 0)
            continue; /* an older one, of a configuration about to end */
        shown = g->labels.key;
        double value;
        uint64_t bits = __atomic_load_n(&g->value, __ATOMIC_RELAXED);
        memcpy(&value, &bits, sizeof value);
        if (g->read != NULL)
            value = g->read(g->ctx);
        put_header(out, f->desc, headed);
        bytes_append_str(out, f->desc->name);
        put_braced_labels(out, &g->labels, 0);
        put_double(out, value);
        bytes_append(out, "\n", 1);
    }
}

int metrics_render(struct bytes *out)
{
    pthread_mutex_lock(&metrics_lock);
    for (const struct family *f = metrics_families; f != NULL && out->error == 0; f = f->next) {
        bool headed = false;
        for (const struct series *s = f->series; s != NULL; s = s->next) {
            for (unsigned i = 0; i < s->labels.combinations; i++) {
                if (f->desc->type == METRIC_HISTOGRAM)
                    put_histogram(out, f, s, i, &headed);
                else
                    put_counter(out, f, s, i, &headed);
            }
        }
        put_gauges(out, f, &headed);
    }
    pthread_mutex_unlock(&metrics_lock);
    return out->error;
}
