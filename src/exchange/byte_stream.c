#include "exchange/byte_stream.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/thread_buffer.h"
#include "exchange/direct_socket.h"
#include "exchange/tls_client.h"
#include "exchange/upstream_address.h"

#define READ_SIZE 32768 /* taken from the kernel at once */
#define TURNS_MAX 8     /* reads before others have their turn */

enum state { CONNECTING, HANDSHAKING, CONNECTED, CLOSED };

struct byte_stream {
    const struct byte_stream_events *events;
    void *ctx;
    enum state state;
    int fd;
    SSL *ssl; /* NULL: plain */
    struct tls_client *tls;
    union address address;
    struct event readable, writable;
    struct event flush; /* at the end of this turn */
    struct bytes out;
    bool framed;   /* messages of DNS, each with its length in front (RFC 7858 section 3.3) */
    size_t unsent; /* of the first of them in `out`, once it is begun */
    uint8_t *rest; /* what the owner left of the last read; owned */
    size_t rest_len;
    bool busy, freed; /* within a callback; freed there */
};

/* ---- life ---- */

void byte_stream_free(struct byte_stream *s)
{
    if (s == NULL)
        return;
    if (s->busy) {
        s->freed = true;
        return;
    }
    event_del(&s->readable);
    event_del(&s->writable);
    event_del(&s->flush);
    if (s->ssl != NULL && s->state == CONNECTED) {
        SSL_shutdown(s->ssl); /* says goodbye, and does not wait for an answer */
        char ignored[128];
        tls_client_error(s->ssl, ignored, sizeof ignored);
    }
    if (s->ssl != NULL && SSL_is_init_finished(s->ssl)) /* else OpenSSL takes the session for spoilt */
        SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(s->ssl);
    tls_client_unref(s->tls);
    close(s->fd);
    bytes_free(&s->out);
    free(s->rest);
    free(s);
}

static bool begin_callback(struct byte_stream *s)
{
    s->busy = true;
    return s->state != CLOSED;
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

static void tell_tls_error(const struct byte_stream *s)
{
    char why[256], to[UPSTREAM_TEXT_MAX];
    tls_client_error(s->ssl, why, sizeof why);
    if (s->state == HANDSHAKING)
        log_limited(LOG_LEVEL_WARNING, "plugin/forward: upstream %s: TLS cannot be begun (%s)",
                    upstream_address_text(&s->address, to), why);
    else
        log_debug("plugin/forward: upstream %s: TLS ended (%s)", upstream_address_text(&s->address, to), why);
}

/* ---- octets ---- */

enum { IO_WAIT = 0, IO_CLOSED = -1 };

/* What an operation of OpenSSL that did not succeed means. It may want to write in order to read. */
static ssize_t tls_result(struct byte_stream *s, int ret)
{
    switch (SSL_get_error(s->ssl, ret)) {
    case SSL_ERROR_WANT_READ:
        return IO_WAIT;
    case SSL_ERROR_WANT_WRITE:
        event_add(&s->writable, NULL);
        return IO_WAIT;
    default:
        tell_tls_error(s);
        return IO_CLOSED;
    }
}

static ssize_t put(struct byte_stream *s, const void *data, size_t len)
{
    if (s->ssl != NULL) {
        ERR_clear_error(); /* what others have left there would be taken for ours */
        int n = SSL_write(s->ssl, data, (int)len);
        return n > 0 ? n : tls_result(s, n);
    }
    ssize_t n = send(s->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? IO_WAIT : IO_CLOSED;
}

static ssize_t get(struct byte_stream *s, void *data, size_t len)
{
    if (s->ssl != NULL) {
        ERR_clear_error();
        int n = SSL_read(s->ssl, data, (int)len);
        return n > 0 ? n : tls_result(s, n);
    }
    ssize_t n = recv(s->fd, data, len, MSG_DONTWAIT);
    if (n > 0)
        return n;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? IO_WAIT : IO_CLOSED;
}

/* What goes out with one call: all that there is; but inside TLS a message has a record of its own. Of
 * several in one record some servers (NSD 4.6) read the first, and wait for the next packet to read on. */
static size_t next_piece(struct byte_stream *s)
{
    if (s->ssl == NULL || !s->framed || s->out.len < 2)
        return s->out.len;
    if (s->unsent == 0)
        s->unsent = 2 + (size_t)wire_u16((const uint8_t *)s->out.data);
    return s->unsent < s->out.len ? s->unsent : s->out.len;
}

static void flush(struct byte_stream *s)
{
    while (s->out.len > 0) {
        ssize_t n = put(s, s->out.data, next_piece(s));
        if (n == IO_CLOSED) {
            end(s);
            return;
        }
        if (n == IO_WAIT) {
            event_add(&s->writable, NULL);
            return;
        }
        bytes_consume(&s->out, (size_t)n);
        s->unsent -= s->unsent < (size_t)n ? s->unsent : (size_t)n;
    }
    event_del(&s->writable);
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
    if (s->state == CONNECTED)
        event_active(&s->flush, 0, 0);
    return ERR_OK;
}

/* ---- reading ---- */

/* Gives `data` to the owner and keeps what it leaves. False where the stream is gone or has ended. */
static bool deliver(struct byte_stream *s, const uint8_t *data, size_t len)
{
    begin_callback(s);
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

static void read_more(struct byte_stream *s)
{
    static _Thread_local void *own;
    uint8_t *buffer = thread_buffer(&own, BYTE_STREAM_REST_MAX + READ_SIZE);
    if (buffer == NULL) {
        end(s);
        return;
    }
    for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
        ssize_t n = get(s, buffer + s->rest_len, READ_SIZE);
        if (n == IO_CLOSED)
            end(s);
        if (n <= 0)
            return;
        if (s->rest_len > 0)
            memcpy(buffer, s->rest, s->rest_len);
        if (!deliver(s, buffer, s->rest_len + (size_t)n))
            return;
    }
    if (s->ssl != NULL && SSL_pending(s->ssl) > 0) /* the kernel would not wake us for it */
        event_active(&s->readable, EV_READ, 0);
}

/* ---- the beginning ---- */

static void connected(struct byte_stream *s)
{
    s->state = CONNECTED;
    begin_callback(s);
    if (s->events->connected != NULL)
        s->events->connected(s->ctx);
    if (!end_callback(s))
        return;
    flush(s);
}

static bool agreed(const struct byte_stream *s, const char **why)
{
    const unsigned char *chosen;
    unsigned len;
    SSL_get0_alpn_selected(s->ssl, &chosen, &len);
    *why = "it does not speak the protocol that is needed";
    return SSL_get_app_data(s->ssl) == NULL || len > 0;
}

static void shake_hands(struct byte_stream *s)
{
    ERR_clear_error();
    int n = SSL_do_handshake(s->ssl);
    const char *why;
    if (n != 1) {
        if (tls_result(s, n) == IO_CLOSED)
            end(s);
        return;
    }
    if (agreed(s, &why)) {
        connected(s);
        return;
    }
    char to[UPSTREAM_TEXT_MAX];
    log_limited(LOG_LEVEL_WARNING, "plugin/forward: upstream %s: %s", upstream_address_text(&s->address, to),
                why);
    end(s);
}

static void on_connected(struct byte_stream *s)
{
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error != 0) {
        end(s);
        return;
    }
    event_del(&s->writable);
    if (s->ssl == NULL) {
        connected(s);
        return;
    }
    s->state = HANDSHAKING;
    shake_hands(s);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct byte_stream *s = ctx;
    (void)fd, (void)what;
    switch (s->state) {
    case CONNECTING:
        on_connected(s);
        break;
    case HANDSHAKING:
        event_del(&s->writable);
        shake_hands(s);
        break;
    case CONNECTED:
        flush(s);
        break;
    case CLOSED:
        break;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct byte_stream *s = ctx;
    (void)fd, (void)what;
    if (s->state == HANDSHAKING)
        shake_hands(s);
    else if (s->state == CONNECTED)
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
    if (t->tls != NULL) {
        s->tls = tls_client_ref(t->tls);
        s->ssl = tls_client_begin(s->tls, s->fd, t->server_name, &target->address, alpn);
        if (s->ssl != NULL && alpn != NULL)
            SSL_set_app_data(s->ssl, (char *)(uintptr_t)alpn);
    }
    if ((t->tls != NULL && s->ssl == NULL) || event_add(&s->readable, NULL) != 0 ||
        event_add(&s->writable, NULL) != 0) {
        byte_stream_free(s);
        return -ENOMEM;
    }
    *out = s;
    return ERR_OK;
}

bool byte_stream_resumed(const struct byte_stream *s)
{
    return s->ssl != NULL && SSL_session_reused(s->ssl) == 1;
}
