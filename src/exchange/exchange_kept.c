/*
 * Questions over connections that are kept: many are out on one. A connection that the other side closes
 * while questions are out is nobody's fault: each is asked once more, over another. Where it brought answers
 * before it was closed (servers that close after so many), that does not count as the once.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "exchange/direct_question.h"
#include "exchange/exchange_kept_p.h"
#include "serve/worker.h"

#define NS_PER_MS 1000000u

/* ---- telling ---- */

static void call_free(struct exchange_call *call)
{
    if (call->conn != NULL)
        kept_conn_remove(call);
    else
        LIST_REMOVE(call, link);
    call->x->ncalls--;
    free(call);
}

/* The call is gone before it is told of: the asker may close the exchange. */
void kept_deliver(struct exchange_call *call, struct exchange_answer *answer)
{
    const struct exchange *x = &call->x->base;
    exchange_done *done = call->done;
    void *ctx = call->ctx;
    call_free(call);
    direct_tell(x, done, ctx, answer);
}

static void kept_free(struct kept_exchange *x)
{
    event_del(&x->tell);
    while (!LIST_EMPTY(&x->conns))
        kept_conn_free(LIST_FIRST(&x->conns));
    free(x);
}

bool kept_begin(struct kept_exchange *x)
{
    bool outer = !x->delivering;
    x->delivering = true;
    return outer;
}

void kept_end(struct kept_exchange *x, bool outer)
{
    if (!outer)
        return;
    x->delivering = false;
    if (x->closed)
        kept_free(x);
}

static void on_tell(evutil_socket_t fd, short what, void *ctx)
{
    struct kept_exchange *x = ctx;
    (void)fd, (void)what;
    bool outer = kept_begin(x);
    while (!LIST_EMPTY(&x->doomed))
        kept_deliver(LIST_FIRST(&x->doomed), NULL);
    kept_end(x, outer);
}

static void doom(struct exchange_call *call)
{
    call->conn = NULL;
    LIST_INSERT_HEAD(&call->x->doomed, call, link);
    event_active(&call->x->tell, 0, 0);
}

/* ---- asking ---- */

/* Sends a question that is in no list. ERR_LIMIT, -ENOMEM: there is no room for it, and it still is in none.
 */
static int send_call(struct exchange_call *call)
{
    int error;
    struct kept_conn *c = kept_conn_pick(call->x, &error);
    if (error == ERR_LIMIT || error == -ENOMEM)
        return error;
    if (c == NULL) { /* there is no way to it, the kernel says */
        doom(call);
        return ERR_OK;
    }
    kept_conn_add(c, call);
    call->sent_ns = clock_ns();
    int ret = call->x->kind->send(call);
    if (ret != ERR_OK)
        kept_conn_remove(call);
    return ret;
}

void kept_send_again(struct exchange_call *call)
{
    kept_conn_remove(call);
    if (send_call(call) != ERR_OK)
        doom(call);
}

int kept_ask(struct exchange *base, const struct exchange_question *q, exchange_done *done, void *ctx,
             struct exchange_call **out)
{
    struct kept_exchange *x = (struct kept_exchange *)base;
    uint16_t len;
    int ret = direct_admit(q, x->ncalls, &len);
    if (ret != ERR_OK)
        return ret;
    struct exchange_call *call = malloc(sizeof *call + LENGTH_OCTETS + len);
    if (call == NULL)
        return -ENOMEM;
    *call = (struct exchange_call){.x = x,
                                   .done = done,
                                   .ctx = ctx,
                                   .plain_edns = !q->dnssec_ok && q->options_len == 0,
                                   .len = len,
                                   .question_len = (uint16_t)direct_question_len(q)};
    direct_write(q, call->wire + LENGTH_OCTETS, len);
    if (call->plain_edns && clock_ns() < x->plain_until_ns) {
        call->plain_edns = false;
        call->len = (uint16_t)direct_drop_edns(call->wire + LENGTH_OCTETS, len);
    }
    x->ncalls++;
    ret = send_call(call);
    if (ret != ERR_OK) {
        x->ncalls--;
        free(call);
        return ret;
    }
    *out = call;
    return ERR_OK;
}

static void drop(struct exchange_call *call)
{
    if (call->conn != NULL && call->x->kind->cancel != NULL)
        call->x->kind->cancel(call);
    call_free(call);
}

void kept_cancel(struct exchange *base, struct exchange_call *call)
{
    struct kept_conn *c = call->conn;
    (void)base;
    if (c != NULL && c->heard_ns < call->sent_ns &&
        clock_ns() - call->sent_ns >= (uint64_t)KEPT_DEAD_MS * NS_PER_MS)
        c->retired = true;
    drop(call);
}

/* ---- the end of a connection ---- */

/* Where it had been there, what is out is asked once more; where it could not even be opened, it is gone. */
void kept_closed(void *ctx)
{
    struct kept_conn *c = ctx;
    struct kept_exchange *x = c->x;
    bool outer = kept_begin(x);
    c->retired = true;
    c->busy = true;
    for (unsigned i = 0; i < KEPT_BUCKETS; i++)
        while (!LIST_EMPTY(&c->calls[i])) {
            struct exchange_call *call = LIST_FIRST(&c->calls[i]);
            if (call->again || !c->connected) {
                kept_deliver(call, NULL);
                continue;
            }
            call->again = !c->answered;
            kept_send_again(call);
        }
    c->busy = false;
    kept_conn_free(c);
    kept_end(x, outer);
}

/* ---- life ---- */

int kept_open(const struct kept_kind *kind, struct worker *w, const struct exchange_target *target,
              struct exchange **out, struct errtext *e)
{
    struct kept_exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return errtext_set(e, -ENOMEM, "no memory for an upstream");
    x->base.target = *target;
    x->base.worker = w;
    x->kind = kind;
    event_assign(&x->tell, worker_base(w), -1, 0, on_tell, x);
    direct_series_register(&x->series, target);
    *out = &x->base;
    return ERR_OK;
}

void kept_close(struct exchange *base)
{
    struct kept_exchange *x = (struct kept_exchange *)base;
    struct kept_conn *c;
    x->closed = true;
    LIST_FOREACH(c, &x->conns, link)
    {
        bool was = c->busy;
        c->busy = true; /* not to go with its last question: this walks over it */
        for (unsigned i = 0; i < KEPT_BUCKETS; i++)
            while (!LIST_EMPTY(&c->calls[i]))
                drop(LIST_FIRST(&c->calls[i]));
        c->busy = was;
    }
    while (!LIST_EMPTY(&x->doomed))
        drop(LIST_FIRST(&x->doomed));
    if (!x->delivering)
        kept_free(x);
}

void kept_renew(struct exchange *base)
{
    struct kept_exchange *x = (struct kept_exchange *)base;
    struct kept_conn *c, *next;
    x->plain_until_ns = 0;
    for (c = LIST_FIRST(&x->conns); c != NULL; c = next) { /* those of before the outage may hang */
        next = LIST_NEXT(c, link);
        kept_conn_retire(c);
    }
}
