/* Answers that are shared, and each worker's pool of exchanges. */
#include "exchange/exchange.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "dns/rr.h"
#include "exchange/tls_client.h"
#include "serve/worker.h"

struct exchange_answer *exchange_answer_new(const void *wire, size_t len)
{
    static uint64_t serial;
    struct exchange_answer *a = malloc(sizeof *a + len);
    if (a == NULL)
        return NULL;
    a->references = 1;
    a->serial = __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
    a->upstream = (union address){0};
    a->len = len;
    memcpy(a->wire, wire, len);
    return a;
}

struct exchange_answer *exchange_answer_ref(struct exchange_answer *a)
{
    __atomic_fetch_add(&a->references, 1, __ATOMIC_RELAXED);
    return a;
}

void exchange_answer_unref(struct exchange_answer *a)
{
    if (a != NULL && __atomic_sub_fetch(&a->references, 1, __ATOMIC_ACQ_REL) == 0)
        free(a);
}

bool exchange_is_ordinary(const struct exchange_question *q)
{
    if (q->qclass != CLASS_IN || q->qtype == 0 || q->qtype == RR_OPT)
        return false;
    return q->qtype == RR_ANY || q->qtype < 128 || q->qtype > 255;
}

bool address_equal(const union address *a, const union address *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET6)
        return a->in6.sin6_port == b->in6.sin6_port && a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
               memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0;
    return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

/* One list a worker; only its own thread touches it. */
static struct exchange *pool[WORKERS_MAX];

static bool same_target(const struct exchange_target *a, const struct exchange_target *b)
{
    return a->tcp == b->tcp && a->expire_ms == b->expire_ms && address_equal(&a->address, &b->address) &&
           address_equal(&a->source, &b->source) && a->case_randomisation == b->case_randomisation &&
           unbound_settings_equal(a->unbound, b->unbound) && a->max_age_ms == b->max_age_ms &&
           a->max_idle == b->max_idle && a->once == b->once &&
           upstream_transport_equal(&a->transport, &b->transport);
}

int exchange_acquire(struct worker *w, const struct exchange_kind *kind, const struct exchange_target *target,
                     struct exchange **out, struct errtext *e)
{
    struct exchange **list = &pool[worker_index(w)];
    for (struct exchange *x = *list; x != NULL; x = x->next)
        if (x->kind == kind && same_target(&x->target, target)) {
            x->references++;
            *out = x;
            return ERR_OK;
        }
    struct exchange *x;
    int ret = kind->open(w, target, &x, e);
    if (ret != ERR_OK)
        return ret;
    x->kind = kind;
    x->target = *target;
    unbound_settings_ref(x->target.unbound);
    tls_client_ref(target->transport.tls);
    x->worker = w;
    x->references = 1;
    x->next = *list;
    *list = x;
    *out = x;
    return ERR_OK;
}

void exchange_release(struct exchange *x)
{
    if (x == NULL || --x->references > 0)
        return;
    struct exchange **at = &pool[worker_index(x->worker)];
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    struct unbound_settings *unbound = x->target.unbound;
    struct tls_client *tls = x->target.transport.tls;
    x->kind->close(x);
    unbound_settings_unref(unbound);
    tls_client_unref(tls);
}

void exchange_renew(struct worker *w, const union address *address)
{
    for (struct exchange *x = pool[worker_index(w)]; x != NULL; x = x->next)
        if (x->kind->renew != NULL && address_equal(&x->target.address, address))
            x->kind->renew(x);
}
