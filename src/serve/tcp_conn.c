/* A connection: its questions in, its answers out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "serve/io_tcp_p.h"

/* Questions of one connection under way: a stub resolver has a handful, a forwarder some hundred. */
#define IN_FLIGHT_MAX 256
/* Octets of answers that a client may leave unread before its questions are no longer read: two of the
 * longest. */
#define UNREAD_MAX (128u << 10)
/* What may have been received and not taken: the longest message but for an octet, and what came with that.
 */
#define RECEIVED_MAX (65537 + TCP_READ)
/* Room that a connection keeps beyond what it needs, when not all was sent. */
#define SLACK_MAX 4096

static bool is_full(const struct conn *c)
{
    return c->in_flight >= IN_FLIGHT_MAX || tcp_unwritten(c) > UNREAD_MAX;
}

void tcp_rest(struct conn *c)
{
    if (!c->resting)
        event_del(c->readable);
    c->resting = true;
}

bool tcp_ended(struct conn *c)
{
    if (!c->ending || c->in_flight > 0 || tcp_unwritten(c) > 0)
        return false;
    tcp_close(c);
    return true;
}

/* ---- answers ---- */

static void out_free(struct conn *c)
{
    struct worker *w = c->worker;
    w->tcp_buffered -= c->out.cap;
    if (c->out.cap == TCP_SPARE && w->tcp->spare == NULL)
        w->tcp->spare = c->out.data;
    else
        free(c->out.data);
    memset(&c->out, 0, sizeof c->out);
}

/* Room for so many octets more; false without memory. */
static bool out_reserve(struct conn *c, size_t more)
{
    struct worker *w = c->worker;
    size_t need = c->out.len + more, cap = need > TCP_SPARE ? need + need / 2 : TCP_SPARE;
    if (need <= c->out.cap)
        return true;
    uint8_t *data = w->tcp->spare;
    if (c->out.data == NULL && cap == TCP_SPARE && data != NULL)
        w->tcp->spare = NULL;
    else
        data = realloc(c->out.data, cap);
    if (data == NULL)
        return false;
    w->tcp_buffered += cap - c->out.cap;
    c->out.data = data;
    c->out.cap = cap;
    return true;
}

bool tcp_put(struct conn *c, const void *message, size_t len)
{
    if (!out_reserve(c, 2 + len))
        return false;
    uint8_t *at = c->out.data + c->out.len;
    wire_put_u16(at, (uint16_t)len);
    memcpy(at + 2, message, len);
    c->out.len += 2 + len;
    return true;
}

/* The client takes no more for now: what is left moves to memory of its size. */
static void out_shrink(struct conn *c)
{
    size_t left = tcp_unwritten(c);
    if (c->out.cap - left <= SLACK_MAX)
        return;
    uint8_t *data = malloc(left);
    if (data == NULL)
        return;
    memcpy(data, c->out.data + c->out.at, left);
    out_free(c);
    c->worker->tcp_buffered += left;
    c->out.data = data;
    c->out.len = c->out.cap = left;
}

/* Sends what the client takes; false where the connection is gone. */
static bool send_answers(struct conn *c)
{
    size_t left = tcp_unwritten(c);
    if (left == 0)
        return true;
    ssize_t n = send(c->fd, c->out.data + c->out.at, left, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        tcp_close(c);
        return false;
    }
    if (n > 0) {
        c->out.at += (size_t)n;
        c->stuck_ms = 0;
    }
    if (tcp_unwritten(c) == 0) {
        out_free(c);
    } else {
        out_shrink(c);
        tcp_want_write(c);
    }
    return true;
}

/* request_done of connections. */
static void on_answer(struct request *r)
{
    struct conn *c = r->origin;
    c->in_flight--;
    if (c->fd < 0) {
        if (c->in_flight == 0)
            free(c);
        return;
    }
    if (r->reply != NULL && !tcp_put(c, r->reply->wire, r->reply->len))
        c->ending = true;
    if (!r->parked) /* we are in the middle of reading its questions */
        return;
    c->active_ms = clock_ms();
    if (tcp_unwritten(c) > 0 || c->resting) /* room again: go on with what has been received */
        tcp_want_write(c);
    if (!tcp_shed(c))
        tcp_ended(c);
}

/* ---- questions ---- */

static void serve_message(struct conn *c, const uint8_t *message, size_t len, uint64_t now_ns)
{
    struct request *r = request_new(c->worker);
    if (r == NULL) {
        c->ending = true; /* no room: better a closed connection than a question that nobody answers */
        return;
    }
    r->transport = TRANSPORT_TCP;
    r->client = c->client;
    r->local = c->local;
    r->received_ns = now_ns;
    r->done = on_answer;
    r->origin = c;
    c->in_flight++;
    request_serve(r, c->endpoint->listener, message, len);
}

/* Serves the whole messages that `data` begins with, as many as there is room for, and returns how many
 * octets they took. What can never be a message ends the connection. */
static size_t serve_messages(struct conn *c, const uint8_t *data, size_t len, uint64_t now_ns)
{
    size_t at = 0;
    while (!c->ending && c->endpoint != NULL && !is_full(c) && len - at >= 2) {
        size_t size = wire_u16(data + at);
        if (size < DNS_HEADER_LEN) {
            c->ending = true;
        } else if (len - at - 2 < size) {
            break;
        } else {
            serve_message(c, data + at + 2, size, now_ns);
            at += 2 + size;
        }
    }
    return at;
}

/* Keeps what was received and not taken; nothing of it is looked at again where the connection is to end. */
static void keep_received(struct conn *c, const uint8_t *data, size_t len)
{
    size_t before = c->in.cap;
    if (!c->ending && bytes_append(&c->in, data, len) != ERR_OK)
        c->ending = true;
    c->worker->tcp_buffered += c->in.cap - before;
}

static void drop_received(struct conn *c, size_t len)
{
    if (len < c->in.len) {
        bytes_consume(&c->in, len);
        return;
    }
    c->worker->tcp_buffered -= c->in.cap;
    bytes_free(&c->in);
}

/* After questions: answers leave, and it is seen whether more questions are wanted. */
static void go_on(struct conn *c, bool asked, uint64_t now_ns)
{
    bool full = is_full(c);
    if (asked) { /* it moves to the end of those who may have to make room */
        c->active_ms = now_ns / 1000000u;
        TAILQ_REMOVE(&c->worker->connections, c, link);
        TAILQ_INSERT_TAIL(&c->worker->connections, c, link);
    }
    if (!send_answers(c) || tcp_shed(c) || tcp_ended(c))
        return;
    if (c->ending || full) {
        tcp_rest(c);
        if (!c->ending && !is_full(c)) /* all is sent, but others have their turn first */
            tcp_want_write(c);
    } else if (c->resting) {
        c->resting = event_add(c->readable, NULL) != 0;
    }
}

static void serve_kept(struct conn *c, uint64_t now_ns)
{
    size_t taken = serve_messages(c, (const uint8_t *)c->in.data, c->in.len, now_ns);
    drop_received(c, c->ending ? c->in.len : taken);
    go_on(c, taken > 0, now_ns);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct conn *c = ctx;
    uint8_t *data = c->worker->tcp->read;
    (void)what;
    ssize_t n = recv(fd, data, TCP_READ, MSG_DONTWAIT);
    if (n < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            tcp_close(c);
        return;
    }
    if (n == 0) { /* half-closed clients get their answers */
        c->ending = true;
        tcp_rest(c);
        tcp_ended(c);
        return;
    }
    uint64_t now_ns = clock_ns();
    if (c->in.len > 0) {
        keep_received(c, data, (size_t)n);
        serve_kept(c, now_ns);
        return;
    }
    size_t taken = serve_messages(c, data, (size_t)n, now_ns);
    if (taken < (size_t)n)
        keep_received(c, data + taken, (size_t)n - taken);
    go_on(c, taken > 0, now_ns);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct conn *c = ctx;
    (void)fd, (void)what;
    if (!send_answers(c))
        return;
    if (tcp_unwritten(c) == 0)
        streams_turn(c);
    if (!tcp_ended(c) && c->resting && !c->ending && !is_full(c))
        serve_kept(c, clock_ns());
}

void tcp_want_write(struct conn *c)
{
    if (c->writable == NULL)
        c->writable = event_new(c->worker->base, c->fd, EV_WRITE, on_writable, c);
    if (c->writable != NULL)
        event_add(c->writable, NULL); /* where it cannot be waited for, the time-out comes */
}

/* ---- life ---- */

struct conn *tcp_conn_new(struct endpoint *ep, int fd)
{
    struct worker *w = ep->worker;
    struct conn *c = calloc(1, sizeof *c);
    if (c != NULL)
        c->readable = event_new(w->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    if (c == NULL || c->readable == NULL || event_add(c->readable, NULL) < 0) {
        if (c != NULL && c->readable != NULL)
            event_free(c->readable);
        free(c);
        close(fd);
        return NULL;
    }
    c->worker = w;
    c->endpoint = ep;
    c->fd = fd;
    c->active_ms = clock_ms();
    bytes_init(&c->in, RECEIVED_MAX);
    TAILQ_INSERT_TAIL(&w->connections, c, link);
    w->nconnections++;
    return c;
}

void tcp_close(struct conn *c)
{
    if (c->fd >= 0) {
        drop_received(c, c->in.len);
        if (c->out.data != NULL)
            out_free(c);
        event_free(c->readable);
        if (c->writable != NULL)
            event_free(c->writable);
        close(c->fd);
        c->fd = -1;
        TAILQ_REMOVE(&c->worker->connections, c, link);
        c->worker->nconnections--;
        streams_lose(c);
    }
    if (c->in_flight == 0)
        free(c);
}
