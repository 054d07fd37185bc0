#include "serve/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "serve/chain.h"
#include "serve/worker_p.h"

static const struct metric_desc dropped_desc = {
    .name = "seamark_requests_dropped_total",
    .help = "Counter of requests that were not answered because too many were under way.",
    .type = METRIC_COUNTER};
static const struct metric *dropped;

void request_count_drops(void)
{
    dropped = metrics_register(&dropped_desc, NULL, 0);
}

struct request *request_new(struct worker *w)
{
    struct request *r = w->free_requests;
    if (r != NULL)
        w->free_requests = r->origin;
    else if (w->nrequests < WORKER_REQUESTS_MAX)
        r = malloc(sizeof *r);
    if (r == NULL) {
        metrics_add(dropped, 0, 1);
        return NULL;
    }
    w->nrequests++;
    r->worker = w;
    r->config = NULL;
    r->reply = NULL;
    r->route = NULL;
    r->depth = 0;
    r->stage = 0;
    r->floor = 0;
    r->hold = false;
    r->held = 0;
    r->asked = &r->q;
    r->notes = NULL;
    r->answered = false;
    r->answered_ns = 0;
    r->shuffle = false;
    r->max_udp = 0;
    r->waiting = NULL;
    r->parked = false;
    r->error_text = NULL;
    r->disguised = false;
    r->whole = false;
    r->personal = false;
    return r;
}

void request_keep(struct request *r, struct request_note *note)
{
    note->next = r->notes;
    r->notes = note;
}

void request_adopt(struct request *r, struct request *inner)
{
    struct request_note **end = &r->notes;
    while (*end != NULL)
        end = &(*end)->next;
    *end = inner->notes; /* behind its own: a stage that both have been in finds what it noted of `r` */
    inner->notes = NULL;
}

struct request_note *request_note_of(const struct request *r, const void *owner)
{
    struct request_note *note = r->notes;
    while (note != NULL && note->owner != owner)
        note = note->next;
    return note;
}

void request_release(struct request *r)
{
    struct worker *w = r->worker;
    for (struct request_note *note = r->notes, *next; note != NULL; note = next) {
        next = note->next;
        note->free(note);
    }
    w->nrequests--;
    r->origin = w->free_requests;
    w->free_requests = r;
}

/* The longest datagram that IPv4 carries, without its header and UDP's. IPv6 has room for 20 octets more. */
#define DATAGRAM_MAX (65535 - 20 - 8)

size_t request_max_size(const struct request *r)
{
    if (r->transport != TRANSPORT_UDP)
        return REPLY_CAP;
    /* RFC 6891 section 6.2.3: values below 512 count as 512. */
    size_t size = r->asked->udp_size < 512 ? 512 : r->asked->udp_size;
    if (size > DATAGRAM_MAX)
        size = DATAGRAM_MAX; /* a longer one would not be sent, and the client wait for it in vain */
    return r->max_udp != 0 && r->max_udp < size ? r->max_udp : size;
}

struct reply *request_reply(struct request *r)
{
    r->reply = r->worker->scratch[r->depth];
    reply_begin(r->reply, &r->q);
    return r->reply;
}

void request_serve(struct request *r, const struct listener *l, const uint8_t *packet, size_t len)
{
    static const uint16_t rcodes[] = {
        [QUERY_FORMERR] = RCODE_FORMERR, [QUERY_NOTIMP] = RCODE_NOTIMP, [QUERY_BADVERS] = RCODE_BADVERS};
    enum query_verdict verdict = query_parse(packet, len, &r->q);
    r->config = r->worker->present->config;
    if (verdict == QUERY_OK) {
        chain_enter(r, l);
        return;
    }
    if (verdict != QUERY_DROP) {
        r->reply = r->worker->scratch[0];
        if (verdict != QUERY_BADVERS)
            r->q.qname_len = 0; /* CoreDNS answers what it cannot read with the header alone */
        reply_error(r->reply, &r->q, rcodes[verdict]);
        reply_finish(r->reply, request_max_size(r));
    }
    request_end(r);
}

void request_park(struct request *r)
{
    if (!r->parked)
        worker_tenancy(r->worker, r->config)->waiting++;
    r->parked = true;
    r->reply = NULL;
    if (r->transport != TRANSPORT_INTERNAL) { /* its packet is gone */
        r->q.client_options = NULL;
        r->q.client_options_len = 0;
    }
}

void request_hold(struct request *r)
{
    r->hold = true;
}

void request_end(struct request *r)
{
    struct worker *w = r->worker;
    struct tenancy *t = r->parked ? worker_tenancy(w, r->config) : NULL;
    r->done(r);
    request_release(r);
    if (t != NULL) {
        t->waiting--;
        worker_tenancy_idle(w, t);
    }
}

/* ---- questions to ourselves ---- */

static void finish_self(struct request *r)
{
    r->asker(r);
}

static void start_self(void *ctx)
{
    struct request *r = ctx;
    chain_enter(r, r->route->listener);
}

static void start_below(void *ctx)
{
    chain_enter_below(ctx);
}

/* A request of our own with the parent's circumstances; NULL where the depth or the number does not allow it.
 */
static struct request *inner_of(const struct request *parent, request_done *done, void *ctx)
{
    struct request *r = parent->depth + 1 < REQUEST_DEPTH_MAX ? request_new(parent->worker) : NULL;
    if (r == NULL)
        return NULL;
    r->config = parent->config;
    r->route = parent->route;
    r->transport = TRANSPORT_INTERNAL;
    r->client = parent->client;
    r->local = parent->local;
    r->received_ns = clock_ns();
    r->depth = (uint8_t)(parent->depth + 1);
    r->done = finish_self;
    r->asker = done;
    r->origin = ctx;
    return r;
}

/* From the loop and not from here: the parent is in the middle of its own chain. */
static int start_later(struct request *r, void (*start)(void *ctx))
{
    int ret = worker_defer(r->worker, start, r);
    if (ret == ERR_OK)
        request_park(r);
    else
        request_release(r);
    return ret;
}

/* The parent lives as long, so they can be lent. */
static void pass_options(const struct request *parent, struct request *r)
{
    r->q.client_options = r->q.options = parent->q.options;
    r->q.client_options_len = r->q.options_len = parent->q.options_len;
    r->q.options_hash = parent->q.options_hash;
}

int request_ask_self(struct request *parent, const uint8_t *name, uint16_t qtype, request_done *done,
                     void *ctx)
{
    struct request *r = inner_of(parent, done, ctx); /* the question's own route is found in chain_enter */
    if (r == NULL)
        return ERR_LIMIT;
    query_make(&r->q, name, qtype);
    r->q.dnssec_ok = parent->q.dnssec_ok;
    r->q.has_edns = parent->q.has_edns;
    pass_options(parent, r);
    return start_later(r, start_self);
}

static void ask_as(const struct request *parent, const uint8_t *name, uint16_t qtype, struct request *r)
{
    query_make(&r->q, name, qtype);
    r->q.flags = parent->q.flags;
    r->q.qclass = parent->q.qclass;
    r->q.has_edns = parent->q.has_edns;
    r->q.dnssec_ok = parent->q.dnssec_ok;
    r->q.udp_size = parent->q.udp_size;
    r->floor = (uint8_t)(parent->stage + 1);
}

int request_ask_below(struct request *parent, const uint8_t *name, uint16_t qtype, request_done *done,
                      void *ctx)
{
    struct request *r = inner_of(parent, done, ctx);
    if (r == NULL)
        return ERR_LIMIT;
    ask_as(parent, name, qtype, r);
    pass_options(parent, r);
    return start_later(r, start_below);
}

struct options_note {
    struct request_note note;
    uint8_t octets[];
};

static void options_free(struct request_note *note)
{
    free(note);
}

static int copy_options(const struct request *parent, struct request *r)
{
    pass_options(parent, r);
    if (r->q.options_len == 0)
        return ERR_OK;
    struct options_note *n = malloc(sizeof *n + r->q.options_len);
    if (n == NULL)
        return -ENOMEM;
    n->note = (struct request_note){.free = options_free};
    memcpy(n->octets, parent->q.options, r->q.options_len);
    r->q.client_options = r->q.options = n->octets;
    request_keep(r, &n->note);
    return ERR_OK;
}

int request_ask_again(const struct request *parent, request_done *done, void *ctx)
{
    struct request *r = inner_of(parent, done, ctx);
    if (r == NULL)
        return ERR_LIMIT;
    ask_as(parent, parent->q.qname, parent->q.qtype, r);
    r->whole = true;
    int ret = copy_options(parent, r);
    if (ret != ERR_OK) {
        request_release(r);
        return ret;
    }
    return start_later(r, start_below);
}

/* ---- addresses ---- */

union address request_local(const struct request *r)
{
    union address a = r->local;
    const struct listener *l = r->route == NULL ? NULL : r->route->listener;
    if (a.sa.sa_family == AF_UNSPEC) {
        a = (union address){.in6 = {.sin6_family = AF_INET6}};
        if (l != NULL && inet_pton(AF_INET6, l->address, &a.in6.sin6_addr) != 1 &&
            inet_pton(AF_INET, l->address, &a.in.sin_addr) == 1)
            a.sa.sa_family = AF_INET;
    }
    if (l != NULL) /* the same place in both */
        a.in.sin_port = htons(l->port);
    return a;
}

char *address_text(const union address *a, char out[ADDRESS_TEXT_MAX])
{
    const void *octets = &a->in.sin_addr;
    int family = AF_INET;
    if (a->sa.sa_family == AF_INET6) {
        octets = &a->in6.sin6_addr;
        family = AF_INET6;
        if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) { /* a dual-stack socket shows IPv4 clients so */
            octets = a->in6.sin6_addr.s6_addr + 12;
            family = AF_INET;
        }
    }
    if (inet_ntop(family, octets, out, ADDRESS_TEXT_MAX) == NULL)
        out[0] = '\0';
    return out;
}

uint16_t address_port(const union address *a)
{
    return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}
