/*
 * What EndpointSlices make: the endpoints' own names, and a headless service's names. In zones of
 * `multicluster` an endpoint's name begins with its own label and that of its cluster:
 * EP.CLUSTER.SVC.NS.svc.Z.
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
#include "sync/records_endpoints_p.h"
#include "sync/records_p.h"

const struct port_pick any_port;

void records_endpoint_label(const struct slice_data *d, const struct store_address *a,
                            char out[LABEL_TEXT_MAX])
{
    if (a->label != 0)
        memcpy(out, store_at(d, a->label), strlen(store_at(d, a->label)) + 1);
    else
        label_from_ip(&a->ip, out);
}

static bool same_name(const struct endpoint *x, const struct endpoint *y)
{
    return strcmp(x->label, y->label) == 0 && strcmp(x->cluster, y->cluster) == 0;
}

/* EP.base, EP.CLUSTER.base; false where that would be too long. */
static bool endpoint_name(uint8_t out[NAME_MAX_LEN], const struct endpoint *e, const uint8_t *base)
{
    uint8_t cluster[NAME_MAX_LEN];
    if (e->cluster[0] == '\0')
        return records_prepend(out, e->label, base);
    return records_prepend(cluster, e->cluster, base) && records_prepend(out, e->label, cluster);
}

static int compare_endpoints(const void *a, const void *b)
{
    const struct endpoint *x = a, *y = b;
    int order = strcmp(x->label, y->label);
    if (order == 0)
        order = strcmp(x->cluster, y->cluster);
    if (order == 0) /* addresses before names, and always in the same order */
        order = (x->address.ip.family == 0) - (y->address.ip.family == 0);
    if (order == 0 && x->address.ip.family == 0)
        order = strcmp(store_at(x->slice, x->address.fqdn), store_at(y->slice, y->address.fqdn));
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
        const struct slice_data *d = slice->data;
        list[n] = (struct endpoint){.slice = d, .address = slice_address(d, i), .cluster = ""};
        if (d->cluster != 0)
            list[n].cluster = store_at(d, d->cluster);
        records_endpoint_label(d, &list[n].address, list[n].label);
        n++;
    }
    qsort(list, n, sizeof *list, compare_endpoints);
    *out = list;
    *count = n;
    return ERR_OK;
}

static struct port_list ports_of(const struct slice_data *d)
{
    return (struct port_list){.data = d, .ports = store_at(d, d->ports), .count = d->nports};
}

static uint64_t ports_matching(const struct slice_data *d, const struct port_pick *pick)
{
    struct port_list ports = ports_of(d);
    return port_list_matches(&ports, pick);
}

static uint64_t count_matches(const struct endpoint *list, size_t n, const struct port_pick *pick)
{
    uint64_t matches = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].address.ip.family != 0)
            matches += ports_matching(list[i].slice, pick);
    return matches;
}

/* The only FQDN of the list where there is one and no address; NULL otherwise. */
static const char *lone_fqdn(const struct endpoint *list, size_t n, const struct port_pick *pick)
{
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (ports_matching(list[i].slice, pick) == 0)
            continue;
        if (list[i].address.ip.family != 0)
            return NULL;
        const char *fqdn = store_at(list[i].slice, list[i].address.fqdn);
        if (found != NULL && strcmp(found, fqdn) != 0)
            return NULL;
        found = fqdn;
    }
    return found;
}

/* The addresses of one endpoint and its ports that fit. */
static void add_endpoint(const struct record_zone *z, const uint8_t *owner, const uint8_t *base,
                         const struct endpoint *e, const struct port_pick *pick, uint64_t matches,
                         struct record_set *out)
{
    uint8_t target[NAME_MAX_LEN];
    struct port_list list = ports_of(e->slice);
    size_t count;
    const struct store_port *ports = port_list_range(&list, pick, &count);
    records_add_ip(out, owner, z->ttl, &e->address.ip);
    if (!endpoint_name(target, e, base))
        return;
    for (size_t p = 0; p < count; p++)
        if (port_fits(&list, &ports[p], pick))
            records_add_srv(out, owner, z->srv_ttl, matches, ports[p].number, target);
}

void records_add_endpoints(const struct record_zone *z, const uint8_t *owner, const uint8_t *base,
                           const struct store_unit *unit, const struct endpoint *list, size_t n,
                           const struct port_pick *pick, struct record_set *out)
{
    const char *fqdn = lone_fqdn(list, n, pick);
    if (fqdn != NULL) {
        records_add_cname(out, owner, z->srv_ttl, fqdn, unit);
        return;
    }
    uint64_t matches = count_matches(list, n, pick);
    for (size_t i = 0; i < n && out->error == ERR_OK; i++)
        if (list[i].address.ip.family != 0 && ports_matching(list[i].slice, pick) > 0)
            add_endpoint(z, owner, base, &list[i], pick, matches, out);
}

/* The endpoint for a log line: an FQDN that is too long for a label has none. */
static const char *shown(const struct endpoint *e, char text[LABEL_PRINTABLE_MAX])
{
    return e->label[0] != '\0' ? e->label : label_printable(store_at(e->slice, e->address.fqdn), text);
}

/* EP.SVC.NS.svc.Z, one name after the other. */
static void add_names(const struct record_zone *z, const uint8_t *base, const struct store_unit *unit,
                      const struct endpoint *list, size_t n, struct record_set *out)
{
    for (size_t i = 0, end; i < n; i = end) {
        uint8_t owner[NAME_MAX_LEN];
        char text[LABEL_PRINTABLE_MAX];
        for (end = i + 1; end < n && same_name(&list[end], &list[i]);)
            end++;
        if (endpoint_name(owner, &list[i], base))
            records_add_endpoints(z, owner, base, unit, list + i, end - i, &any_port, out);
        else
            log_limited(LOG_LEVEL_WARNING,
                        "sync: Service %s/%s: endpoint \"%s\" has no name (it would be too long)",
                        unit->namespace->name, unit->name, shown(&list[i], text));
    }
}

static int compare_picks(const void *a, const void *b)
{
    return port_pick_compare(a, b);
}

/* The ports of all slices that have endpoints. NULL without memory. */
static struct port_list *collect_ports(const struct store_unit *unit, size_t *count)
{
    size_t total = 0, n = 0;
    const struct store_slice *slice;
    LIST_FOREACH(slice, &unit->slices, in_unit)
    total++;
    struct port_list *lists = calloc(total + 1, sizeof *lists);
    LIST_FOREACH(slice, &unit->slices, in_unit)
    if (lists != NULL && slice->data->naddresses > 0)
        lists[n++] = ports_of(slice->data);
    *count = n;
    return lists;
}

/* The named ports of the lists, sorted, with repetitions. NULL without memory. */
static struct port_pick *collect_picks(const struct port_list *lists, size_t nlists, size_t *count)
{
    size_t total = 0, n = 0;
    for (size_t i = 0; i < nlists; i++)
        total += lists[i].count;
    struct port_pick *picks = calloc(total + 1, sizeof *picks);
    if (picks == NULL)
        return NULL;
    for (size_t i = 0; i < nlists; i++)
        for (size_t p = 0; p < lists[i].count; p++)
            n += port_pick_of(&lists[i], &lists[i].ports[p], &picks[n]);
    qsort(picks, n, sizeof *picks, compare_picks);
    *count = n;
    return picks;
}

/* _port._proto.SVC.NS.svc.Z for every port name that any slice has, and the names with an empty part that are
 * needed. */
static void add_ports(const struct record_zone *z, const uint8_t *base, const struct store_unit *unit,
                      const struct endpoint *list, size_t n, struct record_set *out)
{
    struct port_pick open[RECORDS_OPEN_MAX];
    uint8_t owner[NAME_MAX_LEN];
    size_t nlists = 0, count = 0;
    struct port_list *lists = collect_ports(unit, &nlists);
    struct port_pick *picks = lists != NULL ? collect_picks(lists, nlists, &count) : NULL;
    int nopen = picks != NULL ? records_open_names(lists, nlists, open) : -ENOMEM;
    if (nopen < 0)
        out->error = -ENOMEM;
    for (size_t i = 0; i < count && out->error == ERR_OK; i++)
        if ((i == 0 || port_pick_compare(&picks[i], &picks[i - 1]) != 0) &&
            port_pick_owner(&picks[i], base, owner))
            records_add_endpoints(z, owner, base, unit, list, n, &picks[i], out);
    for (int i = 0; i < nopen && out->error == ERR_OK; i++)
        if (port_pick_owner(&open[i], base, owner))
            records_add_endpoints(z, owner, base, unit, list, n, &open[i], out);
    free(picks);
    free(lists);
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
        records_add_endpoints(z, base, base, unit, list, n, &any_port, out);
        add_ports(z, base, unit, list, n, out);
        if (z->zonal)
            records_of_topology(z, base, unit, list, n, out);
    }
    free(list);
}
