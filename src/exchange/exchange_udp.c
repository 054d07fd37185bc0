/*
 * Questions over UDP. What is asked within one turn of the loop leaves together, from one socket of the pool;
 * answers are read in batches too.
 *
 * Sending again: an answer that takes longer than the round trips measured (RFC 6298, with 100 ms at the
 * least) is taken for lost, and the question is sent again from another socket under another id; waiting
 * doubles up to 400 ms. All that were sent may still be answered: who is slow is heard. Three packets a
 * question are free; up to eight take credit, which answers earn, so that an upstream that is not there gets
 * three and no more. With 30 % loss on the way there and back, two tries of 2 s fail once in some 10,000.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "dns/query.h"
#include "exchange/direct_question.h"
#include "exchange/exchange_direct.h"
#include "exchange/exchange_udp_p.h"
#include "serve/worker.h"

#define NS_PER_MS        1000000u
#define TICK_NS          ((uint64_t)WHEEL_TICK_MS * NS_PER_MS)
#define WAIT_UNKNOWN_MS  400 /* as long as no round trip was measured */
#define WAIT_MIN_MS      100
#define WAIT_DOUBLING_MS 400

/* ---- round trips ---- */

/* How long the first answer is waited for. */
static uint32_t first_wait(const struct udp_exchange *x)
{
    uint64_t ms = x->srtt_us == 0 ? WAIT_UNKNOWN_MS : (x->srtt_us + 4 * x->rttvar_us) / 1000;
    return ms < WAIT_MIN_MS ? WAIT_MIN_MS : ms > 60000 ? 60000 : (uint32_t)ms;
}

/* ---- sending ---- */

static void schedule(struct exchange_call *call, uint64_t now)
{
    struct udp_exchange *x = call->x;
    call->due_ns = now + (uint64_t)call->wait_ms * NS_PER_MS;
    LIST_INSERT_HEAD(&x->wheel[(call->due_ns / TICK_NS + 1) % WHEEL_SLOTS], call, link);
    if (!evtimer_pending(&x->tick, NULL)) {
        const struct timeval tv = {.tv_usec = WHEEL_TICK_MS * 1000};
        x->tick_at = now / TICK_NS;
        evtimer_add(&x->tick, &tv);
    }
}

void udp_exchange_flush(struct udp_exchange *x)
{
    struct mmsghdr m[UDP_BATCH];
    struct iovec v[UDP_BATCH];
    unsigned n = x->batch.n, sent = 0;
    struct udp_socket *s = x->batch.socket;
    for (unsigned i = 0; i < n; i++) {
        struct exchange_call *call = x->batch.calls[i];
        call->queued = false;
        v[i] = (struct iovec){.iov_base = call->message, .iov_len = call->len};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &v[i], .msg_iovlen = 1}};
    }
    x->batch.n = 0;
    x->batch.socket = NULL;
    while (sent < n) {
        int done = sendmmsg(s->fd, m + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        /* What the kernel cannot send now is as lost as on the way. But that nobody listens there is told
         * once, here or when reading: it is looked at there. */
        if (done < 0 && errno != EAGAIN && errno != ENOBUFS)
            s->refused = true;
        sent += done > 0 ? (unsigned)done : 1;
    }
    if (s->refused) {
        udp_socket_retire(s);
        event_active(&s->event, EV_READ, 0);
    }
}

/* Puts the question into the batch; false where no socket could be had. */
static bool enqueue(struct exchange_call *call)
{
    struct udp_exchange *x = call->x;
    const struct udp_socket *last = call->nsends > 0 ? call->sends[call->nsends - 1].socket : NULL;
    if (x->batch.n == UDP_BATCH || (x->batch.n > 0 && x->batch.socket == last))
        udp_exchange_flush(x);
    if (x->batch.n == 0) {
        x->batch.socket = udp_socket_pick(x, last);
        if (x->batch.socket == NULL)
            return false;
        event_active(&x->flush, 0, 0);
    }
    struct udp_send *send = &call->sends[call->nsends++];
    send->call = call;
    send->at_ns = 0; /* not yet known: when it leaves */
    udp_send_add(x->batch.socket, send);
    memcpy(call->message, &send->id, sizeof send->id);
    call->queued = true;
    x->batch.calls[x->batch.n++] = call;
    return true;
}

/* Sends it and sees to it that it is sent again. */
void udp_send_call(struct exchange_call *call, uint64_t now)
{
    if (!enqueue(call)) {
        LIST_INSERT_HEAD(&call->x->doomed, call, link);
        event_active(&call->x->flush, 0, 0);
        return;
    }
    call->sends[call->nsends - 1].at_ns = now;
    if (call->nsends == UDP_SENDS_MAX || call->x->base.target.once)
        LIST_INSERT_HEAD(&call->x->spent, call, link);
    else
        schedule(call, now);
}

static void send_again(struct exchange_call *call, uint64_t now)
{
    struct udp_exchange *x = call->x;
    uint32_t doubled = call->wait_ms * 2 < WAIT_DOUBLING_MS ? call->wait_ms * 2 : WAIT_DOUBLING_MS;
    call->wait_ms = call->wait_ms > doubled ? call->wait_ms : doubled;
    bool free = call->nsends < UDP_SENDS_FREE;
    if (!free && x->credit == 0) {
        schedule(call, now); /* there may be some by then */
        return;
    }
    x->credit -= free ? 0 : 1;
    udp_send_call(call, now);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    struct udp_exchange *x = ctx;
    uint64_t now = clock_ns(), to = now / TICK_NS;
    (void)fd, (void)what;
    if (to - x->tick_at > WHEEL_SLOTS)
        x->tick_at = to - WHEEL_SLOTS;
    while (x->tick_at < to) {
        struct udp_call_list *slot = &x->wheel[++x->tick_at % WHEEL_SLOTS];
        struct exchange_call *call = LIST_FIRST(slot), *next;
        for (; call != NULL; call = next) {
            next = LIST_NEXT(call, link);
            if (call->due_ns > now)
                continue;
            LIST_REMOVE(call, link);
            send_again(call, now);
        }
    }
    const struct timeval tv = {.tv_usec = WHEEL_TICK_MS * 1000};
    if (x->ncalls > 0)
        evtimer_add(&x->tick, &tv);
}

/* ---- ending ---- */

static void call_free(struct exchange_call *call)
{
    struct udp_exchange *x = call->x;
    if (call->queued) { /* it need not leave any more */
        unsigned i = 0;
        while (x->batch.calls[i] != call)
            i++;
        x->batch.calls[i] = x->batch.calls[--x->batch.n];
        if (x->batch.n == 0)
            x->batch.socket = NULL;
    }
    for (unsigned i = 0; i < call->nsends; i++)
        udp_send_remove(&call->sends[i]);
    LIST_REMOVE(call, link);
    x->ncalls--;
    free(call);
}

static void udp_free(struct udp_exchange *x)
{
    event_del(&x->flush);
    event_del(&x->tick);
    udp_sockets_close(x);
    free(x);
}

/* The call is gone before it is told of: the asker may close the exchange. */
void udp_deliver(struct exchange_call *call, struct exchange_answer *answer)
{
    const struct exchange *x = &call->x->base;
    exchange_done *done = call->done;
    void *ctx = call->ctx;
    call_free(call);
    direct_tell(x, done, ctx, answer);
}

/* done() may close the exchange: between these two it is only marked. */
bool udp_begin_delivering(struct udp_exchange *x)
{
    bool outer = !x->delivering;
    x->delivering = true;
    return outer;
}

void udp_end_delivering(struct udp_exchange *x, bool outer)
{
    if (!outer)
        return;
    x->delivering = false;
    if (x->closed)
        udp_free(x);
}

static void on_flush(evutil_socket_t fd, short what, void *ctx)
{
    struct udp_exchange *x = ctx;
    (void)fd, (void)what;
    if (x->batch.n > 0)
        udp_exchange_flush(x);
    bool outer = udp_begin_delivering(x);
    while (!LIST_EMPTY(&x->doomed))
        udp_deliver(LIST_FIRST(&x->doomed), NULL);
    udp_end_delivering(x, outer);
}

/* ---- asking ---- */

static int udp_ask(struct exchange *base, const struct exchange_question *q, exchange_done *done, void *ctx,
                   struct exchange_call **out)
{
    struct udp_exchange *x = (struct udp_exchange *)base;
    uint16_t len;
    int ret = direct_admit(q, x->ncalls, &len);
    if (ret != ERR_OK)
        return ret;
    struct exchange_call *call = malloc(sizeof *call + len);
    if (call == NULL)
        return -ENOMEM;
    uint64_t now = clock_ns();
    call->x = x;
    call->done = done;
    call->ctx = ctx;
    call->wait_ms = first_wait(x);
    call->queued = false;
    call->plain_edns = !q->dnssec_ok && q->options_len == 0;
    call->nsends = 0;
    call->len = len;
    call->question_len = (uint16_t)direct_question_len(q);
    direct_write(q, call->message, len);
    if (base->target.case_randomisation)
        direct_randomise_case(call->message);
    if (call->plain_edns && now < x->plain_until_ns) {
        call->plain_edns = false;
        call->len = (uint16_t)direct_drop_edns(call->message, len);
    }
    x->ncalls++;
    udp_send_call(call, now);
    *out = call;
    return ERR_OK;
}

static void udp_cancel(struct exchange *base, struct exchange_call *call)
{
    (void)base;
    call_free(call);
}

/* ---- life ---- */

static int udp_open(struct worker *w, const struct exchange_target *target, struct exchange **out,
                    struct errtext *e)
{
    struct udp_exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return errtext_set(e, -ENOMEM, "no memory for an upstream");
    x->base.target = *target;
    x->base.worker = w;
    x->credit = UDP_CREDIT_MAX;
    event_assign(&x->flush, worker_base(w), -1, 0, on_flush, x);
    evtimer_assign(&x->tick, worker_base(w), on_tick, x);
    udp_sockets_init(x);
    direct_series_register(&x->series, target);
    *out = &x->base;
    return ERR_OK;
}

static void udp_close(struct exchange *base)
{
    struct udp_exchange *x = (struct udp_exchange *)base;
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        while (!LIST_EMPTY(&x->wheel[i]))
            call_free(LIST_FIRST(&x->wheel[i]));
    while (!LIST_EMPTY(&x->spent))
        call_free(LIST_FIRST(&x->spent));
    while (!LIST_EMPTY(&x->doomed))
        call_free(LIST_FIRST(&x->doomed));
    x->closed = true;
    if (!x->delivering)
        udp_free(x);
}

/* What was measured while it was out says nothing now. */
static void udp_renew(struct exchange *base)
{
    struct udp_exchange *x = (struct udp_exchange *)base;
    x->srtt_us = 0;
    x->credit = UDP_CREDIT_MAX;
    x->plain_until_ns = 0;
}

const struct exchange_kind exchange_udp = {
    .name = "direct over UDP",
    .open = udp_open,
    .close = udp_close,
    .ask = udp_ask,
    .cancel = udp_cancel,
    .renew = udp_renew,
};
