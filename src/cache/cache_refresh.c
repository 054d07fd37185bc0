#include "cache/cache_refresh.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/cache_series.h"
#include "cache/cache_stage_p.h"
#include "cache/cache_store.h"
#include "serve/control.h"
#include "serve/worker.h"
#include "upstream/forward_stage.h"
#include "upstream/upstream_answer.h"

/* After a refresh that could not be begun (too many questions, or the same one under way): soon again, but
 * not for each hit. */
#define REFRESH_BUSY_MS 200

/* Refreshes of one cache under way. With upstreams that answer this is far more than are needed at once;
 * without any, each lasts for seconds, and thousands of them would keep the workers from giving stale
 * answers. */
#define REFRESHES_MAX 256

struct refresh {
    struct cache_stage *stage;
    struct cache_series *series;
    struct request *client; /* waits for this or for the timer; NULL: nobody does, or no longer */
    struct event *timer;    /* of the client */
    bool late;
    struct query q;
    uint8_t options[]; /* q's: those of the request end with it */
};

/* ---- a client that waits ---- */

static void answer_client(struct refresh *f, bool answered)
{
    struct request *r = f->client;
    f->client = NULL;
    event_free(f->timer);
    f->timer = NULL;
    r->waiting =
        answered && f->late ? f->stage : NULL; /* the mark for cache_stage_answer(): not to be kept anew */
    request_resume(r, answered ? VERDICT_ANSWERED : VERDICT_NEXT);
}

static void give_what_is_there(struct refresh *f)
{
    request_reply(f->client);
    answer_client(f, cache_stage_give_stale(f->stage, f->client));
}

static void give_fresh(struct refresh *f, struct reply *fresh)
{
    struct reply *r = request_reply(f->client);
    reply_put_counts(fresh);
    reply_copy(r, fresh->wire, fresh->len, SECTION_ANSWER, SECTION_ADDITIONAL); /* our own writing: it fits */
    r->flags = fresh->flags;
    r->rcode = fresh->rcode;
    cache_stage_trim_flags(f->client);
    answer_client(f, true);
}

static void on_timeout(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    give_what_is_there(ctx); /* the refresh goes on without it */
}

static bool wait_for(struct refresh *f, struct request *r)
{
    int64_t ms = f->stage->settings.stale_verify_ms;
    const struct timeval patience = {.tv_sec = (time_t)(ms / 1000),
                                     .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    f->timer = evtimer_new(worker_base(r->worker), on_timeout, f);
    if (f->timer == NULL || evtimer_add(f->timer, &patience) != 0)
        return false;
    f->client = r;
    return true;
}

/* ---- what came of it ---- */

static void release(struct refresh *f)
{
    atomic_fetch_sub_explicit(&f->stage->refreshes, 1, memory_order_relaxed);
    if (f->timer != NULL)
        event_free(f->timer);
    free(f);
}

/* `fresh` is the answer, NULL where there is none. */
static void finish(struct refresh *f, struct reply *fresh)
{
    struct cache_stage *c = f->stage;
    bool good = fresh != NULL && cache_stage_refreshes(c, fresh);
    if (good)
        cache_stage_keep(c, f->series, fresh, true);
    if (f->client != NULL && good)
        give_fresh(f, fresh);
    else if (f->client != NULL)
        give_what_is_there(f);
    if (!good)
        answer_cache_refresh_failed(c->store->cache, &f->q, clock_ns(), c->settings.stale_recheck_ms);
    release(f);
}

/* An upstream's answer. */
static void on_asked(void *ctx, enum upstream_result result, struct exchange_answer *answer)
{
    struct refresh *f = ctx;
    /* Some 100 KiB that are needed for some microseconds; not the worker's scratch, which a chain may be
     * using. */
    struct reply *r = result == UPSTREAM_ANSWER ? malloc(sizeof *r) : NULL;
    if (r != NULL)
        reply_begin(r, &f->q);
    bool read = r != NULL && upstream_answer_fill(r, answer->wire, answer->len) == ERR_OK;
    finish(f, read ? r : NULL);
    free(r);
}

/* The answer of a stage below. */
static void on_answered(struct request *inner)
{
    struct refresh *f = inner->origin;
    finish(f, inner->reply);
}

/* ---- asking ---- */

static int ask(struct refresh *f, const struct request *r)
{
    const struct cache_stage *c = f->stage;
    struct forward_stage *forward = forward_stage_of(c->block, &f->q);
    if (forward != NULL && (f->late || !c->others_answer))
        return forward_stage_refresh(forward, r->worker, &f->q, on_asked, f);
    if (f->late || control_draining()) /* nobody waits for the end of the process because of this */
        return ERR_LIMIT;
    return request_ask_again(r, on_answered, f);
}

static struct refresh *make(struct cache_stage *c, const struct request *r, bool late)
{
    unsigned before = atomic_fetch_add_explicit(&c->refreshes, 1, memory_order_relaxed);
    struct refresh *f = before < REFRESHES_MAX ? malloc(sizeof *f + r->q.options_len) : NULL;
    if (f == NULL) {
        atomic_fetch_sub_explicit(&c->refreshes, 1, memory_order_relaxed);
        return NULL;
    }
    *f = (struct refresh){.stage = c, .series = cache_stage_series(c, r), .late = late, .q = r->q};
    f->q.has_edns = false;
    f->q.client_options = NULL;
    f->q.client_options_len = 0;
    f->q.options = f->options;
    if (r->q.options_len > 0)
        memcpy(f->options, r->q.options, r->q.options_len);
    return f;
}

static void give_up(struct cache_stage *c, const struct request *r, struct refresh *f)
{
    if (f != NULL)
        release(f);
    answer_cache_refresh_failed(c->store->cache, &r->q, r->received_ns, REFRESH_BUSY_MS);
}

void cache_refresh(struct cache_stage *c, const struct request *r, bool late)
{
    struct refresh *f = make(c, r, late);
    if (f != NULL && ask(f, r) == ERR_OK)
        metrics_add(cache_stage_series(c, r)->prefetches, 0, 1);
    else
        give_up(c, r, f);
}

bool cache_refresh_wait(struct cache_stage *c, struct request *r, bool late)
{
    struct refresh *f = make(c, r, late);
    if (f != NULL && wait_for(f, r) && ask(f, r) == ERR_OK) {
        r->waiting = f;
        return true;
    }
    give_up(c, r, f);
    return false;
}
