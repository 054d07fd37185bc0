/* What stands at and right below a zone's apex, and the PTR records of reverse zones. */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/log.h"
#include "sync/records_label.h"
#include "sync/records_p.h"

/* ---- this machine's addresses ---- */

static bool local_ip(const struct sockaddr *sa, struct ip *out)
{
    *out = (struct ip){0};
    if (sa != NULL && sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
        out->family = 4;
        memcpy(out->octets, &in->sin_addr, 4);
        return out->octets[0] != 127;
    }
    if (sa != NULL && sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
        out->family = 6;
        memcpy(out->octets, &in6->sin6_addr, 16);
        return !IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    }
    return false;
}

void record_rules_find_local(struct record_rules *rules)
{
    struct ifaddrs *list;
    if (getifaddrs(&list) < 0) {
        log_warning("sync: this machine's addresses are not known (%s)", strerror(errno));
        return;
    }
    for (const struct ifaddrs *i = list; i != NULL && rules->nlocal < RECORDS_LOCAL_MAX; i = i->ifa_next)
        if (local_ip(i->ifa_addr, &rules->local[rules->nlocal]))
            rules->nlocal++;
    freeifaddrs(list);
}

/* ---- apex ---- */

static void add_soa(const struct record_zone *z, uint32_t serial, struct record_set *out)
{
    uint8_t rdata[2 * NAME_MAX_LEN + 20];
    size_t mlen = name_len(z->ns), rlen = name_len(z->hostmaster);
    memcpy(rdata, z->ns, mlen);
    memcpy(rdata + mlen, z->hostmaster, rlen);
    uint8_t *numbers = rdata + mlen + rlen;
    wire_put_u32(numbers, serial);
    wire_put_u32(numbers + 4, RECORDS_REFRESH);
    wire_put_u32(numbers + 8, RECORDS_RETRY);
    wire_put_u32(numbers + 12, RECORDS_EXPIRE);
    wire_put_u32(numbers + 16, z->ttl);
    record_set_add(out, z->apex, RR_SOA, z->soa_ttl, rdata, mlen + rlen + 20);
}

/* The name servers being looked for: services that this machine is an endpoint of. */
struct servers {
    const struct record_rules *rules;
    const struct record_zone *zone;
    struct record_set *out;
    size_t found;
};

/* NS for `name`, and the address at the name that the SOA has. */
static void add_server(struct servers *s, const uint8_t *name, const struct ip *ip)
{
    record_set_add(s->out, s->zone->apex, RR_NS, s->zone->ttl, name, name_len(name));
    records_add_ip(s->out, s->zone->ns, s->zone->ttl, ip);
    s->found++;
}

static void serve_from(void *ctx, const struct store_unit *unit, const struct store_slice *slice)
{
    struct servers *s = ctx;
    const struct service_data *d = unit->service;
    uint8_t base[NAME_MAX_LEN], name[NAME_MAX_LEN];
    if (slice == NULL || d == NULL || d->type == SERVICE_EXTERNAL_NAME ||
        !records_unit_name(base, s->zone, unit))
        return;
    /* CoreDNS names services of any namespace here; where the zone does not hold them, ns.dns.Z stands in. */
    bool in_zone = s->zone->kind == RECORD_ZONE_FORWARD && store_exposed(unit->namespace);
    if (d->type == SERVICE_CLUSTER_IP) {
        for (uint32_t i = 0; i < d->nips; i++)
            add_server(s, in_zone ? base : s->zone->ns, (const struct ip *)store_at(d, d->ips) + i);
        return;
    }
    for (uint32_t i = 0; i < slice->data->naddresses; i++) {
        const struct store_address a = slice_address(slice->data, i);
        char label[LABEL_TEXT_MAX];
        if (a.ip.family == 0)
            continue;
        records_endpoint_label(slice->data, &a, label);
        if (records_prepend(name, label, base))
            add_server(s, in_zone ? name : s->zone->ns, &a.ip);
    }
}

/* The same for external zones: the external addresses of those services, or with `headless` their endpoints.
 */
static void serve_from_outside(void *ctx, const struct store_unit *unit, const struct store_slice *slice)
{
    struct servers *s = ctx;
    const struct service_data *d = unit->service;
    if (slice == NULL || d == NULL)
        return;
    if (s->rules->external_headless && d->type == SERVICE_HEADLESS) {
        for (uint32_t i = 0; i < slice->data->naddresses; i++) {
            const struct store_address a = slice_address(slice->data, i);
            if (a.ip.family != 0)
                add_server(s, s->zone->ns, &a.ip);
        }
        return;
    }
    const struct store_external *outside = store_at(d, d->externals);
    for (uint32_t i = 0; i < d->nexternals; i++)
        if (outside[i].ip.family != 0)
            add_server(s, s->zone->ns, &outside[i].ip);
}

/* Where there is none, this machine's addresses: other servers refuse a zone whose name server has no
 * address. */
static void add_servers(const struct record_rules *rules, const struct record_zone *z,
                        const struct store *store, struct record_set *out)
{
    struct servers s = {.rules = rules, .zone = z, .out = out};
    bool outside = z->kind == RECORD_ZONE_EXTERNAL || z->kind == RECORD_ZONE_EXTERNAL_REVERSE;
    for (size_t i = 0; i < rules->nlocal; i++)
        store_by_address(store, &rules->local[i], outside ? serve_from_outside : serve_from, &s);
    for (size_t i = 0, found = s.found; found == 0 && i < rules->nlocal; i++)
        add_server(&s, z->ns, &rules->local[i]);
    if (s.found == 0)
        add_server(&s, z->ns, &(struct ip){.family = 4, .octets = {127, 0, 0, 1}});
}

void records_of_apex(const struct record_rules *rules, const struct record_zone *z, const struct store *s,
                     uint32_t serial, struct record_set *out)
{
    uint8_t name[NAME_MAX_LEN];
    add_soa(z, serial, out);
    add_servers(rules, z, s, out);
    if (!record_zone_is_cluster(z))
        return;
    if (records_prepend(name, "dns-version", z->apex))
        record_set_add(out, name, RR_TXT, RECORDS_TXT_TTL, "\0051.1.0", 6);
    record_set_add(out, z->svc, RR_NAMESPACE, z->ttl, "", 0);
    record_set_add(out, z->pod, RR_NAMESPACE, z->ttl, "", 0);
}

/* ---- PTR ---- */

void records_reverse_name(const struct ip *ip, uint8_t out[NAME_MAX_LEN])
{
    static const uint8_t v4[] = "\7in-addr\4arpa", v6[] = "\3ip6\4arpa";
    size_t at = 0;
    if (ip->family == 4) {
        for (int i = 3; i >= 0; i--) {
            unsigned octet = ip->octets[i]; /* not by snprintf(), which took a sixth of a change's time */
            uint8_t *len = out + at++;
            if (octet >= 100)
                out[at++] = (uint8_t)('0' + octet / 100);
            if (octet >= 10)
                out[at++] = (uint8_t)('0' + octet / 10 % 10);
            out[at++] = (uint8_t)('0' + octet % 10);
            *len = (uint8_t)(out + at - len - 1);
        }
        memcpy(out + at, v4, sizeof v4);
        return;
    }
    for (int i = 15; i >= 0; i--)
        for (int low = 1; low >= 0; low--) {
            out[at++] = 1;
            out[at++] = (uint8_t) "0123456789abcdef"[low ? ip->octets[i] & 15 : ip->octets[i] >> 4];
        }
    memcpy(out + at, v6, sizeof v6);
}

/* Who has the address. */
struct owners {
    const struct record_zone *zone;
    const struct ip *ip;
    uint8_t svc[NAME_MAX_LEN]; /* below the primary zone */
    const struct store_unit *service;
    struct record_set *out;
    const uint8_t *owner;
};

static bool comes_first(const struct store_unit *a, const struct store_unit *b)
{
    int order = strcmp(a->namespace->name, b->namespace->name);
    return order < 0 || (order == 0 && strcmp(a->name, b->name) < 0);
}

static void find_service(void *ctx, const struct store_unit *unit, const struct store_slice *slice)
{
    struct owners *o = ctx;
    if (slice == NULL && unit->service->type == SERVICE_CLUSTER_IP && store_exposed(unit->namespace) &&
        (o->service == NULL || comes_first(unit, o->service)))
        o->service = unit;
}

static void add_ptr(struct owners *o, const uint8_t *target)
{
    record_set_add(o->out, o->owner, RR_PTR, o->zone->ttl, target, name_len(target));
}

static bool unit_name(const struct owners *o, const struct store_unit *unit, uint8_t out[NAME_MAX_LEN])
{
    uint8_t namespace[NAME_MAX_LEN];
    return records_prepend(namespace, unit->namespace->name, o->svc) &&
           records_prepend(out, unit->name, namespace);
}

static void add_endpoint(void *ctx, const struct store_unit *unit, const struct store_slice *slice)
{
    struct owners *o = ctx;
    uint8_t base[NAME_MAX_LEN], name[NAME_MAX_LEN];
    if (slice == NULL || !store_exposed(unit->namespace) || !unit_name(o, unit, base))
        return;
    size_t count;
    size_t first = slice_find_address(slice->data, o->ip, &count);
    for (size_t i = first; i < first + count; i++) {
        char label[LABEL_TEXT_MAX];
        const struct store_address a = slice_address(slice->data, i);
        records_endpoint_label(slice->data, &a, label);
        if (records_prepend(name, label, base))
            add_ptr(o, name);
    }
}

static void of_cluster_address(const struct record_rules *rules, const struct record_zone *z,
                               const struct store *s, const struct ip *ip, const uint8_t *owner,
                               struct record_set *out)
{
    struct owners o = {.zone = z, .ip = ip, .out = out, .owner = owner};
    uint8_t base[NAME_MAX_LEN];
    if (!records_prepend(o.svc, "svc", rules->primary))
        return;
    store_by_address(s, ip, find_service, &o);
    if (o.service == NULL)
        store_by_address(s, ip, add_endpoint, &o);
    else if (unit_name(&o, o.service, base))
        add_ptr(&o, base);
}

void records_of_address(const struct record_rules *rules, const struct record_zone *z, const struct store *s,
                        const struct ip *ip, struct record_set *out)
{
    uint8_t owner[NAME_MAX_LEN];
    if (!record_zone_is_reverse(z) || record_rules_zone_of(rules, z->kind, ip) != z)
        return;
    records_reverse_name(ip, owner);
    if (z->kind == RECORD_ZONE_REVERSE)
        of_cluster_address(rules, z, s, ip, owner, out);
    else
        records_of_external_address(rules, z, s, ip, owner, out);
}
