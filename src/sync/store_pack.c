#include "sync/store_pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/pool.h"
#include "sync/records_label.h"

/* A block being filled: fixed parts first, then the strings behind them. It is allocated for the worst case
 * and cut to what was used. */
struct block {
    char *data;
    size_t size;
    size_t used;
};

static bool block_begin(struct block *b, size_t fixed, size_t strings)
{
    *b = (struct block){.data = calloc(1, fixed + strings), .size = fixed + strings, .used = fixed};
    return b->data != NULL;
}

static uint32_t block_put(struct block *b, const void *data, size_t len)
{
    if (len > b->size - b->used)
        abort(); /* the size was computed wrongly: a bug of this file */
    memcpy(b->data + b->used, data, len);
    b->used += len;
    return (uint32_t)(b->used - len);
}

/* NULL without memory. */
static void *block_end(struct block *b)
{
    char *kept = pool_alloc(b->used);
    if (kept != NULL)
        memcpy(kept, b->data, b->used);
    free(b->data);
    return kept;
}

/* A port on its way into a block: "_name._protocol" in wire form, empty where the port has no name that could
 * be one; its protocol is then apart, empty where it is TCP. */
struct port {
    uint16_t number;
    uint16_t len;
    uint8_t prefix[2 * LABEL_TEXT_MAX];
    uint8_t protocol[LABEL_TEXT_MAX];
};

static size_t put_label(uint8_t *out, const char *label)
{
    size_t len = strlen(label);
    out[0] = (uint8_t)(len + 1);
    out[1] = '_';
    memcpy(out + 2, label, len);
    return 2 + len;
}

static void name_port(const struct kube_object *o, const struct kube_port *from, struct port *port)
{
    char labels[2][LABEL_TEXT_MAX];
    bool spoken = label_from_text(from->protocol, labels[1]) && strlen(labels[1]) < NAME_MAX_LABEL;
    if (from->name[0] == '\0') {
        if (spoken && strcmp(labels[1], "tcp") != 0)
            put_label(port->protocol, labels[1]);
        return;
    }
    if (!spoken || !label_from_text(from->name, labels[0]) || strlen(labels[0]) > NAME_MAX_LABEL - 1) {
        char ns[LABEL_PRINTABLE_MAX], object[LABEL_PRINTABLE_MAX], text[LABEL_PRINTABLE_MAX];
        log_limited(LOG_LEVEL_WARNING, "sync: %s %s/%s: no SRV name for port \"%s\" (not a DNS label)",
                    kube_kind_name(o->kind), label_printable(o->namespace, ns),
                    label_printable(o->name, object), label_printable(from->name, text));
        return;
    }
    for (int i = 0; i < 2; i++)
        port->len += (uint16_t)put_label(port->prefix + port->len, labels[i]);
}

static int compare_ports(const void *a, const void *b)
{
    const struct port *x = a, *y = b;
    int order = memcmp(x->prefix, y->prefix, sizeof x->prefix);
    if (order == 0)
        order = (int)x->number - (int)y->number;
    return order != 0 ? order : memcmp(x->protocol, y->protocol, sizeof x->protocol);
}

/* Writes the ports, sorted, to offset `at` of the block. */
static int put_ports(struct block *b, const struct kube_object *o, size_t at, const struct kube_port *from,
                     size_t nports)
{
    struct port *ports = calloc(nports + 1, sizeof *ports);
    if (ports == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < nports; i++) {
        ports[i].number = from[i].port;
        name_port(o, &from[i], &ports[i]);
    }
    qsort(ports, nports, sizeof *ports, compare_ports);
    for (size_t i = 0; i < nports; i++) {
        struct store_port p = {.number = ports[i].number, .prefix_len = ports[i].len};
        if (ports[i].len > 0)
            p.prefix = block_put(b, ports[i].prefix, ports[i].len);
        else if (ports[i].protocol[0] > 0)
            p.prefix = block_put(b, ports[i].protocol, 1u + ports[i].protocol[0]);
        memcpy(b->data + at + i * sizeof p, &p, sizeof p);
    }
    free(ports);
    return ERR_OK;
}

static size_t external_strings(const struct kube_service *svc, size_t nexternals)
{
    size_t len = 0;
    for (size_t i = 0; i < nexternals; i++)
        len += strlen(svc->externals[i].host) + 1;
    return len;
}

static void put_externals(struct block *b, const struct kube_service *svc, const struct service_data *d)
{
    for (size_t i = 0; i < d->nexternals; i++) {
        struct store_external to = {.ip = svc->externals[i].ip};
        const char *host = svc->externals[i].host;
        if (to.ip.family == 0)
            to.host = block_put(b, host, strlen(host) + 1);
        char *at = b->data + d->externals + i * sizeof to;
        memcpy(at + offsetof(struct store_external, ip), &to.ip, sizeof to.ip);
        memcpy(at + offsetof(struct store_external, host), &to.host, sizeof to.host);
    }
}

int store_pack_service(const struct kube_object *o, bool externals, struct service_data **out)
{
    const struct kube_service *svc = &o->service;
    size_t nexternals = externals ? svc->nexternals : 0;
    if (svc->nports > STORE_PORTS_MAX || svc->nips > STORE_ADDRESSES_MAX || nexternals > STORE_ADDRESSES_MAX)
        return ERR_LIMIT;
    size_t ports = svc->nports * sizeof(struct store_port);
    size_t outside =
        nexternals * sizeof(struct store_external); /* before the addresses, which have no alignment */
    size_t ips = svc->nips * sizeof(struct ip);
    size_t name_len = strlen(svc->external_name) + 1;
    struct block b;
    if (!block_begin(&b, sizeof(struct service_data) + ports + outside + ips,
                     svc->nports * 2 * LABEL_TEXT_MAX + name_len + external_strings(svc, nexternals)))
        return -ENOMEM;
    struct service_data *d = (struct service_data *)(void *)b.data;
    d->type = (uint8_t)svc->type;
    d->nports = (uint32_t)svc->nports;
    d->nips = (uint32_t)svc->nips;
    d->nexternals = (uint32_t)nexternals;
    d->externals = (uint32_t)(sizeof *d + ports);
    d->ips = (uint32_t)(d->externals + outside);
    if (ips > 0)
        memcpy(b.data + d->ips, svc->ips, ips);
    int ret = put_ports(&b, o, sizeof *d, svc->ports, svc->nports);
    if (ret != ERR_OK) {
        free(b.data);
        return ret;
    }
    if (svc->type == SERVICE_EXTERNAL_NAME)
        d->external_name = block_put(&b, svc->external_name, name_len);
    put_externals(&b, svc, d);
    d->size = (uint32_t)b.used;
    *out = block_end(&b);
    return *out != NULL ? ERR_OK : -ENOMEM;
}

/* An address on its way into a slice's block. */
struct source {
    struct ip ip;
    const char *fqdn;
    const char *zone;           /* as written; "" where none, or where nobody wants it */
    size_t number;              /* of the endpoint in the slice */
    char label[LABEL_TEXT_MAX]; /* "" where the address makes the name */
};

static int compare_sources(const void *a, const void *b)
{
    const struct source *x = a, *y = b;
    int order = memcmp(&x->ip, &y->ip, sizeof x->ip);
    if (order == 0)
        order = strcmp(x->label, y->label);
    return order != 0 ? order : strcmp(x->fqdn, y->fqdn);
}

/* CoreDNS's order: hostname, the pod's name if asked for, the address. What cannot be a label is passed over:
 * a pod's name with dots in it would give an SRV target that no question can reach. */
static void endpoint_label(const struct kube_object *o, const struct kube_endpoint *e, bool pod_names,
                           char out[LABEL_TEXT_MAX])
{
    out[0] = '\0';
    if (e->hostname[0] != '\0') {
        if (label_from_text(e->hostname, out))
            return;
        char ns[LABEL_PRINTABLE_MAX], object[LABEL_PRINTABLE_MAX], text[LABEL_PRINTABLE_MAX];
        log_limited(LOG_LEVEL_WARNING,
                    "sync: EndpointSlice %s/%s: hostname \"%s\" not used (not a DNS label)",
                    label_printable(o->namespace, ns), label_printable(o->name, object),
                    label_printable(e->hostname, text));
    }
    if (pod_names && e->target_name[0] != '\0')
        label_from_text(e->target_name, out);
}

/* One that is too long for a label has no name of its own, and stays a target of its service. */
static bool fqdn_label(const struct kube_object *o, const char *fqdn, char out[LABEL_TEXT_MAX])
{
    if (label_from_fqdn(fqdn, out) || (strlen(fqdn) > NAME_MAX_LABEL && label_is_target(fqdn)))
        return true;
    char ns[LABEL_PRINTABLE_MAX], object[LABEL_PRINTABLE_MAX], text[LABEL_PRINTABLE_MAX];
    log_limited(
        LOG_LEVEL_WARNING, "sync: EndpointSlice %s/%s: FQDN \"%s\" not used (no host name with a dot)",
        label_printable(o->namespace, ns), label_printable(o->name, object), label_printable(fqdn, text));
    return false;
}

/* As CoreDNS, an address has one zone in a slice: that of the last endpoint with the address that names one.
 */
static void share_zones(struct source *sources, size_t n)
{
    for (size_t i = 0, end; i < n; i = end) {
        const struct source *last = NULL;
        for (end = i; end < n && memcmp(&sources[end].ip, &sources[i].ip, sizeof sources[i].ip) == 0; end++)
            if (sources[end].zone[0] != '\0' && (last == NULL || sources[end].number > last->number))
                last = &sources[end];
        const char *zone = last == NULL || sources[i].ip.family == 0 ? NULL : last->zone;
        for (size_t k = i; zone != NULL && k < end; k++)
            sources[k].zone = zone;
    }
}

/* The ready endpoints' addresses, each with its label, sorted. `*out` is NULL where there are none. */
static int collect_sources(const struct kube_object *o, const struct slice_packing *packing,
                           struct source **out, size_t *count)
{
    const struct kube_slice *slice = &o->slice;
    size_t total = 0;
    for (size_t i = 0; i < slice->nendpoints; i++) {
        const struct kube_endpoint *e = &slice->endpoints[i];
        if (e->ready)
            total += e->nips + (e->fqdn[0] != '\0');
        if (total > STORE_ADDRESSES_MAX)
            return ERR_LIMIT;
    }
    struct source *sources = calloc(total + 1, sizeof *sources);
    if (sources == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < slice->nendpoints; i++) {
        const struct kube_endpoint *e = &slice->endpoints[i];
        if (!e->ready)
            continue;
        struct source source = {.fqdn = "", .zone = packing->zonal ? e->zone : "", .number = i};
        endpoint_label(o, e, packing->pod_names, source.label);
        for (size_t k = 0; k < e->nips; k++) {
            source.ip = e->ips[k];
            sources[n++] = source;
        }
        if (e->fqdn[0] != '\0') {
            source.ip = (struct ip){0};
            source.fqdn = e->fqdn;
            if (source.label[0] != '\0' || fqdn_label(o, e->fqdn, source.label))
                sources[n++] = source;
        }
    }
    qsort(sources, n, sizeof *sources, compare_sources);
    share_zones(sources, n);
    *out = sources;
    *count = n;
    return ERR_OK;
}

/* A slice has few zones: these have been written last. */
#define ZONES_KEPT 8
struct zone_texts {
    uint32_t at[ZONES_KEPT];
    size_t count;
};

static uint32_t put_zone(struct block *b, const struct kube_object *o, const char *written,
                         struct zone_texts *t)
{
    char zone[LABEL_TOPOLOGY_MAX];
    if (written[0] == '\0')
        return 0;
    if (!label_topology(written, zone)) {
        char ns[LABEL_PRINTABLE_MAX], object[LABEL_PRINTABLE_MAX], text[LABEL_PRINTABLE_MAX];
        log_limited(LOG_LEVEL_WARNING, "sync: EndpointSlice %s/%s: no names for zone \"%s\" (not DNS labels)",
                    label_printable(o->namespace, ns), label_printable(o->name, object),
                    label_printable(written, text));
        return 0;
    }
    for (size_t i = 0; i < ZONES_KEPT && i < t->count; i++)
        if (strcmp(b->data + t->at[i], zone) == 0)
            return t->at[i];
    return t->at[t->count++ % ZONES_KEPT] = block_put(b, zone, strlen(zone) + 1);
}

static enum slice_form form_of(const struct source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sources[i].ip.family == 0 || sources[i].ip.family != sources[0].ip.family ||
            sources[i].label[0] != '\0' || sources[i].zone[0] != '\0')
            return SLICE_WHOLE;
    return count > 0 && sources[0].ip.family == 6 ? SLICE_IPV6 : SLICE_IPV4;
}

static void put_addresses(struct block *b, const struct kube_object *o, const struct source *sources,
                          size_t count, enum slice_form form)
{
    struct zone_texts zones = {.count = 0};
    char *at = b->data + sizeof(struct slice_data);
    for (size_t i = 0; i < count; i++, at += slice_address_size(form)) {
        if (form != SLICE_WHOLE) {
            memcpy(at, sources[i].ip.octets, slice_address_size(form));
            continue;
        }
        struct store_address *a = (struct store_address *)(void *)at;
        a->ip = sources[i].ip;
        if (sources[i].label[0] != '\0')
            a->label = block_put(b, sources[i].label, strlen(sources[i].label) + 1);
        if (sources[i].fqdn[0] != '\0')
            a->fqdn = block_put(b, sources[i].fqdn, strlen(sources[i].fqdn) + 1);
        a->zone = put_zone(b, o, sources[i].zone, &zones);
    }
}

int store_pack_slice(const struct kube_object *o, const struct slice_packing *packing,
                     struct slice_data **out)
{
    if (o->slice.nports > STORE_PORTS_MAX)
        return ERR_LIMIT;
    struct source *sources;
    size_t count;
    int ret = collect_sources(o, packing, &sources, &count);
    if (ret != ERR_OK)
        return ret;
    enum slice_form form = form_of(sources, count);
    size_t ports_at = sizeof(struct slice_data) + count * slice_address_size(form);
    size_t strings = (o->slice.nports * 2 + 1) * LABEL_TEXT_MAX;
    char cluster[LABEL_TEXT_MAX];
    for (size_t i = 0; i < count; i++)
        strings += strlen(sources[i].label) + strlen(sources[i].fqdn) + strlen(sources[i].zone) + 3;
    struct block b;
    if (!block_begin(&b, ports_at + o->slice.nports * sizeof(struct store_port), strings)) {
        free(sources);
        return -ENOMEM;
    }
    struct slice_data *d = (struct slice_data *)(void *)b.data;
    d->form = form;
    d->naddresses = (uint32_t)count;
    d->nports = (uint32_t)o->slice.nports;
    d->ports = (uint32_t)ports_at;
    ret = put_ports(&b, o, ports_at, o->slice.ports, o->slice.nports);
    if (ret != ERR_OK) {
        free(b.data);
        free(sources);
        return ret;
    }
    put_addresses(&b, o, sources, count, form);
    if (packing->imported && label_from_text(o->slice.cluster, cluster))
        d->cluster = block_put(&b, cluster, strlen(cluster) + 1);
    d->size = (uint32_t)b.used;
    free(sources);
    *out = block_end(&b);
    return *out != NULL ? ERR_OK : -ENOMEM;
}
