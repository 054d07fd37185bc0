/* The counters of a cache stage, for one listener: CoreDNS's coredns_cache_* families. */
#ifndef SEAMARK_CACHE_CACHE_SERIES_H
#define SEAMARK_CACHE_CACHE_SERIES_H

#include "cache/answer_cache.h"
#include "metrics/metrics.h"

struct cache_gauge_source {
    const struct answer_cache *cache;
    enum cache_kind kind;
};

struct cache_series {
    const struct metric *requests, *misses, *prefetches, *stale;
    const struct metric *hits, *evictions; /* one dimension: enum cache_kind */
    struct metric_gauge *entries[2];
    struct cache_gauge_source sources[2];
};

/* Control thread. `s` stays in place until cache_series_stop(). */
void cache_series_start(struct cache_series *s, const char *server, const char *zones,
                        const struct answer_cache *cache);
void cache_series_stop(struct cache_series *s);

#endif
