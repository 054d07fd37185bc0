#include "exchange/byte_stream.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/thread_buffer.h"
#include "exchange/direct_socket.h"
#include "exchange/tls_channel.h"
#include "exchange/upstream_address.h"

#define READ_SIZE 32768 /* taken from the kernel at once; what is left there wakes us again */

/* Octets sealed and not sent yet, beyond which no further ones are sealed. */
#define SEALED_ENOUGH 65536

enum state { CONNECTING, HANDSHAKING, CONNECTED, CLOSED };

struct byte_stream {
    const struct byte_stream_events *events;
    void *ctx;
    enum state state;
    int fd;
    struct tls_channel *tls; /* NULL: plain */
    union address address;
    struct event readable, writable;
    struct event flush; /* at the end of this turn */
    struct bytes out;   /* in the clear */
    bool framed;        /* messages of DNS, each with its length in front (RFC 7858 section 3.3) */
    bool blocked;       /* what is to be sent waits for the socket, or for its end */
    uint8_t *rest;      /* what the owner left of the last read; owned */
    size_t rest_len;
    bool busy, freed; /* within a callback; freed there */
};

/* Where a read puts what it gets. */
struct reading {
    uint8_t sealed[READ_SIZE];
    /* The rest of before, and all that READ_SIZE octets can complete: a record may have been begun before. */
    uint8_t clear[BYTE_STREAM_REST_MAX + READ_SIZE + TLS_RECORD_MAX];
};

/* ---- sending ---- */

/* Whether the other side has closed the connection. What it had sent before can still be read, and reading
 * tells of the end; nothing can be sent until then. */
static bool is_closed(int error)
{
    return error == EPIPE || error == ECONNRESET;
}

/* As much as the kernel takes. False: the connection has ended. */
static bool push(struct byte_stream *s, struct bytes *b)
{
    while (b->len > 0) {
        ssize_t n = send(s->fd, b->data, b->len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && is_closed(errno)) {
            s->blocked = true;
            return true;
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (n < 0) {
            event_add(&s->writable, NULL);
            s->blocked = true;
            return true;
        }
        bytes_consume(b, (size_t)n);
    }
    return true;
}

/* What goes into a record: a message has one of its own, for of several in one record some servers (NSD 4.6)
 * read the first, and wait for the next packet to read on. */
static size_t next_piece(const struct byte_stream *s, size_t from)
{
    size_t left = s->out.len - from, len = TLS_RECORD_MAX;
    if (s->framed && left >= 2)
        len = 2 + (size_t)wire_u16((const uint8_t *)s->out.data + from);
    return len < left ? len : left;
}

static bool seal(struct byte_stream *s)
{
    size_t done = 0;
    bool good = true;
    while (good && done < s->out.len && tls_channel_sealed(s->tls)->len < SEALED_ENOUGH) {
        size_t piece = next_piece(s, done);
        good = tls_channel_write(s->tls, s->out.data + done, piece);
        done += piece;
    }
    bytes_consume(&s->out, done);
    return good;
}

/* Sends what there is, in as few segments as it fits into. False: the connection has ended. */
static bool send_all(struct byte_stream *s)
{
    bool good = true;
    if (s->blocked)
        event_del(&s->writable);
    s->blocked = false;
    if (s->tls == NULL)
        return push(s, &s->out);
    do {
        good = (s->state != CONNECTED || seal(s)) && push(s, tls_channel_sealed(s->tls));
    } while (good && !s->blocked && s->state == CONNECTED && s->out.len > 0);
    return good;
}

/* ---- life ---- */

void byte_stream_free(struct byte_stream *s)
{
    if (s == NULL)
        return;
    if (s->busy) {
        s->freed = true;
        return;
    }
    if (s->tls != NULL && s->state == CONNECTED) {
        tls_channel_say_goodbye(s->tls);
        push(s, tls_channel_sealed(s->tls));
    }
    event_del(&s->readable);
    event_del(&s->writable);
    event_del(&s->flush);
    tls_channel_free(s->tls);
    close(s->fd);
    bytes_free(&s->out);
    free(s->rest);
    free(s);
}

/* False where the stream is gone. */
static bool end_callback(struct byte_stream *s)
{
    s->busy = false;
    if (!s->freed)
        return true;
    byte_stream_free(s);
    return false;
}

static void end(struct byte_stream *s)
{
    if (s->state == CLOSED)
        return;
    s->state = CLOSED;
    event_del(&s->readable);
    event_del(&s->writable);
    event_del(&s->flush);
    s->busy = true;
    s->events->closed(s->ctx);
    end_callback(s);
}

/* TLS has failed, or the other side has closed the connection within it. */
static void end_tls(struct byte_stream *s)
{
    char why[256], to[UPSTREAM_TEXT_MAX];
    tls_channel_why(s->tls, why, sizeof why);
    if (s->state == HANDSHAKING)
        log_limited(LOG_LEVEL_WARNING, "plugin/forward: upstream %s: TLS cannot be begun (%s)",
                    upstream_address_text(&s->address, to), why);
    else
        log_debug("plugin/forward: upstream %s: TLS ended (%s)", upstream_address_text(&s->address, to), why);
    push(s, tls_channel_sealed(s->tls)); /* an alert says why */
    end(s);
}

/* False where the stream is gone or has ended. */
static bool flush(struct byte_stream *s)
{
    bool good = send_all(s);
    if (!good)
        end(s);
    return good;
}

int byte_stream_write(struct byte_stream *s, const void *data, size_t len)
{
    if (s->state == CLOSED)
        return ERR_OK; /* the owner is about to be told */
    if (len > BYTE_STREAM_OUT_MAX - s->out.len)
        return ERR_LIMIT;
    int ret = bytes_append(&s->out, data, len);
    if (ret != ERR_OK) {
        s->out.error = ERR_OK;
        return ret;
    }
    if (s->state == CONNECTED && !s->blocked)
        event_active(&s->flush, 0, 0);
    return ERR_OK;
}

void byte_stream_acknowledge(struct byte_stream *s)
{
    static const int on = 1;
    if (s->state == CONNECTED && s->out.len == 0) /* else the acknowledgement leaves with it */
        setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* ---- reading ---- */

/* Gives `data` to the owner and keeps what it leaves. False where the stream is gone or has ended. */
static bool deliver(struct byte_stream *s, const uint8_t *data, size_t len)
{
    s->busy = true;
    size_t used = s->events->received(s->ctx, data, len);
    if (!end_callback(s))
        return false;
    size_t left = len - used;
    uint8_t *rest = NULL;
    if (left > 0 && left <= BYTE_STREAM_REST_MAX)
        rest = malloc(left);
    if (left > 0 && rest == NULL) { /* no memory, or an owner that takes nothing */
        end(s);
        return false;
    }
    if (left > 0)
        memcpy(rest, data + used, left);
    free(s->rest);
    s->rest = rest;
    s->rest_len = left;
    return true;
}

/* False where the stream is gone. */
static bool connected(struct byte_stream *s)
{
    s->state = CONNECTED;
    s->busy = true;
    if (s->events->connected != NULL)
        s->events->connected(s->ctx);
    return end_callback(s);
}

/* False where the stream is gone, or has ended, or waits for more. */
static bool shake_hands(struct byte_stream *s)
{
    int done = tls_channel_shake(s->tls);
    if (done < 0)
        end_tls(s);
    else if (done == 0)
        flush(s);
    return done > 0 && connected(s) && flush(s);
}

/* Opens what was fed, and gives it to the owner. */
static void open_records(struct byte_stream *s, struct reading *r)
{
    size_t len = s->rest_len;
    ssize_t n = 1;
    while (n > 0 && tls_channel_fed(s->tls)) {
        n = tls_channel_read(s->tls, r->clear + len, sizeof r->clear - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (len == s->rest_len && n >= 0)
        byte_stream_acknowledge(s); /* part of a record, or a session: more is to come */
    if (len > s->rest_len && !deliver(s, r->clear, len))
        return;
    if (n < 0)
        end_tls(s);
    else if (tls_channel_sealed(s->tls)->len > 0) /* keys are to be changed */
        flush(s);
}

static void read_more(struct byte_stream *s)
{
    static _Thread_local void *own;
    struct reading *r = thread_buffer(&own, sizeof *r);
    ssize_t n =
        r == NULL ? 0
                  : recv(s->fd, s->tls != NULL ? r->sealed : r->clear + s->rest_len, READ_SIZE, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 && s->tls != NULL && s->state == HANDSHAKING) {
        end_tls(s);
        return;
    }
    if (n <= 0) {
        end(s);
        return;
    }
    if (s->rest_len > 0)
        memcpy(r->clear, s->rest, s->rest_len);
    if (s->tls == NULL) {
        deliver(s, r->clear, s->rest_len + (size_t)n);
        return;
    }
    tls_channel_feed(s->tls, r->sealed, (size_t)n);
    if (s->state == CONNECTED || (shake_hands(s) && tls_channel_fed(s->tls)))
        open_records(s, r);
}

/* ---- events ---- */

static void on_connected(struct byte_stream *s)
{
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    event_del(&s->writable);
    if (error != 0) {
        end(s);
    } else if (s->tls != NULL) {
        s->state = HANDSHAKING;
        shake_hands(s);
    } else if (connected(s)) {
        flush(s);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct byte_stream *s = ctx;
    (void)fd, (void)what;
    if (s->state == CONNECTING)
        on_connected(s);
    else if (s->state != CLOSED)
        flush(s);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct byte_stream *s = ctx;
    (void)fd, (void)what;
    if (s->state == HANDSHAKING || s->state == CONNECTED)
        read_more(s);
}

static void on_flush(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    flush(ctx);
}

int byte_stream_open(struct event_base *base, const struct exchange_target *target, const char *alpn,
                     const struct byte_stream_events *events, void *ctx, struct byte_stream **out)
{
    struct byte_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    *s = (struct byte_stream){
        .events = events, .ctx = ctx, .address = target->address, .framed = alpn == NULL};
    int ret = direct_socket_open(target, SOCK_STREAM, &s->fd);
    if (ret != ERR_OK) {
        free(s);
        return ret;
    }
    bytes_init(&s->out, BYTE_STREAM_OUT_MAX + 1);
    event_assign(&s->readable, base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
    event_assign(&s->writable, base, s->fd, EV_WRITE | EV_PERSIST, on_writable, s);
    event_assign(&s->flush, base, -1, 0, on_flush, s);
    const struct upstream_transport *t = &target->transport;
    if (t->tls != NULL)
        ret = tls_channel_open(t->tls, t->server_name, &target->address, alpn, &s->tls);
    if (ret != ERR_OK || event_add(&s->readable, NULL) != 0 || event_add(&s->writable, NULL) != 0) {
        byte_stream_free(s);
        return -ENOMEM;
    }
    *out = s;
    return ERR_OK;
}

bool byte_stream_resumed(const struct byte_stream *s)
{
    return s->tls != NULL && tls_channel_resumed(s->tls);
}
