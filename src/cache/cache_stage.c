#include "cache/cache_stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/answer_class.h"
#include "cache/cache_refresh.h"
#include "cache/cache_series.h"
#include "cache/cache_stage_p.h"
#include "cache/cache_store.h"
#include "dns/rr.h"
#include "serve/served_zones.h"

/* That upstreams could not be reached is kept for the least time that RFC 9520 section 3.2 asks for, and no
 * longer: when they are back, names that were asked for meanwhile shall be too. */
#define OWN_FAILURE_TTL_S 1

void cache_settings_default(struct cache_settings *s)
{
    *s = (struct cache_settings){
        .limits = {[CACHE_SUCCESS] = {.capacity = 9984, .max_ttl_s = 3600, .min_ttl_s = 5},
                   [CACHE_DENIAL] = {.capacity = 9984, .max_ttl_s = 1800, .min_ttl_s = 5}},
        .servfail_ttl_s = 5,
        .prefetch = {.window_ms = 60000, .percent = 10},
    };
}

static bool in_zones(const uint8_t (*zones)[NAME_MAX_LEN], size_t n, const uint8_t *name)
{
    for (size_t i = 0; i < n; i++)
        if (name_in(name, zones[i]))
            return true;
    return false;
}

static bool is_ours(const struct cache_stage *c, const struct query *q)
{
    return in_zones((const uint8_t(*)[NAME_MAX_LEN])c->settings.zones, c->settings.nzones, q->lname);
}

/* In a zone that a stage below answers from memory. */
static bool is_local_name(const struct cache_stage *c, const struct query *q)
{
    for (unsigned i = 0; i < c->nlocal; i++) {
        const struct stage *s = &c->block->stages[c->local[i]];
        if (served_zones_find(s->plugin->zones(s->state), q->lname) != NULL)
            return true;
    }
    return false;
}

static struct cache_series *series_of(const struct cache_stage *c, const struct request *r)
{
    return &c->series[r->route->listener - c->config->listeners];
}

/* ---- from the cache ---- */

static bool look_up(struct cache_stage *c, struct request *r, bool stale, struct cache_hit *hit)
{
    const struct cache_lookup look = {.now_ns = r->received_ns,
                                      .stale = stale,
                                      .keep_ttl = c->settings.keep_ttl,
                                      .stale_ttl = c->settings.stale_ttl_s,
                                      .prefetch = &c->settings.prefetch};
    if (!answer_cache_get(c->store->cache, &r->q, &look, r->reply, hit))
        return false;
    if (!r->q.dnssec_ok && (r->q.flags & FLAG_AD) == 0) /* RFC 6840 section 5.7 */
        r->reply->flags &= (uint16_t)~FLAG_AD;
    return true;
}

/* Verify mode: whether the stale answer found is given at once. Not if the upstreams can be asked first. */
static bool give_unverified(struct cache_stage *c, const struct request *r, const struct cache_hit *hit)
{
    if (!hit->refresh && c->settings.stale_recheck_ms > 0)
        return true; /* somebody else is asking, or the last try was not long ago */
    if (hit->refresh && c->settings.stale_recheck_ms == 0)
        answer_cache_refresh_failed(c->store->cache, &r->q, r->received_ns,
                                    0); /* everybody asks: nobody holds it */
    return false;
}

static bool answer_from_cache(struct cache_stage *c, struct request *r)
{
    struct cache_series *series = series_of(c, r);
    struct cache_hit hit;
    metrics_add(series->requests, 0, 1);
    bool found = look_up(c, r, c->settings.stale != STALE_OFF, &hit);
    bool stale = found && hit.left_s == 0;
    if (stale && c->settings.stale == STALE_VERIFY && !give_unverified(c, r, &hit)) {
        reply_begin(r->reply, &r->q);
        metrics_add(series->hits, hit.kind, 1);
        return false;
    }
    if (!found) {
        metrics_add(series->misses, 0, 1);
        return false;
    }
    metrics_add(series->hits, hit.kind, 1);
    if (stale)
        metrics_add(series->stale, 0, 1);
    if (hit.refresh)
        cache_refresh(c, series, r);
    return true;
}

enum verdict cache_stage_query(struct cache_stage *c, struct request *r)
{
    if (!is_ours(c, &r->q) || is_local_name(c, &r->q))
        return VERDICT_NEXT;
    return answer_from_cache(c, r) ? VERDICT_ANSWERED : VERDICT_NEXT;
}

bool cache_stage_late(struct cache_stage *c, struct request *r)
{
    if (c->nlocal == 0 || !is_ours(c, &r->q) || !is_local_name(c, &r->q))
        return false; /* it was looked for already */
    if (!answer_from_cache(c, r))
        return false;
    r->waiting = c; /* the mark for cache_stage_answer(): this one is not to be kept anew */
    return true;
}

/* ---- into the cache ---- */

/* A failure of our own: it has an extended error, where an upstream's SERVFAIL has none. */
static bool is_own_failure(const struct reply *r, const struct answer_facts *facts)
{
    return facts->class == ANSWER_SERVER_ERROR && r->ede >= 0;
}

static uint32_t ttl_of(const struct cache_stage *c, const struct reply *r, const struct answer_facts *facts)
{
    uint32_t servfail = c->settings.servfail_ttl_s;
    if (facts->class == ANSWER_SERVER_ERROR)
        return is_own_failure(r, facts) && servfail > OWN_FAILURE_TTL_S ? OWN_FAILURE_TTL_S : servfail;
    const struct cache_limit *limit = &c->settings.limits[facts->negative ? CACHE_DENIAL : CACHE_SUCCESS];
    uint32_t ttl = facts->ttl < limit->min_ttl_s ? limit->min_ttl_s : facts->ttl;
    return ttl > limit->max_ttl_s ? limit->max_ttl_s : ttl;
}

static bool may_keep(const struct cache_stage *c, const struct reply *r, const struct answer_facts *facts,
                     enum cache_kind kind, uint32_t ttl)
{
    const struct cache_limit *limit = &c->settings.limits[kind];
    return facts->keepable && ttl > 0 &&
           !in_zones((const uint8_t(*)[NAME_MAX_LEN])limit->disabled, limit->ndisabled, r->q->lname);
}

void cache_stage_keep(struct cache_stage *c, struct cache_series *series, struct reply *r, bool keep)
{
    struct answer_facts facts;
    answer_classify(r, r->q->dnssec_ok ? clock_wall_ms() / 1000 : 0, &facts);
    uint32_t ttl = ttl_of(c, r, &facts);
    for (unsigned i = 0; i < r->nrecords; i++)
        reply_set_ttl(r, i, ttl);
    enum cache_kind kind =
        facts.negative || facts.class == ANSWER_SERVER_ERROR ? CACHE_DENIAL : CACHE_SUCCESS;
    if (!keep || !may_keep(c, r, &facts, kind, ttl))
        return;
    uint64_t now = clock_ns();
    unsigned evicted = 0;
    /* A failure does not push out a good answer that is still of use. */
    if (facts.class == ANSWER_SERVER_ERROR && answer_cache_has_success(c->store->cache, r->q, now))
        return;
    if (answer_cache_put(c->store->cache, r->q, r, kind, ttl, now, &evicted) == ERR_OK && evicted > 0)
        metrics_add(series->evictions, kind, evicted);
}

bool cache_stage_is_good(const struct reply *r)
{
    return (r->rcode == RCODE_NOERROR || r->rcode == RCODE_NXDOMAIN) && !r->overflow &&
           (r->flags & FLAG_TC) == 0;
}

/* Verify mode: an answer that is none is replaced by the old one. */
static bool serve_stale_instead(struct cache_stage *c, struct request *r)
{
    struct cache_hit hit;
    if (c->settings.stale != STALE_VERIFY || cache_stage_is_good(r->reply))
        return false;
    if (!look_up(c, r, true, &hit)) /* leaves the reply as it is */
        return false;
    answer_cache_refresh_failed(c->store->cache, &r->q, r->received_ns, c->settings.stale_recheck_ms);
    r->error_text = NULL;
    if (hit.left_s == 0)
        metrics_add(series_of(c, r)->stale, 0, 1);
    return true;
}

void cache_stage_answer(struct cache_stage *c, struct request *r)
{
    if (!is_ours(c, &r->q))
        return;
    if (r->waiting == c) { /* it came from here */
        r->waiting = NULL;
        return;
    }
    bool from_nobody = r->stage == r->route->block->nstages; /* SERVFAIL at the end of the chain */
    bool from_memory = !from_nobody && c->block->stages[r->stage].plugin->zones != NULL;
    if (!from_memory && serve_stale_instead(c, r))
        return;
    cache_stage_keep(c, series_of(c, r), r->reply, !from_memory && !from_nobody && !r->personal);
    if (!r->q.dnssec_ok && (r->q.flags & FLAG_AD) == 0)
        r->reply->flags &= (uint16_t)~FLAG_AD;
}

/* ---- life ---- */

int cache_stage_start(struct cache_stage *c, struct errtext *e)
{
    const struct cache_capacity capacity = {
        .entries = {c->settings.limits[CACHE_SUCCESS].capacity, c->settings.limits[CACHE_DENIAL].capacity},
        .stale_s = c->settings.stale == STALE_OFF ? 0 : c->settings.stale_s};
    c->nlocal = 0;
    for (unsigned i = 0; i < c->block->nstages; i++)
        if (c->block->stages[i].plugin->zones != NULL)
            c->local[c->nlocal++] = (uint8_t)i;
    c->series = calloc(c->config->nlisteners + 1, sizeof *c->series);
    if (c->series == NULL || cache_store_get(c->block->source, &capacity, &c->store) != ERR_OK)
        return errtext_set(e, -ENOMEM, "plugin/cache: no memory");
    for (size_t l = 0; l < c->config->nlisteners; l++) {
        const struct listener *listener = &c->config->listeners[l];
        for (size_t i = 0; i < listener->nroutes; i++)
            if (listener->routes[i]->block == c->block) {
                cache_series_start(&c->series[l], listener->label, c->zones_label, c->store->cache);
                break;
            }
    }
    return ERR_OK;
}

void cache_stage_stop(struct cache_stage *c)
{
    for (size_t l = 0; c->series != NULL && l < c->config->nlisteners; l++)
        cache_series_stop(&c->series[l]);
}

void cache_stage_free(struct cache_stage *c)
{
    if (c == NULL)
        return;
    cache_store_put(c->store);
    free(c->series);
    free(c->zones_label);
    free(c->settings.zones);
    free(c->settings.limits[CACHE_SUCCESS].disabled);
    free(c->settings.limits[CACHE_DENIAL].disabled);
    free(c);
}
