#include "sync/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/log.h"
#include "sync/records_label.h"
#include "sync/records_p.h"
#include "sync/records_ports.h"

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

static bool is_reverse(const uint8_t *apex)
{
    static const uint8_t v4[] = "\7in-addr\4arpa", v6[] = "\3ip6\4arpa";
    return name_in(apex, v4) || name_in(apex, v6);
}

static bool name_cluster_zone(struct record_zone *z)
{
    uint8_t dns[NAME_MAX_LEN], longest[NAME_MAX_LEN];
    return records_prepend(z->svc, "svc", z->apex) && records_prepend(z->pod, "pod", z->apex) &&
           records_prepend(dns, "dns", z->apex) && records_prepend(z->ns, "ns", dns) &&
           records_prepend(z->hostmaster, "hostmaster", z->apex) &&
           records_prepend(longest, "dns-version", z->apex); /* the longest label right below an apex */
}

static bool name_external_zone(struct record_zone *z, const char *label)
{
    uint8_t dns[NAME_MAX_LEN];
    memcpy(z->svc, z->apex, sizeof z->svc);
    return records_prepend(dns, label, z->apex) && records_prepend(z->ns, "ns1", dns) &&
           records_prepend(z->hostmaster, "hostmaster", dns);
}

static int zone_init(struct record_zone *z, const struct cluster_block *block, const struct zone_view *from)
{
    uint32_t ttl = block->kubernetes.ttl;
    bool external = strcmp(from->view, VIEW_EXTERNAL) == 0, clients = strcmp(from->view, VIEW_CLIENTS) == 0;
    *z = (struct record_zone){.view = from->view, .ttl = ttl, .srv_ttl = ttl};
    if (name_from_text(from->zone, strlen(from->zone), z->apex) < 0)
        return ERR_MALFORMED;
    name_lower(z->apex, z->apex);
    if (external) {
        z->kind = is_reverse(z->apex) ? RECORD_ZONE_EXTERNAL_REVERSE : RECORD_ZONE_EXTERNAL;
        z->ttl = z->soa_ttl = block->external.ttl;
        return name_external_zone(z, block->external.label) ? ERR_OK : ERR_MALFORMED;
    }
    z->kind = clients                                                            ? RECORD_ZONE_CLIENTS
              : is_reverse(z->apex)                                              ? RECORD_ZONE_REVERSE
              : kubernetes_block_is_multicluster(&block->kubernetes, from->zone) ? RECORD_ZONE_MULTICLUSTER
                                                                                 : RECORD_ZONE_FORWARD;
    z->zonal = block->kubernetes.zonal && z->kind == RECORD_ZONE_FORWARD;
    z->soa_ttl = ttl < RECORDS_SOA_TTL ? ttl : RECORDS_SOA_TTL;
    return name_cluster_zone(z) ? ERR_OK : ERR_MALFORMED;
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
    struct record_rules r = {.pods = k->pods,
                             .ignore_empty_service = k->ignore_empty_service,
                             .external_label = block->external.label,
                             .external_headless = block->external.headless};
    r.zones = calloc(cluster_block_zones(block) + 1, sizeof *r.zones);
    if (r.zones == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < cluster_block_zones(block); i++) {
        struct zone_view zone = cluster_block_zone(block, i);
        if (zone_init(&r.zones[r.nzones], block, &zone) != ERR_OK) {
            record_rules_free(&r);
            return errtext_set(e, ERR_MALFORMED, "zone %s: there is no room for names below it", zone.zone);
        }
        if (zone.zone == k->primary)
            memcpy(r.primary, r.zones[r.nzones].apex, sizeof r.primary);
        if (block->external.zones.count > 0 && zone.zone == block->external.zones.zones[0])
            memcpy(r.external_primary, r.zones[r.nzones].apex, sizeof r.external_primary);
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

const struct record_zone *record_rules_zone_of(const struct record_rules *rules, enum record_zone_kind kind,
                                               const struct ip *ip)
{
    uint8_t name[NAME_MAX_LEN];
    const struct record_zone *best = NULL;
    for (size_t i = 0; i < rules->nzones; i++) {
        const struct record_zone *z = &rules->zones[i];
        if (z->kind != kind)
            continue;
        records_reverse_name(ip, name);
        if (name_in(name, z->apex) && (best == NULL || name_len(z->apex) > name_len(best->apex)))
            best = z;
    }
    return best;
}

bool record_rules_hold(const struct record_rules *rules, const struct ip *ip)
{
    return record_rules_zone_of(rules, RECORD_ZONE_REVERSE, ip) != NULL ||
           record_rules_zone_of(rules, RECORD_ZONE_EXTERNAL_REVERSE, ip) != NULL;
}

bool record_zone_is_cluster(const struct record_zone *z)
{
    return z->kind == RECORD_ZONE_FORWARD || z->kind == RECORD_ZONE_MULTICLUSTER;
}

bool record_zone_is_reverse(const struct record_zone *z)
{
    return z->kind == RECORD_ZONE_REVERSE || z->kind == RECORD_ZONE_EXTERNAL_REVERSE;
}

static bool names_services(const struct record_zone *z)
{
    return !record_zone_is_reverse(z) && z->kind != RECORD_ZONE_CLIENTS;
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

/* Ports that fit a pick, at the name that this gives them. */
static int at_pick(const struct port_list *list, const struct port_pick *pick, const uint8_t *base,
                   ports_visit *add, void *ctx)
{
    uint8_t owner[NAME_MAX_LEN];
    size_t count, n = 0;
    const struct store_port *ports = port_list_range(list, pick, &count);
    if (!port_pick_owner(pick, base, owner))
        return ERR_OK;
    struct store_port *fitting = calloc(count + 1, sizeof *fitting);
    if (fitting == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        if (port_fits(list, &ports[i], pick))
            fitting[n++] = ports[i];
    add(ctx, owner, fitting, n);
    free(fitting);
    return ERR_OK;
}

int records_at_ports(const struct service_data *d, const uint8_t *base, ports_visit *add, void *ctx)
{
    const struct port_list list = {.data = d, .ports = d->ports, .count = d->nports};
    struct port_pick open[RECORDS_OPEN_MAX];
    int nopen = records_open_names(&list, 1, open);
    int ret = nopen < 0 ? nopen : ERR_OK;
    add(ctx, base, d->ports, d->nports);
    for (size_t p = 0, same; p < d->nports;
         p += same) { /* ports that share a name and protocol answer together */
        const struct store_port *port = &d->ports[p];
        uint8_t owner[NAME_MAX_LEN];
        store_find_ports(d, port, d->nports - p, store_at(d, port->prefix), port->prefix_len, &same);
        if (port->prefix_len > 0 &&
            records_prepend_wire(owner, store_at(d, port->prefix), port->prefix_len, base))
            add(ctx, owner, port, same);
    }
    for (int i = 0; ret == ERR_OK && i < nopen; i++)
        ret = at_pick(&list, &open[i], base, add, ctx);
    return ret;
}

struct cluster_ips {
    const struct record_zone *zone;
    const struct service_data *data;
    const uint8_t *base;
    struct record_set *out;
};

static void add_cluster_ips(void *ctx, const uint8_t *owner, const struct store_port *ports, size_t nports)
{
    const struct cluster_ips *c = ctx;
    const struct service_data *d = c->data;
    const struct ip *ips = store_at(d, d->ips);
    for (uint32_t i = 0; i < d->nips; i++)
        records_add_ip(c->out, owner, c->zone->ttl, &ips[i]);
    for (size_t p = 0; p < nports; p++)
        records_add_srv(c->out, owner, c->zone->srv_ttl, (uint64_t)nports * d->nips, ports[p].number,
                        c->base);
}

static void cluster_ip_records(const struct record_zone *z, const uint8_t *base, const struct service_data *d,
                               struct record_set *out)
{
    struct cluster_ips c = {.zone = z, .data = d, .base = base, .out = out};
    /* not allocated yet: CoreDNS answers `CNAME .` here, which helps nobody */
    if (d->nips > 0 && records_at_ports(d, base, add_cluster_ips, &c) != ERR_OK)
        out->error = -ENOMEM;
}

static bool has_address(const struct store_unit *unit)
{
    const struct store_slice *slice;
    LIST_FOREACH(slice, &unit->slices, in_unit)
    if (slice->data->naddresses > 0)
        return true;
    return false;
}

static void cluster_unit(const struct record_rules *rules, const struct record_zone *z, const uint8_t *base,
                         const struct store_unit *unit, struct record_set *out)
{
    const struct service_data *d = unit->service;
    if (d->type == SERVICE_EXTERNAL_NAME) {
        records_add_cname(out, base, z->srv_ttl, store_at(d, d->external_name), unit);
        return;
    }
    bool headless = d->type == SERVICE_HEADLESS;
    if (!headless && rules->ignore_empty_service && !has_address(unit))
        return;
    if (!headless)
        cluster_ip_records(z, base, d, out);
    records_of_endpoints(z, base, unit, headless, out);
}

void records_of_unit(const struct record_rules *rules, const struct record_zone *z,
                     const struct store_unit *unit, struct record_set *out)
{
    uint8_t base[NAME_MAX_LEN];
    if (!names_services(z) || unit->imported != (z->kind == RECORD_ZONE_MULTICLUSTER) ||
        unit->service == NULL || !store_exposed(unit->namespace) || !records_unit_name(base, z, unit))
        return;
    if (record_zone_is_cluster(z))
        cluster_unit(rules, z, base, unit, out);
    else
        records_of_external_unit(rules, z, base, unit, out);
    if (out->error != ERR_LIMIT)
        return;
    log_limited(LOG_LEVEL_WARNING, "sync: %s %s/%s: no records (they would take more than %u MiB)",
                kube_kind_name(unit->imported ? KUBE_SERVICEIMPORT : KUBE_SERVICE), unit->namespace->name,
                unit->name, RECORD_SET_MAX >> 20);
    record_set_reset(out);
}

/* ---- namespaces and pods ---- */

void records_of_namespace(const struct record_rules *rules, const struct record_zone *z,
                          const struct store_namespace *n, struct record_set *out)
{
    uint8_t owner[NAME_MAX_LEN];
    if (!names_services(z) || !store_exposed(n) ||
        (z->kind == RECORD_ZONE_EXTERNAL && records_hides_namespace(rules, n)))
        return;
    if (records_prepend(owner, n->name, z->svc))
        record_set_add(out, owner, RR_NAMESPACE, z->ttl, "", 0);
    if (record_zone_is_cluster(z) && rules->pods != PODS_DISABLED && records_prepend(owner, n->name, z->pod))
        record_set_add(out, owner, RR_NAMESPACE, z->ttl, "", 0);
}

void records_of_pod_address(const struct record_rules *rules, const struct record_zone *z,
                            const struct store *s, const struct store_namespace *n, const struct ip *ip,
                            struct record_set *out)
{
    uint8_t namespace[NAME_MAX_LEN], owner[NAME_MAX_LEN];
    char label[LABEL_TEXT_MAX];
    if (!record_zone_is_cluster(z) || rules->pods != PODS_VERIFIED || !store_exposed(n) ||
        !store_has_pod_address(s, n, ip))
        return;
    label_from_pod_ip(ip, label);
    if (records_prepend(namespace, n->name, z->pod) && records_prepend(owner, label, namespace))
        records_add_ip(out, owner, z->ttl, ip);
}
