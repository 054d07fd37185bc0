/*
 * A question's way through a set of upstreams. As in CoreDNS's forward upstreams are tried in the order of
 * the policy, those that are down are left out; a try ends with an answer, with a failure, or after
 * read_timeout; a failure makes the upstream suspect and the next one is tried, round and round, until there
 * is an answer, max_connect_attempts tries have failed or the deadline is over. Where all are down, one at
 * random is tried all the same (or, with failfast, none).
 *
 *     start ──> next try ──asked──> waiting ──answer──────────────────────> done(UPSTREAM_ANSWER)
 *                 ^   │                │
 *                 │   └─none left──────┼──────────────────> done(UPSTREAM_ERROR or UPSTREAM_UNREACHABLE)
 *                 └──failed, too late──┘
 *
 * Beyond it: an attempt that is too late is left open while the next one is tried, so that a late answer
 * still counts; what libunbound has sent in vain is sent again as it is, over exchange_direct, because the
 * library no longer takes answers to what it has sent before; an upstream whose health check is not answered
 * is asked last. With `hedge` a question that is late is put to the next upstream as well, and with `max_qps`
 * one that no upstream may be asked now waits for its turn.
 *
 * In the worker's thread. Nothing is allocated but the ask itself.
 */
#ifndef SEAMARK_UPSTREAM_UPSTREAM_ASK_H
#define SEAMARK_UPSTREAM_UPSTREAM_ASK_H

#include "exchange/exchange.h"
#include "upstream/upstream_set.h"

/* So many rounds through upstreams that refuse at once follow each other. Further ones, where
 * max_connect_attempts allows them, begin after a pause that doubles from one round to the next: upstreams
 * that refuse at once are not asked in a tight loop until the deadline. */
#define UPSTREAM_ROUNDS_AT_ONCE 2
#define UPSTREAM_PAUSE_MS       100
#define UPSTREAM_PAUSE_MAX_MS   1000

/* Attempts of one question that are open at once: beyond it the oldest one that is too late is given up. */
#define UPSTREAM_ATTEMPTS_MAX 6

/* An exchange that fails sooner than this was not waiting for a lost packet (libunbound's first timeouts are
 * 50 + 100 + 200 ms at the least): the upstream answered, with an error that the exchange does not show. */
#define UPSTREAM_ERROR_MS 300

/* An upstream that is later than this is checked, and a question that goes out as it is is sent again, then
 * after twice the time once more. */
#define UPSTREAM_LATE_MS 400

/* policy fastest: another upstream than the fastest is given this long before the fastest is asked as well,
 * or twice the time that the fastest takes. */
#define UPSTREAM_EXPLORE_MS 10

/* A question waits at most so long for the budget of max_qps. So no more than a second's questions wait. */
#define UPSTREAM_BUDGET_WAIT_MS 1000

enum upstream_result {
    UPSTREAM_ANSWER,      /* a message */
    UPSTREAM_ERROR,       /* upstreams answered, with nothing but errors */
    UPSTREAM_UNREACHABLE, /* no answer from any */
    UPSTREAM_LOOP,        /* every one leads back here */
    UPSTREAM_CANCELLED,   /* the asker's worker has let go of the set: ask again if it is still wanted */
};

struct upstream_ask;

/* `answer` is lent for the call, NULL unless UPSTREAM_ANSWER. From the event loop. */
typedef void upstream_ask_done(void *ctx, enum upstream_result result, struct exchange_answer *answer);

/* Begins. ERR_OK: done() will be called, later; what `q` borrows is copied. ERR_UNSUPPORTED: this cannot be
 * asked (meta types); -ENOMEM; ERR_NOT_FOUND: there is no upstream to try (none is known, all lead back here,
 * or all are down and failfast is set); ERR_BUDGET: max_qps of all is spent for the next second. */
int upstream_ask_start(struct upstream_set *set, struct worker *w, const struct exchange_question *q,
                       bool tcp, upstream_ask_done *done, void *ctx, struct upstream_ask **out);
/* Ends without done(). */
void upstream_ask_cancel(struct upstream_ask *a);

#endif
