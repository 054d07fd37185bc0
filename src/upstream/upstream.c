#include "upstream/upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "dns/rr.h"
#include "exchange/exchange.h"
#include "exchange/tls_client.h"
#include "serve/control.h"
#include "serve/worker.h"
#include "upstream/upstream_probe.h"

static const struct metric_desc duration_family = {
    .name = "coredns_proxy_request_duration_seconds",
    .help = "Histogram of the time each request took.",
    .type = METRIC_HISTOGRAM,
    .unit = METRIC_NANOSECONDS,
    .bounds = metrics_time_bounds,
    .nbounds = METRICS_TIME_BOUNDS,
};

static const struct metric_desc check_failures_family = {
    .name = "coredns_proxy_healthcheck_failures_total",
    .help = "Counter of the number of failed healthchecks.",
    .type = METRIC_COUNTER,
    .hide_zero = true,
};

/* Rcodes by name (RFC 6895 section 2.3); a header holds 16 of them. */
static const char *const rcodes[] = {
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
    "NXRRSET", "NOTAUTH", "NOTZONE",  "11",       "12",     "13",      "14",       "15",
};

static struct upstream *all; /* control thread */

static void register_metrics(struct upstream *u)
{
    const struct metric_label duration[] = {
        LABEL("proxy_name", "forward"),
        LABEL("to", u->text),
        LABEL_TABLE("rcode", rcodes, sizeof rcodes / sizeof rcodes[0]),
    };
    const struct metric_label failures[] = {LABEL("proxy_name", "forward"), LABEL("to", u->text)};
    u->duration = metrics_register(&duration_family, duration, 3);
    u->check_failures = metrics_register(&check_failures_family, failures, 2);
}

void upstream_count(const struct upstream *u, unsigned rcode, uint64_t elapsed_ns)
{
    metrics_observe(u->duration, rcode & 15, elapsed_ns);
}

static bool same_check(const struct upstream_check *a, const struct upstream_check *b)
{
    return a->interval_ms == b->interval_ms && a->tcp == b->tcp &&
           a->recursion_desired == b->recursion_desired && address_equal(&a->source, &b->source) &&
           name_equal(a->domain, b->domain) && upstream_transport_equal(&a->transport, &b->transport);
}

int upstream_get(const union address *address, const struct upstream_check *check, struct upstream **out)
{
    struct upstream *u;
    for (u = all; u != NULL; u = u->next)
        if (address_equal(&u->address, address) && same_check(&u->check, check))
            break;
    if (u == NULL) {
        u = calloc(1, sizeof *u);
        if (u == NULL)
            return -ENOMEM;
        u->address = *address;
        upstream_address_text(address, u->text);
        u->check = *check;
        tls_client_ref(u->check.transport.tls);
        register_metrics(u);
        u->next = all;
        all = u;
    }
    __atomic_fetch_add(&u->references, 1, __ATOMIC_RELAXED);
    u->users++;
    *out = u;
    return ERR_OK;
}

static void unref(struct upstream *u)
{
    if (__atomic_sub_fetch(&u->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    struct upstream **at = &all;
    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    tls_client_unref(u->check.transport.tls);
    free(u);
}

void upstream_target(const struct upstream *u, struct exchange_target *out)
{
    *out = (struct exchange_target){.address = u->address,
                                    .source = u->check.source,
                                    .tcp = u->check.tcp || u->check.transport.protocol != PROTOCOL_DNS,
                                    .transport = u->check.transport};
}

/* ---- checks, in the control thread ---- */

static void free_event(struct event **e)
{
    if (*e != NULL)
        event_free(*e);
    *e = NULL;
}

static void stop_checking(struct upstream *u)
{
    upstream_probe_cancel(u->probe);
    u->probe = NULL;
    free_event(&u->again);
    free_event(&u->nudge);
    __atomic_store_n(&u->silent, false, __ATOMIC_RELAXED);
    __atomic_store_n(&u->checking, false, __ATOMIC_RELAXED);
    unref(u);
}

void upstream_put(struct upstream *u)
{
    if (u == NULL)
        return;
    /* A check that is still in the mail finds no users and stops by itself. */
    if (--u->users == 0 && (u->probe != NULL || u->again != NULL))
        stop_checking(u);
    unref(u);
}

static void renew_exchanges(void *ctx)
{
    union address *address = ctx;
    exchange_renew(worker_self(), address);
    free(address);
}

/* What the exchanges learnt while the upstream was out is worth nothing now. */
static void tell_workers(const struct upstream *u)
{
    for (unsigned i = 0; i < worker_count(); i++) {
        union address *address = malloc(sizeof *address);
        if (address == NULL)
            return; /* they find out by themselves, later */
        *address = u->address;
        if (worker_post(worker_at(i), renew_exchanges, address) != ERR_OK)
            free(address);
    }
}

static void check(struct upstream *u);

static void check_again(evutil_socket_t fd, short what, void *ctx)
{
    struct upstream *u = ctx;
    (void)fd, (void)what;
    free_event(&u->again);
    check(u);
}

/* The check waits for its answer. */
static void nudge(evutil_socket_t fd, short what, void *ctx)
{
    struct upstream *u = ctx;
    (void)fd, (void)what;
    __atomic_store_n(&u->silent, true, __ATOMIC_RELAXED);
    upstream_probe_send_again(u->probe);
}

static void start_nudging(struct upstream *u)
{
    const struct timeval every = {.tv_usec = UPSTREAM_CHECK_SILENT_MS * 1000};
    u->nudge = event_new(control_base(), -1, EV_PERSIST, nudge, u);
    if (u->nudge != NULL)
        event_add(u->nudge, &every); /* without it the check is sent once, and that is all */
}

/* The interval is from the beginning of one check to that of the next: an upstream that says nothing is
 * checked without a pause, so that its coming back is not slept through. */
static void check_failed(struct upstream *u)
{
    uint64_t took = clock_ms() - u->check_began_ms;
    uint64_t left = took < u->check.interval_ms ? u->check.interval_ms - took : 0;
    struct timeval wait = {.tv_sec = (time_t)(left / 1000), .tv_usec = (suseconds_t)(left % 1000 * 1000)};
    free_event(&u->nudge);
    unsigned before = __atomic_fetch_add(&u->fails, 1, __ATOMIC_RELAXED);
    metrics_add(u->check_failures, 0, 1); /* when it is counted, it counts */
    if (before == 0)
        log_warning("plugin/forward: upstream %s: does not answer (health check failed)", u->text);
    u->again = event_new(control_base(), -1, 0, check_again, u);
    if (u->again == NULL || event_add(u->again, &wait) != 0)
        stop_checking(u); /* no memory: the next question that fails begins anew */
}

static void check_done(void *ctx, bool answered)
{
    struct upstream *u = ctx;
    u->probe = NULL;
    if (!answered) {
        check_failed(u);
        return;
    }
    __atomic_store_n(&u->checked_ms, clock_ms(), __ATOMIC_RELAXED);
    __atomic_store_n(&u->silent, false, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&u->fails, 0, __ATOMIC_RELAXED) > 0) {
        tell_workers(u);
        log_info("plugin/forward: upstream %s: answers again", u->text); /* it is asked again: said last */
    }
    stop_checking(u);
}

static void check(struct upstream *u)
{
    struct query q;
    query_make(&q, u->check.domain, RR_NS);
    if (!u->check.recursion_desired)
        q.flags &= (uint16_t)~FLAG_RD;
    struct exchange_target target;
    upstream_target(u, &target);
    u->check_began_ms = clock_ms();
    if (upstream_probe_send(control_base(), &target, &q, UPSTREAM_CHECK_TIMEOUT_MS, check_done, u,
                            &u->probe) == ERR_OK)
        start_nudging(u);
    else
        check_failed(u); /* no socket: that is no proof, but nothing can be asked either */
}

static void begin_check(void *ctx)
{
    struct upstream *u = ctx;
    if (u->users == 0)
        stop_checking(u);
    else
        check(u);
}

void upstream_suspect(struct upstream *u)
{
    if (__atomic_exchange_n(&u->checking, true, __ATOMIC_RELAXED))
        return;
    __atomic_fetch_add(&u->references, 1, __ATOMIC_RELAXED);
    if (control_post(begin_check, u) != ERR_OK) {
        __atomic_store_n(&u->checking, false, __ATOMIC_RELAXED);
        __atomic_fetch_sub(&u->references, 1,
                           __ATOMIC_RELAXED); /* not the last one: the asker's set has its own */
    }
}

void upstream_late(struct upstream *u)
{
    uint64_t checked = __atomic_load_n(&u->checked_ms, __ATOMIC_RELAXED);
    if (checked == 0 || clock_ms() - checked >= u->check.interval_ms)
        upstream_suspect(u);
}
