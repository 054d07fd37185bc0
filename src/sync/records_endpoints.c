/*
 * What EndpointSlices make: the endpoints' own names, and a headless service's names.
 *
 * The weight of an SRV record is floor(100 / matches), where CoreDNS counts a match for every address and
 * port that fits the question, before it drops duplicates; a slice without ports counts one for each address
 * and gives no SRV. Addresses of FQDN slices are CNAMEs and count for nothing. In a zone a CNAME must stand
 * alone (RFC 1034, 3.6.2), so one is made only where the name has nothing else; CoreDNS would send both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "sync/records_label.h"
#include "sync/records_p.h"

/* One address of the unit. */
struct endpoint {
    const struct slice_data *slice;
    const struct store_address *address;
    char label[LABEL_TEXT_MAX];
};

/* A port's name: "_http._tcp" in wire form. */
struct port_name {
    const void *prefix;
    size_t len;
};

void records_endpoint_label(const struct slice_data *d, const struct store_address *a,
                            char out[LABEL_TEXT_MAX])
{
    if (a->label != 0)
        memcpy(out, store_at(d, a->label), strlen(store_at(d, a->label)) + 1);
    else
        label_from_ip(&a->ip, out);
}

static int compare_endpoints(const void *a, const void *b)
{
    const struct endpoint *x = a, *y = b;
    int order = strcmp(x->label, y->label);
    if (order == 0) /* addresses before names, and always in the same order */
        order = (x->address->ip.family == 0) - (y->address->ip.family == 0);
    if (order == 0 && x->address->ip.family == 0)
        order = strcmp(store_at(x->slice, x->address->fqdn), store_at(y->slice, y->address->fqdn));
    return order;
}

/* All endpoints of the unit, sorted by name. */
static int collect(const struct store_unit *unit, struct endpoint **out, size_t *count)
{
    size_t total = 0, n = 0;
    const struct store_slice *slice;
    LIST_FOREACH(slice, &unit->slices, in_unit)
    total += slice->data->naddresses;
    struct endpoint *list = calloc(total + 1, sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    LIST_FOREACH(slice, &unit->slices, in_unit)
    for (uint32_t i = 0; i < slice->data->naddresses; i++) {
        list[n] = (struct endpoint){.slice = slice->data, .address = &slice->data->addresses[i]};
        records_endpoint_label(slice->data, list[n].address, list[n].label);
        n++;
    }
    qsort(list, n, sizeof *list, compare_endpoints);
    *out = list;
    *count = n;
    return ERR_OK;
}

static const struct store_port *ports_of(const struct slice_data *d)
{
    return store_at(d, d->ports);
}

/* The ports of a slice that answer to `name`; NULL asks for all of them. */
static const struct store_port *find_ports(const struct slice_data *d, const struct port_name *name,
                                           size_t *count)
{
    *count = d->nports;
    if (name == NULL)
        return ports_of(d);
    return ports_of(d) + store_find_ports(d, ports_of(d), d->nports, name->prefix, name->len, count);
}

/* The same for counting: where any port will do, a slice without ports counts as having one. */
static uint64_t ports_matching(const struct slice_data *d, const struct port_name *name)
{
    size_t count;
    find_ports(d, name, &count);
    return name == NULL && count == 0 ? 1 : count;
}

static uint64_t count_matches(const struct endpoint *list, size_t n, const struct port_name *name)
{
    uint64_t matches = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].address->ip.family != 0)
            matches += ports_matching(list[i].slice, name);
    return matches;
}

/* The only FQDN of the list where there is one and no address; NULL otherwise. */
static const char *lone_fqdn(const struct endpoint *list, size_t n, const struct port_name *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (ports_matching(list[i].slice, name) == 0)
            continue;
        if (list[i].address->ip.family != 0)
            return NULL;
        const char *fqdn = store_at(list[i].slice, list[i].address->fqdn);
        if (found != NULL && strcmp(found, fqdn) != 0)
            return NULL;
        found = fqdn;
    }
    return found;
}

/* Addresses and SRV of `list` at `owner`, as far as their ports answer to `name`. SRV targets are LABEL.base.
 */
static void add_at(const struct record_zone *z, const uint8_t *owner, const uint8_t *base,
                   const struct store_unit *unit, const struct endpoint *list, size_t n,
                   const struct port_name *name, struct record_set *out)
{
    const char *fqdn = lone_fqdn(list, n, name);
    if (fqdn != NULL) {
        records_add_cname(out, owner, z->srv_ttl, fqdn, unit);
        return;
    }
    uint64_t matches = count_matches(list, n, name);
    for (size_t i = 0; i < n && out->error == ERR_OK; i++) {
        uint8_t target[NAME_MAX_LEN];
        size_t count;
        const struct store_port *ports = find_ports(list[i].slice, name, &count);
        if (list[i].address->ip.family == 0 || (name != NULL && count == 0))
            continue;
        records_add_ip(out, owner, z->ttl, &list[i].address->ip);
        if (!records_prepend(target, list[i].label, base))
            continue;
        for (size_t p = 0; p < count; p++)
            records_add_srv(out, owner, z->srv_ttl, matches, ports[p].number, target);
    }
}

/* EP.SVC.NS.svc.Z, one name after the other. */
static void add_names(const struct record_zone *z, const uint8_t *base, const struct store_unit *unit,
                      const struct endpoint *list, size_t n, struct record_set *out)
{
    for (size_t i = 0, end; i < n; i = end) {
        uint8_t owner[NAME_MAX_LEN];
        for (end = i + 1; end < n && strcmp(list[end].label, list[i].label) == 0;)
            end++;
        if (records_prepend(owner, list[i].label, base))
            add_at(z, owner, base, unit, list + i, end - i, NULL, out);
        else
            log_limited(LOG_LEVEL_WARNING,
                        "sync: Service %s/%s: endpoint \"%s\" has no name (it would be too long)",
                        unit->namespace->name, unit->name, list[i].label);
    }
}

static int compare_names(const void *a, const void *b)
{
    const struct port_name *x = a, *y = b;
    int order = memcmp(x->prefix, y->prefix, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (int)x->len - (int)y->len;
}

/* The names of all ports of the unit's slices, sorted, with repetitions. NULL without memory. */
static struct port_name *collect_names(const struct store_unit *unit, size_t *count)
{
    size_t total = 0, n = 0;
    const struct store_slice *slice;
    LIST_FOREACH(slice, &unit->slices, in_unit)
    total += slice->data->nports;
    struct port_name *names = calloc(total + 1, sizeof *names);
    if (names == NULL)
        return NULL;
    LIST_FOREACH(slice, &unit->slices, in_unit)
    for (uint32_t i = 0; i < slice->data->nports; i++) {
        const struct store_port *port = &ports_of(slice->data)[i];
        if (port->prefix_len > 0)
            names[n++] = (struct port_name){store_at(slice->data, port->prefix), port->prefix_len};
    }
    qsort(names, n, sizeof *names, compare_names);
    *count = n;
    return names;
}

/* _port._proto.SVC.NS.svc.Z for every port name that any slice has. */
static void add_ports(const struct record_zone *z, const uint8_t *base, const struct store_unit *unit,
                      const struct endpoint *list, size_t n, struct record_set *out)
{
    size_t count;
    struct port_name *names = collect_names(unit, &count);
    if (names == NULL) {
        out->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < count && out->error == ERR_OK; i++) {
        uint8_t owner[NAME_MAX_LEN];
        if (i > 0 && compare_names(&names[i], &names[i - 1]) == 0)
            continue;
        if (records_prepend_wire(owner, names[i].prefix, names[i].len, base))
            add_at(z, owner, base, unit, list, n, &names[i], out);
    }
    free(names);
}

void records_of_endpoints(const struct record_zone *z, const uint8_t *base, const struct store_unit *unit,
                          bool headless, struct record_set *out)
{
    struct endpoint *list;
    size_t n;
    if (LIST_EMPTY(&unit->slices))
        return;
    if (collect(unit, &list, &n) != ERR_OK) {
        out->error = -ENOMEM;
        return;
    }
    add_names(z, base, unit, list, n, out);
    if (headless && n > 0) {
        add_at(z, base, base, unit, list, n, NULL, out);
        add_ports(z, base, unit, list, n, out);
    }
    free(list);
}
