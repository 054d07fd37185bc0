/*
 * Questions over connections that are kept, TCP or TLS (RFC 7766, RFC 7858): many are out on one, and answers
 * come in any order. A connection that the other side closes while questions are out is nobody's fault: each
 * is asked once more, over another. Where it brought answers before it was closed (servers that close after
 * so many), that does not count as the once.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/query.h"
#include "exchange/direct_question.h"
#include "exchange/exchange_direct.h"
#include "exchange/exchange_stream_p.h"
#include "serve/worker.h"

#define NS_PER_MS 1000000u
#define PLAIN_NS  (300 * UINT64_C(1000000000)) /* for how long an upstream is asked without OPT */

/* ---- telling ---- */

static void call_free(struct exchange_call *call)
{
    if (call->conn != NULL)
        stream_conn_remove(call);
    else
        LIST_REMOVE(call, link);
    call->x->ncalls--;
    free(call);
}

/* The call is gone before it is told of: the asker may close the exchange. */
static void deliver(struct exchange_call *call, struct exchange_answer *answer)
{
    exchange_done *done = call->done;
    void *ctx = call->ctx;
    if (answer != NULL)
        answer->upstream = call->x->base.target.address;
    call_free(call);
    done(ctx, answer != NULL ? EXCHANGE_ANSWER : EXCHANGE_GONE, answer);
    exchange_answer_unref(answer);
}

static void stream_free(struct stream_exchange *x)
{
    event_del(&x->tell);
    while (!LIST_EMPTY(&x->conns))
        stream_conn_free(LIST_FIRST(&x->conns));
    free(x);
}

/* done() may close the exchange: between these two it is only marked. */
static bool begin_delivering(struct stream_exchange *x)
{
    bool outer = !x->delivering;
    x->delivering = true;
    return outer;
}

static void end_delivering(struct stream_exchange *x, bool outer)
{
    if (!outer)
        return;
    x->delivering = false;
    if (x->closed)
        stream_free(x);
}

static void on_tell(evutil_socket_t fd, short what, void *ctx)
{
    struct stream_exchange *x = ctx;
    (void)fd, (void)what;
    bool outer = begin_delivering(x);
    while (!LIST_EMPTY(&x->doomed))
        deliver(LIST_FIRST(&x->doomed), NULL);
    end_delivering(x, outer);
}

static void doom(struct exchange_call *call)
{
    call->conn = NULL;
    LIST_INSERT_HEAD(&call->x->doomed, call, link);
    event_active(&call->x->tell, 0, 0);
}

/* ---- asking ---- */

/* Sends a question that is in no list. ERR_LIMIT: there is no room for it, and it still is in no list. */
static int send_call(struct exchange_call *call)
{
    int error;
    struct stream_conn *c = stream_conn_pick(call->x, &error);
    if (error == ERR_LIMIT || error == -ENOMEM)
        return error;
    if (c == NULL) { /* there is no way to it, the kernel says */
        doom(call);
        return ERR_OK;
    }
    stream_conn_add(c, call);
    call->sent_ns = clock_ns();
    wire_put_u16(call->wire, call->len);
    int ret = byte_stream_write(c->stream, call->wire, LENGTH_OCTETS + (size_t)call->len);
    if (ret != ERR_OK)
        stream_conn_remove(call);
    return ret;
}

static void send_again(struct exchange_call *call)
{
    if (send_call(call) != ERR_OK)
        doom(call);
}

static int stream_ask(struct exchange *base, const struct exchange_question *q, exchange_done *done,
                      void *ctx, struct exchange_call **out)
{
    struct stream_exchange *x = (struct stream_exchange *)base;
    size_t len = direct_size(q);
    if (!direct_can_ask(q))
        return ERR_UNSUPPORTED;
    if (x->ncalls >= EXCHANGE_DIRECT_CALLS_MAX || len > UINT16_MAX)
        return ERR_LIMIT;
    struct exchange_call *call = malloc(sizeof *call + LENGTH_OCTETS + len);
    if (call == NULL)
        return -ENOMEM;
    *call = (struct exchange_call){.x = x,
                                   .done = done,
                                   .ctx = ctx,
                                   .plain_edns = !q->dnssec_ok && q->options_len == 0,
                                   .len = (uint16_t)len,
                                   .question_len = (uint16_t)direct_question_len(q)};
    direct_write(q, call->wire + LENGTH_OCTETS);
    if (call->plain_edns && clock_ns() < x->plain_until_ns) {
        call->plain_edns = false;
        call->len = (uint16_t)direct_drop_edns(call->wire + LENGTH_OCTETS, len);
    }
    x->ncalls++;
    int ret = send_call(call);
    if (ret != ERR_OK) {
        x->ncalls--;
        free(call);
        return ret;
    }
    *out = call;
    return ERR_OK;
}

static void stream_cancel(struct exchange *base, struct exchange_call *call)
{
    struct stream_conn *c = call->conn;
    (void)base;
    if (c != NULL && !c->retired && c->received_ns < call->sent_ns &&
        clock_ns() - call->sent_ns >= (uint64_t)STREAM_DEAD_MS * NS_PER_MS)
        c->retired = true;
    call_free(call);
}

/* ---- answers ---- */

/* An upstream that does not know EDNS is asked anew, without (RFC 6891 section 7). */
static void ask_plain(struct exchange_call *call)
{
    call->x->plain_until_ns = clock_ns() + PLAIN_NS;
    call->plain_edns = false;
    call->len = (uint16_t)direct_drop_edns(call->wire + LENGTH_OCTETS, call->len);
    stream_conn_remove(call);
    send_again(call);
}

static void take(struct stream_conn *c, const uint8_t *message, size_t len)
{
    struct exchange_call *call = len < DNS_HEADER_LEN ? NULL : stream_conn_find(c, message);
    if (call == NULL || !direct_fits(call->wire + LENGTH_OCTETS, call->question_len, message, len)) {
        direct_series_count_unexpected(&c->x->series);
        return;
    }
    c->answered = true;
    if (call->plain_edns && direct_refuses_edns(message, len))
        ask_plain(call);
    else
        deliver(call, direct_answer(call->wire + LENGTH_OCTETS, call->question_len, message, len, false));
}

size_t stream_exchange_received(void *ctx, const uint8_t *data, size_t len)
{
    struct stream_conn *c = ctx;
    struct stream_exchange *x = c->x;
    size_t used = 0;
    bool outer = begin_delivering(x);
    c->busy = true;
    c->received_ns = clock_ns();
    while (!c->dead && !x->closed && len - used >= LENGTH_OCTETS) {
        size_t whole = LENGTH_OCTETS + (size_t)wire_u16(data + used);
        if (len - used < whole)
            break;
        take(c, data + used + LENGTH_OCTETS, whole - LENGTH_OCTETS);
        used += whole;
    }
    c->busy = false;
    if (c->dead)
        stream_conn_free(c);
    else if (c->out > 0)
        byte_stream_acknowledge(c->stream);
    end_delivering(x, outer);
    return used;
}

/* Where it had been there, what is out is asked once more; where it could not even be opened, it is gone. */
void stream_exchange_closed(void *ctx)
{
    struct stream_conn *c = ctx;
    struct stream_exchange *x = c->x;
    bool outer = begin_delivering(x);
    c->retired = true;
    c->busy = true;
    for (unsigned i = 0; i < STREAM_ID_BUCKETS; i++)
        while (!LIST_EMPTY(&c->calls[i])) {
            struct exchange_call *call = LIST_FIRST(&c->calls[i]);
            if (call->again || !c->connected) {
                deliver(call, NULL);
                continue;
            }
            call->again = !c->answered;
            stream_conn_remove(call);
            send_again(call);
        }
    c->busy = false;
    stream_conn_free(c);
    end_delivering(x, outer);
}

/* ---- life ---- */

static int stream_open(struct worker *w, const struct exchange_target *target, struct exchange **out,
                       struct errtext *e)
{
    struct stream_exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return errtext_set(e, -ENOMEM, "no memory for an upstream");
    x->base.target = *target;
    x->base.worker = w;
    event_assign(&x->tell, worker_base(w), -1, 0, on_tell, x);
    direct_series_register(&x->series, target);
    *out = &x->base;
    return ERR_OK;
}

static void stream_close(struct exchange *base)
{
    struct stream_exchange *x = (struct stream_exchange *)base;
    struct stream_conn *c;
    x->closed = true;
    LIST_FOREACH(c, &x->conns, link)
    {
        bool was = c->busy;
        c->busy = true; /* not to go with its last question: this walks over it */
        for (unsigned i = 0; i < STREAM_ID_BUCKETS; i++)
            while (!LIST_EMPTY(&c->calls[i]))
                call_free(LIST_FIRST(&c->calls[i]));
        c->busy = was;
    }
    while (!LIST_EMPTY(&x->doomed))
        call_free(LIST_FIRST(&x->doomed));
    if (!x->delivering)
        stream_free(x);
}

static void stream_renew(struct exchange *base)
{
    struct stream_exchange *x = (struct stream_exchange *)base;
    struct stream_conn *c, *next;
    x->plain_until_ns = 0;
    for (c = LIST_FIRST(&x->conns); c != NULL; c = next) { /* those of before the outage may hang */
        next = LIST_NEXT(c, link);
        stream_conn_retire(c);
    }
}

const struct exchange_kind exchange_stream = {
    .name = "direct over TCP",
    .open = stream_open,
    .close = stream_close,
    .ask = stream_ask,
    .cancel = stream_cancel,
    .renew = stream_renew,
};
