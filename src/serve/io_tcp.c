#include "serve/io_tcp.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "serve/io_tcp_p.h"

/* Connections of one worker, where descriptors allow; the one that has asked nothing for longest makes room.
 * An idle one takes about 1 KiB. */
#define CONNECTIONS_MAX 8192
/* Questions of one connection under way: a stub resolver has a handful, a forwarder some hundred. */
#define IN_FLIGHT_MAX 256
/* Octets of answers that a client may leave unread before its questions are no longer read: two of the
 * longest. */
#define UNREAD_MAX (128u << 10)
/* Octets that all connections of a worker may hold, received or not yet sent: what 500 clients that read
 * nothing can take, or 1,000 that begin the longest message and never end it. Beyond it the one that has
 * asked nothing for longest among those that hold any is closed. */
#define BUFFERED_MAX (64u << 20)
/* RFC 7766 section 6.2.3 asks for seconds; CoreDNS's idle time-out is 10 s, its write time-out 5 s. */
#define IDLE_SECONDS  10
#define WRITE_SECONDS 5
/* How long accepting rests when the process has no descriptors left. */
#define REST_MS 100

static size_t buffered(const struct conn *c)
{
    return evbuffer_get_length(bufferevent_get_input(c->bev)) +
           evbuffer_get_length(bufferevent_get_output(c->bev));
}

static void on_buffer_changed(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *ctx)
{
    struct worker *w = ctx;
    (void)buffer;
    w->tcp_buffered += info->n_added;
    w->tcp_buffered -= info->n_deleted;
}

void tcp_close(struct conn *c)
{
    if (c->bev != NULL) {
        c->worker->tcp_buffered -= buffered(c);
        evbuffer_remove_cb(bufferevent_get_input(c->bev), on_buffer_changed, c->worker);
        evbuffer_remove_cb(bufferevent_get_output(c->bev), on_buffer_changed, c->worker);
        /* libevent would close it in the next turn of the loop only: too late for a connection that is
         * waiting to be accepted in this one. */
        evutil_socket_t fd = bufferevent_getfd(c->bev);
        bufferevent_setfd(c->bev, -1);
        close(fd);
        bufferevent_free(c->bev);
        c->bev = NULL;
        TAILQ_REMOVE(&c->worker->connections, c, link);
        c->worker->nconnections--;
        streams_lose(c);
    }
    if (c->in_flight == 0)
        free(c);
}

static bool unwritten(const struct conn *c)
{
    return evbuffer_get_length(bufferevent_get_output(c->bev)) > 0;
}

static bool conn_full(const struct conn *c)
{
    return c->in_flight >= IN_FLIGHT_MAX || evbuffer_get_length(bufferevent_get_output(c->bev)) > UNREAD_MAX;
}

/* Closes it where it is ending and has nothing left to do; true where it is gone. */
static bool conn_ended(struct conn *c)
{
    if (!c->ending || c->in_flight > 0 || unwritten(c))
        return false;
    tcp_close(c);
    return true;
}

bool tcp_shed(struct conn *c)
{
    struct worker *w = c->worker;
    struct conn *victim = TAILQ_FIRST(&w->connections), *next;
    c->in_flight++; /* keeps it in memory */
    for (; victim != NULL && w->tcp_buffered > BUFFERED_MAX; victim = next) {
        next = TAILQ_NEXT(victim, link);
        if (buffered(victim) > 0)
            tcp_close(victim);
    }
    c->in_flight--;
    if (c->bev != NULL)
        return false;
    if (c->in_flight == 0)
        free(c);
    return true;
}

bool tcp_put(struct conn *c, const void *message, size_t len)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    uint8_t length[2];
    wire_put_u16(length, (uint16_t)len);
    if (evbuffer_expand(out, sizeof length + len) != 0)
        return false;
    evbuffer_add(out, length, sizeof length);
    evbuffer_add(out, message, len);
    return true;
}

/* request_done of connections. */
static void tcp_done(struct request *r)
{
    struct conn *c = r->origin;
    c->in_flight--;
    if (c->bev == NULL) {
        if (c->in_flight == 0)
            free(c);
        return;
    }
    c->active_ms = clock_ms();
    if (r->reply != NULL && !tcp_put(c, r->reply->wire, r->reply->len))
        c->ending = true;
    if (!r->parked) /* we are in the middle of reading its questions */
        return;
    if (!tcp_shed(c) && !conn_ended(c) && !conn_full(c)) /* room again: go on with what has been received */
        bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS | BEV_TRIG_IGNORE_WATERMARKS);
}

static void serve_message(struct conn *c, const uint8_t *message, size_t len)
{
    struct request *r = request_new(c->worker);
    if (r == NULL) {
        c->ending = true; /* no room: better a closed connection than a question that nobody answers */
        return;
    }
    r->transport = TRANSPORT_TCP;
    r->client = c->client;
    r->local = c->local;
    r->received_ns = clock_ns();
    r->done = tcp_done;
    r->origin = c;
    c->in_flight++;
    request_serve(r, c->endpoint->listener, message, len);
}

/* The next whole message in `in` with its length in front, or NULL. What can never be one ends the
 * connection. */
static const uint8_t *next_message(struct conn *c, struct evbuffer *in, size_t *len)
{
    uint8_t length[2];
    if (evbuffer_copyout(in, length, sizeof length) < 2)
        return NULL;
    *len = wire_u16(length);
    const uint8_t *message = NULL;
    if (*len >= DNS_HEADER_LEN) {
        if (evbuffer_get_length(in) < 2 + *len)
            return NULL;
        message = evbuffer_pullup(in, (ev_ssize_t)(2 + *len));
    }
    if (message == NULL)
        c->ending = true;
    return message;
}

/* A client that sends octet by octet is idle too, as long as they make no question. */
static bool dribbles(const struct conn *c)
{
    return c->in_flight == 0 && !unwritten(c) && clock_ms() - c->active_ms > IDLE_SECONDS * 1000;
}

static void read_questions(struct conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    const uint8_t *message;
    size_t len;
    bool asked = false;
    while (!c->ending && c->endpoint != NULL && !conn_full(c) &&
           (message = next_message(c, in, &len)) != NULL) {
        asked = true;
        serve_message(c, message + 2, len);
        evbuffer_drain(in, 2 + len);
    }
    if (asked) { /* it moves to the end of those who may have to make room */
        c->active_ms = clock_ms();
        TAILQ_REMOVE(&c->worker->connections, c, link);
        TAILQ_INSERT_TAIL(&c->worker->connections, c, link);
    } else if (dribbles(c)) {
        c->ending = true;
    }
    if (tcp_shed(c) || conn_ended(c))
        return;
    if (c->ending || conn_full(c))
        bufferevent_disable(c->bev, EV_READ);
    else
        bufferevent_enable(c->bev, EV_READ);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    read_questions(ctx);
}

static void on_written(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    struct conn *c = ctx;
    streams_turn(c);
    if (!conn_ended(c))
        read_questions(c);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct conn *c = ctx;
    if (what & BEV_EVENT_EOF) { /* half-closed clients get their answers */
        c->ending = true;
        conn_ended(c);
        return;
    }
    if ((what & BEV_EVENT_TIMEOUT) && (what & BEV_EVENT_READING) && (c->in_flight > 0 || unwritten(c))) {
        bufferevent_enable(bev, EV_READ); /* idle it is not: it waits for us */
        return;
    }
    tcp_close(c);
}

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
    struct conn *c = calloc(1, sizeof *c);
    struct bufferevent *bev = c == NULL ? NULL : bufferevent_socket_new(w->base, fd, 0);
    if (bev == NULL) {
        free(c);
        close(fd);
        return;
    }
    *c = (struct conn){.worker = w, .endpoint = ep, .bev = bev, .active_ms = clock_ms()};
    memcpy(&c->client, from, (size_t)from_len < sizeof c->client ? (size_t)from_len : sizeof c->client);
    socklen_t len = sizeof c->local;
    getsockname(fd, &c->local.sa, &len);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    TAILQ_INSERT_TAIL(&w->connections, c, link);
    w->nconnections++;
    static const struct timeval idle = {.tv_sec = IDLE_SECONDS}, writing = {.tv_sec = WRITE_SECONDS};
    bufferevent_set_timeouts(bev, &idle, &writing);
    bufferevent_set_max_single_read(bev, 16384);
    evbuffer_add_cb(bufferevent_get_input(bev), on_buffer_changed, w);
    evbuffer_add_cb(bufferevent_get_output(bev), on_buffer_changed, w);
    bufferevent_setcb(bev, on_read, on_written, on_event, c);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
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
        bufferevent_disable(c->bev, EV_READ);
        conn_ended(c);
    }
}

void tcp_end_idle(struct worker *w)
{
    struct conn *c, *next;
    for (c = TAILQ_FIRST(&w->connections); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        c->ending = true;
        conn_ended(c);
    }
}

unsigned tcp_unsent(const struct worker *w)
{
    unsigned count = 0;
    const struct conn *c;
    TAILQ_FOREACH(c, &w->connections, link)
    count += unwritten(c);
    return count;
}

void tcp_close_all(struct worker *w)
{
    struct conn *c;
    while ((c = TAILQ_FIRST(&w->connections)) != NULL)
        tcp_close(c);
}
