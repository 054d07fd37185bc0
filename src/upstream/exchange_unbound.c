/*
 * libunbound's traps, and where they are met here:
 *
 *   creating, configuring, finalising and deleting contexts in two threads at once crashes     library_lock
 *   a context is finalised at its first question                                                finalise()
 *   a question may be answered inside ub_resolve_event, and a callback that asks recurses;
 *   deleting a context inside a callback is a use after free          answers are queued and delivered from
 * our own event the packet is one shared buffer of the context copied in on_answer() rcode != 0: the packet
 * is stale or NULL; rcode 0 does not mean NOERROR                      on_answer() deleting a context calls
 * back for what is under way, with packet NULL                       cancelled before a context that saw its
 * upstream dead may wait long or not ask at all when it is back        renew() `directory:` calls chdir() on
 * the process; TLS options send in the clear                    never written
 */
#include "upstream/exchange_unbound.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/name.h"
#include "dns/rr.h"
#include "serve/worker.h"
#include "upstream/unbound_log.h"

/* UDP questions that one context has in the air at once; more wait inside the library. 256 of them at 50 ms
 * round trip are 5,000 a second for one worker and upstream. About 1 KiB each. */
#define OUTGOING_RANGE 256
/* TCP connections of one context; each has a buffer of 64 KiB once it is used, and carries many questions. */
#define OUTGOING_TCP 4
/* Sends of one question before the library gives up: at 0, 800 and 2,400 ms to an upstream not yet known
 * (base_config), so that one that takes 1.5 s is waited for and read_timeout (2 s) comes first; and at most 3
 * packets for an upstream that answers SERVFAIL. */
#define SENDS 3

/* A name that only the library's own table knows: asking for it finalises a new context without a packet. The
 * zone is removed again at once. */
#define FINALISE_NAME "finalise.seamark.invalid."

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

/* The library's parser of configurations and some of its set-up have global state. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- contexts ---- */

/* All names are forwarded: the zones that the library answers by itself are taken out, and the finalising
 * name put in. Caches are as small as they get, because forward-no-cache keeps them empty. */
static const char base_config[] =
    "server:\n"
    "  module-config: \"iterator\"\n"
    "  verbosity: 0\n"
    "  msg-cache-size: 4k\n  msg-cache-slabs: 1\n"
    "  rrset-cache-size: 4k\n  rrset-cache-slabs: 1\n"
    "  key-cache-size: 4k\n  key-cache-slabs: 1\n"
    "  infra-cache-numhosts: 16\n  infra-cache-slabs: 1\n"
    "  infra-host-ttl: 60\n"
    "  unknown-server-time-limit: 800\n"
    "  infra-keep-probing: yes\n"
    "  harden-below-nxdomain: no\n"
    "  qname-minimisation: no\n"
    "  do-not-query-localhost: no\n"
    "  minimal-responses: no\n"
    "  rrset-roundrobin: no\n"
    "  serve-expired: no\n"
    "  prefetch: no\n"
    "  unblock-lan-zones: yes\n"
    "  insecure-lan-zones: yes\n"
    "  local-zone: \"localhost.\" nodefault\n"
    "  local-zone: \"127.in-addr.arpa.\" nodefault\n"
    "  local-zone: \"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.\" nodefault\n"
    "  local-zone: \"home.arpa.\" nodefault\n"
    "  local-zone: \"onion.\" nodefault\n"
    "  local-zone: \"test.\" nodefault\n"
    "  local-zone: \"invalid.\" nodefault\n"
    "  local-zone: \"" FINALISE_NAME "\" static\n";

/* Writes the configuration to memory and has the library read it: it takes a file name only. */
static int configure(struct ub_ctx *ub, const struct exchange_target *target)
{
    char address[INET6_ADDRSTRLEN + 16], source[ADDRESS_TEXT_MAX], path[32];
    bool ip6 = target->address.sa.sa_family == AF_INET6;
    const void *octets = ip6 ? (const void *)&target->address.in6.sin6_addr : &target->address.in.sin_addr;
    if (inet_ntop(target->address.sa.sa_family, octets, address, INET6_ADDRSTRLEN) == NULL)
        return -errno;
    size_t len = strlen(address);
    if (ip6 && target->address.in6.sin6_scope_id != 0)
        snprintf(address + len, sizeof address - len, "%%%u", target->address.in6.sin6_scope_id);
    int fd = memfd_create("unbound.conf", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    bool bound = target->source.sa.sa_family != AF_UNSPEC;
    int written =
        dprintf(fd,
                "%s%s%s\n  do-ip4: %s\n  do-ip6: %s\n  outgoing-range: %d\n  outgoing-num-tcp: %d\n"
                "  outbound-msg-retry: %d\n  tcp-reuse-timeout: %u\n"
                "forward-zone:\n  name: \".\"\n  forward-addr: %s@%u\n  forward-first: no\n"
                "  forward-no-cache: yes\n  forward-tcp-upstream: %s\n",
                base_config, bound ? "  outgoing-interface: " : "",
                bound ? address_text(&target->source, source) : "", ip6 ? "no" : "yes", ip6 ? "yes" : "no",
                OUTGOING_RANGE, OUTGOING_TCP, SENDS, target->expire_ms > 0 ? target->expire_ms : 1, address,
                (unsigned)address_port(&target->address), target->tcp ? "yes" : "no");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int ret = written < 0 ? -EIO : ub_ctx_config(ub, path) == UB_NOERROR ? ERR_OK : ERR_CONFIG;
    close(fd);
    return ret;
}

static void on_finalised(void *ctx, int rcode, void *packet, int len, int sec, char *why, int limited)
{
    (void)rcode, (void)packet, (void)len, (void)sec, (void)why, (void)limited;
    *(bool *)ctx = true;
}

static int finalise(struct ub_ctx *ub)
{
    bool answered = false;
    int ret = ub_resolve_event(ub, FINALISE_NAME, RR_A, CLASS_IN, &answered, on_finalised, NULL);
    if (ret == UB_NOERROR && answered)
        ret = ub_ctx_zone_remove(ub, FINALISE_NAME);
    return ret == UB_NOERROR && answered ? ERR_OK : ret == UB_NOMEM ? -ENOMEM : ERR_UNSUPPORTED;
}

static int context_new(struct worker *w, const struct exchange_target *target, struct context **out)
{
    struct context *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    pthread_mutex_lock(&library_lock);
    int ret = -ENOMEM;
    c->ub = ub_ctx_create_event(worker_base(w));
    if (c->ub != NULL) {
        ub_ctx_debugout(c->ub, unbound_log_stream());
        ret = configure(c->ub, target);
        if (ret == ERR_OK)
            ret = finalise(c->ub);
        if (ret != ERR_OK)
            ub_ctx_delete(c->ub);
    }
    pthread_mutex_unlock(&library_lock);
    if (ret != ERR_OK) {
        free(c);
        return ret;
    }
    *out = c;
    return ERR_OK;
}

static void context_free(struct context *c)
{
    pthread_mutex_lock(&library_lock);
    ub_ctx_delete(c->ub);
    pthread_mutex_unlock(&library_lock);
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
    pthread_mutex_lock(&library_lock);
    ub_ctx_debugout(fresh->ub, unbound_log_stream()); /* deleting a context switches the library's log off */
    pthread_mutex_unlock(&library_lock);
}

/* ---- calls ---- */

/* Within the library: nothing but copying here. */
static void on_answer(void *ctx, int rcode, void *packet, int len, int sec, char *why, int limited)
{
    struct exchange_call *call = ctx;
    struct unbound_exchange *x = call->x;
    (void)sec, (void)why, (void)limited;
    call->context->calls--;
    call->context = NULL;
    if (rcode == 0 && packet != NULL && len >= DNS_HEADER_LEN) {
        const uint8_t *wire = packet;
        if ((wire[3] & 15) != RCODE_SERVFAIL) /* its own failure, remembered */
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
    *call = (struct exchange_call){.x = x, .context = x->context, .done = done, .ctx = ctx};
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
