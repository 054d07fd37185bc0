#include "upstream/exchange_direct.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/thread_buffer.h"
#include "dns/query.h"
#include "dns/rr.h"
#include "serve/worker.h"
#include "upstream/upstream_address.h"

#define UDP_SIZE      1232 /* what we say that we take; an answer that is longer comes over TCP */
#define MESSAGE_MAX   65535
#define LENGTH_OCTETS 2 /* before a message over TCP (RFC 1035 section 4.2.2) */

struct exchange_call {
    LIST_ENTRY(exchange_call) link;
    struct direct_exchange *x;
    int fd;
    struct event *event;
    exchange_done *done;
    void *ctx;
    size_t name_len;
    uint8_t *in; /* TCP: length and message as far as they have come; owned */
    size_t in_len;
    size_t sent, len; /* of `out` */
    uint8_t out[];    /* TCP: with the length in front */
};

struct direct_exchange {
    struct exchange base;
    LIST_HEAD(, exchange_call) calls;
    unsigned ncalls;
};

static void call_free(struct exchange_call *call)
{
    LIST_REMOVE(call, link);
    call->x->ncalls--;
    if (call->event != NULL)
        event_free(call->event);
    if (call->fd >= 0)
        close(call->fd);
    free(call->in);
    free(call);
}

/* The call is gone before it is told of: the asker may close the exchange. */
static void deliver(struct exchange_call *call, const uint8_t *message, size_t len)
{
    exchange_done *done = call->done;
    void *ctx = call->ctx;
    struct exchange_answer *answer = message == NULL ? NULL : exchange_answer_new(message, len);
    call_free(call);
    done(ctx, answer != NULL ? EXCHANGE_ANSWER : EXCHANGE_GONE, answer);
    exchange_answer_unref(answer);
}

static const uint8_t *query_of(const struct exchange_call *call)
{
    return call->out + (call->x->base.target.tcp ? LENGTH_OCTETS : 0);
}

/* RFC 5452 section 9.1: the id and the question of what was sent. An error may come without the question. */
static bool fits(const struct exchange_call *call, const uint8_t *message, size_t len)
{
    const uint8_t *query = query_of(call);
    uint8_t name[NAME_MAX_LEN];
    if (len < DNS_HEADER_LEN || memcmp(message, query, 2) != 0 || (message[2] & (FLAG_QR >> 8)) == 0)
        return false;
    if (wire_u16(message + 4) == 0)
        return (message[3] & 15) != RCODE_NOERROR;
    int used = name_unpack(message, len, DNS_HEADER_LEN, name);
    return wire_u16(message + 4) == 1 && used > 0 && len - DNS_HEADER_LEN - (size_t)used >= 4 &&
           name_equal(name, query + DNS_HEADER_LEN) &&
           memcmp(message + DNS_HEADER_LEN + used, query + DNS_HEADER_LEN + call->name_len, 4) == 0;
}

/* ---- UDP ---- */

static void on_datagram(evutil_socket_t fd, short what, void *ctx)
{
    static _Thread_local void *own;
    uint8_t *message = thread_buffer(&own, MESSAGE_MAX);
    struct exchange_call *call = ctx;
    (void)what;
    for (;;) {
        ssize_t len = message == NULL ? -1 : recv(fd, message, MESSAGE_MAX, 0);
        if (message != NULL && len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (len < 0) { /* nobody listens there, or there is no memory */
            deliver(call, NULL, 0);
            return;
        }
        if (fits(call, message, (size_t)len)) {
            deliver(call, message, (size_t)len);
            return;
        }
    }
}

/* ---- TCP ---- */

/* False where the connection has ended. */
static bool send_more(struct exchange_call *call)
{
    while (call->sent < call->len) {
        ssize_t n = send(call->fd, call->out + call->sent, call->len - call->sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        call->sent += (size_t)n;
    }
    return true;
}

/* Octets wanted before the message is whole. */
static size_t wanted(const struct exchange_call *call)
{
    return call->in_len < LENGTH_OCTETS ? LENGTH_OCTETS : LENGTH_OCTETS + (size_t)wire_u16(call->in);
}

static bool receive_more(struct exchange_call *call)
{
    while (call->in_len < wanted(call)) {
        uint8_t *in = realloc(call->in, wanted(call));
        if (in == NULL)
            return false;
        call->in = in;
        ssize_t n = recv(call->fd, in + call->in_len, wanted(call) - call->in_len, 0);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
        call->in_len += (size_t)n;
    }
    return true;
}

static void on_stream(evutil_socket_t fd, short what, void *ctx)
{
    struct exchange_call *call = ctx;
    (void)fd;
    bool open = (what & EV_WRITE) != 0 ? send_more(call) : receive_more(call);
    if (open && (what & EV_WRITE) != 0) {
        short next = call->sent < call->len ? EV_WRITE : EV_READ;
        event_free(call->event);
        call->event = event_new(worker_base(call->x->base.worker), call->fd, (short)(next | EV_PERSIST),
                                on_stream, call);
        open = call->event != NULL && event_add(call->event, NULL) == 0;
    }
    if (!open)
        deliver(call, NULL, 0);
    else if (call->in_len > LENGTH_OCTETS && call->in_len == wanted(call)) {
        const uint8_t *message = call->in + LENGTH_OCTETS;
        size_t len = call->in_len - LENGTH_OCTETS;
        bool good = fits(call, message, len);
        deliver(call, good ? message : NULL, len);
    }
}

/* ---- asking ---- */

/* Header, question and OPT with the options; the length in front over TCP. */
static int write_query(struct exchange_call *call, const struct exchange_question *q, size_t cap)
{
    struct cursor c = cursor_of(call->out, cap);
    uint16_t id;
    evutil_secure_rng_get_bytes(&id, sizeof id);
    if (call->x->base.target.tcp)
        cursor_put_u16(&c, (uint16_t)(cap - LENGTH_OCTETS));
    cursor_put_u16(&c, id);
    cursor_put_u16(&c, FLAG_RD | (q->checking_disabled ? FLAG_CD : 0));
    cursor_put_u16(&c, 1);
    cursor_put_u32(&c, 0);
    cursor_put_u16(&c, 1);
    cursor_put(&c, q->name, call->name_len);
    cursor_put_u16(&c, q->qtype);
    cursor_put_u16(&c, q->qclass);
    cursor_put_u8(&c, 0);
    cursor_put_u16(&c, RR_OPT);
    cursor_put_u16(&c, UDP_SIZE);
    cursor_put_u32(&c, q->dnssec_ok ? 0x8000 : 0);
    cursor_put_u16(&c, q->options_len);
    cursor_put(&c, q->options, q->options_len);
    call->len = (size_t)(c.at - call->out);
    return c.failed || cap > MESSAGE_MAX ? ERR_SPACE : ERR_OK;
}

static int open_socket(struct exchange_call *call)
{
    const struct exchange_target *t = &call->x->base.target;
    int type = (t->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    socklen_t len = t->address.sa.sa_family == AF_INET6 ? sizeof t->address.in6 : sizeof t->address.in;
    call->fd = socket(t->address.sa.sa_family, type, 0);
    if (call->fd < 0)
        return -errno;
    int ret = upstream_address_bind(call->fd, &t->source);
    if (ret != ERR_OK)
        return ret;
    if (connect(call->fd, &t->address.sa, len) < 0 && errno != EINPROGRESS)
        return -errno;
    short what = (short)((t->tcp ? EV_WRITE : EV_READ) | EV_PERSIST);
    call->event =
        event_new(worker_base(call->x->base.worker), call->fd, what, t->tcp ? on_stream : on_datagram, call);
    if (call->event == NULL || event_add(call->event, NULL) < 0)
        return -ENOMEM;
    /* What the kernel cannot send now is as lost as on the way. */
    if (!t->tcp)
        (void)!send(call->fd, call->out, call->len, MSG_NOSIGNAL);
    return ERR_OK;
}

static int direct_ask(struct exchange *base, const struct exchange_question *q, exchange_done *done,
                      void *ctx, struct exchange_call **out)
{
    struct direct_exchange *x = (struct direct_exchange *)base;
    if (!exchange_is_ordinary(q))
        return ERR_UNSUPPORTED;
    if (x->ncalls >= EXCHANGE_DIRECT_CALLS_MAX)
        return ERR_LIMIT;
    size_t len = name_len(q->name);
    size_t cap = (base->target.tcp ? LENGTH_OCTETS : 0) + DNS_HEADER_LEN + len + 4 + 11 + q->options_len;
    struct exchange_call *call = calloc(1, sizeof *call + cap);
    if (call == NULL)
        return -ENOMEM;
    call->x = x;
    call->fd = -1;
    call->done = done;
    call->ctx = ctx;
    call->name_len = len;
    LIST_INSERT_HEAD(&x->calls, call, link);
    x->ncalls++;
    int ret = write_query(call, q, cap);
    if (ret == ERR_OK)
        ret = open_socket(call);
    if (ret != ERR_OK) {
        call_free(call);
        return ret;
    }
    *out = call;
    return ERR_OK;
}

static void direct_cancel(struct exchange *base, struct exchange_call *call)
{
    (void)base;
    call_free(call);
}

/* ---- life ---- */

static int direct_open(struct worker *w, const struct exchange_target *target, struct exchange **out,
                       struct errtext *e)
{
    (void)w, (void)target;
    struct direct_exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return errtext_set(e, -ENOMEM, "no memory for an upstream");
    LIST_INIT(&x->calls);
    *out = &x->base;
    return ERR_OK;
}

static void direct_close(struct exchange *base)
{
    struct direct_exchange *x = (struct direct_exchange *)base;
    while (!LIST_EMPTY(&x->calls))
        call_free(LIST_FIRST(&x->calls));
    free(x);
}

const struct exchange_kind exchange_direct = {
    .name = "direct",
    .open = direct_open,
    .close = direct_close,
    .ask = direct_ask,
    .cancel = direct_cancel,
};
