/* Who is asked next. */
#include "serve/worker.h"
#include "upstream/upstream_ask_p.h"

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
