#include "cache/cache_series.h"

#define COUNTER(variable, name_, help_)                                                                      \
    static const struct metric_desc variable = {.name = (name_), .help = (help_), .type = METRIC_COUNTER}

COUNTER(requests_family, "coredns_cache_requests_total", "The count of cache requests.");
COUNTER(hits_family, "coredns_cache_hits_total", "The count of cache hits.");
COUNTER(misses_family, "coredns_cache_misses_total",
        "The count of cache misses. Deprecated, derive misses from cache hits/requests counters.");
COUNTER(prefetch_family, "coredns_cache_prefetch_total",
        "The number of times the cache has prefetched a cached item.");
COUNTER(stale_family, "coredns_cache_served_stale_total",
        "The number of requests served from stale cache entries.");
COUNTER(evictions_family, "coredns_cache_evictions_total", "The count of cache evictions.");

static const struct metric_desc entries_family = {
    .name = "coredns_cache_entries", .help = "The number of elements in the cache.", .type = METRIC_GAUGE};

static const char *const kinds[] = {"success", "denial"}; /* in the order of enum cache_kind */

static double read_entries(void *ctx)
{
    const struct cache_gauge_source *source = ctx;
    return answer_cache_count(source->cache, source->kind);
}

void cache_series_start(struct cache_series *s, const char *server, const char *zones,
                        const struct answer_cache *cache)
{
    const struct metric_label labels[] = {LABEL("server", server), LABEL("view", ""), LABEL("zones", zones),
                                          LABEL_TABLE("type", kinds, 2)};
    s->requests = metrics_register(&requests_family, labels, 3);
    s->misses = metrics_register(&misses_family, labels, 3);
    s->prefetches = metrics_register(&prefetch_family, labels, 3);
    s->stale = metrics_register(&stale_family, labels, 3);
    s->hits = metrics_register(&hits_family, labels, 4);
    s->evictions = metrics_register(&evictions_family, labels, 4);
    for (unsigned kind = 0; kind < 2; kind++) {
        const struct metric_label own[] = {labels[0], labels[1], labels[2], LABEL("type", kinds[kind])};
        s->sources[kind] = (struct cache_gauge_source){.cache = cache, .kind = (enum cache_kind)kind};
        s->entries[kind] = metrics_gauge(&entries_family, own, 4, read_entries, &s->sources[kind]);
    }
}

void cache_series_stop(struct cache_series *s)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        metrics_gauge_remove(s->entries[kind]);
        s->entries[kind] = NULL;
    }
}
