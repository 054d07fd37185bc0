/*
 * One upstream question for all who ask the same: questions under way, by upstream set, name, type, class,
 * DO, CD, RD, EDNS options and transport. Who asks first leads and puts the question to the upstreams; who
 * asks the same meanwhile, in any worker, follows and is told the same answer.
 *
 *     inflight_join() ─ LEAD   ─> ask upstreams ... inflight_finish() tells everybody, the leader's waiter
 * too ├ FOLLOW ─> wait to be told └ FULL   ─> there is no room
 *
 * A waiter is told in its own worker's event loop, once, and never from within inflight_join(). The leader's
 * question ends within the `deadline` of its directive, so nobody who came later waits longer than that.
 *
 * The table is in shards with a lock each, held for the search of a short list: a cache miss takes it for a
 * fraction of a microsecond, twice; a cache hit never. Followers of other workers are told by
 * worker_post_task(), one post for all of a worker's.
 */
#ifndef SEAMARK_UPSTREAM_INFLIGHT_H
#define SEAMARK_UPSTREAM_INFLIGHT_H

#include "dns/query.h"
#include "exchange/exchange.h"
#include "serve/worker.h"
#include "upstream/upstream_ask.h"

/* Waiters of one question: as many as all requests of eight workers; beyond it askers are refused, which only
 * a flood gets to. */
#define INFLIGHT_WAITERS_MAX 131072

struct inflight; /* a question under way */

struct inflight_waiter {
    struct worker *worker;
    /* `answer` is lent for the call, NULL unless UPSTREAM_ANSWER. The waiter is the caller's again. */
    void (*tell)(struct inflight_waiter *self, enum upstream_result result, struct exchange_answer *answer);
    /* The table's: the next of the list, and, where it is the first of its worker's, what they are told. That
     * stands here so that no lack of memory leaves them waiting. */
    struct inflight_waiter *next;
    struct worker_task post;
    enum upstream_result result;
    struct exchange_answer *answer; /* a reference, or NULL */
};

enum inflight_role { INFLIGHT_LEAD, INFLIGHT_FOLLOW, INFLIGHT_FULL };

/* `set` is compared as a pointer. With INFLIGHT_LEAD *out is the question, to be finished by the caller's
 * worker; NULL otherwise. `waiter` has worker and tell set, and stays in place until it is told. Without
 * may_follow a question that is under way already gives INFLIGHT_FULL. */
enum inflight_role inflight_join(const void *set, const struct query *q, bool tcp,
                                 struct inflight_waiter *waiter, bool may_follow, struct inflight **out);

/* Ends the question: from now on the same is asked anew. From the event loop of the worker that leads. */
void inflight_finish(struct inflight *f, enum upstream_result result, struct exchange_answer *answer);

/* The leader could not ask at all: ends the question without telling the leader's own waiter; followers that
 * came meanwhile are told UPSTREAM_CANCELLED and ask by themselves. May be called from within a plugin's
 * query(). */
void inflight_abandon(struct inflight *f);

#endif
