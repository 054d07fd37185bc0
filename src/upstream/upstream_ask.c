#include "upstream/upstream_ask.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/query.h"
#include "upstream/upstream_answer.h"
#include "upstream/upstream_ask_p.h"
#include "upstream/upstream_timing.h"

/* ---- the end ---- */

static void ask_free(struct upstream_ask *a)
{
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++) {
        const struct attempt *t = &a->attempts[i];
        if (t->call != NULL) /* somebody was faster */
            upstream_timing_unanswered(a->set->upstreams[t->index], clock_ns() - t->began_ns);
        upstream_attempt_clear(&a->attempts[i]);
    }
    evtimer_del(&a->timer);
    exchange_answer_unref(a->last);
    upstream_set_end(a->set, a->worker);
    free(a);
}

void upstream_ask_cancel(struct upstream_ask *a)
{
    ask_free(a);
}

static void finish(struct upstream_ask *a, enum upstream_result result, struct exchange_answer *answer)
{
    upstream_ask_done *done = a->done;
    void *ctx = a->ctx;
    if (answer != NULL)
        exchange_answer_ref(answer);
    ask_free(a);
    done(ctx, result, answer);
    exchange_answer_unref(answer);
}

static void give_up(struct upstream_ask *a)
{
    if (a->last != NULL)
        finish(a, UPSTREAM_ANSWER, a->last);
    else if (upstream_choice_all_loop(a))
        finish(a, UPSTREAM_LOOP, NULL);
    else
        finish(a, a->errors != 0 && !a->silent ? UPSTREAM_ERROR : UPSTREAM_UNREACHABLE, NULL);
}

/* ---- tries ---- */

static bool is_waited_for(const struct upstream_ask *a)
{
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++)
        if (a->attempts[i].used && !a->attempts[i].over)
            return true;
    return false;
}

/* A try was over at once. */
static void note_refusal(struct upstream_ask *a)
{
    unsigned rounds = ++a->refused / a->set->count;
    if (rounds < UPSTREAM_ROUNDS_AT_ONCE || a->refused % a->set->count != 0)
        return;
    uint64_t pause = UPSTREAM_PAUSE_MS;
    for (unsigned i = UPSTREAM_ROUNDS_AT_ONCE; i < rounds && pause < UPSTREAM_PAUSE_MAX_MS; i++)
        pause *= 2;
    a->next_try_ns =
        a->last_try_ns + (pause < UPSTREAM_PAUSE_MAX_MS ? pause : UPSTREAM_PAUSE_MAX_MS) * NS_PER_MS;
}

/* Begins the next try. ERR_OK, or the reason why there is none. */
static int try_next(struct upstream_ask *a)
{
    uint64_t now = clock_ns(), at = now;
    uint8_t index;
    if (now >= a->deadline_ns || a->tries_left == 0)
        return ERR_LIMIT;
    if (!upstream_choice_next(a, &index))
        return ERR_NOT_FOUND;
    if (a->set->settings.max_qps > 0 && (at = upstream_choice_budget(a, &index, now)) == 0)
        return ERR_BUDGET;
    a->tries_left--;
    a->last_try_ns = now;
    a->next_try_ns = 0;
    uint64_t patience = upstream_choice_patience(a, index);
    a->hedge_ns = patience > 0 ? at + patience : 0;
    if (at > now) {
        upstream_attempt_put_later(a, index, at);
        return ERR_OK;
    }
    int ret = upstream_attempt_put(a, index, false, NULL);
    return is_waited_for(a) ? ERR_OK : ret;
}

/* ---- time ---- */

static void set_timer(struct upstream_ask *a)
{
    uint64_t at = a->deadline_ns, now = clock_ns();
    if (a->hedge_ns != 0 && a->hedge_ns < at)
        at = a->hedge_ns;
    if (!is_waited_for(a) && a->next_try_ns < at)
        at = a->next_try_ns;
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++)
        if (a->attempts[i].used && upstream_attempt_due(a, &a->attempts[i]) < at)
            at = upstream_attempt_due(a, &a->attempts[i]);
    uint64_t us = at > now ? (at - now) / 1000 + 1 : 0;
    const struct timeval tv = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    evtimer_add(&a->timer, &tv);
}

/* Waits on, pauses, or begins the next try where nothing is left to wait for. The ask may be gone after it.
 */
static void go_on(struct upstream_ask *a)
{
    uint64_t now = clock_ns();
    bool idle = !is_waited_for(a), at_end = now >= a->deadline_ns;
    if (idle && (a->tries_left == 0 || a->next_try_ns >= a->deadline_ns))
        at_end = true;
    if (at_end || (idle && now >= a->next_try_ns && try_next(a) != ERR_OK))
        give_up(a);
    else
        set_timer(a);
}

static void suspect(struct upstream_ask *a, uint8_t index)
{
    if (a->set->settings.max_fails != 0)
        upstream_suspect(a->set->upstreams[index]);
}

static void look_at(struct upstream_ask *a, struct attempt *t, uint64_t now)
{
    if (!t->late && now >= t->began_ns + (uint64_t)UPSTREAM_LATE_MS * NS_PER_MS) {
        t->late = true;
        upstream_timing_unanswered(a->set->upstreams[t->index], now - t->began_ns);
        if (a->set->settings.max_fails != 0)
            upstream_late(a->set->upstreams[t->index]);
    }
    if (!t->over && now >= t->began_ns + upstream_attempt_timeout_ns(a)) {
        t->over = true;
        t->again_ns = 0;
        a->silent = true;
        suspect(a, t->index);
    }
    if (t->again_ns != 0 && now >= t->again_ns)
        upstream_attempt_put_again(a, t);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct upstream_ask *a = ctx;
    uint64_t now = clock_ns();
    (void)fd, (void)what;
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++)
        if (a->attempts[i].used)
            look_at(a, &a->attempts[i], now);
    if (a->hedge_ns != 0 && now >= a->hedge_ns)
        upstream_attempt_beside(a);
    go_on(a);
}

/* ---- what comes back ---- */

/* Whether it says that the upstream could not do what was asked. */
static bool is_error(const struct exchange_answer *answer)
{
    unsigned rcode = answer->wire[3] & 15;
    return rcode == RCODE_SERVFAIL || rcode == RCODE_REFUSED || rcode == RCODE_FORMERR ||
           rcode == RCODE_NOTIMP;
}

/* prefer_udp: an answer that was cut is fetched over TCP. False where it is to be taken as it is. */
static bool fetch_whole(struct upstream_ask *a, const struct attempt *t, const struct exchange_answer *answer)
{
    const struct attempt was = *t;
    if (!a->as_it_is || a->tcp || !a->set->settings.prefer_udp || (answer->wire[2] & FLAG_TC >> 8) == 0 ||
        !upstream_attempt_affordable(a, was.index))
        return false;
    a->tcp = true;
    if (upstream_attempt_put(a, was.index, true, &was) != ERR_OK)
        return false;
    go_on(a);
    return true;
}

static void take_answer(struct upstream_ask *a, const struct attempt *t, struct exchange_answer *answer)
{
    upstream_count(a->set->upstreams[t->index], answer->wire[3] & 15, clock_ns() - t->began_ns);
    upstream_timing_answered(a->set->upstreams[t->index], clock_ns() - t->began_ns);
    /* What libunbound was asked first is answered as libunbound answers it: errors by other upstreams. */
    bool passed_on = a->as_it_is || !t->direct;
    unsigned rcode = upstream_answer_rcode(answer->wire, answer->len);
    bool unwanted = rcode < 32 && (a->set->settings.failover >> rcode & 1) != 0;
    if (fetch_whole(a, t, answer))
        return;
    if (!unwanted && (passed_on || !is_error(answer))) {
        finish(a, UPSTREAM_ANSWER, answer);
        return;
    }
    exchange_answer_unref(a->last);
    a->last = exchange_answer_ref(answer);
    a->errors |= 1u << t->index;
    if (passed_on && a->tries_left < UINT_MAX)
        a->tries_left++; /* a try that was answered is none of those that failed */
    go_on(a);
}

/* libunbound has sent in vain, and takes no answer any more. */
static void take_silence(struct upstream_ask *a, struct attempt *t)
{
    struct attempt was = *t;
    a->silent = true;
    suspect(a, was.index);
    if (!was.direct && !a->tcp && !upstream_ask_by_libunbound_alone(a)) {
        was.over = was.over || upstream_choice_other(a, was.index);
        upstream_attempt_put(a, was.index, true, &was);
    } else if (clock_ns() - was.began_ns < UPSTREAM_PAUSE_MS * NS_PER_MS) {
        note_refusal(a);
    }
    go_on(a);
}

/* An error that libunbound keeps to itself. Where nobody else is left to ask, the question is put as it is,
 * for the error itself: which one it is matters to who asked. */
static void take_error(struct upstream_ask *a, struct attempt *t, uint64_t elapsed)
{
    struct attempt was = *t;
    a->errors |= 1u << was.index;
    if (a->tcp) /* or a connection that was refused: the exchange does not say */
        suspect(a, was.index);
    if (was.direct || upstream_ask_by_libunbound_alone(a) || upstream_choice_other(a, was.index) ||
        upstream_attempt_put(a, was.index, true, &was) != ERR_OK)
        upstream_count(a->set->upstreams[was.index], RCODE_SERVFAIL, elapsed);
    go_on(a);
}

void upstream_ask_told(void *ctx, enum exchange_outcome outcome, struct exchange_answer *answer)
{
    struct attempt *t = ctx;
    struct upstream_ask *a = t->ask;
    uint64_t elapsed = clock_ns() - t->began_ns;
    t->call = NULL;
    t->used = false;
    if (outcome == EXCHANGE_ANSWER)
        take_answer(a, t, answer);
    /* Silence takes time; but an upstream that is known to fail may also be given up at once. */
    else if (outcome == EXCHANGE_FAILED && elapsed < (uint64_t)UPSTREAM_ERROR_MS * NS_PER_MS &&
             __atomic_load_n(&a->set->upstreams[t->index]->fails, __ATOMIC_RELAXED) == 0)
        take_error(a, t, elapsed);
    else
        take_silence(a, t);
}

/* ---- the beginning ---- */

static struct upstream_ask *ask_new(struct upstream_set *set, struct worker *w,
                                    const struct exchange_question *q, bool tcp)
{
    const struct upstream_settings *settings = &set->settings;
    struct upstream_ask *a = calloc(1, sizeof *a + q->options_len);
    if (a == NULL)
        return NULL;
    a->set = set;
    a->worker = w;
    a->question = *q;
    memcpy(a->name, q->name, name_len(q->name));
    a->question.name = a->name;
    if (q->options_len > 0)
        memcpy(a->options, q->options, q->options_len);
    a->question.options = a->options;
    a->as_it_is = !upstream_ask_by_libunbound_alone(a) && (settings->direct || q->options_len > 0);
    a->tcp = settings->force_tcp || (tcp && !settings->prefer_udp);
    a->deadline_ns = clock_ns() + (uint64_t)settings->deadline_ms * NS_PER_MS;
    a->tries_left = settings->max_connect_attempts > 0 ? settings->max_connect_attempts : UINT_MAX;
    if (!settings->attempts_set)
        a->tries_left = 2 * set->count;
    upstream_choice_order(a);
    return a;
}

int upstream_ask_start(struct upstream_set *set, struct worker *w, const struct exchange_question *q,
                       bool tcp, upstream_ask_done *done, void *ctx, struct upstream_ask **out)
{
    if (set->count == 0)
        return ERR_NOT_FOUND;
    struct upstream_ask *a = ask_new(set, w, q, tcp);
    if (a == NULL)
        return -ENOMEM;
    a->done = done;
    a->ctx = ctx;
    int ret = evtimer_assign(&a->timer, worker_base(w), on_timer, a) == 0 ? try_next(a) : -ENOMEM;
    if (ret != ERR_OK) {
        free(a);
        return ret;
    }
    a->begun = true;
    upstream_set_begin(set, w);
    set_timer(a);
    *out = a;
    return ERR_OK;
}
