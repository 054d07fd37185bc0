#include "upstream/upstream_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/query.h"
#include "upstream/upstream_answer.h"
#include "upstream/upstream_ask_p.h"

#define NS_PER_MS 1000000u

/* ---- the end ---- */

static void clear(struct attempt *t)
{
    if (t->call != NULL)
        exchange_cancel(t->exchange, t->call);
    t->call = NULL;
    t->used = false;
}

static void ask_free(struct upstream_ask *a)
{
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++)
        clear(&a->attempts[i]);
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

/* ---- attempts ---- */

static void on_done(void *ctx, enum exchange_outcome outcome, struct exchange_answer *answer);

/* A free slot; where there is none, that of the oldest attempt, whose time is over before all others'. */
static struct attempt *slot(struct upstream_ask *a)
{
    struct attempt *oldest = &a->attempts[0];
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++) {
        if (!a->attempts[i].used)
            return &a->attempts[i];
        if (a->attempts[i].began_ns < oldest->began_ns)
            oldest = &a->attempts[i];
    }
    clear(oldest);
    return oldest;
}

/* Whether libunbound alone may ask: it recurses, or validates, and what goes past it would do neither. */
static bool by_libunbound_alone(const struct upstream_ask *a)
{
    return a->set->settings.unbound != NULL;
}

/* Puts the question to an upstream. `as_before`: NULL, or the attempt that this goes on with; then what
 * cannot be sent now counts as lost on the way. */
static int put(struct upstream_ask *a, uint8_t index, bool direct, const struct attempt *as_before)
{
    struct attempt was = {.began_ns = clock_ns()};
    if (as_before != NULL)
        was = *as_before; /* its slot may be what is given up */
    struct attempt *t = slot(a);
    *t = (struct attempt){.ask = a,
                          .used = true,
                          .began_ns = was.began_ns,
                          .index = index,
                          .direct = direct || a->as_it_is,
                          .late = was.late,
                          .over = was.over};
    t->exchange = upstream_set_exchange(a->set, a->worker, index, a->tcp, t->direct);
    int ret = exchange_ask(t->exchange, &a->question, on_done, t, &t->call);
    if (ret != ERR_OK)
        t->call = NULL;
    if (ret != ERR_OK && as_before == NULL)
        t->used = false;
    return ret;
}

static bool is_waited_for(const struct upstream_ask *a)
{
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++)
        if (a->attempts[i].used && !a->attempts[i].over)
            return true;
    return false;
}

/* Begins the next try. ERR_OK, or the reason why there is none. */
static int try_next(struct upstream_ask *a)
{
    uint8_t index;
    if (clock_ns() >= a->deadline_ns || a->tries_left == 0)
        return ERR_LIMIT;
    if (!upstream_choice_next(a, &index))
        return ERR_NOT_FOUND;
    a->tries_left--;
    return put(a, index, false, NULL);
}

/* ---- time ---- */

static uint64_t read_timeout_ns(const struct upstream_ask *a)
{
    return (uint64_t)a->set->settings.read_timeout_ms * NS_PER_MS;
}

/* When the next thing has to be done about an attempt. */
static uint64_t due(const struct upstream_ask *a, const struct attempt *t)
{
    uint64_t at = UINT64_MAX;
    if (!t->over)
        at = t->began_ns + read_timeout_ns(a);
    if (!t->late && at > t->began_ns + (uint64_t)UPSTREAM_LATE_MS * NS_PER_MS)
        at = t->began_ns + (uint64_t)UPSTREAM_LATE_MS * NS_PER_MS;
    return at;
}

static void set_timer(struct upstream_ask *a)
{
    uint64_t at = a->deadline_ns, now = clock_ns();
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++)
        if (a->attempts[i].used && due(a, &a->attempts[i]) < at)
            at = due(a, &a->attempts[i]);
    uint64_t us = at > now ? (at - now) / 1000 + 1 : 0;
    const struct timeval tv = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    evtimer_add(&a->timer, &tv);
}

/* Waits on, or begins the next try where nothing is left to wait for. The ask may be gone after it. */
static void go_on(struct upstream_ask *a)
{
    if (clock_ns() >= a->deadline_ns || (!is_waited_for(a) && try_next(a) != ERR_OK))
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
        if (a->set->settings.max_fails != 0)
            upstream_late(a->set->upstreams[t->index]);
    }
    if (!t->over && now >= t->began_ns + read_timeout_ns(a)) {
        t->over = true;
        a->silent = true;
        suspect(a, t->index);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct upstream_ask *a = ctx;
    uint64_t now = clock_ns();
    (void)fd, (void)what;
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++)
        if (a->attempts[i].used)
            look_at(a, &a->attempts[i], now);
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
    if (!a->as_it_is || a->tcp || !a->set->settings.prefer_udp || (answer->wire[2] & FLAG_TC >> 8) == 0)
        return false;
    a->tcp = true;
    if (put(a, was.index, true, &was) != ERR_OK)
        return false;
    go_on(a);
    return true;
}

static void take_answer(struct upstream_ask *a, const struct attempt *t, struct exchange_answer *answer)
{
    upstream_count(a->set->upstreams[t->index], answer->wire[3] & 15, clock_ns() - t->began_ns);
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
    a->tries_left += passed_on; /* a try that was answered is none of those that failed */
    go_on(a);
}

/* libunbound has sent in vain, and takes no answer any more. */
static void take_silence(struct upstream_ask *a, struct attempt *t)
{
    struct attempt was = *t;
    a->silent = true;
    suspect(a, was.index);
    if (!was.direct && !a->tcp && !by_libunbound_alone(a)) {
        was.over = was.over || upstream_choice_other(a, was.index);
        put(a, was.index, true, &was);
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
    if (was.direct || by_libunbound_alone(a) || upstream_choice_other(a, was.index) ||
        put(a, was.index, true, &was) != ERR_OK)
        upstream_count(a->set->upstreams[was.index], RCODE_SERVFAIL, elapsed);
    go_on(a);
}

static void on_done(void *ctx, enum exchange_outcome outcome, struct exchange_answer *answer)
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
    a->as_it_is = !by_libunbound_alone(a) && (settings->direct || q->options_len > 0);
    a->tcp = settings->force_tcp || (tcp && !settings->prefer_udp);
    a->deadline_ns = clock_ns() + (uint64_t)UPSTREAM_DEADLINE_MS * NS_PER_MS;
    a->tries_left = settings->max_connect_attempts > 0 ? settings->max_connect_attempts : UPSTREAM_TRIES_MAX;
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
    upstream_set_begin(set, w);
    set_timer(a);
    *out = a;
    return ERR_OK;
}
