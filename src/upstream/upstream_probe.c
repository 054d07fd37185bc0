#include "upstream/upstream_probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/err.h"
#include "upstream/upstream_address.h"

#define PACKET_MAX 600 /* a question with a name of 255 octets and an OPT record is below 300 */

struct upstream_probe {
    int fd;
    bool tcp;
    bool failed; /* known at once: reported from the loop */
    uint16_t id;
    struct event *readable;
    struct event *writable; /* TCP: connected, or room to write */
    struct event *late;
    upstream_probe_done *done;
    void *ctx;
    uint8_t out[PACKET_MAX]; /* TCP: with its length in front */
    size_t out_len, out_at;
    uint8_t in[2 + DNS_HEADER_LEN];
    size_t in_len;
};

void upstream_probe_cancel(struct upstream_probe *p)
{
    if (p == NULL)
        return;
    if (p->readable != NULL)
        event_free(p->readable);
    if (p->writable != NULL)
        event_free(p->writable);
    if (p->late != NULL)
        event_free(p->late);
    if (p->fd >= 0)
        close(p->fd);
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

static void on_datagram(struct upstream_probe *p)
{
    for (;;) {
        ssize_t n = recv(p->fd, p->in, sizeof p->in, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) { /* an ICMP error: nobody listens there */
            report(p, false);
            return;
        }
        if (n >= DNS_HEADER_LEN && is_our_response(p, p->in)) {
            report(p, true);
            return;
        } /* anything else is not the answer: wait on, the timer bounds it */
    }
}

static void on_stream(struct upstream_probe *p)
{
    ssize_t n = recv(p->fd, p->in + p->in_len, sizeof p->in - p->in_len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        report(p, false);
        return;
    }
    p->in_len += (size_t)n;
    if (p->in_len == sizeof p->in)
        report(p, is_our_response(p, p->in + 2));
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct upstream_probe *p = ctx;
    (void)fd, (void)what;
    if (p->tcp)
        on_stream(p);
    else
        on_datagram(p);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct upstream_probe *p = ctx;
    (void)fd, (void)what;
    ssize_t n = send(p->fd, p->out + p->out_at, p->out_len - p->out_at, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        report(p, false);
        return;
    }
    p->out_at += n > 0 ? (size_t)n : 0;
    if (p->out_at == p->out_len)
        event_del(p->writable);
}

static void on_late(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    report(ctx, false);
}

static int make_question(struct upstream_probe *p, const struct query *q)
{
    struct query own = *q;
    size_t prefix = p->tcp ? 2 : 0;
    if (getrandom(&p->id, sizeof p->id, 0) != sizeof p->id)
        return -EIO;
    own.id = p->id;
    int len = query_write(&own, p->out + prefix, sizeof p->out - prefix);
    if (len < 0)
        return len;
    if (p->tcp)
        wire_put_u16(p->out, (uint16_t)len);
    p->out_len = prefix + (size_t)len;
    return ERR_OK;
}

static int open_socket(struct upstream_probe *p, const union address *to, const union address *source)
{
    int type = (p->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    socklen_t len = to->sa.sa_family == AF_INET6 ? sizeof to->in6 : sizeof to->in;
    p->fd = socket(to->sa.sa_family, type, 0);
    if (p->fd < 0)
        return -errno;
    int ret = upstream_address_bind(p->fd, source);
    if (ret != ERR_OK)
        return ret;
    if (connect(p->fd, &to->sa, len) != 0 && errno != EINPROGRESS)
        p->failed = true; /* no route to it: that is an answer to the question asked here */
    else if (!p->tcp && send(p->fd, p->out, p->out_len, MSG_NOSIGNAL) < 0)
        p->failed = true;
    return ERR_OK;
}

static int add_events(struct upstream_probe *p, struct event_base *base, unsigned timeout_ms)
{
    struct timeval wait = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    if (p->failed)
        wait = (struct timeval){0};
    p->late = event_new(base, -1, 0, on_late, p);
    if (p->late == NULL || event_add(p->late, &wait) != 0)
        return -ENOMEM;
    if (p->failed)
        return ERR_OK;
    p->readable = event_new(base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
    if (p->readable == NULL || event_add(p->readable, NULL) != 0)
        return -ENOMEM;
    if (!p->tcp)
        return ERR_OK;
    p->writable = event_new(base, p->fd, EV_WRITE | EV_PERSIST, on_writable, p);
    return p->writable == NULL || event_add(p->writable, NULL) != 0 ? -ENOMEM : ERR_OK;
}

int upstream_probe_send(struct event_base *base, const union address *to, const union address *source,
                        bool tcp, const struct query *q, unsigned timeout_ms, upstream_probe_done *done,
                        void *ctx, struct upstream_probe **out)
{
    struct upstream_probe *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    p->fd = -1;
    p->tcp = tcp;
    p->done = done;
    p->ctx = ctx;
    int ret = make_question(p, q);
    if (ret == ERR_OK)
        ret = open_socket(p, to, source);
    if (ret == ERR_OK)
        ret = add_events(p, base, timeout_ms);
    if (ret != ERR_OK) {
        upstream_probe_cancel(p);
        return ret;
    }
    *out = p;
    return ERR_OK;
}

void upstream_probe_send_again(struct upstream_probe *p)
{
    if (!p->tcp && !p->failed)
        (void)!send(p->fd, p->out, p->out_len, MSG_NOSIGNAL); /* what fails now will be told by the socket */
}
