/*
 * Questions over connections that are kept, TCP or TLS (RFC 7766, RFC 7858): messages with their length in
 * front, many on their way, and answers in any order.
 */
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/query.h"
#include "exchange/direct_question.h"
#include "exchange/exchange_direct.h"
#include "exchange/exchange_kept_p.h"
#include "exchange/exchange_stream_p.h"
#include "serve/worker.h"

/* ---- answers ---- */

/* An upstream that does not know EDNS is asked anew, without (RFC 6891 section 7). */
static void ask_plain(struct exchange_call *call)
{
    call->x->plain_until_ns = clock_ns() + DIRECT_PLAIN_NS;
    call->plain_edns = false;
    call->len = (uint16_t)direct_drop_edns(call->wire + LENGTH_OCTETS, call->len);
    kept_send_again(call);
}

static void take(struct kept_conn *c, const uint8_t *message, size_t len)
{
    struct exchange_call *call = len < DNS_HEADER_LEN ? NULL : kept_conn_find(c, message);
    if (call == NULL || !direct_fits(call->wire + LENGTH_OCTETS, call->question_len, message, len)) {
        direct_series_count_unexpected(&c->x->series);
        return;
    }
    c->answered = true;
    if (call->plain_edns && direct_refuses_edns(message, len))
        ask_plain(call);
    else
        kept_deliver(call,
                     direct_answer(call->wire + LENGTH_OCTETS, call->question_len, message, len, false));
}

static size_t on_received(void *ctx, const uint8_t *data, size_t len)
{
    struct kept_conn *c = ctx;
    struct kept_exchange *x = c->x;
    size_t used = 0;
    bool outer = kept_begin(x);
    c->busy = true;
    c->heard_ns = clock_ns();
    while (!c->dead && !x->closed && len - used >= LENGTH_OCTETS) {
        size_t whole = LENGTH_OCTETS + (size_t)wire_u16(data + used);
        if (len - used < whole)
            break;
        take(c, data + used + LENGTH_OCTETS, whole - LENGTH_OCTETS);
        used += whole;
    }
    c->busy = false;
    if (c->dead)
        kept_conn_free(c);
    else if (c->out > 0)
        byte_stream_acknowledge(c->stream);
    kept_end(x, outer);
    return used;
}

/* ---- a connection ---- */

static int conn_open(struct kept_conn *c)
{
    static const struct byte_stream_events events = {
        .connected = kept_connected, .received = on_received, .closed = kept_closed};
    const struct exchange *x = &c->x->base;
    return byte_stream_open(worker_base(x->worker), &x->target, NULL, &events, c, &c->stream);
}

static void conn_close(struct kept_conn *c)
{
    byte_stream_free(c->stream);
}

static bool conn_resumed(const struct kept_conn *c)
{
    return byte_stream_resumed(c->stream);
}

static int conn_send(struct exchange_call *call)
{
    wire_put_u16(call->wire, call->len);
    return byte_stream_write(call->conn->stream, call->wire, LENGTH_OCTETS + (size_t)call->len);
}

static const struct kept_kind stream_kind = {
    .spread = STREAM_SPREAD,
    .calls_max = STREAM_CALLS_MAX,
    .ids = true,
    .open = conn_open,
    .close = conn_close,
    .resumed = conn_resumed,
    .send = conn_send,
};

static int stream_open(struct worker *w, const struct exchange_target *target, struct exchange **out,
                       struct errtext *e)
{
    return kept_open(&stream_kind, w, target, out, e);
}

const struct exchange_kind exchange_stream = {
    .name = "direct over TCP",
    .open = stream_open,
    .close = kept_close,
    .ask = kept_ask,
    .cancel = kept_cancel,
    .renew = kept_renew,
};
