/* How namespaces, services and slices come, change and go, and the units that join them. */
#include "sync/store_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sync/records_label.h"
#include "sync/store_pack.h"

/* ---- namespaces ---- */

static uint32_t pair_hash(const char *namespace, const char *name)
{
    return store_hash(store_hash(0, namespace, strlen(namespace)), name, strlen(name));
}

struct store_namespace *store_find_namespace(const struct store *s, const char *name)
{
    uint32_t hash = store_hash(0, name, strlen(name));
    for (struct store_link *l = store_table_chain(&s->namespaces, hash); l != NULL; l = l->next) {
        struct store_namespace *n = store_entry(l, struct store_namespace, link);
        if (l->hash == hash && strcmp(n->name, name) == 0)
            return n;
    }
    return NULL;
}

static bool is_allowed(const struct store *s, const char *name)
{
    if (s->allowed == NULL || s->allowed->count == 0)
        return true;
    for (size_t i = 0; i < s->allowed->count; i++)
        if (strcmp(s->allowed->zones[i], name) == 0)
            return true;
    return false;
}

struct store_namespace *store_need_namespace(struct store *s, const char *name)
{
    struct store_namespace *n = store_find_namespace(s, name);
    if (n != NULL)
        return n;
    size_t len = strlen(name) + 1;
    n = calloc(1, sizeof *n + len);
    if (n == NULL)
        return NULL;
    memcpy(n->name, name, len);
    LIST_INIT(&n->units);
    LIST_INIT(&n->pod_addresses);
    n->allowed = is_allowed(s, name);
    store_table_add(&s->namespaces, &n->link, store_hash(0, name, len - 1));
    return n;
}

void store_drop_if_empty(struct store *s, struct store_namespace *n)
{
    if (n->exists || n->touched || n->pods > 0 || !LIST_EMPTY(&n->units) || !LIST_EMPTY(&n->pod_addresses))
        return;
    store_table_remove(&s->namespaces, &n->link);
    free(n);
}

void store_settle_namespace(struct store *s, struct store_namespace *n)
{
    n->touched = false;
    store_drop_if_empty(s, n);
}

static void tell_service_addresses(struct store *s, const struct service_data *d)
{
    enum address_role role;
    const struct ip *ip;
    for (uint32_t i = 0; (ip = store_service_address(d, i, &role)) != NULL; i++)
        store_tell_address(s, ip);
}

static void tell_unit_addresses(struct store *s, const struct store_unit *unit)
{
    tell_service_addresses(s, unit->service);
    const struct store_slice *slice;
    LIST_FOREACH(slice, &unit->slices, in_unit)
    for (uint32_t i = 0; i < slice->data->naddresses; i++)
        store_tell_address(s, &slice->data->addresses[i].ip);
}

/* A namespace that appears or goes takes everything in it along. */
static void tell_namespace(struct store *s, struct store_namespace *n)
{
    if (s->listener.namespace == NULL || !n->allowed)
        return;
    s->listener.namespace(s->listener.ctx, n);
    struct store_unit *unit;
    LIST_FOREACH(unit, &n->units, in_namespace)
    {
        store_tell_unit(s, unit);
        tell_unit_addresses(s, unit);
    }
    struct store_pod_address *a;
    LIST_FOREACH(a, &n->pod_addresses, in_namespace)
    s->listener.pod_address(s->listener.ctx, n, &a->ip);
}

int store_put_namespace(struct store *s, const struct kube_object *o)
{
    if (!label_is_name(o->name))
        return ERR_MALFORMED;
    struct store_namespace *n = store_need_namespace(s, o->name);
    if (n == NULL)
        return -ENOMEM;
    if (!n->exists && s->namespace_objects >= STORE_OBJECTS_MAX) {
        store_drop_if_empty(s, n);
        return ERR_LIMIT;
    }
    if (!n->exists) {
        tell_namespace(s, n);
        n->exists = true;
        s->namespace_objects++;
    }
    n->seen = s->list[KUBE_NAMESPACE];
    return ERR_OK;
}

void store_drop_namespace(struct store *s, struct store_namespace *n)
{
    tell_namespace(s, n);
    n->exists = false;
    s->namespace_objects--;
    store_drop_if_empty(s, n);
}

/* ---- units ---- */

struct store_unit *store_find_unit(const struct store *s, const char *namespace, const char *service)
{
    uint32_t hash = pair_hash(namespace, service);
    for (struct store_link *l = store_table_chain(&s->units, hash); l != NULL; l = l->next) {
        struct store_unit *unit = store_entry(l, struct store_unit, link);
        if (l->hash == hash && strcmp(unit->name, service) == 0 &&
            strcmp(unit->namespace->name, namespace) == 0)
            return unit;
    }
    return NULL;
}

static struct store_unit *need_unit(struct store *s, const char *namespace, const char *service)
{
    struct store_unit *unit = store_find_unit(s, namespace, service);
    if (unit != NULL)
        return unit;
    struct store_namespace *n = store_need_namespace(s, namespace);
    size_t len = strlen(service) + 1;
    unit = n == NULL ? NULL : calloc(1, sizeof *unit + len);
    if (unit == NULL) {
        if (n != NULL)
            store_drop_if_empty(s, n);
        return NULL;
    }
    memcpy(unit->name, service, len);
    LIST_INIT(&unit->slices);
    unit->namespace = n;
    LIST_INSERT_HEAD(&n->units, unit, in_namespace);
    store_table_add(&s->units, &unit->link, pair_hash(namespace, service));
    return unit;
}

static void drop_unit_if_empty(struct store *s, struct store_unit *unit)
{
    if (unit->service != NULL || unit->touched || !LIST_EMPTY(&unit->slices))
        return;
    struct store_namespace *n = unit->namespace;
    store_table_remove(&s->units, &unit->link);
    LIST_REMOVE(unit, in_namespace);
    free(unit);
    store_drop_if_empty(s, n);
}

void store_settle_unit(struct store *s, struct store_unit *unit)
{
    unit->touched = false;
    drop_unit_if_empty(s, unit);
}

/* ---- services ---- */

/* Puts `data` (NULL: nothing) in the place of the unit's service. Takes `data` over. */
static int swap_service(struct store *s, struct store_unit *unit, struct service_data *data)
{
    store_tell_unit(s, unit);
    tell_service_addresses(s, unit->service);
    tell_service_addresses(s, data);
    if (store_index_service(s, unit, data) != ERR_OK) {
        free(data);
        return -ENOMEM;
    }
    store_unindex_service(s, unit, unit->service);
    s->services += (data != NULL);
    s->services -= (unit->service != NULL);
    free(unit->service);
    unit->service = data;
    return ERR_OK;
}

int store_put_service(struct store *s, const struct kube_object *o)
{
    if (!label_is_name(o->name) || !label_is_name(o->namespace))
        return ERR_MALFORMED;
    struct store_unit *unit = need_unit(s, o->namespace, o->name);
    if (unit == NULL)
        return -ENOMEM;
    unit->seen = s->list[KUBE_SERVICE];
    struct service_data *data = NULL;
    int ret = unit->service == NULL && s->services >= STORE_OBJECTS_MAX
                  ? ERR_LIMIT
                  : store_pack_service(o, s->externals, &data);
    if (ret != ERR_OK)
        ;
    else if (unit->service != NULL && unit->service->size == data->size &&
             memcmp(unit->service, data, data->size) == 0)
        free(data);
    else
        ret = swap_service(s, unit, data);
    drop_unit_if_empty(s, unit);
    return ret;
}

void store_drop_service(struct store *s, struct store_unit *unit)
{
    swap_service(s, unit, NULL);
    drop_unit_if_empty(s, unit);
}

/* ---- slices ---- */

struct store_slice *store_find_slice(const struct store *s, const char *namespace, const char *name)
{
    uint32_t hash = pair_hash(namespace, name);
    for (struct store_link *l = store_table_chain(&s->slices, hash); l != NULL; l = l->next) {
        struct store_slice *slice = store_entry(l, struct store_slice, link);
        if (l->hash == hash && strcmp(slice->name, name) == 0 &&
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
static void tell_differing(struct store *s, const struct slice_data *old, const struct slice_data *new)
{
    uint32_t i = 0, k = 0;
    while (i < old->naddresses || k < new->naddresses) {
        const struct store_address *a = i < old->naddresses ? &old->addresses[i] : NULL;
        const struct store_address *b = k < new->naddresses ? &new->addresses[k] : NULL;
        int order = a == NULL ? 1 : b == NULL ? -1 : memcmp(&a->ip, &b->ip, sizeof a->ip);
        if (order == 0 && !same_address(old, a, new, b))
            store_tell_address(s, &a->ip);
        else if (order < 0)
            store_tell_address(s, &a->ip);
        else if (order > 0)
            store_tell_address(s, &b->ip);
        i += order <= 0;
        k += order >= 0;
    }
}

static const struct slice_data no_addresses;

/* Each address is in the index once for a slice; FQDN endpoints have none. */
static bool is_indexed(const struct slice_data *d, uint32_t i)
{
    const struct ip *ip = &d->addresses[i].ip;
    return ip->family != 0 && (i == 0 || memcmp(ip, &d->addresses[i - 1].ip, sizeof *ip) != 0);
}

static void unindex(struct store *s, const struct store_slice *slice, const struct slice_data *data,
                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (is_indexed(data, i))
            store_index_remove(s, &data->addresses[i].ip, slice, ADDRESS_OF_SLICE);
}

/* Puts `data` in the place of the slice's. Takes it over. */
static int swap_slice(struct store *s, struct store_slice *slice, struct slice_data *data)
{
    const struct slice_data *old = slice->data != NULL ? slice->data : &no_addresses;
    store_tell_unit(s, slice->unit);
    tell_differing(s, old, data);
    uint32_t added = 0;
    while (added < data->naddresses &&
           (!is_indexed(data, added) ||
            store_index_add(s, &data->addresses[added].ip, slice, ADDRESS_OF_SLICE) == ERR_OK))
        added++;
    if (added < data->naddresses) {
        unindex(s, slice, data, added);
        free(data);
        return -ENOMEM;
    }
    unindex(s, slice, old, old->naddresses);
    free(slice->data);
    slice->data = data;
    return ERR_OK;
}

void store_drop_slice(struct store *s, struct store_slice *slice)
{
    struct store_unit *unit = slice->unit;
    store_tell_unit(s, unit);
    tell_differing(s, slice->data, &no_addresses);
    unindex(s, slice, slice->data, slice->data->naddresses);
    store_table_remove(&s->slices, &slice->link);
    LIST_REMOVE(slice, in_unit);
    free(slice->data);
    free(slice);
    drop_unit_if_empty(s, unit);
}

static int new_slice(struct store *s, const struct kube_object *o, struct slice_data *data)
{
    size_t len = strlen(o->name) + 1;
    struct store_slice *slice = calloc(1, sizeof *slice + len);
    struct store_unit *unit = slice == NULL ? NULL : need_unit(s, o->namespace, o->slice.service);
    if (unit == NULL) {
        free(slice);
        free(data);
        return -ENOMEM;
    }
    memcpy(slice->name, o->name, len);
    slice->unit = unit;
    slice->seen = s->list[KUBE_ENDPOINTSLICE];
    int ret = swap_slice(s, slice, data);
    if (ret != ERR_OK) {
        free(slice);
        drop_unit_if_empty(s, unit);
        return ret;
    }
    LIST_INSERT_HEAD(&unit->slices, slice, in_unit);
    store_table_add(&s->slices, &slice->link, pair_hash(o->namespace, o->name));
    return ERR_OK;
}

int store_put_slice(struct store *s, const struct kube_object *o)
{
    struct store_slice *slice = store_find_slice(s, o->namespace, o->name);
    if (slice != NULL &&
        strcmp(slice->unit->name, o->slice.service) != 0) { /* relabelled: of another unit now */
        store_drop_slice(s, slice);
        slice = NULL;
    }
    if (o->slice.service[0] == '\0')
        return ERR_OK; /* of no service: made by hand for something else than DNS */
    if (!label_is_name(o->slice.service) || !label_is_name(o->namespace))
        return ERR_MALFORMED;
    if (slice != NULL)
        slice->seen = s->list[KUBE_ENDPOINTSLICE];
    else if (s->slices.count >= STORE_OBJECTS_MAX)
        return ERR_LIMIT;
    struct slice_data *data;
    int ret = store_pack_slice(o, s->endpoint_pod_names, &data);
    if (ret != ERR_OK)
        return ret;
    if (slice == NULL)
        return new_slice(s, o, data);
    if (slice->data->size == data->size && memcmp(slice->data, data, data->size) == 0) {
        free(data);
        return ERR_OK;
    }
    return swap_slice(s, slice, data);
}
