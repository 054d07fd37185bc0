#include "metrics/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "base/log.h"
#include "metrics/metrics_p.h"
#include "serve/worker.h"

/* Names of metrics are a matter of source code; CoreDNS with all its plugins has some 100. */
#define FAMILIES_MAX 512

/* Series and gauges of all families together. A route (a zone of a listener) has some 16, so this is room for
 * 500 routes: a /8 of reverse zones written as prefixes of /16 and a cluster's own, on a listener. */
#define SERIES_MAX 8192

/* Cells of all series: a route takes about 600. Every thread that counts reserves 2 MiB of address space for
 * them, and uses memory only for the pages in which it counts. */
#define CELLS_MAX 262144

/* Threads with cells of their own: the workers, the control thread, a few helpers. More threads than that
 * share one set. */
#define SLOTS_MAX (WORKERS_MAX + 16)

/* The first cells take what counts nowhere. */
#define CELLS_RESERVED METRIC_CELLS_MAX

struct slot {
    uint64_t *cells;
    bool taken;
};

pthread_mutex_t metrics_lock = PTHREAD_MUTEX_INITIALIZER;
struct family *metrics_families;
_Thread_local uint64_t *metrics_own_cells;

static struct slot slots[SLOTS_MAX]; /* slots[0] is the shared one; cells never go away once they are there */
static unsigned nslots = 1;          /* atomic for readers */
static uint32_t next_cell = CELLS_RESERVED;
static unsigned nfamilies;
static unsigned nseries;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t slot_key; /* gives a thread's slot back when it ends */
static bool slot_key_made;

const uint64_t metrics_time_bounds[METRICS_TIME_BOUNDS] = {
    250000,   500000,    1000000,   2000000,   4000000,    8000000,    16000000,   32000000,
    64000000, 128000000, 256000000, 512000000, 1024000000, 2048000000, 4096000000, 8192000000,
};

/* ---- cells ---- */

static uint64_t *cells_new(void)
{
    size_t size = CELLS_MAX * sizeof(uint64_t);
    void *cells =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (cells == MAP_FAILED)
        return NULL;
    madvise(cells, size,
            MADV_NOHUGEPAGE); /* a huge page would make the reservation real; refusal does no harm */
    return cells;
}

/* What the thread has counted stays; the next thread to need a slot goes on with it. */
static void release_slot(void *taken)
{
    struct slot *slot = taken;
    metrics_own_cells = NULL;
    pthread_mutex_lock(&metrics_lock);
    slot->taken = false;
    pthread_mutex_unlock(&metrics_lock);
}

static void make_key(void)
{
    slot_key_made = pthread_key_create(&slot_key, release_slot) == 0;
}

static struct slot *take_slot(void)
{
    for (unsigned i = 1; i < nslots; i++) {
        if (!slots[i].taken) {
            slots[i].taken = true;
            return &slots[i];
        }
    }
    if (nslots == SLOTS_MAX)
        return NULL;
    uint64_t *cells = cells_new();
    if (cells == NULL)
        return NULL;
    struct slot *slot = &slots[nslots];
    slot->cells = cells;
    slot->taken = true;
    __atomic_store_n(&nslots, nslots + 1, __ATOMIC_RELEASE);
    return slot;
}

uint64_t *metrics_claim_cells(void)
{
    static _Thread_local bool refused;
    pthread_once(&key_once, make_key);
    if (refused || !slot_key_made)
        return NULL;
    pthread_mutex_lock(&metrics_lock);
    struct slot *slot = take_slot();
    pthread_mutex_unlock(&metrics_lock);
    if (slot == NULL || pthread_setspecific(slot_key, slot) != 0) {
        refused = true; /* and where only the key failed, the slot is this thread's for good */
        return metrics_own_cells = slot == NULL ? NULL : slot->cells;
    }
    return metrics_own_cells = slot->cells;
}

void metrics_add_shared(uint32_t cell, uint64_t n)
{
    uint64_t *cells = __atomic_load_n(&slots[0].cells, __ATOMIC_ACQUIRE);
    if (cells == NULL) {
        pthread_mutex_lock(&metrics_lock);
        cells = slots[0].cells;
        if (cells == NULL && (cells = cells_new()) != NULL)
            __atomic_store_n(&slots[0].cells, cells, __ATOMIC_RELEASE);
        pthread_mutex_unlock(&metrics_lock);
    }
    if (cells != NULL)
        __atomic_fetch_add(&cells[cell], n, __ATOMIC_RELAXED);
}

uint64_t metrics_cell_sum(uint32_t cell)
{
    uint64_t sum = 0;
    unsigned n = __atomic_load_n(&nslots, __ATOMIC_ACQUIRE);
    for (unsigned i = 0; i < n; i++) {
        const uint64_t *cells = __atomic_load_n(&slots[i].cells, __ATOMIC_ACQUIRE);
        if (cells != NULL)
            sum += __atomic_load_n(&cells[cell], __ATOMIC_RELAXED);
    }
    return sum;
}

uint64_t metrics_value(const struct metric *m, unsigned index)
{
    return metrics_cell_sum(m->cell + index);
}

/* ---- families and series ---- */

bool metrics_series_begin(const char *name)
{
    static bool said;
    if (nseries < SERIES_MAX) {
        nseries++;
        return true;
    }
    if (!said)
        log_warning("metrics: %s and others are not counted (no room for more than %d series)", name,
                    SERIES_MAX);
    said = true;
    return false;
}

void metrics_series_end(void)
{
    nseries--;
}

struct family *metrics_family(const struct metric_desc *desc)
{
    struct family **at = &metrics_families;
    while (*at != NULL && strcmp((*at)->desc->name, desc->name) < 0)
        at = &(*at)->next;
    if (*at != NULL && strcmp((*at)->desc->name, desc->name) == 0)
        return (*at)->desc->type == desc->type && (*at)->desc->nbounds == desc->nbounds ? *at : NULL;
    struct family *f = nfamilies < FAMILIES_MAX ? calloc(1, sizeof *f) : NULL;
    if (f == NULL)
        return NULL;
    nfamilies++;
    f->desc = desc;
    f->next = *at;
    *at = f;
    return f;
}

/* Under the lock. Takes over `labels` on success. */
static const struct metric *series_get(const struct metric_desc *desc, struct label_set *labels)
{
    struct family *f = metrics_family(desc);
    if (f == NULL)
        return NULL;
    struct series **at = &f->series;
    while (*at != NULL && strcmp((*at)->labels.key, labels->key) < 0)
        at = &(*at)->next;
    if (*at != NULL && strcmp((*at)->labels.key, labels->key) == 0) {
        label_set_free(labels);
        return &(*at)->metric;
    }
    unsigned stride = desc->type == METRIC_HISTOGRAM ? desc->nbounds + 2 : 1; /* buckets, +Inf, sum */
    size_t cells = (size_t)stride * labels->combinations;
    if (cells > METRIC_CELLS_MAX || cells > CELLS_MAX - next_cell || !metrics_series_begin(desc->name))
        return NULL;
    struct series *s = calloc(1, sizeof *s);
    if (s == NULL) {
        metrics_series_end();
        return NULL;
    }
    s->metric.cell = next_cell;
    s->metric.stride = (uint16_t)stride;
    s->metric.nbounds = (uint16_t)desc->nbounds;
    s->metric.bounds = desc->bounds;
    s->labels = *labels;
    next_cell += (uint32_t)cells;
    s->next = *at;
    *at = s;
    return &s->metric;
}

const struct metric *metrics_register(const struct metric_desc *desc, const struct metric_label *labels,
                                      size_t nlabels)
{
    static const struct metric nowhere; /* cell 0 and its neighbours: never shown */
    struct label_set set;
    const struct metric *m = NULL;
    if (label_set_init(&set, labels, nlabels) == ERR_OK) {
        pthread_mutex_lock(&metrics_lock);
        m = series_get(desc, &set);
        pthread_mutex_unlock(&metrics_lock);
        if (m == NULL)
            label_set_free(&set);
    }
    if (m != NULL)
        return m;
    log_limited(LOG_LEVEL_WARNING, "metrics: %s is not counted (no room or no memory)", desc->name);
    return &nowhere;
}
