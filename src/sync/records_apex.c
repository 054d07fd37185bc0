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

size_t records_soa(const struct record_rules *rules, const struct record_zone *z, uint32_t serial,
                   uint8_t out[RECORDS_SOA_MAX])
{
    uint8_t dns[NAME_MAX_LEN], mname[NAME_MAX_LEN] = {0}, rname[NAME_MAX_LEN] = {0};
    if (!records_prepend(dns, "dns", z->apex) || !records_prepend(mname, "ns", dns) ||
        !records_prepend(rname, "hostmaster", z->apex))
        mname[0] = rname[0] = 0; /* record_zone_init has seen to it that there is room */
    size_t mlen = name_len(mname), rlen = name_len(rname);
    memcpy(out, mname, mlen);
    memcpy(out + mlen, rname, rlen);
    uint8_t *numbers = out + mlen + rlen;
    wire_put_u32(numbers, serial);
    wire_put_u32(numbers + 4, RECORDS_REFRESH);
    wire_put_u32(numbers + 8, RECORDS_RETRY);
    wire_put_u32(numbers + 12, RECORDS_EXPIRE);
    wire_put_u32(numbers + 16, rules->ttl);
    return mlen + rlen + 20;
}

/* The name servers being looked for: services that this machine is an endpoint of. */
struct servers {
    const struct record_rules *rules;
    const struct record_zone *zone;
    uint8_t ns[NAME_MAX_LEN]; /* ns.dns.Z */
    struct record_set *out;
    size_t found;
};

/* NS for `name` (where its address is in this zone too), and the address at ns.dns.Z, which the SOA names. */
static void add_server(struct servers *s, const uint8_t *name, const struct ip *ip, bool in_zone)
{
    const uint8_t *target = in_zone ? name : s->ns;
    record_set_add(s->out, s->zone->apex, RR_NS, s->rules->ttl, target, name_len(target));
    records_add_ip(s->out, s->ns, s->rules->ttl, ip);
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
            add_server(s, base, (const struct ip *)store_at(d, d->ips) + i, in_zone);
        return;
    }
    for (uint32_t i = 0; i < slice->data->naddresses; i++) {
        const struct store_address *a = &slice->data->addresses[i];
        char label[LABEL_TEXT_MAX];
        if (a->ip.family == 0)
            continue;
        records_endpoint_label(slice->data, a, label);
        if (records_prepend(name, label, base))
            add_server(s, name, &a->ip, in_zone);
    }
}

static void add_servers(const struct record_rules *rules, const struct record_zone *z,
                        const struct store *store, struct record_set *out)
{
    struct servers s = {.rules = rules, .zone = z, .out = out};
    uint8_t dns[NAME_MAX_LEN];
    if (!records_prepend(dns, "dns", z->apex) || !records_prepend(s.ns, "ns", dns))
        return;
    for (size_t i = 0; i < rules->nlocal; i++)
        store_by_address(store, &rules->local[i], serve_from, &s);
    for (size_t i = 0, found = s.found; found == 0 && i < rules->nlocal; i++)
        add_server(&s, s.ns, &rules->local[i], true);
    if (s.found == 0)
        add_server(&s, s.ns, &(struct ip){.family = 4, .octets = {127, 0, 0, 1}}, true);
}

void records_of_apex(const struct record_rules *rules, const struct record_zone *z, const struct store *s,
                     uint32_t serial, struct record_set *out)
{
    uint8_t soa[RECORDS_SOA_MAX], name[NAME_MAX_LEN];
    uint32_t soa_ttl = rules->ttl < RECORDS_SOA_TTL ? rules->ttl : RECORDS_SOA_TTL;
    size_t len = records_soa(rules, z, serial, soa);
    record_set_add(out, z->apex, RR_SOA, soa_ttl, soa, len);
    add_servers(rules, z, s, out);
    if (z->kind != RECORD_ZONE_FORWARD)
        return;
    if (records_prepend(name, "dns-version", z->apex))
        record_set_add(out, name, RR_TXT, RECORDS_TXT_TTL, "\0051.1.0", 6);
    record_set_add(out, z->svc, RR_NAMESPACE, rules->ttl, "", 0);
    record_set_add(out, z->pod, RR_NAMESPACE, rules->ttl, "", 0);
}

/* ---- PTR ---- */

void records_reverse_name(const struct ip *ip, uint8_t out[NAME_MAX_LEN])
{
    static const uint8_t v4[] = "\7in-addr\4arpa", v6[] = "\3ip6\4arpa";
    size_t at = 0;
    if (ip->family == 4) {
        for (int i = 3; i >= 0; i--) {
            char text[4];
            int len = snprintf(text, sizeof text, "%u", ip->octets[i]);
            out[at++] = (uint8_t)len;
            memcpy(out + at, text, (size_t)len);
            at += (size_t)len;
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
    const struct record_rules *rules;
    const struct ip *ip;
    uint8_t svc[NAME_MAX_LEN]; /* below the primary zone */
    const struct store_unit *service;
    struct record_set *out;
    uint8_t owner[NAME_MAX_LEN];
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
    record_set_add(o->out, o->owner, RR_PTR, o->rules->ttl, target, name_len(target));
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
        records_endpoint_label(slice->data, &slice->data->addresses[i], label);
        if (records_prepend(name, label, base))
            add_ptr(o, name);
    }
}

void records_of_address(const struct record_rules *rules, const struct record_zone *z, const struct store *s,
                        const struct ip *ip, struct record_set *out)
{
    struct owners o = {.rules = rules, .ip = ip, .out = out};
    uint8_t base[NAME_MAX_LEN];
    if (record_rules_zone_of(rules, ip) != z || !records_prepend(o.svc, "svc", rules->primary))
        return;
    records_reverse_name(ip, o.owner);
    store_by_address(s, ip, find_service, &o);
    if (o.service == NULL)
        store_by_address(s, ip, add_endpoint, &o);
    else if (unit_name(&o, o.service, base))
        add_ptr(&o, base);
}
