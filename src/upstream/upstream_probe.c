#include "upstream/upstream_probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/secret_random.h"
#include "exchange/byte_stream.h"
#include "exchange/direct_socket.h"
#include "exchange/doh_session.h"

#define PACKET_MAX    600 /* a question with a name of 255 octets and an OPT record is below 300 */
#define LENGTH_OCTETS 2

struct upstream_probe {
    int fd;                     /* over UDP; -1 */
    struct byte_stream *stream; /* over TCP or TLS */
    struct doh_session *doh;    /* over HTTPS */
    bool failed;                /* known at once: reported from the loop */
    uint16_t id;
    struct event *readable; /* UDP */
    struct event *late;
    upstream_probe_done *done;
    void *ctx;
    uint8_t question[PACKET_MAX]; /* UDP: to be sent again */
    size_t question_len;
};

void upstream_probe_cancel(struct upstream_probe *p)
{
    if (p == NULL)
        return;
    if (p->readable != NULL)
        event_free(p->readable);
    if (p->late != NULL)
        event_free(p->late);
    if (p->fd >= 0)
        close(p->fd);
    byte_stream_free(p->stream);
    doh_session_free(p->doh);
    free(p);
}

static void report(struct upstream_probe *p, bool answered)
{
    upstream_probe_done *done = p->done;
    void *ctx = p->ctx;
    upstream_probe_cancel(p);
    done(ctx, answered);
}

static bool is_our_response(const struct upstream_probe *p, const uint8_t *message)
{
    return wire_u16(message) == p->id && (wire_u16(message + 2) & FLAG_QR) != 0;
}

static void on_late(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    report(ctx, false);
}

/* ---- UDP ---- */

static void on_datagram(evutil_socket_t fd, short what, void *ctx)
{
    struct upstream_probe *p = ctx;
    uint8_t in[DNS_HEADER_LEN];
    (void)what;
    for (;;) {
        ssize_t n = recv(fd, in, sizeof in, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) { /* an ICMP error: nobody listens there */
            report(p, false);
            return;
        }
        if (n >= DNS_HEADER_LEN && is_our_response(p, in)) {
            report(p, true);
            return;
        } /* anything else is not the answer: wait on, the timer bounds it */
    }
}

static int send_datagram(struct upstream_probe *p, struct event_base *base, const struct exchange_target *to,
                         const uint8_t *question, size_t len)
{
    int ret = direct_socket_open(to, SOCK_DGRAM, &p->fd);
    if (ret != ERR_OK)
        return ret;
    memcpy(p->question, question, len);
    p->question_len = len;
    if (send(p->fd, question, len, MSG_NOSIGNAL) < 0)
        p->failed = true;
    p->readable = event_new(base, p->fd, EV_READ | EV_PERSIST, on_datagram, p);
    return p->readable == NULL || event_add(p->readable, NULL) != 0 ? -ENOMEM : ERR_OK;
}

void upstream_probe_send_again(struct upstream_probe *p)
{
    if (p->fd >= 0 && !p->failed) /* what fails now will be told by the socket */
        (void)!send(p->fd, p->question, p->question_len, MSG_NOSIGNAL);
}

/* ---- TCP and TLS ---- */

static size_t on_received(void *ctx, const uint8_t *data, size_t len)
{
    struct upstream_probe *p = ctx;
    if (len < LENGTH_OCTETS + DNS_HEADER_LEN)
        return 0;
    report(p, is_our_response(p, data + LENGTH_OCTETS));
    return len;
}

static void on_closed(void *ctx)
{
    report(ctx, false);
}

static int send_stream(struct upstream_probe *p, struct event_base *base, const struct exchange_target *to,
                       const uint8_t *question, size_t len)
{
    static const struct byte_stream_events events = {.received = on_received, .closed = on_closed};
    uint8_t prefix[LENGTH_OCTETS];
    wire_put_u16(prefix, (uint16_t)len);
    int ret = byte_stream_open(base, to, NULL, &events, p, &p->stream);
    if (ret == ERR_OK)
        ret = byte_stream_write(p->stream, prefix, sizeof prefix);
    return ret == ERR_OK ? byte_stream_write(p->stream, question, len) : ret;
}

/* ---- HTTPS ---- */

static void on_response(void *ctx, const uint8_t *message, size_t len)
{
    struct upstream_probe *p = ctx;
    (void)len;
    report(p, message != NULL && (message[2] & FLAG_QR >> 8) != 0);
}

static int send_request(struct upstream_probe *p, struct event_base *base, const struct exchange_target *to,
                        uint8_t *question, size_t len)
{
    static const struct doh_session_events events = {.closed = on_closed};
    struct doh_request *ignored;
    memset(question, 0, 2); /* RFC 8484 section 4.1 */
    int ret = doh_session_open(base, to, &events, p, &p->doh);
    return ret == ERR_OK ? doh_session_ask(p->doh, question, len, on_response, p, &ignored) : ret;
}

/* ---- sending ---- */

static int start_timer(struct upstream_probe *p, struct event_base *base, unsigned timeout_ms)
{
    struct timeval wait = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    if (p->failed)
        wait = (struct timeval){0};
    p->late = event_new(base, -1, 0, on_late, p);
    return p->late == NULL || event_add(p->late, &wait) != 0 ? -ENOMEM : ERR_OK;
}

static int send_over(struct upstream_probe *p, struct event_base *base, const struct exchange_target *to,
                     uint8_t *question, size_t len)
{
    if (to->transport.protocol == PROTOCOL_HTTPS)
        return send_request(p, base, to, question, len);
    return (to->tcp ? send_stream : send_datagram)(p, base, to, question, len);
}

/* No way to it: that is an answer to the question asked here, and no failure of the probe. */
static bool is_no_way(int error)
{
    return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -ECONNREFUSED ||
           error == -EADDRNOTAVAIL || error == -ENETDOWN || error == -EACCES || error == -EPERM;
}

int upstream_probe_send(struct event_base *base, const struct exchange_target *to, const struct query *q,
                        unsigned timeout_ms, upstream_probe_done *done, void *ctx,
                        struct upstream_probe **out)
{
    uint8_t question[PACKET_MAX];
    struct query own = *q;
    struct upstream_probe *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    *p = (struct upstream_probe){.fd = -1, .id = secret_random_u16(), .done = done, .ctx = ctx};
    own.id = p->id;
    int ret = query_write(&own, question, sizeof question);
    if (ret >= 0)
        ret = send_over(p, base, to, question, (size_t)ret);
    if (is_no_way(ret)) {
        p->failed = true;
        ret = ERR_OK;
    }
    if (ret == ERR_OK)
        ret = start_timer(p, base, timeout_ms);
    if (ret != ERR_OK) {
        upstream_probe_cancel(p);
        return ret;
    }
    *out = p;
    return ERR_OK;
}
