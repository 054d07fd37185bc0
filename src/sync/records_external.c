/*
 * The records of `k8s_external`'s zones: services under the addresses that they have outside of the cluster.
 *
 * In a zone Z:
 *
 * - A unit with external addresses has A or AAAA of each and SRV of every port at SVC.NS.Z, and the same for
 *   each named port at _port._proto.SVC.NS.Z.
 *
 * - One with host names alone has a CNAME to the first at SVC.NS.Z, SRV to each of them at
 *   _port._proto.SVC.NS.Z, and those of all its ports at _._.SVC.NS.Z (serve/external_spelling.h).
 *
 * - With `headless`, a headless unit without any has its endpoints as in the cluster's zone, another unit its
 *   endpoints' names alone.
 *
 * - A namespace has TYPE65280 at NS.Z, unless its name is that of the name server's branch.
 *
 * In a reverse zone an external address has PTR to every service that has it, below the block's first zone.
 *
 * A CNAME stands alone at its name (RFC 1034, 3.6.2), so of a service with addresses and host names the
 * addresses are told; CoreDNS sends all of it at once. The weight of an SRV record counts each external
 * address and host name, also one that is there twice, as CoreDNS does.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "sync/records_label.h"
#include "sync/records_p.h"

struct outside {
    const struct record_zone *zone;
    const struct store_unit *unit;
    const uint8_t *base;
    bool addresses; /* at least one is no host name */
    struct record_set *out;
};

static const struct store_external *externals_of(const struct service_data *d)
{
    return store_at(d, d->externals);
}

static void add_alias(const struct outside *o)
{
    const struct service_data *d = o->unit->service;
    const struct store_external *x = externals_of(d);
    uint32_t first = 0;
    while (first + 1 < d->nexternals && !label_is_target(store_at(d, x[first].host)))
        first++;
    records_add_cname(o->out, o->base, o->zone->srv_ttl, store_at(d, x[first].host), o->unit);
}

/* SRV of the ports at `owner`, to one external address or host name. */
static void add_ports_of(const struct outside *o, const uint8_t *owner, const struct store_external *x,
                         const struct store_port *ports, size_t nports)
{
    const struct service_data *d = o->unit->service;
    uint8_t target[NAME_MAX_LEN];
    const uint8_t *to = o->base;
    if (x->ip.family == 0) {
        const char *host = store_at(d, x->host);
        if (!label_is_target(host) || name_from_text(host, strlen(host), target) < 0)
            return;
        to = target;
    }
    for (size_t p = 0; p < nports && o->out->error == ERR_OK; p++)
        records_add_srv(o->out, owner, o->zone->srv_ttl, (uint64_t)nports * d->nexternals, ports[p].number,
                        to);
}

static void add_outside(void *ctx, const uint8_t *owner, const struct store_port *ports, size_t nports)
{
    const struct outside *o = ctx;
    const struct service_data *d = o->unit->service;
    const struct store_external *x = externals_of(d);
    uint8_t any[NAME_MAX_LEN];
    if (owner == o->base && !o->addresses) {
        add_alias(o);
        if (!records_prepend_wire(any, "\1_\1_", 4, o->base))
            return;
        owner = any;
    }
    for (uint32_t i = 0; i < d->nexternals && o->out->error == ERR_OK; i++) {
        records_add_ip(o->out, owner, o->zone->ttl, &x[i].ip);
        add_ports_of(o, owner, &x[i], ports, nports);
    }
}

bool records_hides_namespace(const struct record_rules *rules, const struct store_namespace *n)
{
    return strcmp(n->name, rules->external_label) == 0;
}

void records_of_external_unit(const struct record_rules *rules, const struct record_zone *z,
                              const uint8_t *base, const struct store_unit *unit, struct record_set *out)
{
    const struct service_data *d = unit->service;
    struct outside o = {.zone = z, .unit = unit, .base = base, .out = out};
    if (records_hides_namespace(rules, unit->namespace))
        return;
    for (uint32_t i = 0; i < d->nexternals; i++)
        o.addresses = o.addresses || externals_of(d)[i].ip.family != 0;
    if (d->nexternals > 0 && records_at_ports(d, base, add_outside, &o) != ERR_OK)
        out->error = -ENOMEM;
    if (d->nexternals == 0 && rules->external_headless)
        records_of_endpoints(z, base, unit, d->type == SERVICE_HEADLESS, out);
}

/* ---- PTR ---- */

struct pointers {
    const struct record_rules *rules;
    const struct record_zone *zone;
    const uint8_t *owner;
    struct record_set *out;
};

static void add_pointer(void *ctx, const struct store_unit *unit)
{
    const struct pointers *p = ctx;
    uint8_t namespace[NAME_MAX_LEN], name[NAME_MAX_LEN];
    if (store_exposed(unit->namespace) &&
        records_prepend(namespace, unit->namespace->name, p->rules->external_primary) &&
        records_prepend(name, unit->name, namespace))
        record_set_add(p->out, p->owner, RR_PTR, p->zone->ttl, name, name_len(name));
}

void records_of_external_address(const struct record_rules *rules, const struct record_zone *z,
                                 const struct store *s, const struct ip *ip, const uint8_t *owner,
                                 struct record_set *out)
{
    struct pointers p = {.rules = rules, .zone = z, .owner = owner, .out = out};
    store_by_external_address(s, ip, add_pointer, &p);
}
