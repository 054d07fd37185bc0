/*
 * libunbound's traps on the way of a question, and where they are met here (those of its contexts:
 * unbound_context.c):
 *
 *   a question may be answered inside ub_resolve_event, and a callback that asks recurses; deleting a context
 * inside a callback is a use after free            answers are queued and delivered from our own event the
 * packet is one shared buffer of the context                                           copied in on_answer()
 *   rcode != 0: the packet is stale or NULL; rcode 0 does not mean NOERROR                   on_answer()
 *   deleting a context calls back for what is under way, with packet NULL                    cancelled before
 *   a context that saw its upstream dead may wait long or not ask at all when it is back     renew()
 */
#include "exchange/exchange_unbound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unbound-event.h>
#include <unbound.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/name.h"
#include "dns/reply.h"
#include "dns/rr.h"
#include "exchange/unbound_context.h"
#include "serve/worker.h"

/* What libunbound says of an answer (unbound-event.h). */
#define SEC_BOGUS 1

#define EDE_DNSSEC_BOGUS 6
/* The library's reasons have a hundred octets or two. */
#define BOGUS_TEXT_MAX 240

/* One libunbound context. It outlives its place in the exchange while calls are under way in it. */
struct context {
    struct ub_ctx *ub;
    unsigned calls;       /* under way: not yet called back, not cancelled */
    struct context *next; /* among the retired */
};

struct exchange_call {
    TAILQ_ENTRY(exchange_call) link; /* in ->asking or ->ready */
    struct unbound_exchange *x;
    struct context *context; /* NULL when ready */
    int id;                  /* the library's */
    bool checking_disabled;  /* CD: data that does not validate is wanted all the same */
    exchange_done *done;
    void *ctx;
    struct exchange_answer *answer; /* ready: NULL for a failure */
};

TAILQ_HEAD(call_list, exchange_call);

struct unbound_exchange {
    struct exchange base;
    struct context *context;
    struct context *retired; /* to be deleted when their calls have ended */
    struct call_list asking;
    struct call_list ready; /* to be delivered by `deliver` */
    struct event *deliver;
    uint64_t made_ms; /* when the context was */
    bool soured;      /* a call failed or was given up since the context was made */
    bool renew;       /* make a new context in the next turn of the loop */
    bool delivering;  /* within done() */
    bool closed;      /* closed within done(): freed when that returns */
};

/* ---- contexts ---- */

static int context_new(struct worker *w, const struct exchange_target *target, struct context **out)
{
    struct context *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    int ret = unbound_context_new(worker_base(w), target, &c->ub);
    if (ret != ERR_OK) {
        free(c);
        return ret;
    }
    *out = c;
    return ERR_OK;
}

static void context_free(struct context *c)
{
    unbound_context_free(c->ub);
    free(c);
}

/* Deletes the retired contexts in which nothing is under way any more. Never within one of the library's
 * callbacks. */
static void sweep(struct unbound_exchange *x)
{
    struct context **at = &x->retired;
    while (*at != NULL) {
        struct context *c = *at;
        if (c->calls == 0) {
            *at = c->next;
            context_free(c);
        } else {
            at = &c->next;
        }
    }
}

static void replace_context(struct unbound_exchange *x)
{
    struct context *fresh;
    x->renew = false;
    if (context_new(x->base.worker, &x->base.target, &fresh) != ERR_OK)
        return; /* the old one still works, only later */
    x->context->next = x->retired;
    x->retired = x->context;
    x->context = fresh;
    x->made_ms = clock_ms();
    x->soured = false;
    unbound_context_log(fresh->ub); /* deleting a context switches the library's log off */
}

/* ---- calls ---- */

/* SERVFAIL in place of data that does not validate, with the validator's reason as an extended error (RFC
 * 8914 section 4.7). NULL without memory, or where the message has no question. */
static struct exchange_answer *bogus_answer(const uint8_t *message, size_t len, const char *why)
{
    uint8_t out[DNS_HEADER_LEN + NAME_MAX_LEN + 4 + 11 + 6 + BOGUS_TEXT_MAX], name[NAME_MAX_LEN];
    int used = wire_u16(message + 4) == 1 ? name_unpack(message, len, DNS_HEADER_LEN, name) : -1;
    if (used < 0 || (size_t)used > NAME_MAX_LEN || len - DNS_HEADER_LEN < (size_t)used + 4)
        return NULL;
    size_t at = DNS_HEADER_LEN + (size_t)used + 4, text = why == NULL ? 0 : strnlen(why, BOGUS_TEXT_MAX);
    memcpy(out, message, at);
    out[2] = (uint8_t)(FLAG_QR >> 8 | (message[2] & FLAG_RD >> 8));
    out[3] = FLAG_RA | RCODE_SERVFAIL;
    memcpy(out + 4, (const uint8_t[]){0, 1, 0, 0, 0, 0, 0, 1}, 8);
    const uint8_t opt[] = {0,
                           0,
                           RR_OPT,
                           4,
                           208,
                           0,
                           0,
                           0,
                           0,
                           0,
                           (uint8_t)(6 + text), /* RFC 6891 section 6.1.2 */
                           0,
                           EDE_OPTION,
                           0,
                           (uint8_t)(2 + text),
                           0,
                           EDE_DNSSEC_BOGUS};
    memcpy(out + at, opt, sizeof opt);
    at += sizeof opt;
    if (text > 0)
        memcpy(out + at, why, text);
    return exchange_answer_new(out, at + text);
}

/* Within the library: nothing but copying here. */
static void on_answer(void *ctx, int rcode, void *packet, int len, int sec, char *why, int limited)
{
    struct exchange_call *call = ctx;
    struct unbound_exchange *x = call->x;
    (void)limited;
    call->context->calls--;
    call->context = NULL;
    if (rcode == 0 && packet != NULL && len >= DNS_HEADER_LEN) {
        const uint8_t *wire = packet;
        if (sec == SEC_BOGUS && !call->checking_disabled)
            call->answer = bogus_answer(wire, (size_t)len, why);
        else if ((wire[3] & 15) != RCODE_SERVFAIL) /* its own failure, remembered */
            call->answer = exchange_answer_new(wire, (size_t)len);
        if (call->answer != NULL)
            call->answer->upstream = x->base.target.address;
    }
    if (call->answer == NULL)
        x->soured = true;
    TAILQ_REMOVE(&x->asking, call, link);
    TAILQ_INSERT_TAIL(&x->ready, call, link);
    event_active(x->deliver, 0, 0);
}

static void exchange_free(struct unbound_exchange *x)
{
    event_free(x->deliver);
    context_free(x->context);
    sweep(x);
    free(x);
}

/* Our own event: delivers what is ready, then does what must not be done within the library. */
static void deliver(evutil_socket_t fd, short what, void *ctx)
{
    struct unbound_exchange *x = ctx;
    (void)fd, (void)what;
    x->delivering = true;
    struct exchange_call *call;
    while (!x->closed && (call = TAILQ_FIRST(&x->ready)) != NULL) {
        TAILQ_REMOVE(&x->ready, call, link);
        call->done(call->ctx, call->answer != NULL ? EXCHANGE_ANSWER : EXCHANGE_FAILED, call->answer);
        exchange_answer_unref(call->answer);
        free(call);
    }
    x->delivering = false;
    if (x->closed) {
        exchange_free(x);
        return;
    }
    sweep(x);
    if (x->renew)
        replace_context(x);
}

/* max_age: a context's connections are younger than it is. The next one has none yet. */
static void renew_the_old(struct unbound_exchange *x)
{
    const struct exchange_target *t = &x->base.target;
    if (t->tcp && t->max_age_ms > 0 && !x->renew && clock_ms() - x->made_ms >= t->max_age_ms) {
        x->renew = true;
        event_active(x->deliver, 0, 0);
    }
}

static int unbound_ask(struct exchange *base, const struct exchange_question *q, exchange_done *done,
                       void *ctx, struct exchange_call **out)
{
    struct unbound_exchange *x = (struct unbound_exchange *)base;
    char text[NAME_MAX_TEXT];
    if (!exchange_is_ordinary(q))
        return ERR_UNSUPPORTED;
    struct exchange_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return -ENOMEM;
    renew_the_old(x);
    *call = (struct exchange_call){
        .x = x, .context = x->context, .checking_disabled = q->checking_disabled, .done = done, .ctx = ctx};
    x->context->calls++;
    TAILQ_INSERT_TAIL(&x->asking, call, link);
    int ret = ub_resolve_event(x->context->ub, name_to_text(q->name, text), q->qtype, q->qclass, call,
                               on_answer, &call->id);
    if (ret != UB_NOERROR) {
        x->context->calls--;
        TAILQ_REMOVE(&x->asking, call, link);
        free(call);
        return ret == UB_NOMEM ? -ENOMEM : ERR_UNSUPPORTED;
    }
    *out = call;
    return ERR_OK;
}

static void unbound_cancel(struct exchange *base, struct exchange_call *call)
{
    struct unbound_exchange *x = (struct unbound_exchange *)base;
    if (call->context != NULL) {
        ub_cancel(call->context->ub, call->id);
        call->context->calls--;
        x->soured = true;
        TAILQ_REMOVE(&x->asking, call, link);
        if (x->retired != NULL)
            event_active(x->deliver, 0, 0);
    } else {
        TAILQ_REMOVE(&x->ready, call, link);
    }
    exchange_answer_unref(call->answer);
    free(call);
}

/* ---- life ---- */

static int unbound_open(struct worker *w, const struct exchange_target *target, struct exchange **out,
                        struct errtext *e)
{
    struct unbound_exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return errtext_set(e, -ENOMEM, "no memory for an upstream");
    x->deliver = event_new(worker_base(w), -1, 0, deliver, x);
    int ret = x->deliver == NULL ? -ENOMEM : context_new(w, target, &x->context);
    if (ret != ERR_OK) {
        if (x->deliver != NULL)
            event_free(x->deliver);
        free(x);
        return errtext_set(e, ret, "libunbound cannot be set up for an upstream (%s)", err_text(ret));
    }
    x->made_ms = clock_ms();
    TAILQ_INIT(&x->asking);
    TAILQ_INIT(&x->ready);
    *out = &x->base;
    return ERR_OK;
}

static void unbound_close(struct exchange *base)
{
    struct unbound_exchange *x = (struct unbound_exchange *)base;
    while (!TAILQ_EMPTY(&x->asking))
        unbound_cancel(base, TAILQ_FIRST(&x->asking));
    while (!TAILQ_EMPTY(&x->ready))
        unbound_cancel(base, TAILQ_FIRST(&x->ready));
    x->closed = true;
    if (!x->delivering)
        exchange_free(x);
}

static void unbound_renew(struct exchange *base)
{
    struct unbound_exchange *x = (struct unbound_exchange *)base;
    if (!x->soured || x->renew)
        return;
    x->renew = true;
    event_active(x->deliver, 0, 0);
}

const struct exchange_kind exchange_unbound = {
    .name = "libunbound",
    .open = unbound_open,
    .close = unbound_close,
    .ask = unbound_ask,
    .cancel = unbound_cancel,
    .renew = unbound_renew,
};
