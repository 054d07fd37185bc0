/* How EndpointSlices come, change and go. One object may be in two units: that of a Service and, with the
 * option `multicluster`, that of a ServiceImport; it is kept once for each. */
#include "sync/store_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "sync/records_label.h"
#include "sync/store_pack.h"

struct store_slice *store_find_slice(const struct store *s, const char *namespace, const char *name,
                                     bool imported)
{
    uint32_t hash = store_pair_hash(namespace, name, imported);
    for (struct store_link *l = store_table_chain(&s->slices, hash); l != NULL; l = l->next) {
        struct store_slice *slice = store_entry(l, struct store_slice, link);
        if (l->hash == hash && slice->unit->imported == imported && strcmp(slice->name, name) == 0 &&
            strcmp(slice->unit->namespace->name, namespace) == 0)
            return slice;
    }
    return NULL;
}

static bool same_address(const struct slice_data *x, const struct store_address *a,
                         const struct slice_data *y, const struct store_address *b)
{
    return memcmp(&a->ip, &b->ip, sizeof a->ip) == 0 && (a->label == 0) == (b->label == 0) &&
           (a->label == 0 || strcmp(store_at(x, a->label), store_at(y, b->label)) == 0);
}

/* Tells of the addresses that one of the two has and the other has not: both are sorted. */
static void tell_differing(struct store *s, const struct store_unit *unit, const struct slice_data *old,
                           const struct slice_data *new)
{
    uint32_t i = 0, k = 0;
    if (unit->imported)
        return;
    while (i < old->naddresses || k < new->naddresses) {
        struct store_address a = {0}, b = {0};
        int order = i == old->naddresses ? 1 : k == new->naddresses ? -1 : 0;
        if (i < old->naddresses)
            a = slice_address(old, i);
        if (k < new->naddresses)
            b = slice_address(new, k);
        if (order == 0)
            order = memcmp(&a.ip, &b.ip, sizeof a.ip);
        if (order < 0 || (order == 0 && !same_address(old, &a, new, &b)))
            store_tell_address(s, &a.ip);
        else if (order > 0)
            store_tell_address(s, &b.ip);
        i += order <= 0;
        k += order >= 0;
    }
}

static const struct slice_data no_addresses;

bool store_slice_first_of(const struct slice_data *d, uint32_t i, struct ip *ip)
{
    *ip = slice_address(d, i).ip;
    struct ip before = i > 0 ? slice_address(d, i - 1).ip : (struct ip){0};
    return ip->family != 0 && memcmp(ip, &before, sizeof *ip) != 0;
}

/* Each address is in the index once for a slice; nothing leads from an address to a ServiceImport. */
static bool is_indexed(const struct store_slice *slice, const struct slice_data *d, uint32_t i, struct ip *ip)
{
    return !slice->unit->imported && store_slice_first_of(d, i, ip);
}

static void unindex(struct store *s, const struct store_slice *slice, const struct slice_data *data,
                    uint32_t count)
{
    struct ip ip;
    for (uint32_t i = 0; i < count; i++)
        if (is_indexed(slice, data, i, &ip))
            store_index_remove(s, &ip, slice, ADDRESS_OF_SLICE);
}

/* Puts `data` in the place of the slice's. Takes it over. */
static int swap_slice(struct store *s, struct store_slice *slice, struct slice_data *data)
{
    const struct slice_data *old = slice->data != NULL ? slice->data : &no_addresses;
    store_tell_unit(s, slice->unit);
    tell_differing(s, slice->unit, old, data);
    uint32_t added = 0;
    struct ip ip;
    while (added < data->naddresses && (!is_indexed(slice, data, added, &ip) ||
                                        store_index_add(s, &ip, slice, ADDRESS_OF_SLICE) == ERR_OK))
        added++;
    if (added < data->naddresses) {
        unindex(s, slice, data, added);
        store_free_slice(data);
        return -ENOMEM;
    }
    unindex(s, slice, old, old->naddresses);
    store_free_slice(slice->data);
    slice->data = data;
    return ERR_OK;
}

void store_drop_slice(struct store *s, struct store_slice *slice)
{
    struct store_unit *unit = slice->unit;
    store_tell_unit(s, unit);
    tell_differing(s, unit, slice->data, &no_addresses);
    unindex(s, slice, slice->data, slice->data->naddresses);
    store_table_remove(&s->slices, &slice->link);
    LIST_REMOVE(slice, in_unit);
    store_free_slice(slice->data);
    store_free_named(slice);
    store_drop_unit_if_empty(s, unit);
}

static int new_slice(struct store *s, const struct kube_object *o, const char *service, bool imported,
                     struct slice_data *data)
{
    struct store_slice *slice = store_new_named(offsetof(struct store_slice, name), o->name);
    struct store_unit *unit = slice == NULL ? NULL : store_need_unit(s, o->namespace, service, imported);
    if (unit == NULL) {
        if (slice != NULL)
            store_free_named(slice);
        store_free_slice(data);
        return -ENOMEM;
    }
    slice->unit = unit;
    slice->seen = s->list[KUBE_ENDPOINTSLICE];
    int ret = swap_slice(s, slice, data);
    if (ret != ERR_OK) {
        store_free_named(slice);
        store_drop_unit_if_empty(s, unit);
        return ret;
    }
    LIST_INSERT_HEAD(&unit->slices, slice, in_unit);
    store_table_add(&s->slices, &slice->link, store_pair_hash(o->namespace, o->name, imported));
    return ERR_OK;
}

/* The slice as one of that Service or ServiceImport; "": of none. */
static int put_slice(struct store *s, const struct kube_object *o, const char *service, bool imported)
{
    struct store_slice *slice = store_find_slice(s, o->namespace, o->name, imported);
    if (slice != NULL && strcmp(slice->unit->name, service) != 0) { /* relabelled: of another unit now */
        store_drop_slice(s, slice);
        slice = NULL;
    }
    if (service[0] == '\0')
        return ERR_OK;
    if (!label_is_name(service) || !label_is_name(o->namespace))
        return ERR_MALFORMED;
    if (slice != NULL)
        slice->seen = s->list[KUBE_ENDPOINTSLICE];
    else if (s->slices.count >= STORE_OBJECTS_MAX)
        return ERR_LIMIT;
    struct slice_data *data;
    const struct slice_packing packing = {
        .pod_names = s->endpoint_pod_names, .imported = imported, .zonal = s->zonal && !imported};
    int ret = store_pack_slice(o, &packing, &data);
    if (ret != ERR_OK)
        return ret;
    if (slice == NULL)
        return new_slice(s, o, service, imported, data);
    if (slice->data->size == data->size && memcmp(slice->data, data, data->size) == 0) {
        store_free_slice(data);
        return ERR_OK;
    }
    return swap_slice(s, slice, data);
}

/* The ServiceImport that the slice is of; "" where it is of none, or from a cluster without a usable name. */
static const char *import_of(const struct kube_object *o)
{
    char label[LABEL_TEXT_MAX], ns[LABEL_PRINTABLE_MAX], name[LABEL_PRINTABLE_MAX], text[LABEL_PRINTABLE_MAX];
    const char *cluster = o->slice.cluster;
    if (o->slice.imported[0] == '\0' || cluster[0] == '\0' || label_from_text(cluster, label))
        return o->slice.imported;
    log_limited(
        LOG_LEVEL_WARNING, "sync: EndpointSlice %s/%s: no records (the cluster \"%s\" is not a DNS label)",
        label_printable(o->namespace, ns), label_printable(o->name, name), label_printable(cluster, text));
    return "";
}

int store_put_slice(struct store *s, const struct kube_object *o)
{
    int own = s->noendpoints ? ERR_OK : put_slice(s, o, o->slice.service, false);
    int imported = s->multicluster ? put_slice(s, o, import_of(o), true) : ERR_OK;
    return own == -ENOMEM || imported == ERR_OK ? own : imported;
}
