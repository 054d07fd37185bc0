#include "sync/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/log.h"
#include "sync/records_label.h"
#include "sync/records_p.h"

/* ---- names ---- */

bool records_prepend_wire(uint8_t out[NAME_MAX_LEN], const void *labels, size_t len, const uint8_t *suffix)
{
    size_t rest = name_len(suffix);
    if (len + rest > NAME_MAX_LEN)
        return false;
    memcpy(out, labels, len);
    memcpy(out + len, suffix, rest);
    return true;
}

bool records_prepend(uint8_t out[NAME_MAX_LEN], const char *text, const uint8_t *suffix)
{
    size_t len = strlen(text);
    size_t rest = name_len(suffix);
    if (len == 0 || len > NAME_MAX_LABEL || 1 + len + rest > NAME_MAX_LEN)
        return false;
    out[0] = (uint8_t)len;
    memcpy(out + 1, text, len);
    memcpy(out + 1 + len, suffix, rest);
    return true;
}

bool records_unit_name(uint8_t out[NAME_MAX_LEN], const struct record_zone *z, const struct store_unit *unit)
{
    uint8_t namespace[NAME_MAX_LEN];
    return records_prepend(namespace, unit->namespace->name, z->svc) &&
           records_prepend(out, unit->name, namespace);
}

/* ---- rules ---- */

static int zone_init(struct record_zone *z, const struct zone_view *from)
{
    static const uint8_t v4[] = "\7in-addr\4arpa", v6[] = "\3ip6\4arpa";
    uint8_t longest[NAME_MAX_LEN];
    *z = (struct record_zone){.view = from->view};
    if (name_from_text(from->zone, strlen(from->zone), z->apex) < 0)
        return ERR_MALFORMED;
    name_lower(z->apex, z->apex);
    z->kind = name_in(z->apex, v4) || name_in(z->apex, v6) ? RECORD_ZONE_REVERSE : RECORD_ZONE_FORWARD;
    return records_prepend(z->svc, "svc", z->apex) && records_prepend(z->pod, "pod", z->apex) &&
                   records_prepend(longest, "dns-version",
                                   z->apex) /* the longest label right below an apex */
               ? ERR_OK
               : ERR_MALFORMED;
}

static bool has_zone(const struct record_rules *rules, const struct record_zone *z)
{
    for (size_t i = 0; i < rules->nzones; i++)
        if (name_equal(rules->zones[i].apex, z->apex) && strcmp(rules->zones[i].view, z->view) == 0)
            return true;
    return false;
}

int record_rules_init(struct record_rules *rules, const struct cluster_block *block, struct errtext *e)
{
    const struct kubernetes_block *k = &block->kubernetes;
    struct record_rules r = {.ttl = k->ttl, .pods = k->pods, .ignore_empty_service = k->ignore_empty_service};
    r.zones = calloc(cluster_block_zones(block) + 1, sizeof *r.zones);
    if (r.zones == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < cluster_block_zones(block); i++) {
        struct zone_view zone = cluster_block_zone(block, i);
        if (zone_init(&r.zones[r.nzones], &zone) != ERR_OK) {
            record_rules_free(&r);
            return errtext_set(e, ERR_MALFORMED, "zone %s: there is no room for names below it", zone.zone);
        }
        if (zone.zone == k->primary)
            name_lower(r.primary, r.zones[r.nzones].apex);
        if (!has_zone(&r, &r.zones[r.nzones]))
            r.nzones++;
    }
    *rules = r;
    return ERR_OK;
}

void record_rules_free(struct record_rules *rules)
{
    free(rules->zones);
    rules->zones = NULL;
    rules->nzones = 0;
}

const struct record_zone *record_rules_zone_of(const struct record_rules *rules, const struct ip *ip)
{
    uint8_t name[NAME_MAX_LEN];
    const struct record_zone *best = NULL;
    for (size_t i = 0; i < rules->nzones; i++) {
        const struct record_zone *z = &rules->zones[i];
        if (z->kind != RECORD_ZONE_REVERSE)
            continue;
        records_reverse_name(ip, name);
        if (name_in(name, z->apex) && (best == NULL || name_len(z->apex) > name_len(best->apex)))
            best = z;
    }
    return best;
}

/* ---- single records ---- */

void records_add_ip(struct record_set *out, const uint8_t *owner, uint32_t ttl, const struct ip *ip)
{
    if (ip->family == 4)
        record_set_add(out, owner, RR_A, ttl, ip->octets, 4);
    else if (ip->family == 6)
        record_set_add(out, owner, RR_AAAA, ttl, ip->octets, 16);
}

void records_add_srv(struct record_set *out, const uint8_t *owner, uint32_t ttl, uint64_t matches,
                     uint16_t port, const uint8_t *target)
{
    uint8_t rdata[6 + NAME_MAX_LEN];
    uint64_t weight = matches > 0 ? 100 / matches : 100;
    if (port == 0)
        return; /* CoreDNS: an object that names no port number gives no SRV */
    wire_put_u16(rdata, 0);
    wire_put_u16(rdata + 2, (uint16_t)(weight > 0 ? weight : 1));
    wire_put_u16(rdata + 4, port);
    size_t len = name_len(target);
    memcpy(rdata + 6, target, len);
    record_set_add(out, owner, RR_SRV, ttl, rdata, 6 + len);
}

void records_add_cname(struct record_set *out, const uint8_t *owner, uint32_t ttl, const char *target,
                       const struct store_unit *unit)
{
    uint8_t wire[NAME_MAX_LEN];
    char text[LABEL_PRINTABLE_MAX];
    const char *why = NULL;
    int len = label_is_target(target) ? name_from_text(target, strlen(target), wire) : ERR_MALFORMED;
    if (len < 0)
        why = "it is no host name";
    else if (name_equal(wire, owner))
        why = "it is the service's own name";
    if (why == NULL)
        record_set_add(out, owner, RR_CNAME, ttl, wire, (size_t)len);
    else
        log_limited(LOG_LEVEL_WARNING, "sync: Service %s/%s: external name \"%s\" gives no record (%s)",
                    unit->namespace->name, unit->name, label_printable(target, text), why);
}

/* ---- units ---- */

static void cluster_ip_records(const struct record_rules *rules, const uint8_t *base,
                               const struct service_data *d, struct record_set *out)
{
    const struct ip *ips = store_at(d, d->ips);
    if (d->nips == 0)
        return; /* not allocated yet; CoreDNS answers `CNAME .` here, which helps nobody */
    for (uint32_t i = 0; i < d->nips; i++)
        records_add_ip(out, base, rules->ttl, &ips[i]);
    for (uint32_t p = 0; p < d->nports; p++)
        records_add_srv(out, base, rules->ttl, (uint64_t)d->nports * d->nips, d->ports[p].number, base);
    for (size_t p = 0, same; p < d->nports;
         p += same) { /* ports that share a name and protocol answer together */
        const struct store_port *port = &d->ports[p];
        uint8_t owner[NAME_MAX_LEN];
        store_find_ports(d, port, d->nports - p, store_at(d, port->prefix), port->prefix_len, &same);
        if (port->prefix_len == 0 ||
            !records_prepend_wire(owner, store_at(d, port->prefix), port->prefix_len, base))
            continue;
        for (uint32_t i = 0; i < d->nips; i++)
            records_add_ip(out, owner, rules->ttl, &ips[i]);
        for (size_t i = 0; i < same; i++)
            records_add_srv(out, owner, rules->ttl, (uint64_t)same * d->nips, port[i].number, base);
    }
}

static bool has_address(const struct store_unit *unit)
{
    const struct store_slice *slice;
    LIST_FOREACH(slice, &unit->slices, in_unit)
    if (slice->data->naddresses > 0)
        return true;
    return false;
}

void records_of_unit(const struct record_rules *rules, const struct record_zone *z,
                     const struct store_unit *unit, struct record_set *out)
{
    uint8_t base[NAME_MAX_LEN];
    const struct service_data *d = unit->service;
    if (z->kind != RECORD_ZONE_FORWARD || d == NULL || !store_exposed(unit->namespace) ||
        !records_unit_name(base, z, unit))
        return;
    if (d->type == SERVICE_EXTERNAL_NAME) {
        records_add_cname(out, base, rules->ttl, store_at(d, d->external_name), unit);
        return;
    }
    bool headless = d->type == SERVICE_HEADLESS;
    if (!headless && rules->ignore_empty_service && !has_address(unit))
        return;
    if (!headless)
        cluster_ip_records(rules, base, d, out);
    records_of_endpoints(rules, base, unit, headless, out);
    if (out->error != ERR_LIMIT)
        return;
    log_limited(LOG_LEVEL_WARNING, "sync: Service %s/%s: no records (they would take more than %u MiB)",
                unit->namespace->name, unit->name, RECORD_SET_MAX >> 20);
    record_set_reset(out);
}

/* ---- namespaces and pods ---- */

void records_of_namespace(const struct record_rules *rules, const struct record_zone *z,
                          const struct store_namespace *n, struct record_set *out)
{
    uint8_t owner[NAME_MAX_LEN];
    if (z->kind != RECORD_ZONE_FORWARD || !store_exposed(n))
        return;
    if (records_prepend(owner, n->name, z->svc))
        record_set_add(out, owner, RR_NAMESPACE, rules->ttl, "", 0);
    if (rules->pods != PODS_DISABLED && records_prepend(owner, n->name, z->pod))
        record_set_add(out, owner, RR_NAMESPACE, rules->ttl, "", 0);
}

void records_of_pod_address(const struct record_rules *rules, const struct record_zone *z,
                            const struct store *s, const struct store_namespace *n, const struct ip *ip,
                            struct record_set *out)
{
    uint8_t namespace[NAME_MAX_LEN], owner[NAME_MAX_LEN];
    char label[LABEL_TEXT_MAX];
    if (z->kind != RECORD_ZONE_FORWARD || rules->pods != PODS_VERIFIED || !store_exposed(n) ||
        !store_has_pod_address(s, n, ip))
        return;
    label_from_pod_ip(ip, label);
    if (records_prepend(namespace, n->name, z->pod) && records_prepend(owner, label, namespace))
        records_add_ip(out, owner, rules->ttl, ip);
}
