/* The connections of an exchange over HTTPS: how many there are, and for how long. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "exchange/exchange_doh_p.h"
#include "serve/worker.h"

#define NS_PER_MS 1000000u

void doh_conn_free(struct doh_conn *c)
{
    evtimer_del(&c->idle);
    doh_session_free(c->session);
    LIST_REMOVE(c, link);
    c->x->nconns--;
    free(c);
}

static bool too_old(const struct doh_conn *c, uint64_t now)
{
    uint32_t max_age = c->x->base.target.max_age_ms;
    return max_age > 0 && now - c->born_ns >= (uint64_t)max_age * NS_PER_MS;
}

static void wait_idle(struct doh_conn *c, uint64_t left_ns)
{
    const struct timeval tv = {.tv_sec = (time_t)(left_ns / 1000000000),
                               .tv_usec = (suseconds_t)(left_ns % 1000000000 / 1000)};
    evtimer_add(&c->idle, &tv);
}

static void on_idle(evutil_socket_t fd, short what, void *ctx)
{
    struct doh_conn *c = ctx;
    uint64_t now = clock_ns(), expire = (uint64_t)c->x->base.target.expire_ms * NS_PER_MS;
    (void)fd, (void)what;
    if (c->out > 0)
        return;
    if (c->retired || now - c->idle_ns >= expire || too_old(c, now))
        doh_conn_free(c);
    else
        wait_idle(c, expire - (now - c->idle_ns));
}

static unsigned count_idle(const struct doh_exchange *x)
{
    unsigned n = 0;
    const struct doh_conn *c;
    LIST_FOREACH(c, &x->conns, link)
    n += c->out == 0;
    return n;
}

/* One that is to go does so from the loop: this may be within its session's callback. */
void doh_conn_idle(struct doh_conn *c)
{
    const struct exchange_target *t = &c->x->base.target;
    c->idle_ns = clock_ns();
    if (t->max_idle > 0 && count_idle(c->x) > t->max_idle)
        c->retired = true;
    if (c->retired || !evtimer_pending(&c->idle, NULL))
        wait_idle(c, c->retired ? 0 : (uint64_t)t->expire_ms * NS_PER_MS);
}

void doh_conn_retire(struct doh_conn *c)
{
    c->retired = true;
    if (c->out == 0)
        wait_idle(c, 0);
}

static void on_connected(void *ctx)
{
    struct doh_conn *c = ctx;
    c->connected = true;
    direct_series_count_handshake(&c->x->series, doh_session_resumed(c->session));
}

static struct doh_conn *conn_open(struct doh_exchange *x, int *error)
{
    static const struct doh_session_events events = {.connected = on_connected,
                                                     .closed = doh_exchange_closed};
    struct doh_conn *c = calloc(1, sizeof *c);
    *error = c == NULL ? -ENOMEM : ERR_OK;
    if (c == NULL)
        return NULL;
    c->x = x;
    c->born_ns = clock_ns();
    evtimer_assign(&c->idle, worker_base(x->base.worker), on_idle, c);
    *error = doh_session_open(worker_base(x->base.worker), &x->base.target, &events, c, &c->session);
    if (*error != ERR_OK) {
        free(c);
        return NULL;
    }
    LIST_INSERT_HEAD(&x->conns, c, link);
    x->nconns++;
    return c;
}

struct doh_conn *doh_conn_pick(struct doh_exchange *x, int *error)
{
    uint64_t now = clock_ns();
    struct doh_conn *least = NULL, *c;
    unsigned usable = 0;
    bool beginning =
        false; /* what comes first brings a session, by which the next handshake is a short one */
    LIST_FOREACH(c, &x->conns, link)
    {
        if (!c->retired && (too_old(c, now) || !doh_session_usable(c->session))) {
            doh_conn_retire(c);
        }
        usable += !c->retired;
        beginning = beginning || (!c->retired && doh_session_heard_ns(c->session) == 0);
        if (!c->retired && (least == NULL || c->out < least->out))
            least = c;
    }
    *error = ERR_OK;
    bool more = usable < DOH_CONNS && x->nconns < 2 * DOH_CONNS && !beginning;
    if (least != NULL && (least->out < DOH_SPREAD || !more))
        return least;
    if (!more) {
        *error = ERR_LIMIT;
        return NULL;
    }
    c = conn_open(x, error);
    return c != NULL ? c : least;
}
