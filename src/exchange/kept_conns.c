/* The connections of an exchange that keeps them: how many there are, for how long, and which question is out
 * on which. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret_random.h"
#include "exchange/exchange_kept_p.h"
#include "serve/worker.h"

#define NS_PER_MS 1000000u

void kept_conn_free(struct kept_conn *c)
{
    if (c->busy) {
        c->dead = c->retired = true; /* no further question may go there */
        return;
    }
    evtimer_del(&c->idle);
    c->x->kind->close(c);
    LIST_REMOVE(c, link);
    c->x->nconns--;
    free(c);
}

void kept_conn_retire(struct kept_conn *c)
{
    c->retired = true;
    if (c->out == 0)
        kept_conn_free(c);
}

static bool too_old(const struct kept_conn *c, uint64_t now)
{
    uint32_t max_age = c->x->base.target.max_age_ms;
    return max_age > 0 && now - c->born_ns >= (uint64_t)max_age * NS_PER_MS;
}

void kept_connected(void *ctx)
{
    struct kept_conn *c = ctx;
    c->connected = true;
    if (c->x->base.target.transport.tls != NULL)
        direct_series_count_handshake(&c->x->series, c->x->kind->resumed(c));
}

/* ---- idle connections ---- */

static void wait_idle(struct kept_conn *c, uint64_t left_ns)
{
    const struct timeval tv = {.tv_sec = (time_t)(left_ns / 1000000000),
                               .tv_usec = (suseconds_t)(left_ns % 1000000000 / 1000)};
    evtimer_add(&c->idle, &tv);
}

/* The timer is not moved for each question: when it is due, the time that is left is looked at. */
static void on_idle(evutil_socket_t fd, short what, void *ctx)
{
    struct kept_conn *c = ctx;
    uint64_t now = clock_ns(), expire = (uint64_t)c->x->base.target.expire_ms * NS_PER_MS;
    (void)fd, (void)what;
    if (c->out > 0)
        return; /* begun anew when it is idle */
    if (now - c->idle_ns >= expire || too_old(c, now))
        kept_conn_free(c);
    else
        wait_idle(c, expire - (now - c->idle_ns));
}

static unsigned count_idle(const struct kept_exchange *x)
{
    unsigned n = 0;
    const struct kept_conn *c;
    LIST_FOREACH(c, &x->conns, link)
    n += c->out == 0;
    return n;
}

static void become_idle(struct kept_conn *c)
{
    const struct exchange_target *t = &c->x->base.target;
    c->idle_ns = clock_ns();
    if (c->retired || (t->max_idle > 0 && count_idle(c->x) > t->max_idle))
        kept_conn_free(c);
    else if (!evtimer_pending(&c->idle, NULL))
        wait_idle(c, (uint64_t)t->expire_ms * NS_PER_MS);
}

/* ---- choosing ---- */

static struct kept_conn *open_conn(struct kept_exchange *x, int *error)
{
    struct kept_conn *c = calloc(1, sizeof *c);
    *error = c == NULL ? -ENOMEM : ERR_OK;
    if (c == NULL)
        return NULL;
    c->x = x;
    c->born_ns = clock_ns();
    evtimer_assign(&c->idle, worker_base(x->base.worker), on_idle, c);
    *error = x->kind->open(c);
    if (*error != ERR_OK) {
        free(c);
        return NULL;
    }
    LIST_INSERT_HEAD(&x->conns, c, link);
    x->nconns++;
    return c;
}

/* Whether it takes a question; one that takes none any more is let go. */
static bool takes(struct kept_conn *c, uint64_t now)
{
    if (c->retired)
        return false;
    bool good = !too_old(c, now) && (c->x->kind->usable == NULL || c->x->kind->usable(c));
    if (!good)
        kept_conn_retire(c);
    return good;
}

static struct kept_conn *unless_full(struct kept_conn *c, int *error)
{
    *error = c->out < c->x->kind->calls_max ? ERR_OK : ERR_LIMIT;
    return *error == ERR_OK ? c : NULL;
}

struct kept_conn *kept_conn_pick(struct kept_exchange *x, int *error)
{
    uint64_t now = clock_ns();
    struct kept_conn *least = NULL, *c, *next;
    unsigned usable = 0;
    bool beginning =
        false; /* what comes first brings a session, by which the next handshake is a short one */
    for (c = LIST_FIRST(&x->conns); c != NULL; c = next) {
        next = LIST_NEXT(c, link);
        if (!takes(c, now))
            continue;
        usable++;
        beginning = beginning || (x->base.target.transport.tls != NULL && c->heard_ns == 0);
        if (least == NULL || c->out < least->out)
            least = c;
    }
    *error = ERR_OK;
    bool more = usable < KEPT_CONNS && x->nconns < 2 * KEPT_CONNS && !beginning;
    if (least != NULL && (least->out < x->kind->spread || !more))
        return unless_full(least, error);
    if (!more) { /* those that are given up still wait for answers */
        *error = ERR_LIMIT;
        return NULL;
    }
    c = open_conn(x, error);
    if (c == NULL && least != NULL) /* no descriptors, perhaps: the one that is there will do */
        c = unless_full(least, error);
    return c;
}

/* ---- ids ---- */

struct exchange_call *kept_conn_find(const struct kept_conn *c, const uint8_t *id)
{
    struct exchange_call *call = LIST_FIRST(&c->calls[id[1] % KEPT_BUCKETS]);
    while (call != NULL && memcmp(call->wire + LENGTH_OCTETS, id, 2) != 0)
        call = LIST_NEXT(call, link);
    return call;
}

void kept_conn_add(struct kept_conn *c, struct exchange_call *call)
{
    uint8_t id[2] = {0, 0};
    if (c->x->kind->ids)
        do {
            secret_random(id, sizeof id);
        } while (kept_conn_find(c, id) != NULL);
    memcpy(call->wire + LENGTH_OCTETS, id, sizeof id);
    direct_series_count(&c->x->series, c->connected);
    call->conn = c;
    LIST_INSERT_HEAD(&c->calls[id[1] % KEPT_BUCKETS], call, link);
    c->out++;
}

void kept_conn_remove(struct exchange_call *call)
{
    struct kept_conn *c = call->conn;
    LIST_REMOVE(call, link);
    call->conn = NULL;
    if (--c->out == 0)
        become_idle(c);
}
