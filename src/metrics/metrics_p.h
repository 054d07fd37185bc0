/* What the parts of metrics (metrics.c, metrics_gauge.c, metrics_text.c) share. Nobody else includes this. */
#ifndef SEAMARK_METRICS_METRICS_P_H
#define SEAMARK_METRICS_METRICS_P_H

#include <pthread.h>

#include "metrics/metrics.h"

/* A label as it is kept: `value` set, or a dimension whose index counts `step` each. */
struct kept_label {
    const char *name;
    char *value;
    const char *const *values;
    unsigned nvalues;
    unsigned step;
};

/* Labels in alphabetical order; `key` spells them, for finding and ordering series. */
struct label_set {
    struct kept_label labels[METRIC_LABELS_MAX];
    unsigned count;
    unsigned combinations; /* of all dimensions; 1 without */
    bool dimensions;
    char *key;
};

struct series {
    struct metric metric;
    struct label_set labels;
    struct series *next; /* in order of key */
};

struct metric_gauge {
    struct family *family;
    struct label_set labels;
    double (*read)(void *ctx);
    void *ctx;
    uint64_t value;            /* the double's bits; atomic */
    struct metric_gauge *next; /* in order of key, of equal ones the newest first */
};

struct family {
    const struct metric_desc *desc;
    struct series *series;
    struct metric_gauge *gauges;
    struct family *next; /* in order of name */
};

extern pthread_mutex_t metrics_lock; /* guards everything below and all lists */
extern struct family *metrics_families;

/* Under the lock: the family of this name, made where it is new; NULL at the limit, without memory, or where
 * it exists as another type. */
struct family *metrics_family(const struct metric_desc *desc);
/* Counts one more series or gauge against the limit; false (and one line in the log) where it is reached.
 * Under the lock. */
bool metrics_series_begin(const char *name);
void metrics_series_end(void); /* one less */

int label_set_init(struct label_set *set, const struct metric_label *labels,
                   size_t nlabels); /* ERR_OK, ERR_LIMIT, -ENOMEM */
void label_set_free(struct label_set *set);

/* Sum of a cell over all threads. */
uint64_t metrics_cell_sum(uint32_t cell);

#endif
