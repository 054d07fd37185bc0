/* Finding who has an address, and the store's contents in canonical order. */
#include "sync/store_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static uint32_t ip_hash(const struct ip *ip)
{
    return store_hash(0, ip, sizeof *ip);
}

int store_index_add(struct store *s, const struct ip *ip, void *owner, enum address_role role)
{
    return address_index_add(&s->addresses, ip_hash(ip), owner, role);
}

void store_index_remove(struct store *s, const struct ip *ip, const void *owner, enum address_role role)
{
    address_index_remove(&s->addresses, ip_hash(ip), owner, role); /* such are interchangeable */
}

const struct ip *store_service_address(const struct service_data *d, uint32_t index, enum address_role *role)
{
    if (d != NULL && index < d->nips) {
        *role = ADDRESS_OF_CLUSTER;
        return (const struct ip *)store_at(d, d->ips) + index;
    }
    if (d != NULL && index < d->nips + d->nexternals) {
        *role = ADDRESS_OF_OUTSIDE;
        return &((const struct store_external *)store_at(d, d->externals) + index - d->nips)->ip;
    }
    return NULL;
}

static void unindex_service(struct store *s, const struct store_unit *unit, const struct service_data *d,
                            uint32_t count)
{
    enum address_role role;
    const struct ip *ip;
    for (uint32_t i = 0; i < count && (ip = store_service_address(d, i, &role)) != NULL; i++)
        if (ip->family != 0)
            store_index_remove(s, ip, unit, role);
}

int store_index_service(struct store *s, struct store_unit *unit, const struct service_data *d)
{
    enum address_role role;
    const struct ip *ip;
    for (uint32_t i = 0; (ip = store_service_address(d, i, &role)) != NULL; i++)
        if (ip->family != 0 && store_index_add(s, ip, unit, role) != ERR_OK) {
            unindex_service(s, unit, d, i);
            return -ENOMEM;
        }
    return ERR_OK;
}

void store_unindex_service(struct store *s, struct store_unit *unit, const struct service_data *d)
{
    unindex_service(s, unit, d, UINT32_MAX);
}

size_t slice_find_address(const struct slice_data *d, const struct ip *ip, size_t *count)
{
    size_t low = 0, high = d->naddresses;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct ip at_middle = slice_address(d, middle).ip;
        if (memcmp(&at_middle, ip, sizeof *ip) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    for (; end < d->naddresses; end++) {
        struct ip next = slice_address(d, end).ip;
        if (memcmp(&next, ip, sizeof *ip) != 0)
            break;
    }
    *count = end - low;
    return low;
}

static int compare_prefix(const void *data, const struct store_port *port, const void *prefix, size_t len)
{
    size_t shorter = port->prefix_len < len ? port->prefix_len : len;
    int order = shorter == 0 ? 0 : memcmp(store_at(data, port->prefix), prefix, shorter);
    return order != 0 ? order : (int)port->prefix_len - (int)len;
}

size_t store_find_ports(const void *data, const struct store_port *ports, size_t nports, const void *prefix,
                        size_t len, size_t *count)
{
    size_t low = 0, high = nports;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_prefix(data, &ports[middle], prefix, len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < nports && compare_prefix(data, &ports[end], prefix, len) == 0)
        end++;
    *count = end - low;
    return low;
}

static bool service_has(const struct service_data *d, const struct ip *ip, enum address_role wanted)
{
    enum address_role role;
    const struct ip *own;
    for (uint32_t i = 0; (own = store_service_address(d, i, &role)) != NULL; i++)
        if (role == wanted && memcmp(own, ip, sizeof *ip) == 0)
            return true;
    return false;
}

void store_by_address(const struct store *s, const struct ip *ip,
                      void (*visit)(void *ctx, const struct store_unit *unit,
                                    const struct store_slice *slice),
                      void *ctx)
{
    const struct address_index *x = &s->addresses;
    for (uint32_t i = address_index_first(x, ip_hash(ip)); i != 0; i = address_index_next(x, i)) {
        size_t count = 0;
        if (address_role(x, i) == ADDRESS_OF_SLICE) {
            const struct store_slice *slice = address_owner(x, i);
            slice_find_address(slice->data, ip, &count);
            if (count > 0)
                visit(ctx, slice->unit, slice);
        } else if (address_role(x, i) == ADDRESS_OF_CLUSTER) {
            const struct store_unit *unit = address_owner(x, i);
            if (service_has(unit->service, ip, ADDRESS_OF_CLUSTER))
                visit(ctx, unit, NULL);
        }
    }
}

void store_by_external_address(const struct store *s, const struct ip *ip,
                               void (*visit)(void *ctx, const struct store_unit *unit), void *ctx)
{
    const struct address_index *x = &s->addresses;
    for (uint32_t i = address_index_first(x, ip_hash(ip)); i != 0; i = address_index_next(x, i)) {
        const struct store_unit *unit = address_owner(x, i);
        if (address_role(x, i) == ADDRESS_OF_OUTSIDE && service_has(unit->service, ip, ADDRESS_OF_OUTSIDE))
            visit(ctx, unit);
    }
}

/* ---- in order ---- */

/* RFC 4034 section 6.1 for labels in lower case: by octets, a prefix first. strcmp() does that, as no label
 * holds NUL. */
static int compare_namespaces(const void *a, const void *b)
{
    struct store_namespace *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int compare_units(const void *a, const void *b)
{
    struct store_unit *const *x = a, *const *y = b;
    int order = strcmp((*x)->name, (*y)->name);
    return order != 0 ? order : (int)(*x)->imported - (int)(*y)->imported;
}

int store_sorted_namespaces(const struct store *s, struct store_namespace ***out, size_t *count)
{
    struct store_namespace **list = calloc(s->namespaces.count + 1, sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    size_t n = 0;
    struct store_cursor cursor = {0};
    struct store_link *l;
    while ((l = store_table_next(&s->namespaces, &cursor)) != NULL)
        list[n++] = store_entry(l, struct store_namespace, link);
    qsort(list, n, sizeof(struct store_namespace *), compare_namespaces);
    *out = list;
    *count = n;
    return ERR_OK;
}

int store_sorted_units(const struct store_namespace *ns, struct store_unit ***out, size_t *count)
{
    size_t n = 0;
    struct store_unit *unit;
    LIST_FOREACH(unit, &ns->units, in_namespace)
    n++;
    struct store_unit **list = calloc(n + 1, sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    n = 0;
    LIST_FOREACH(unit, &ns->units, in_namespace)
    list[n++] = unit;
    qsort(list, n, sizeof(struct store_unit *), compare_units);
    *out = list;
    *count = n;
    return ERR_OK;
}

static int compare_ips(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ip));
}

int store_all_addresses(const struct store *s, struct ip **out, size_t *count)
{
    struct ip *list = calloc(s->addresses.count + 1, sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    size_t n = 0;
    struct store_cursor cursor = {0};
    struct store_link *l;
    while ((l = store_table_next(&s->slices, &cursor)) != NULL) {
        const struct store_slice *slice = store_entry(l, struct store_slice, link);
        const struct slice_data *d = slice->data;
        for (uint32_t i = 0; !slice->unit->imported && i < d->naddresses; i++)
            if (store_slice_first_of(d, i, &list[n]))
                n++;
    }
    cursor = (struct store_cursor){0};
    while ((l = store_table_next(&s->units, &cursor)) != NULL) {
        const struct store_unit *unit = store_entry(l, struct store_unit, link);
        const struct service_data *d = unit->imported ? NULL : unit->service;
        enum address_role role;
        const struct ip *ip;
        for (uint32_t i = 0; (ip = store_service_address(d, i, &role)) != NULL; i++)
            if (ip->family != 0)
                memcpy(&list[n++], ip, sizeof *list);
    }
    qsort(list, n, sizeof *list, compare_ips);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || memcmp(&list[i], &list[kept - 1], sizeof *list) != 0)
            list[kept++] = list[i];
    *out = list;
    *count = kept;
    return ERR_OK;
}
