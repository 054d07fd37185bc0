/* Who is asked next. */
#include "serve/worker.h"
#include "upstream/upstream_ask_p.h"
#include "upstream/upstream_timing.h"

/* One that does not lead back here, at random. */
static bool any_upstream(const struct upstream_ask *a, uint8_t *index)
{
    unsigned n = a->set->count;
    unsigned first = (unsigned)(worker_random(a->worker) % n);
    for (unsigned i = 0; i < n; i++) {
        *index = (uint8_t)((first + i) % n);
        if (!upstream_loops(a->set->upstreams[*index]))
            return true;
    }
    return false;
}

bool upstream_choice_all_loop(const struct upstream_ask *a)
{
    for (unsigned i = 0; i < a->set->count; i++)
        if (!upstream_loops(a->set->upstreams[i]))
            return false;
    return true;
}

static bool usable(const struct upstream_ask *a, uint8_t index)
{
    const struct upstream *u = a->set->upstreams[index];
    return (a->errors >> index & 1) == 0 && !upstream_loops(u) &&
           !upstream_down(u, a->set->settings.max_fails);
}

bool upstream_choice_other(const struct upstream_ask *a, uint8_t index)
{
    for (uint8_t i = 0; i < a->set->count; i++)
        if (i != index && usable(a, i))
            return true;
    return false;
}

void upstream_choice_order(struct upstream_ask *a)
{
    uint8_t order[UPSTREAMS_MAX];
    unsigned n = 0, count = a->set->count;
    upstream_set_order(a->set, worker_random(a->worker), order);
    /* Those that keep a health check waiting come last, in the order among themselves. */
    for (unsigned doubtful = 0; doubtful < 2; doubtful++)
        for (unsigned i = 0; i < count; i++)
            if (upstream_doubtful(a->set->upstreams[order[i]], a->set->settings.max_fails) == (doubtful != 0))
                a->order[n++] = order[i];
}

bool upstream_choice_next(struct upstream_ask *a, uint8_t *index)
{
    const struct upstream_set *s = a->set;
    for (;;) {
        if (a->next >= s->count) {
            a->next = 0;
            a->skipped = 0;
        }
        *index = a->order[a->next++];
        if (usable(a, *index))
            return true;
        if (++a->skipped < s->count)
            continue;
        if (a->errors != 0)
            return false; /* who is there has answered */
        /* All of them: the checks themselves may be what is broken. */
        upstream_set_count_broken();
        return !s->settings.failfast && any_upstream(a, index);
    }
}

static bool is_asked(const struct upstream_ask *a, uint8_t index)
{
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++)
        if (a->attempts[i].used && a->attempts[i].index == index)
            return true;
    return false;
}

bool upstream_choice_beside(const struct upstream_ask *a, uint8_t *index)
{
    const struct upstream_settings *settings = &a->set->settings;
    for (unsigned i = 0; i < a->set->count; i++) {
        const struct upstream *u = a->set->upstreams[a->order[i]];
        if (usable(a, a->order[i]) && !is_asked(a, a->order[i]) &&
            !upstream_doubtful(u, settings->max_fails)) {
            *index = a->order[i];
            return true;
        }
    }
    return false;
}

/* The mean time of the fastest that is known, microseconds; 0: none is. */
static uint32_t fastest_us(const struct upstream_set *s)
{
    uint32_t least = 0;
    for (unsigned i = 0; i < s->count; i++) {
        uint32_t us = upstream_timing_mean_us(s->upstreams[i]);
        if (us != 0 && (least == 0 || us < least))
            least = us;
    }
    return least;
}

uint64_t upstream_choice_patience(const struct upstream_ask *a, uint8_t index)
{
    const struct upstream_settings *settings = &a->set->settings;
    uint64_t patience = 0;
    if (settings->hedge && settings->hedge_ms > 0)
        patience = settings->hedge_ms * NS_PER_MS;
    else if (settings->hedge)
        patience = upstream_timing_p95_us(a->set->upstreams[index]) * UINT64_C(1000);
    uint32_t least = fastest_us(a->set);
    if (settings->policy == POLICY_FASTEST && least != 0 &&
        upstream_timing_mean_us(a->set->upstreams[index]) != least) { /* it is asked to be measured */
        uint64_t twice = 2000 * (uint64_t)least;
        if (twice < UPSTREAM_EXPLORE_MS * NS_PER_MS)
            twice = UPSTREAM_EXPLORE_MS * NS_PER_MS;
        patience = patience == 0 || twice < patience ? twice : patience;
    }
    return patience;
}

uint64_t upstream_choice_budget(struct upstream_ask *a, uint8_t *index, uint64_t now)
{
    const struct upstream_set *s = a->set;
    uint32_t qps = s->settings.max_qps;
    uint64_t best_at = upstream_budget_at(s->upstreams[*index], qps, now);
    for (unsigned i = 0; i < s->count && best_at > now; i++) {
        uint8_t other = a->order[i];
        uint64_t at = upstream_budget_at(s->upstreams[other], qps, now);
        if (at < best_at && usable(a, other)) {
            best_at = at;
            *index = other;
        }
    }
    uint64_t latest = now + UPSTREAM_BUDGET_WAIT_MS * NS_PER_MS;
    if (latest > a->deadline_ns)
        latest = a->deadline_ns;
    return upstream_budget_take(s->upstreams[*index], qps, now, latest);
}
