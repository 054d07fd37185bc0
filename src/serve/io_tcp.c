#include "serve/io_tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/io_tcp_p.h"

/* Connections of one worker, where descriptors allow; the one that has asked nothing for longest makes room.
 * An idle one takes about 400 octets. */
#define CONNECTIONS_MAX 8192
/* How long accepting rests when the process has no descriptors left. */
#define REST_MS 100
/* How often time-outs are looked for: none is later than that. */
#define SWEEP_MS 250

bool tcp_shed(struct conn *c)
{
    struct worker *w = c->worker;
    if (w->tcp_buffered <= TCP_BUFFERED_MAX)
        return false;
    struct conn *victim = TAILQ_FIRST(&w->connections), *next;
    c->in_flight++; /* keeps it in memory */
    for (; victim != NULL && w->tcp_buffered > TCP_BUFFERED_MAX; victim = next) {
        next = TAILQ_NEXT(victim, link);
        if (tcp_held(victim) > 0)
            tcp_close(victim);
    }
    c->in_flight--;
    if (c->fd >= 0)
        return false;
    if (c->in_flight == 0)
        free(c);
    return true;
}

/* ---- time-outs ---- */

/* Whether it has had its time. Who waits for us is not idle; who sends octets that make no question is. */
static bool timed_out(struct conn *c, uint64_t now_ms)
{
    if (tcp_unwritten(c) > 0) {
        if (c->stuck_ms == 0)
            c->stuck_ms = now_ms;
        return now_ms - c->stuck_ms >= TCP_WRITE_SECONDS * 1000;
    }
    return c->in_flight == 0 && now_ms - c->active_ms >= TCP_IDLE_SECONDS * 1000;
}

/* One timer for all connections: setting and moving one for each costs more than a question does. */
static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
    struct worker *w = ctx;
    uint64_t now_ms = clock_ms();
    (void)fd, (void)what;
    struct conn *c, *next;
    for (c = TAILQ_FIRST(&w->connections); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        if (timed_out(c, now_ms))
            tcp_close(c);
    }
    if (TAILQ_EMPTY(&w->connections))
        event_del(w->tcp->sweep);
}

struct tcp_shared *tcp_shared_new(struct worker *w)
{
    struct tcp_shared *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->sweep = event_new(w->base, -1, EV_PERSIST, on_sweep, w);
    if (s->sweep == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

void tcp_shared_free(struct tcp_shared *s)
{
    if (s == NULL)
        return;
    event_free(s->sweep);
    free(s->spare);
    free(s);
}

/* ---- connections ---- */

static void make_room(struct worker *w)
{
    struct conn *oldest = TAILQ_FIRST(&w->connections);
    if (oldest != NULL)
        tcp_close(oldest);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int from_len,
                      void *ctx)
{
    struct endpoint *ep = ctx;
    struct worker *w = ep->worker;
    (void)l;
    if (w->nconnections >= w->connections_max)
        make_room(w);
    struct conn *c = tcp_conn_new(ep, fd);
    if (c == NULL)
        return;
    memcpy(&c->client, from, (size_t)from_len < sizeof c->client ? (size_t)from_len : sizeof c->client);
    if (ep->sockets->wildcard) {
        socklen_t len = sizeof c->local;
        getsockname(fd, &c->local.sa, &len);
    }
    static const struct timeval every = {.tv_usec = SWEEP_MS * 1000};
    if (!evtimer_pending(w->tcp->sweep, NULL))
        event_add(w->tcp->sweep, &every);
}

static void on_rested(evutil_socket_t fd, short what, void *ctx)
{
    struct endpoint *ep = ctx;
    (void)fd, (void)what;
    evconnlistener_enable(ep->tcp);
}

static void on_accept_error(struct evconnlistener *l, void *ctx)
{
    struct endpoint *ep = ctx;
    int error = EVUTIL_SOCKET_ERROR();
    log_limited(LOG_LEVEL_WARNING,
                "tcp: a connection cannot be accepted (%s); the one idle for longest makes room",
                strerror(error));
    make_room(ep->worker);
    static const struct timeval rest = {.tv_usec = REST_MS * 1000};
    evconnlistener_disable(l);
    evtimer_add(ep->tcp_rest, &rest);
}

unsigned tcp_connections_max(unsigned workers)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY)
        return CONNECTIONS_MAX;
    rlim_t share = files.rlim_cur / 4 * 3 / workers; /* the rest is for zone files, upstreams and HTTP */
    return share == 0 ? 1 : share < CONNECTIONS_MAX ? (unsigned)share : CONNECTIONS_MAX;
}

int tcp_listen(struct endpoint *ep)
{
    int fd = ep->sockets->tcp[ep->worker->index];
    ep->tcp = evconnlistener_new(ep->worker->base, on_accept, ep, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    ep->tcp_rest = evtimer_new(ep->worker->base, on_rested, ep);
    if (ep->tcp == NULL || ep->tcp_rest == NULL)
        return -ENOMEM;
    evconnlistener_set_error_cb(ep->tcp, on_accept_error);
    return ERR_OK;
}

void tcp_unlisten(struct endpoint *ep)
{
    if (ep->tcp != NULL)
        evconnlistener_free(ep->tcp);
    if (ep->tcp_rest != NULL)
        event_free(ep->tcp_rest);
    ep->tcp = NULL;
    ep->tcp_rest = NULL;
    struct conn *c, *next;
    for (c = TAILQ_FIRST(&ep->worker->connections); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->endpoint != ep)
            continue;
        c->endpoint = NULL;
        c->ending = true;
        tcp_rest(c);
        tcp_ended(c);
    }
}

void tcp_end_idle(struct worker *w)
{
    struct conn *c, *next;
    for (c = TAILQ_FIRST(&w->connections); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        c->ending = true;
        tcp_ended(c);
    }
}

unsigned tcp_unsent(const struct worker *w)
{
    unsigned count = 0;
    const struct conn *c;
    TAILQ_FOREACH(c, &w->connections, link)
    count += tcp_unwritten(c) > 0;
    return count;
}

void tcp_close_all(struct worker *w)
{
    struct conn *c;
    while ((c = TAILQ_FIRST(&w->connections)) != NULL)
        tcp_close(c);
}
