/*
 * transfer: hands the zones of the stages below it over to other name servers.
 *
 *     transfer [ZONES...] {
 *         to ADDRESS...|*
 *         source ADDRESS
 *     }
 *
 * Questions for AXFR and IXFR from a `to` address, or from anywhere with `*`, are answered with the zone of
 * that name that a stage of this block serves from a file. ZONES: those of the server block without. Several
 * directives may stand in a block: the longest of their zones decides. Example:
 *
 *     transfer cluster.local {
 *         to 10.0.0.53 [2001:db8::53]:5353
 *     }
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "exchange/upstream_address.h"
#include "serve/config.h"
#include "serve/served_zones.h"
#include "serve/zone_scope.h"
#include "transfer/outgoing.h"
#include "transfer/secondaries.h"
#include "zone/serial.h"

#define TO_MAX 256 /* addresses of one directive */

struct transfer {
    const struct block *block;
    struct zone_scope zones;
    bool to_all;
    union address to[TO_MAX];
    size_t nto;
    union address source; /* AF_UNSPEC: none */
    struct secondaries secondaries;
};

extern const struct plugin plugin_transfer;

/* ---- the directive ---- */

static void transfer_free(void *state)
{
    struct transfer *t = state;
    zone_scope_free(&t->zones);
    free(t);
}

static int read_to(struct transfer *t, const struct directive *o, struct errtext *e)
{
    int ret = args_count(e, "transfer", o, 1, SIZE_MAX);
    for (size_t i = 0; ret == ERR_OK && i < o->nargs; i++) {
        if (strcmp(o->args[i], "*") == 0)
            t->to_all = true;
        else if (t->nto == TO_MAX)
            ret = args_error(e, "transfer", o, "more than %d addresses behind \"to\"", TO_MAX);
        else if (upstream_address_parse(o->args[i], &t->to[t->nto]) == ERR_OK)
            t->nto++;
        else
            ret = args_error(e, "transfer", o, "must specify an IP address: `%s'", o->args[i]);
    }
    return ret;
}

static int read_source(struct transfer *t, const struct directive *o, struct errtext *e)
{
    int ret = args_count(e, "transfer", o, 1, 1);
    if (ret != ERR_OK)
        return ret;
    if (t->source.sa.sa_family != AF_UNSPEC)
        return args_error(e, "transfer", o, "source already specified");
    if (inet_pton(AF_INET, o->args[0], &t->source.in.sin_addr) == 1)
        t->source.sa.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, o->args[0], &t->source.in6.sin6_addr) == 1)
        t->source.sa.sa_family = AF_INET6;
    else
        return args_error(e, "transfer", o, "invalid source address \"%s\"", o->args[0]);
    return ERR_OK;
}

static int read_zones(struct transfer *t, const struct plugin_setup *s, const struct directive *d,
                      struct errtext *e)
{
    struct zone_list list = {0};
    int ret = args_zones(e, "transfer", d, 0, s->source, &list);
    if (ret == ERR_OK)
        ret = zone_scope_init(&t->zones, &list);
    zone_list_free(&list);
    return ret;
}

static int read_directive(struct transfer *t, const struct plugin_setup *s, const struct directive *d,
                          struct errtext *e)
{
    int ret = read_zones(t, s, d, e);
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++) {
        const struct directive *o = &d->body[i];
        if (strcmp(o->name, "to") == 0)
            ret = read_to(t, o, e);
        else if (strcmp(o->name, "source") == 0)
            ret = read_source(t, o, e);
        else
            ret = args_error(e, "transfer", o, "unknown property \"%s\"", o->name);
    }
    if (ret == ERR_OK && t->nto == 0 && !t->to_all)
        ret = args_error(e, "transfer", d, "'to' is required");
    return ret;
}

static int transfer_setup(const struct plugin_setup *s, const struct directive *d, void **out,
                          struct errtext *e)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return -ENOMEM;
    t->block = s->block;
    int ret = read_directive(t, s, d, e);
    if (ret != ERR_OK) {
        transfer_free(t);
        return ret;
    }
    *out = t;
    return ERR_OK;
}

/* ---- who and what ---- */

/* Labels of the longest of its zones that holds the name, the root's counted too; 0 where none does. */
static unsigned match(const struct transfer *t, const uint8_t *lname)
{
    unsigned longest = 0;
    for (size_t i = 0; i < t->zones.count; i++) {
        unsigned labels = (unsigned)name_label_count(t->zones.zones[i]) + 1;
        if (labels > longest && name_in(lname, t->zones.zones[i]))
            longest = labels;
    }
    return longest;
}

/* Of the block's transfer stages the one whose zone is the longest that holds the name; of equal ones the
 * first. */
static const struct transfer *responsible(const struct block *b, const uint8_t *lname)
{
    const struct transfer *found = NULL;
    unsigned longest = 0;
    for (unsigned i = 0; i < b->nstages; i++) {
        const struct transfer *t = b->stages[i].state;
        unsigned labels = b->stages[i].plugin == &plugin_transfer ? match(t, lname) : 0;
        if (labels > longest) {
            longest = labels;
            found = t;
        }
    }
    return found;
}

static bool same_host(const union address *allowed, const union address *client)
{
    if (client->sa.sa_family == AF_INET)
        return allowed->sa.sa_family == AF_INET && allowed->in.sin_addr.s_addr == client->in.sin_addr.s_addr;
    const struct in6_addr *six = &client->in6.sin6_addr;
    if (allowed->sa.sa_family == AF_INET) /* a dual-stack socket shows IPv4 clients so */
        return IN6_IS_ADDR_V4MAPPED(six) && memcmp(six->s6_addr + 12, &allowed->in.sin_addr, 4) == 0;
    return IN6_ARE_ADDR_EQUAL(&allowed->in6.sin6_addr, six) &&
           (allowed->in6.sin6_scope_id == 0 || allowed->in6.sin6_scope_id == client->in6.sin6_scope_id);
}

static bool is_allowed(const struct transfer *t, const union address *client)
{
    for (size_t i = 0; i < t->nto; i++)
        if (same_host(&t->to[i], client))
            return true;
    return t->to_all;
}

/* The zone of that name which a stage of the block serves; else one that holds the name; else NULL. */
static const struct served_zone *find_zone(const struct block *b, const uint8_t *lname)
{
    const struct served_zone *holds = NULL;
    for (unsigned i = 0; i < b->nstages; i++) {
        const struct plugin *p = b->stages[i].plugin;
        const struct served_zone *z =
            p->zones == NULL ? NULL : served_zones_find(p->zones(b->stages[i].state), lname);
        if (z != NULL && name_equal(z->apex, lname))
            return z;
        holds = holds != NULL ? holds : z;
    }
    return holds;
}

/* ---- life ---- */

static void each_zone(void *state, void (*visit)(const struct served_zone *z, void *ctx), void *ctx)
{
    const struct transfer *t = state;
    for (unsigned i = 0; i < t->block->nstages; i++) {
        const struct stage *s = &t->block->stages[i];
        const struct served_zones *zones = s->plugin->zones == NULL ? NULL : s->plugin->zones(s->state);
        for (size_t k = 0; zones != NULL && k < zones->count; k++)
            if (responsible(t->block, zones->zones[k].apex) == t)
                visit(&zones->zones[k], ctx);
    }
}

static int transfer_start(void *state, struct errtext *e)
{
    struct transfer *t = state;
    outgoing_register();
    t->secondaries = (struct secondaries){
        .each_zone = each_zone, .state = t, .to = t->to, .nto = t->nto, .source = &t->source};
    int ret = secondaries_join(&t->secondaries);
    return ret == ERR_OK ? ERR_OK : errtext_set(e, ret, "plugin/transfer: %s", err_text(ret));
}

static void transfer_stop(void *state)
{
    struct transfer *t = state;
    secondaries_leave(&t->secondaries);
}

/* ---- answering ---- */

static enum verdict refuse(struct request *r, uint16_t rcode)
{
    reply_error(r->reply, &r->q, rcode);
    return VERDICT_ANSWERED;
}

/* A client without the zone says 0. */
static bool up_to_date(const struct request *r, uint32_t serial)
{
    return r->q.qtype == RR_IXFR &&
           (r->q.serial == serial || (r->q.serial != 0 && serial_after(r->q.serial, serial)));
}

static enum verdict answer(struct request *r, const struct served_zone *z)
{
    rcu_reader_begin();
    const struct zone *zone = watched_zone_read(z->watched);
    const struct zone_version *v = zone == NULL ? NULL : zone_hold(zone);
    rcu_reader_end();
    if (v == NULL) {
        r->error_text = "there is no zone to transfer yet: seamark-sync has not reached the Kubernetes API";
        return refuse(r, RCODE_SERVFAIL);
    }
    if (r->transport == TRANSPORT_TCP && !up_to_date(r, zone_serial(v))) {
        bool all = r->q.qtype == RR_AXFR || r->q.serial == 0;
        return all ? outgoing_full(r, v) : outgoing_since(r, v, watched_zone_journal(z->watched));
    }
    enum verdict verdict = outgoing_soa(r, v);
    zone_let_go(v);
    return verdict;
}

static enum verdict transfer_query(void *state, struct request *r)
{
    bool incremental = r->q.qtype == RR_IXFR, tcp = r->transport == TRANSPORT_TCP;
    if ((r->q.qtype != RR_AXFR && !incremental) || r->q.qclass != CLASS_IN)
        return VERDICT_NEXT;
    if (!tcp && !(incremental && r->transport == TRANSPORT_UDP))
        return refuse(r, RCODE_REFUSED); /* RFC 5936 section 4.2: AXFR is not defined over UDP */
    const struct transfer *t = responsible(r->route->block, r->q.lname);
    if (t != state)
        return t == NULL && !tcp ? refuse(r, RCODE_REFUSED) : VERDICT_NEXT;
    if (!is_allowed(t, &r->client))
        return refuse(r, RCODE_REFUSED);
    if (incremental && !r->q.has_serial)
        return refuse(r, RCODE_SERVFAIL);
    const struct served_zone *z = find_zone(r->route->block, r->q.lname);
    if (z == NULL)
        return tcp ? VERDICT_NEXT : refuse(r, RCODE_REFUSED);
    if (!name_equal(z->apex, r->q.lname))
        return refuse(r, RCODE_NOTAUTH); /* RFC 5936 section 2.2.1: a name in a zone is no zone */
    return answer(r, z);
}

/* Zones are asked for by types that do not go that way. */
static bool transfer_express(void *state, struct express_plan *p)
{
    (void)state, (void)p;
    return true;
}

const struct plugin plugin_transfer = {.name = "transfer",
                                       .repeatable = true,
                                       .setup = transfer_setup,
                                       .free = transfer_free,
                                       .start = transfer_start,
                                       .stop = transfer_stop,
                                       .query = transfer_query,
                                       .express = transfer_express};
