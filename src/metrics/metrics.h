/*
 * Metrics: counters, histograms and gauges, shown on /metrics in Prometheus' text format.
 *
 * A family (`struct metric_desc`, static storage, one a name) has series; a series is a family with a set of
 * labels. A label has a value, or is a *dimension*: one of a table of values, chosen by an index when
 * something is counted. So everything that can be counted is known when it is registered, and counting is an
 * addition to a fixed cell:
 *
 *     static const struct metric_desc requests = {
 *         .name = "coredns_cache_requests_total", .help = "...", .type = METRIC_COUNTER};
 *     const struct metric_label labels[] = {LABEL("server", "dns://:53"), LABEL("view", ""), LABEL("zones",
 * ".")}; const struct metric *m = metrics_register(&requests, labels, 3);    // once, in setup or start
 *     metrics_add(m, 0, 1);                                               // in a worker
 *
 *     static const char *const types[] = {"success", "denial"};
 *     ... LABEL_TABLE("type", types, 2) ...                               // one dimension
 *     metrics_add(hits, negative ? 1 : 0, 1);
 *
 * With several dimensions the index is row-major in the order in which the labels were given: i *
 * size_of_second + j. Labels may be given in any order; the page shows them alphabetically, values escaped.
 *
 * Registering the same family with the same labels again gives the same series: counters are permanent, over
 * reloads of the configuration too. Counting takes no lock and shares no cache line: every thread has cells
 * of its own, which are summed when the page is made. A series with a dimension shows a value only once it is
 * not 0 (as Prometheus' client library does); one without is shown from the start, unless its family says
 * hide_zero.
 *
 * Threads: everything here from any thread; registering takes a lock and is not for the way of a query.
 * Nothing fails: where a limit is reached (metrics.c names them) the log says so once and the series counts
 * nowhere and is not shown.
 */
#ifndef SEAMARK_METRICS_METRICS_H
#define SEAMARK_METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define METRIC_LABELS_MAX 8    /* CoreDNS's largest set has 6 */
#define METRIC_CELLS_MAX  8192 /* cells of one series over all its dimensions; the largest has some 1000 */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* What the values of a histogram or counter are; shown in Prometheus' base units. */
enum metric_unit {
    METRIC_PLAIN,       /* shown as it is: numbers, octets */
    METRIC_NANOSECONDS, /* shown in seconds */
};

/* A family. */
struct metric_desc {
    const char *name;
    const char *help;
    enum metric_type type;
    enum metric_unit unit;
    const uint64_t *bounds; /* histogram: upper bounds, ascending, in its unit; +Inf is added */
    unsigned nbounds;
    bool hide_zero; /* not shown until something was counted */
};

struct metric_label {
    const char *name;
    const char *value;         /* copied */
    const char *const *values; /* a dimension: its values, static storage; NULL otherwise */
    unsigned nvalues;
};
#define LABEL(name_, value_)                                                                                 \
    {                                                                                                        \
        .name = (name_), .value = (value_)                                                                   \
    }
#define LABEL_TABLE(name_, table_, count_)                                                                   \
    {                                                                                                        \
        .name = (name_), .values = (table_), .nvalues = (count_)                                             \
    }

/* A series; permanent. */
struct metric {
    uint32_t cell;   /* its first cell */
    uint16_t stride; /* cells for one combination of dimensions */
    uint16_t nbounds;
    const uint64_t *bounds;
};

/* Registers a counter or histogram, or finds it. Never NULL. */
const struct metric *metrics_register(const struct metric_desc *desc, const struct metric_label *labels,
                                      size_t nlabels);

/* ---- counting ---- */

extern _Thread_local uint64_t *metrics_own_cells; /* this thread's cells; NULL before its first count */
uint64_t *metrics_claim_cells(void); /* for the functions below; NULL where all sets of cells are taken */
void metrics_add_shared(uint32_t cell, uint64_t n);

/* Only this thread writes here, so no read-modify-write is needed; the page reads it at the same time. */
static inline void metrics_add_own(uint64_t *cells, uint32_t cell, uint64_t n)
{
    __atomic_store_n(&cells[cell], __atomic_load_n(&cells[cell], __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void metrics_add_cell(uint32_t cell, uint64_t n)
{
    uint64_t *cells = metrics_own_cells;
    if (cells == NULL && (cells = metrics_claim_cells()) == NULL) {
        metrics_add_shared(cell, n);
        return;
    }
    metrics_add_own(cells, cell, n);
}

/* Adds to a counter; `index` chooses among dimensions, 0 without. */
static inline void metrics_add(const struct metric *m, unsigned index, uint64_t n)
{
    metrics_add_cell(m->cell + index, n);
}

/* Counts a value in a histogram, in the family's unit, `n` times. */
static inline void metrics_observe_some(const struct metric *m, unsigned index, uint64_t value, uint64_t n)
{
    unsigned bucket = 0;
    while (bucket < m->nbounds && value > m->bounds[bucket])
        bucket++;
    uint32_t cell = m->cell + index * m->stride;
    metrics_add_cell(cell + bucket, n);
    metrics_add_cell(cell + m->nbounds + 1u, value * n);
}

static inline void metrics_observe(const struct metric *m, unsigned index, uint64_t value)
{
    metrics_observe_some(m, index, value, 1);
}

/* The sum over all threads of one cell of a counter; for tests and for log lines. */
uint64_t metrics_value(const struct metric *m, unsigned index);

/* ---- gauges ---- */

struct metric_gauge;

/* A gauge (or a counter of somebody else's making) that is asked when the page is made, in the control
 * thread: read(ctx). With read NULL it holds a value: metrics_gauge_set(). Where the same labels are
 * registered twice, the newer one is shown: during a reload the new configuration registers before the old
 * one removes. The labels have no dimensions. NULL only where the limit is reached or memory is out; the
 * other functions take that. */
struct metric_gauge *metrics_gauge(const struct metric_desc *desc, const struct metric_label *labels,
                                   size_t nlabels, double (*read)(void *ctx), void *ctx);
void metrics_gauge_set(struct metric_gauge *g, double value);
void metrics_gauge_remove(struct metric_gauge *g); /* NULL allowed */

/* ---- bucket bounds that several families share ---- */

#define METRICS_TIME_BOUNDS 16
extern const uint64_t metrics_time_bounds[METRICS_TIME_BOUNDS]; /* 0.25 ms times 2^n, in ns */

/* ---- DNS requests (query_metrics.c; what went through a chain is counted by the prometheus plugin) ---- */

struct request;
struct listener;

/* Counts a request that no block took, under zone "dropped" as CoreDNS does: r->reply is its error answer,
 * not yet finished. In the worker's thread. */
void metrics_refused(const struct request *r, const struct listener *l);

/* ---- the page ---- */

/* Appends all families in order of name, in text format 0.0.4. ERR_LIMIT, -ENOMEM. */
int metrics_render(struct bytes *out);

#endif
