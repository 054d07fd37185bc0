#include "upstream/upstream_ask.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/query.h"

#define NS_PER_MS 1000000u

struct upstream_ask {
    struct upstream_set *set;
    struct worker *worker;
    struct exchange_question question; /* its name points to `name` */
    bool tcp;
    bool silent; /* some upstream did not answer */
    upstream_ask_done *done;
    void *ctx;
    struct event late; /* of the present try */
    struct exchange *exchange;
    struct exchange_call *call; /* NULL between tries */
    struct upstream *upstream;  /* of the present try */
    uint64_t deadline_ns;
    uint64_t tried_ns; /* when the present try began */
    unsigned tries_left;
    unsigned next;    /* in `order` */
    unsigned skipped; /* passed over since the beginning of the present round */
    unsigned errors;  /* bit i: upstream i answered this question with an error; it is not asked again */
    unsigned index;   /* of `upstream` */
    uint8_t order[UPSTREAMS_MAX];
    uint8_t name[NAME_MAX_LEN];
    uint8_t options[]; /* of the question */
};

static void on_done(void *ctx, enum exchange_outcome outcome, struct exchange_answer *answer);

static void ask_free(struct upstream_ask *a)
{
    evtimer_del(&a->late);
    upstream_set_end(a->set, a->worker);
    free(a);
}

void upstream_ask_cancel(struct upstream_ask *a)
{
    if (a->call != NULL)
        exchange_cancel(a->exchange, a->call);
    ask_free(a);
}

/* One that does not lead back here, at random; NULL where all do. */
static struct upstream *any_upstream(struct upstream_ask *a, unsigned *index)
{
    unsigned n = a->set->count;
    unsigned first = (unsigned)(worker_random(a->worker) % n);
    for (unsigned i = 0; i < n; i++) {
        *index = (first + i) % n;
        if (!upstream_loops(a->set->upstreams[*index]))
            return a->set->upstreams[*index];
    }
    return NULL;
}

/* The upstream to try next, or NULL. */
static struct upstream *choose(struct upstream_ask *a, unsigned *index)
{
    const struct upstream_set *s = a->set;
    for (;;) {
        if (a->next == s->count) {
            a->next = 0;
            a->skipped = 0;
        }
        *index = a->order[a->next++];
        struct upstream *u = s->upstreams[*index];
        bool error = (a->errors >> *index & 1) != 0;
        if (!error && !upstream_loops(u) && !upstream_down(u, s->settings.max_fails))
            return u;
        if (++a->skipped < s->count)
            continue;
        if (a->errors != 0)
            return NULL; /* who is there has answered */
        /* All of them: the checks themselves may be what is broken. */
        upstream_set_count_broken();
        return s->settings.failfast ? NULL : any_upstream(a, index);
    }
}

/* Asks the present upstream. */
static int ask_upstream(struct upstream_ask *a, bool tcp, uint64_t now)
{
    a->exchange = upstream_set_exchange(a->set, a->worker, a->index, tcp, a->question.options_len > 0);
    int ret = exchange_ask(a->exchange, &a->question, on_done, a, &a->call);
    if (ret != ERR_OK) {
        a->call = NULL;
        return ret;
    }
    uint64_t wait_ms = (a->deadline_ns - now) / NS_PER_MS + 1;
    if (wait_ms > a->set->settings.read_timeout_ms)
        wait_ms = a->set->settings.read_timeout_ms;
    const struct timeval tv = {.tv_sec = (time_t)(wait_ms / 1000),
                               .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000)};
    evtimer_add(&a->late, &tv);
    return ERR_OK;
}

/* Begins the next try. ERR_OK, or the reason why there is none. */
static int try_next(struct upstream_ask *a)
{
    uint64_t now = clock_ns();
    if (now >= a->deadline_ns || a->tries_left == 0)
        return ERR_LIMIT;
    a->upstream = choose(a, &a->index);
    if (a->upstream == NULL)
        return ERR_NOT_FOUND;
    a->tries_left--;
    a->tried_ns = now;
    return ask_upstream(a, a->tcp, now);
}

/* With prefer_udp a truncated answer is fetched whole, from the same upstream, as CoreDNS does. True where
 * that is under way. */
static bool fetch_whole(struct upstream_ask *a, const struct exchange_answer *answer)
{
    uint64_t now = clock_ns();
    return a->set->settings.prefer_udp && !a->exchange->target.tcp && (answer->wire[2] & FLAG_TC >> 8) != 0 &&
           now < a->deadline_ns && ask_upstream(a, true, now) == ERR_OK;
}

static void finish(struct upstream_ask *a, enum upstream_result result, struct exchange_answer *answer)
{
    upstream_ask_done *done = a->done;
    void *ctx = a->ctx;
    ask_free(a);
    done(ctx, result, answer);
}

static void give_up(struct upstream_ask *a)
{
    unsigned index;
    enum upstream_result result = a->errors != 0 && !a->silent ? UPSTREAM_ERROR : UPSTREAM_UNREACHABLE;
    if (any_upstream(a, &index) == NULL)
        result = UPSTREAM_LOOP;
    finish(a, result, NULL);
}

static void try_silent(struct upstream_ask *a)
{
    a->silent = true;
    if (a->set->settings.max_fails != 0)
        upstream_suspect(a->upstream);
    if (try_next(a) != ERR_OK)
        give_up(a);
}

static void try_error(struct upstream_ask *a, uint64_t elapsed)
{
    upstream_count(a->upstream, RCODE_SERVFAIL, elapsed);
    a->errors |= 1u << a->index;
    if (try_next(a) != ERR_OK)
        give_up(a);
}

static void on_late(evutil_socket_t fd, short what, void *ctx)
{
    struct upstream_ask *a = ctx;
    (void)fd, (void)what;
    exchange_cancel(a->exchange, a->call);
    a->call = NULL;
    try_silent(a);
}

static void on_done(void *ctx, enum exchange_outcome outcome, struct exchange_answer *answer)
{
    struct upstream_ask *a = ctx;
    uint64_t elapsed = clock_ns() - a->tried_ns;
    a->call = NULL;
    evtimer_del(&a->late);
    if (outcome == EXCHANGE_ANSWER && fetch_whole(a, answer))
        return;
    if (outcome == EXCHANGE_ANSWER) {
        upstream_count(a->upstream, answer->wire[3] & 15, elapsed);
        finish(a, UPSTREAM_ANSWER, answer);
        return;
    }
    /* Silence takes time; but an upstream that is known to fail may also be given up at once. */
    if (outcome == EXCHANGE_FAILED && elapsed < (uint64_t)UPSTREAM_ERROR_MS * NS_PER_MS &&
        __atomic_load_n(&a->upstream->fails, __ATOMIC_RELAXED) == 0)
        try_error(a, elapsed);
    else
        try_silent(a);
}

int upstream_ask_start(struct upstream_set *set, struct worker *w, const struct exchange_question *q,
                       bool tcp, upstream_ask_done *done, void *ctx, struct upstream_ask **out)
{
    if (set->count == 0)
        return ERR_NOT_FOUND;
    struct upstream_ask *a = calloc(1, sizeof *a + q->options_len);
    if (a == NULL)
        return -ENOMEM;
    a->set = set;
    a->worker = w;
    a->question = *q;
    memcpy(a->name, q->name, name_len(q->name));
    a->question.name = a->name;
    if (q->options_len > 0)
        memcpy(a->options, q->options, q->options_len);
    a->question.options = a->options;
    a->tcp = set->settings.force_tcp || (tcp && !set->settings.prefer_udp);
    a->done = done;
    a->ctx = ctx;
    a->deadline_ns = clock_ns() + (uint64_t)UPSTREAM_DEADLINE_MS * NS_PER_MS;
    a->tries_left =
        set->settings.max_connect_attempts > 0 ? set->settings.max_connect_attempts : UPSTREAM_TRIES_MAX;
    if (!set->settings.attempts_set)
        a->tries_left = 2 * set->count;
    upstream_set_order(set, worker_random(w), a->order);
    int ret = evtimer_assign(&a->late, worker_base(w), on_late, a) == 0 ? try_next(a) : -ENOMEM;
    if (ret != ERR_OK) {
        free(a);
        return ret;
    }
    upstream_set_begin(set, w);
    *out = a;
    return ERR_OK;
}
