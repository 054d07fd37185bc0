#include "upstream/upstream_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "exchange/exchange_direct.h"
#include "exchange/exchange_unbound.h"
#include "exchange/unbound_anchor.h"
#include "metrics/metrics.h"
#include "serve/control.h"
#include "upstream/upstream_timing.h"

static const struct metric_desc broken_family = {
    .name = "coredns_forward_healthcheck_broken_total",
    .help = "Counter of the number of complete failures of the healthchecks.",
    .type = METRIC_COUNTER,
};
static const struct metric_desc rejects_family = {
    .name = "coredns_forward_max_concurrent_rejects_total",
    .help = "Counter of the number of queries rejected because the concurrent queries were at maximum.",
    .type = METRIC_COUNTER,
};
static const struct metric_desc hedges_family = {
    .name = "seamark_forward_hedges_total",
    .help = "Counter of the number of queries put to a second upstream because the first was late.",
    .type = METRIC_COUNTER,
};
static const struct metric *broken, *rejects, *hedges;

struct upstream_want {
    struct upstream_set *set; /* NULL: the worker has stopped it meanwhile */
    struct worker *worker;
};

static unsigned questions; /* atomic: under way in all sets */

void upstream_set_metrics(void)
{
    if (broken == NULL) {
        broken = metrics_register(&broken_family, NULL, 0);
        rejects = metrics_register(&rejects_family, NULL, 0);
        hedges = metrics_register(&hedges_family, NULL, 0);
    }
}

void upstream_set_count_hedge(void)
{
    metrics_add(hedges, 0, 1);
}

void upstream_set_count_broken(void)
{
    metrics_add(broken, 0, 1);
}

void upstream_settings_default(struct upstream_settings *s)
{
    *s = (struct upstream_settings){
        .policy = POLICY_RANDOM,
        .max_fails = 2,
        .read_timeout_ms = 2000,
        .deadline_ms = UPSTREAM_DEADLINE_MS,
        .expire_ms = 10000,
        .check = {.interval_ms = 500, .recursion_desired = true},
    };
}

/* Whether the set's one upstream is libunbound itself, which has no address. */
static bool recurses(const struct upstream_set *s)
{
    return s->settings.unbound != NULL && s->settings.unbound->recursion;
}

int upstream_set_start(struct upstream_set *s, struct errtext *e)
{
    upstream_set_metrics();
    if (s->settings.unbound != NULL) {
        int ret = unbound_anchor_ready(s->settings.unbound, control_zones_folder(), e);
        if (ret != ERR_OK)
            return errtext_set(e, ret, "%s - no memory for libunbound's settings", s->where);
    }
    for (unsigned i = 0; i < s->count; i++) {
        struct upstream_check check = s->settings.check;
        check.transport = s->transports[i];
        int ret = upstream_get(&s->addresses[i], &check, &s->upstreams[i]);
        if (ret != ERR_OK) {
            upstream_set_stop(s);
            return errtext_set(e, ret, "%s - plugin/forward: no memory for an upstream", s->where);
        }
    }
    return ERR_OK;
}

void upstream_set_stop(struct upstream_set *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        upstream_put(s->upstreams[i]);
        s->upstreams[i] = NULL;
    }
}

static struct exchange_target target_of(const struct upstream_set *s, unsigned i, bool tcp)
{
    return (struct exchange_target){.address = s->addresses[i],
                                    .tcp = tcp,
                                    .expire_ms = s->settings.expire_ms,
                                    .max_age_ms = s->settings.max_age_ms,
                                    .source = s->settings.check.source};
}

static int open_unbound(const struct upstream_set *s, struct worker *w, unsigned i, bool tcp,
                        struct exchange **out, struct errtext *e)
{
    struct exchange_target target = target_of(s, i, tcp);
    target.unbound = s->settings.unbound;
    return exchange_acquire(w, &exchange_unbound, &target, out, e);
}

static int open_direct(const struct upstream_set *s, struct worker *w, unsigned i, bool tcp,
                       struct exchange **out, struct errtext *e)
{
    const struct upstream_transport *transport = &s->transports[i];
    struct exchange_target target = target_of(s, i, tcp || transport->protocol != PROTOCOL_DNS);
    target.transport = *transport;
    target.case_randomisation = s->settings.case_randomisation;
    target.max_idle = s->settings.max_idle_conns;
    target.once = s->settings.max_qps > 0;
    return exchange_acquire(w, exchange_direct(&target), &target, out, e);
}

int upstream_set_worker_start(struct upstream_set *s, struct worker *w, struct errtext *e)
{
    struct upstream_links *l = calloc(1, sizeof *l);
    if (l == NULL)
        return errtext_set(e, -ENOMEM, "%s - plugin/forward: no memory", s->where);
    s->links[worker_index(w)] = l;
    __atomic_fetch_add(&s->workers, 1, __ATOMIC_RELAXED);
    bool tcp = s->settings.force_tcp;
    for (unsigned i = 0; i < s->count; i++) {
        struct errtext why = {{0}};
        int ret = ERR_OK;
        if (!s->settings.direct)
            ret = open_unbound(s, w, i, tcp, tcp ? &l->tcp[i] : &l->udp[i], &why);
        for (unsigned k = 0; k < 2 && ret == ERR_OK && !recurses(s); k++)
            ret = open_direct(s, w, i, k == 1, &l->direct[k][i], &why);
        if (ret != ERR_OK) {
            upstream_set_worker_stop(s, w);
            return errtext_set(e, ret, "%s - plugin/forward: %s", s->where, why.text);
        }
    }
    return ERR_OK;
}

void upstream_set_worker_stop(struct upstream_set *s, struct worker *w)
{
    struct upstream_links *l = s->links[worker_index(w)];
    if (l == NULL)
        return;
    for (unsigned i = 0; i < s->count; i++) {
        exchange_release(l->udp[i]);
        exchange_release(l->tcp[i]);
        exchange_release(l->direct[0][i]);
        exchange_release(l->direct[1][i]);
    }
    if (l->want != NULL)
        l->want->set = NULL;
    free(l);
    s->links[worker_index(w)] = NULL;
    __atomic_fetch_sub(&s->workers, 1, __ATOMIC_RELEASE); /* the last touch: it may be freed now */
}

void upstream_set_worker_retire(struct upstream_set *s, struct worker *w)
{
    struct upstream_links *l = s->links[worker_index(w)];
    l->retired = true;
    if (l->questions == 0)
        upstream_set_worker_stop(s, w);
}

void upstream_set_begin(struct upstream_set *s, struct worker *w)
{
    s->links[worker_index(w)]->questions++;
}

void upstream_set_end(struct upstream_set *s, struct worker *w)
{
    struct upstream_links *l = s->links[worker_index(w)];
    if (--l->questions == 0 && l->retired)
        upstream_set_worker_stop(s, w);
}

static void move_to_front(uint8_t *order, unsigned at)
{
    uint8_t first = order[at];
    memmove(order + 1, order, at);
    order[0] = first;
}

/* Those not yet measured first. */
static void sort_by_time(const struct upstream_set *s, uint8_t *order)
{
    uint32_t times[UPSTREAMS_MAX];
    for (unsigned i = 0; i < s->count; i++) {
        uint32_t time = upstream_timing_mean_us(s->upstreams[i]);
        unsigned at = i;
        for (; at > 0 && times[at - 1] > time; at--) {
            times[at] = times[at - 1];
            order[at] = order[at - 1];
        }
        times[at] = time;
        order[at] = (uint8_t)i;
    }
}

void upstream_set_order(struct upstream_set *s, uint64_t random, uint8_t order[UPSTREAMS_MAX])
{
    unsigned n = s->count;
    for (unsigned i = 0; i < n; i++)
        order[i] = (uint8_t)i;
    if (n < 2 || s->settings.policy == POLICY_SEQUENTIAL)
        return;
    if (s->settings.policy == POLICY_FASTEST) {
        sort_by_time(s, order);
        if (random % UPSTREAM_EXPLORE == 0)
            move_to_front(order, 1 + (unsigned)(random / UPSTREAM_EXPLORE % (n - 1)));
        return;
    }
    if (s->settings.policy == POLICY_ROUND_ROBIN) { /* this turn's first, then the others as they stand */
        move_to_front(order, (__atomic_fetch_add(&s->robin, 1, __ATOMIC_RELAXED) + 1) % n);
        return;
    }
    for (unsigned i = n - 1; i > 0; i--) { /* Fisher and Yates; 64 bits hold 15! many times over */
        unsigned j = (unsigned)(random % (i + 1));
        random /= i + 1;
        uint8_t t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

bool upstream_set_enter(unsigned *concurrent, unsigned limit)
{
    unsigned mine = __atomic_add_fetch(concurrent, 1, __ATOMIC_RELAXED);
    unsigned all = __atomic_add_fetch(&questions, 1, __ATOMIC_RELAXED);
    if ((limit == 0 || mine <= limit) && all <= UPSTREAM_QUESTIONS_MAX)
        return true;
    upstream_set_leave(concurrent);
    metrics_add(rejects, 0, 1);
    return false;
}

void upstream_set_leave(unsigned *concurrent)
{
    __atomic_fetch_sub(concurrent, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&questions, 1, __ATOMIC_RELAXED);
}

/* ---- TCP exchanges, made when they are first wanted: a context costs 1.3 MiB, and few clients ask over TCP
 * ---- */

static void make_tcp_links(void *ctx)
{
    struct upstream_want *want = ctx;
    struct upstream_set *s = want->set;
    if (s != NULL) {
        struct upstream_links *l = s->links[worker_index(want->worker)];
        l->want = NULL;
        for (unsigned i = 0; i < s->count; i++) {
            struct errtext e = {{0}};
            if (l->tcp[i] == NULL && open_unbound(s, want->worker, i, true, &l->tcp[i], &e) != ERR_OK)
                log_limited(LOG_LEVEL_WARNING, "plugin/forward: %s: TCP clients are forwarded over UDP (%s)",
                            s->where, e.text);
        }
    }
    free(want);
}

static void want_tcp_links(struct upstream_set *s, struct worker *w)
{
    struct upstream_links *l = s->links[worker_index(w)];
    if (l->want != NULL)
        return;
    struct upstream_want *want = malloc(sizeof *want);
    if (want == NULL)
        return;
    *want = (struct upstream_want){.set = s, .worker = w};
    if (worker_defer(w, make_tcp_links, want) == ERR_OK)
        l->want = want;
    else
        free(want);
}

struct exchange *upstream_set_exchange(struct upstream_set *s, struct worker *w, unsigned i, bool tcp,
                                       bool direct)
{
    struct upstream_links *l = s->links[worker_index(w)];
    if (direct)
        return l->direct[tcp][i];
    if (!tcp || recurses(s))
        return l->udp[i];
    if (l->tcp[i] == NULL)
        want_tcp_links(s, w);
    return l->tcp[i] != NULL ? l->tcp[i] : l->udp[i];
}
