/*
 * One upstream: its address, whether it is there, and what is counted of it. The same upstream with the same
 * health check is one object for the whole process, counted by references, so that a reload of the
 * configuration does not forget that it is down.
 *
 * Health is CoreDNS's: an upstream counts as good until a question to it fails; then it is checked (`. NS`,
 * at once and every `interval`) until a check succeeds. It is down when more than max_fails checks in a row
 * have failed. A check that has any response at all is a success. Checks run in the control thread; workers
 * read the number of failures.
 *
 * Before that, an upstream that is merely late is checked too; one whose check is not answered at once, or
 * has failed, is doubtful: it is asked after all others. So one that has gone costs the questions of half a
 * second some time, not those of all the seconds until it is down.
 *
 * Apart from health, an upstream may be found to lead back to this server (the loop plugin); then it is not
 * asked at all.
 */
#ifndef SEAMARK_UPSTREAM_UPSTREAM_H
#define SEAMARK_UPSTREAM_UPSTREAM_H

#include <event2/event.h>

#include "dns/query.h"
#include "exchange/upstream_address.h"
#include "exchange/upstream_transport.h"
#include "metrics/metrics.h"
#include "serve/request.h"

/* How it is checked. Two upstreams with different checks are two objects. */
struct upstream_check {
    uint32_t interval_ms;
    bool tcp;
    bool recursion_desired;
    union address source; /* where it is asked from; family 0: anywhere */
    uint8_t domain[NAME_MAX_LEN];
    struct upstream_transport transport; /* TLS and HTTPS make no use of `tcp` */
};

/* A check waits this long for its answer (CoreDNS: 1 s). */
#define UPSTREAM_CHECK_TIMEOUT_MS 1000
/* `health_check 0` would make a busy loop of a check that is refused at once. */
#define UPSTREAM_CHECK_INTERVAL_MIN_MS 10
/* A check without an answer for so long makes the upstream doubtful, and is sent again (over UDP), so that
 * one that comes back in the middle of a check is seen at once. */
#define UPSTREAM_CHECK_SILENT_MS 250

struct upstream_probe;

struct upstream {
    union address address;
    char text[UPSTREAM_TEXT_MAX];
    struct upstream_check check;
    unsigned fails;                        /* atomic: failed checks since the last good one */
    bool checking;                         /* atomic: a check is due, under way, or will be tried again */
    bool silent;                           /* atomic: the present check has not been answered at once */
    bool loops;                            /* atomic: see loop_guard.h */
    uint32_t mean_us, p95_us, measured_ms; /* atomic: see upstream_timing.h */
    uint64_t arrival_ns;                   /* atomic: of the budget, the same */
    uint64_t checked_ms;                   /* atomic: when a check was last answered; 0: never */
    const struct metric
        *duration; /* coredns_proxy_request_duration_seconds, one dimension: upstream_rcode_index() */
    const struct metric *check_failures;
    /* the rest belongs to the control thread */
    int references; /* atomic; the last one is dropped in the control thread */
    unsigned users;
    struct upstream_probe *probe;
    uint64_t check_began_ms;
    struct event *again;
    struct event *nudge;
    struct upstream *next;
};

/* Control thread. Gives the object for this address and check, made now or shared. -ENOMEM. */
int upstream_get(const union address *address, const struct upstream_check *check, struct upstream **out);
void upstream_put(struct upstream *u); /* NULL allowed */

/* How a probe gets to it. The upstream's reference to its TLS settings is lent. */
struct exchange_target;
void upstream_target(const struct upstream *u, struct exchange_target *out);

/* Any thread. A question to it failed: begin to check it, unless that is being done. */
void upstream_suspect(struct upstream *u);
/* The same for a question that is late: not more often than checks are made of an upstream that is out. */
void upstream_late(struct upstream *u);

static inline bool upstream_down(const struct upstream *u, unsigned max_fails)
{
    return max_fails != 0 && __atomic_load_n(&u->fails, __ATOMIC_RELAXED) > max_fails;
}

/* It may be out: it is asked after all others. */
static inline bool upstream_doubtful(const struct upstream *u, unsigned max_fails)
{
    return max_fails != 0 && (__atomic_load_n(&u->silent, __ATOMIC_RELAXED) ||
                              __atomic_load_n(&u->fails, __ATOMIC_RELAXED) > 0);
}

static inline bool upstream_loops(const struct upstream *u)
{
    return __atomic_load_n(&u->loops, __ATOMIC_RELAXED);
}

/* Counts an answer: its rcode, and the time since it was asked. In a worker. */
void upstream_count(const struct upstream *u, unsigned rcode, uint64_t elapsed_ns);

#endif
