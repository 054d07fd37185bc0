/*
 * Questions over HTTPS (RFC 8484): requests on a connection that is kept, as many at once as the server
 * allows.
 */
#include "base/clock.h"
#include "exchange/direct_question.h"
#include "exchange/exchange_direct.h"
#include "exchange/exchange_kept_p.h"
#include "serve/worker.h"

/* Another connection is opened where all have so many questions out: the least number of requests that RFC
 * 9113 section 6.5.2 recommends that servers allow. */
#define DOH_SPREAD 100

static void on_done(void *ctx, const uint8_t *message, size_t len)
{
    struct exchange_call *call = ctx;
    struct kept_exchange *x = call->x;
    const uint8_t *query = call->wire + LENGTH_OCTETS;
    bool outer = kept_begin(x);
    if (message != NULL && direct_fits(query, call->question_len, message, len)) {
        call->conn->answered = true;
        kept_deliver(call, direct_answer(query, call->question_len, message, len, false));
    } else if (message == NULL && !call->again && !doh_session_usable(call->conn->session)) {
        call->again = true; /* the server is going away, and has left this one out */
        kept_send_again(call);
    } else {
        if (message != NULL)
            direct_series_count_unexpected(&x->series);
        kept_deliver(call, NULL);
    }
    kept_end(x, outer);
}

static void on_heard(void *ctx)
{
    struct kept_conn *c = ctx;
    c->heard_ns = clock_ns();
}

/* ---- a connection ---- */

static int conn_open(struct kept_conn *c)
{
    static const struct doh_session_events events = {
        .connected = kept_connected, .heard = on_heard, .closed = kept_closed};
    const struct exchange *x = &c->x->base;
    return doh_session_open(worker_base(x->worker), &x->target, &events, c, &c->session);
}

static void conn_close(struct kept_conn *c)
{
    doh_session_free(c->session);
}

static bool conn_usable(const struct kept_conn *c)
{
    return doh_session_usable(c->session);
}

static bool conn_resumed(const struct kept_conn *c)
{
    return doh_session_resumed(c->session);
}

static int conn_send(struct exchange_call *call)
{
    return doh_session_ask(call->conn->session, call->wire + LENGTH_OCTETS, call->len, on_done, call,
                           &call->request);
}

static void conn_cancel(struct exchange_call *call)
{
    doh_session_cancel(call->conn->session, call->request);
}

static const struct kept_kind doh_kind = {
    .spread = DOH_SPREAD,
    .calls_max = EXCHANGE_DIRECT_CALLS_MAX,
    .open = conn_open,
    .close = conn_close,
    .usable = conn_usable,
    .resumed = conn_resumed,
    .send = conn_send,
    .cancel = conn_cancel,
};

static int doh_open(struct worker *w, const struct exchange_target *target, struct exchange **out,
                    struct errtext *e)
{
    return kept_open(&doh_kind, w, target, out, e);
}

const struct exchange_kind exchange_doh = {
    .name = "direct over HTTPS",
    .open = doh_open,
    .close = kept_close,
    .ask = kept_ask,
    .cancel = kept_cancel,
    .renew = kept_renew,
};
