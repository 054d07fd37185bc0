/* Putting a question to an upstream, at once or later, again, or to a second one. */
#include "base/clock.h"
#include "upstream/upstream_ask_p.h"
#include "upstream/upstream_timing.h"

void upstream_attempt_clear(struct attempt *t)
{
    if (t->call != NULL)
        exchange_cancel(t->exchange, t->call);
    t->call = NULL;
    t->used = false;
}

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
    upstream_attempt_clear(oldest);
    return oldest;
}

/* Whether libunbound is at it already: asked again it would only join the two. */
static bool is_with_libunbound(const struct upstream_ask *a, uint8_t index)
{
    for (unsigned i = 0; i < UPSTREAM_ATTEMPTS_MAX; i++)
        if (a->attempts[i].used && !a->attempts[i].direct && a->attempts[i].index == index)
            return true;
    return false;
}

int upstream_attempt_put(struct upstream_ask *a, uint8_t index, bool direct, const struct attempt *as_before)
{
    uint64_t now = clock_ns();
    struct attempt was = {.began_ns = now};
    if (as_before != NULL)
        was = *as_before; /* its slot may be what is given up */
    direct = direct || a->as_it_is || (is_with_libunbound(a, index) && !upstream_ask_by_libunbound_alone(a));
    struct attempt *t = slot(a);
    *t = (struct attempt){.ask = a,
                          .used = true,
                          .began_ns = was.began_ns,
                          .index = index,
                          .direct = direct,
                          .late = was.late,
                          .over = was.over};
    if (a->set->settings.max_qps > 0 && !a->tcp) { /* then the exchange sends once */
        t->gap_ns = was.gap_ns > 0 ? 2 * was.gap_ns : (uint64_t)UPSTREAM_LATE_MS * NS_PER_MS;
        t->again_ns = now + t->gap_ns;
    }
    t->exchange = upstream_set_exchange(a->set, a->worker, index, a->tcp, t->direct);
    int ret = exchange_ask(t->exchange, &a->question, upstream_ask_told, t, &t->call);
    if (ret != ERR_OK)
        t->call = NULL;
    t->used = ret == ERR_OK || a->begun; /* what cannot be sent now is as good as lost on the way */
    return ret;
}

/* To be put later: that is, sent again for the first time. */
void upstream_attempt_put_later(struct upstream_ask *a, uint8_t index, uint64_t at)
{
    *slot(a) = (struct attempt){
        .ask = a, .used = true, .index = index, .direct = true, .began_ns = at, .again_ns = at};
}

/* Whether one more question to it, that is no try of its own, is within the budget. */
bool upstream_attempt_affordable(struct upstream_ask *a, uint8_t index)
{
    uint32_t qps = a->set->settings.max_qps;
    uint64_t now = clock_ns();
    return qps == 0 || upstream_budget_take(a->set->upstreams[index], qps, now, now) != 0;
}

void upstream_attempt_beside(struct upstream_ask *a)
{
    uint8_t index;
    a->hedge_ns = 0;
    if (upstream_choice_beside(a, &index) && upstream_attempt_affordable(a, index) &&
        upstream_attempt_put(a, index, false, NULL) == ERR_OK)
        upstream_set_count_hedge();
}

void upstream_attempt_put_again(struct upstream_ask *a, struct attempt *t)
{
    struct attempt was = *t;
    bool first = was.gap_ns == 0; /* its place in the budget was taken when it was put off */
    t->again_ns = 0;
    if (!first && !upstream_attempt_affordable(a, was.index))
        return;
    if (t->call == NULL)
        t->used = false;
    upstream_attempt_put(a, was.index, true, &was);
}

uint64_t upstream_attempt_timeout_ns(const struct upstream_ask *a)
{
    return (uint64_t)a->set->settings.read_timeout_ms * NS_PER_MS;
}

/* When the next thing has to be done about an attempt. */
uint64_t upstream_attempt_due(const struct upstream_ask *a, const struct attempt *t)
{
    uint64_t at = UINT64_MAX;
    if (!t->over)
        at = t->began_ns + upstream_attempt_timeout_ns(a);
    if (!t->late && at > t->began_ns + (uint64_t)UPSTREAM_LATE_MS * NS_PER_MS)
        at = t->began_ns + (uint64_t)UPSTREAM_LATE_MS * NS_PER_MS;
    if (t->again_ns != 0 && at > t->again_ns)
        at = t->again_ns;
    return at;
}
