/* Hits on the short way of a query: those that the chain would answer in the same way, and no others. */
#include "cache/cache_series.h"
#include "cache/cache_stage.h"
#include "cache/cache_store.h"

void cache_stage_fetch_kept(void *state, struct express_question *q, unsigned step)
{
    answer_cache_fetch(((const struct cache_stage *)state)->store->cache, q, step);
}

bool cache_stage_kept(void *state, const struct express_question *q, struct express_kept *out)
{
    struct cache_stage *c = state;
    const struct cache_lookup look = {
        .now_ns = q->now_ns, .keep_ttl = c->settings.keep_ttl, .prefetch = &c->settings.prefetch};
    if (!answer_cache_direct(c->store->cache, q, &look, out))
        return false;
    const struct cache_series *s = &c->series[q->listener];
    metrics_add(s->requests, 0, 1);
    metrics_add(s->hits, out->kind, 1);
    return true;
}
