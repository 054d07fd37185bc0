#include "cache/cache_stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cache/answer_class.h"
#include "cache/cache_persist.h"
#include "cache/cache_refresh.h"
#include "cache/cache_series.h"
#include "cache/cache_stage_p.h"
#include "cache/cache_store.h"
#include "dns/rr.h"
#include "exchange/unbound_settings.h"
#include "serve/control.h"
#include "serve/served_zones.h"
#include "upstream/forward_stage.h"

/* That upstreams could not be reached is kept for the least time that RFC 9520 section 3.2 asks for, and no
 * longer: when they are back, names that were asked for meanwhile shall be too. */
#define OWN_FAILURE_TTL_S 1

#define CAPACITY_DEFAULT 9984 /* CoreDNS's */

void cache_settings_default(struct cache_settings *s)
{
    *s = (struct cache_settings){
        .limits = {[CACHE_SUCCESS] = {.max_ttl_s = 3600, .min_ttl_s = 5},
                   [CACHE_DENIAL] = {.max_ttl_s = 1800, .min_ttl_s = 5}},
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

struct cache_series *cache_stage_series(const struct cache_stage *c, const struct request *r)
{
    return &c->series[r->route->listener - c->config->listeners];
}

/* ---- from the cache ---- */

void cache_stage_trim_flags(struct request *r)
{
    if (!r->q.dnssec_ok && (r->q.flags & FLAG_AD) == 0)
        r->reply->flags &= (uint16_t)~FLAG_AD;
}

/* Without RD an upstream says what it happens to know, a referral or nothing: that is for this client alone.
 */
static bool wants_recursion(const struct request *r)
{
    return (r->q.flags & FLAG_RD) != 0;
}

static bool look_up(struct cache_stage *c, struct request *r, bool may_refresh, struct cache_hit *hit)
{
    const struct cache_lookup look = {.now_ns = r->received_ns,
                                      .stale = c->settings.stale != STALE_OFF,
                                      .no_refresh = !may_refresh,
                                      .keep_ttl = c->settings.keep_ttl,
                                      .stale_ttl = c->settings.stale_ttl_s,
                                      .prefetch = &c->settings.prefetch};
    if (!answer_cache_get(c->store->cache, &r->q, &look, r->reply, hit))
        return false;
    cache_stage_trim_flags(r);
    return true;
}

bool cache_stage_give_stale(struct cache_stage *c, struct request *r)
{
    struct cache_hit hit;
    if (!look_up(c, r, false, &hit))
        return false;
    if (hit.left_s == 0)
        metrics_add(cache_stage_series(c, r)->stale, 0, 1);
    return true;
}

/* Verify mode: whether somebody is to be asked before the stale answer is given. Not where somebody else does
 * so already, or where the last try was not long ago. */
static bool verifies(struct cache_stage *c, const struct request *r, const struct cache_hit *hit)
{
    const struct cache_settings *s = &c->settings;
    if (s->stale_recheck_ms > 0 || s->stale_verify_ms > 0)
        return hit->refresh;
    if (hit->refresh) /* everybody asks: nobody holds it */
        answer_cache_refresh_failed(c->store->cache, &r->q, r->received_ns, 0);
    return true;
}

/* A stale answer is in r->reply. VERDICT_ANSWERED: give it. */
static enum verdict give_or_verify(struct cache_stage *c, struct request *r, struct cache_hit *hit, bool late)
{
    if (c->settings.stale == STALE_VERIFY && verifies(c, r, hit)) {
        if (c->settings.stale_verify_ms == 0) {
            reply_begin(r->reply, &r->q);
            return VERDICT_NEXT;
        }
        hit->refresh = false;
        if (cache_refresh_wait(c, r, late))
            return VERDICT_PENDING;
    }
    metrics_add(cache_stage_series(c, r)->stale, 0, 1);
    return VERDICT_ANSWERED;
}

static enum verdict answer_from_cache(struct cache_stage *c, struct request *r, bool late)
{
    struct cache_series *series = cache_stage_series(c, r);
    struct cache_hit hit;
    metrics_add(series->requests, 0, 1);
    if (!look_up(c, r, wants_recursion(r), &hit)) {
        metrics_add(series->misses, 0, 1);
        return VERDICT_NEXT;
    }
    metrics_add(series->hits, hit.kind, 1);
    enum verdict verdict = hit.left_s == 0 ? give_or_verify(c, r, &hit, late) : VERDICT_ANSWERED;
    if (verdict == VERDICT_ANSWERED && hit.refresh)
        cache_refresh(c, r, late);
    return verdict;
}

enum verdict cache_stage_query(struct cache_stage *c, struct request *r)
{
    if (!is_ours(c, &r->q) || is_local_name(c, &r->q))
        return VERDICT_NEXT;
    return answer_from_cache(c, r, false);
}

enum verdict cache_stage_late(struct cache_stage *c, struct request *r)
{
    if (c->nlocal == 0 || !is_ours(c, &r->q) || !is_local_name(c, &r->q))
        return VERDICT_NEXT; /* it was looked for already */
    enum verdict verdict = answer_from_cache(c, r, true);
    if (verdict == VERDICT_ANSWERED)
        r->waiting = c; /* the mark for cache_stage_answer(): this one is not to be kept anew */
    return verdict;
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

static bool prefers_positive(const struct cache_stage *c)
{
    return c->settings.prefer_positive && c->settings.stale != STALE_OFF;
}

/* Whether an answer is not kept because there is a better one of use: a failure never takes the place of a
 * good answer, and where good ones are preferred nothing does but another. */
static bool yields(const struct cache_stage *c, const struct reply *r, bool failure, bool answering,
                   uint64_t now_ns)
{
    if (failure)
        return answer_cache_has_success(c->store->cache, r->q, false, now_ns);
    return !answering && prefers_positive(c) && answer_cache_has_success(c->store->cache, r->q, true, now_ns);
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
    const struct cache_keep how = {
        .kind = kind, .answering = facts.answers, .ttl_s = ttl, .now_ns = clock_ns()};
    unsigned evicted[2] = {0};
    if (!yields(c, r, facts.class == ANSWER_SERVER_ERROR, how.answering, how.now_ns))
        answer_cache_put(c->store->cache, r->q, r, &how, evicted); /* without memory it is not kept */
    for (unsigned k = 0; k < 2; k++)
        if (evicted[k] > 0)
            metrics_add(series->evictions, k, evicted[k]);
}

bool cache_stage_refreshes(const struct cache_stage *c, const struct reply *r)
{
    bool good = (r->rcode == RCODE_NOERROR || r->rcode == RCODE_NXDOMAIN) && !r->overflow &&
                (r->flags & FLAG_TC) == 0;
    if (!good || !prefers_positive(c))
        return good;
    bool answers = r->rcode == RCODE_NOERROR && answer_answers(r);
    return answers || !answer_cache_has_success(c->store->cache, r->q, true, clock_ns());
}

/* An answer that its client fetches whole over TCP, and which takes a stale one's place then. */
static bool was_cut(const struct reply *r)
{
    return r->rcode == RCODE_NOERROR && (r->flags & FLAG_TC) != 0;
}

/* Verify mode: an answer that may not take a stale one's place is replaced by it. */
static bool serve_stale_instead(struct cache_stage *c, struct request *r)
{
    if (c->settings.stale != STALE_VERIFY || was_cut(r->reply) || cache_stage_refreshes(c, r->reply))
        return false;
    if (!cache_stage_give_stale(c, r)) /* leaves the reply as it is */
        return false;
    answer_cache_refresh_failed(c->store->cache, &r->q, r->received_ns, c->settings.stale_recheck_ms);
    r->error_text = NULL;
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
    bool for_all = !from_memory && !from_nobody && !r->personal && wants_recursion(r);
    cache_stage_keep(c, cache_stage_series(c, r), r->reply, for_all);
    cache_stage_trim_flags(r);
}

/* ---- life ---- */

/* Stages below that neither answer from memory, of which nothing is kept, nor ask an upstream. */
static bool answers_otherwise(const struct plugin *p)
{
    static const char *const others[] = {"forward", "loop", "transfer"};
    bool known = p->query == NULL || p->zones != NULL;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        known = known || strcmp(others[i], p->name) == 0;
    return !known;
}

static void look_at_stages(struct cache_stage *c)
{
    const struct block *b = c->block;
    bool below = false;
    c->nlocal = 0;
    c->others_answer = false;
    for (unsigned i = 0; i < b->nstages; i++) {
        const struct plugin *p = b->stages[i].plugin;
        if (p->zones != NULL)
            c->local[c->nlocal++] = (uint8_t)i;
        c->others_answer = c->others_answer || (below && answers_otherwise(p));
        below = below || b->stages[i].state == c;
    }
}

/* Where octets are the limit, so many that they are it. */
static uint32_t entries_of(const struct cache_settings *s, enum cache_kind kind)
{
    uint64_t fit = s->bytes / CACHE_BYTES_LEAST;
    if (s->limits[kind].capacity > 0)
        return s->limits[kind].capacity;
    return s->bytes == 0 ? CAPACITY_DEFAULT : fit < CACHE_CAPACITY_MAX ? (uint32_t)fit : CACHE_CAPACITY_MAX;
}

/* What validators of the block hold to be true, where it stands in files. */
static uint64_t anchors_of(const struct block *b)
{
    uint64_t anchors = 0;
    for (unsigned i = 0; i < b->nstages; i++) {
        if (!forward_stage_is(b->stages[i].plugin))
            continue;
        const struct unbound_settings *s =
            ((const struct forward_stage *)b->stages[i].state)->upstreams.settings.unbound;
        anchors = anchors * 31 + (s == NULL ? 0 : s->anchors);
    }
    return anchors;
}

static void keep_on_disk(const struct cache_stage *c, uint32_t stale_s)
{
    const struct cache_settings *s = &c->settings;
    char path[4096];
    bool absolute = s->persist[0] == '/';
    int len = snprintf(path, sizeof path, "%s%s%s", absolute ? "" : control_zones_folder(),
                       absolute ? "" : "/", s->persist);
    if (len >= (int)sizeof path) {
        log_warning("plugin/cache: %.100s: the cache is not kept (the path is too long)", s->persist);
        return;
    }
    const struct cache_persist_settings settings = {
        .path = path,
        .identity = cache_store_hash(c->block->source, anchors_of(c->block)),
        .interval_ms = s->persist_interval_ms,
        .max_ttl_s = {s->limits[CACHE_SUCCESS].max_ttl_s, s->limits[CACHE_DENIAL].max_ttl_s},
        .stale_s = stale_s};
    c->store->persist = cache_persist_start(c->store->cache, &settings);
}

int cache_stage_start(struct cache_stage *c, struct errtext *e)
{
    const struct cache_capacity capacity = {
        .entries = {entries_of(&c->settings, CACHE_SUCCESS), entries_of(&c->settings, CACHE_DENIAL)},
        .bytes = c->settings.bytes,
        .stale_s = c->settings.stale == STALE_OFF ? 0 : c->settings.stale_s};
    look_at_stages(c);
    c->series = calloc(c->config->nlisteners + 1, sizeof *c->series);
    if (c->series == NULL ||
        cache_store_get(c->block->source, anchors_of(c->block), &capacity, &c->store) != ERR_OK)
        return errtext_set(e, -ENOMEM, "plugin/cache: no memory");
    if (c->settings.persist != NULL && c->store->persist == NULL)
        keep_on_disk(c, capacity.stale_s);
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

void cache_stage_leave(struct cache_stage *c)
{
    if (c->store != NULL && c->store->persist != NULL)
        cache_persist_leave(c->store->persist);
}

void cache_stage_free(struct cache_stage *c)
{
    if (c == NULL)
        return;
    cache_store_put(c->store);
    free(c->series);
    free(c->zones_label);
    free(c->settings.persist);
    free(c->settings.zones);
    free(c->settings.limits[CACHE_SUCCESS].disabled);
    free(c->settings.limits[CACHE_DENIAL].disabled);
    free(c);
}
