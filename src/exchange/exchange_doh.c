/*
 * Questions over HTTPS (RFC 8484): requests on a connection that is kept, as many at once as the server
 * allows. What is out when a connection ends is asked once more, as over TCP (exchange_stream.c).
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dns/query.h"
#include "exchange/direct_question.h"
#include "exchange/exchange_direct.h"
#include "exchange/exchange_doh_p.h"
#include "serve/worker.h"

#define NS_PER_MS 1000000u

/* ---- telling ---- */

/* Out of its list; the request is done with, or the connection is. */
static void detach(struct exchange_call *call)
{
    struct doh_conn *c = call->conn;
    LIST_REMOVE(call, link);
    call->conn = NULL;
    call->request = NULL;
    if (c != NULL && --c->out == 0)
        doh_conn_idle(c);
}

static void deliver(struct exchange_call *call, struct exchange_answer *answer)
{
    exchange_done *done = call->done;
    void *ctx = call->ctx;
    if (answer != NULL)
        answer->upstream = call->x->base.target.address;
    detach(call);
    call->x->ncalls--;
    free(call);
    done(ctx, answer != NULL ? EXCHANGE_ANSWER : EXCHANGE_GONE, answer);
    exchange_answer_unref(answer);
}

static void doh_free(struct doh_exchange *x)
{
    event_del(&x->tell);
    while (!LIST_EMPTY(&x->conns))
        doh_conn_free(LIST_FIRST(&x->conns));
    free(x);
}

static bool begin_delivering(struct doh_exchange *x)
{
    bool outer = !x->delivering;
    x->delivering = true;
    return outer;
}

/* A session may stand above this on the stack: it frees itself when it returns. */
static void end_delivering(struct doh_exchange *x, bool outer)
{
    if (!outer)
        return;
    x->delivering = false;
    if (x->closed)
        doh_free(x);
}

static void on_tell(evutil_socket_t fd, short what, void *ctx)
{
    struct doh_exchange *x = ctx;
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

static void on_done(void *ctx, const uint8_t *message, size_t len);

/* Sends a question that is in no list. ERR_LIMIT, -ENOMEM: it still is in none. */
static int send_call(struct exchange_call *call)
{
    int error;
    struct doh_conn *c = doh_conn_pick(call->x, &error);
    if (error == ERR_LIMIT || error == -ENOMEM)
        return error;
    if (c == NULL) { /* there is no way to it, the kernel says */
        doom(call);
        return ERR_OK;
    }
    call->sent_ns = clock_ns();
    int ret = doh_session_ask(c->session, call->message, call->len, on_done, call, &call->request);
    if (ret != ERR_OK)
        return ret;
    direct_series_count(&call->x->series, c->connected);
    call->conn = c;
    LIST_INSERT_HEAD(&c->calls, call, link);
    c->out++;
    return ERR_OK;
}

static void send_again(struct exchange_call *call)
{
    call->again = true;
    if (send_call(call) != ERR_OK)
        doom(call);
}

static int doh_ask(struct exchange *base, const struct exchange_question *q, exchange_done *done, void *ctx,
                   struct exchange_call **out)
{
    struct doh_exchange *x = (struct doh_exchange *)base;
    size_t len = direct_size(q);
    if (!direct_can_ask(q))
        return ERR_UNSUPPORTED;
    if (x->ncalls >= EXCHANGE_DIRECT_CALLS_MAX || len > UINT16_MAX)
        return ERR_LIMIT;
    struct exchange_call *call = malloc(sizeof *call + len);
    if (call == NULL)
        return -ENOMEM;
    *call = (struct exchange_call){.x = x,
                                   .done = done,
                                   .ctx = ctx,
                                   .len = (uint16_t)len,
                                   .question_len = (uint16_t)direct_question_len(q)};
    direct_write(q, call->message); /* the id stays 0 */
    int ret = send_call(call);
    if (ret != ERR_OK) {
        free(call);
        return ret;
    }
    x->ncalls++;
    *out = call;
    return ERR_OK;
}

static void doh_cancel(struct exchange *base, struct exchange_call *call)
{
    struct doh_conn *c = call->conn;
    (void)base;
    if (c != NULL) {
        if (doh_session_heard_ns(c->session) < call->sent_ns &&
            clock_ns() - call->sent_ns >= (uint64_t)DOH_DEAD_MS * NS_PER_MS)
            c->retired = true; /* it has brought nothing since: no further question goes there */
        doh_session_cancel(c->session, call->request);
    }
    detach(call);
    call->x->ncalls--;
    free(call);
}

/* ---- answers ---- */

static void on_done(void *ctx, const uint8_t *message, size_t len)
{
    struct exchange_call *call = ctx;
    struct doh_exchange *x = call->x;
    bool outer = begin_delivering(x);
    if (message != NULL && direct_fits(call->message, call->question_len, message, len)) {
        deliver(call, direct_answer(call->message, call->question_len, message, len, false));
    } else if (message == NULL && !call->again && !doh_session_usable(call->conn->session)) {
        detach(call); /* the server is going away, and has left this one out */
        send_again(call);
    } else {
        if (message != NULL)
            direct_series_count_unexpected(&x->series);
        deliver(call, NULL);
    }
    end_delivering(x, outer);
}

/* As over TCP: where it had been there, what is out is asked once more. */
void doh_exchange_closed(void *ctx)
{
    struct doh_conn *c = ctx;
    struct doh_exchange *x = c->x;
    bool outer = begin_delivering(x);
    c->retired = true;
    while (!LIST_EMPTY(&c->calls)) {
        struct exchange_call *call = LIST_FIRST(&c->calls);
        if (call->again || !c->connected) {
            deliver(call, NULL);
        } else {
            detach(call);
            send_again(call);
        }
    }
    doh_conn_free(c);
    end_delivering(x, outer);
}

/* ---- life ---- */

static int doh_open(struct worker *w, const struct exchange_target *target, struct exchange **out,
                    struct errtext *e)
{
    struct doh_exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return errtext_set(e, -ENOMEM, "no memory for an upstream");
    x->base.target = *target;
    x->base.worker = w;
    event_assign(&x->tell, worker_base(w), -1, 0, on_tell, x);
    direct_series_register(&x->series, target);
    *out = &x->base;
    return ERR_OK;
}

static void doh_close(struct exchange *base)
{
    struct doh_exchange *x = (struct doh_exchange *)base;
    struct doh_conn *c;
    x->closed = true;
    LIST_FOREACH(c, &x->conns, link)
    while (!LIST_EMPTY(&c->calls))
        doh_cancel(base, LIST_FIRST(&c->calls));
    while (!LIST_EMPTY(&x->doomed))
        doh_cancel(base, LIST_FIRST(&x->doomed));
    if (!x->delivering)
        doh_free(x);
}

/* Connections of before the outage may hang. */
static void doh_renew(struct exchange *base)
{
    struct doh_exchange *x = (struct doh_exchange *)base;
    struct doh_conn *c;
    LIST_FOREACH(c, &x->conns, link)
    doh_conn_retire(c);
}

const struct exchange_kind exchange_doh = {
    .name = "direct over HTTPS",
    .open = doh_open,
    .close = doh_close,
    .ask = doh_ask,
    .cancel = doh_cancel,
    .renew = doh_renew,
};
