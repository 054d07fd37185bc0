/* How namespaces and services come, change and go, and the units that join services and slices. */
#include "sync/store_p.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sync/records_label.h"
#include "sync/store_pack.h"

/* ---- namespaces ---- */

uint32_t store_pair_hash(const char *namespace, const char *name, bool imported)
{
    return store_hash(store_hash(imported, namespace, strlen(namespace)), name, strlen(name));
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
    n = store_new_named(offsetof(struct store_namespace, name), name);
    if (n == NULL)
        return NULL;
    LIST_INIT(&n->units);
    LIST_INIT(&n->pod_addresses);
    n->allowed = is_allowed(s, name);
    store_table_add(&s->namespaces, &n->link, store_hash(0, name, strlen(name)));
    return n;
}

void store_drop_if_empty(struct store *s, struct store_namespace *n)
{
    if (n->exists || n->touched || n->pods > 0 || !LIST_EMPTY(&n->units) || !LIST_EMPTY(&n->pod_addresses))
        return;
    store_table_remove(&s->namespaces, &n->link);
    store_free_named(n);
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
    if (unit->imported)
        return;
    tell_service_addresses(s, unit->service);
    const struct store_slice *slice;
    LIST_FOREACH(slice, &unit->slices, in_unit)
    for (uint32_t i = 0; i < slice->data->naddresses; i++) {
        const struct store_address a = slice_address(slice->data, i);
        store_tell_address(s, &a.ip);
    }
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

static struct store_unit *find_unit(const struct store *s, const char *namespace, const char *service,
                                    bool imported)
{
    uint32_t hash = store_pair_hash(namespace, service, imported);
    for (struct store_link *l = store_table_chain(&s->units, hash); l != NULL; l = l->next) {
        struct store_unit *unit = store_entry(l, struct store_unit, link);
        if (l->hash == hash && unit->imported == imported && strcmp(unit->name, service) == 0 &&
            strcmp(unit->namespace->name, namespace) == 0)
            return unit;
    }
    return NULL;
}

struct store_unit *store_find_unit(const struct store *s, const char *namespace, const char *service)
{
    return find_unit(s, namespace, service, false);
}

struct store_unit *store_find_import(const struct store *s, const char *namespace, const char *service)
{
    return find_unit(s, namespace, service, true);
}

struct store_unit *store_need_unit(struct store *s, const char *namespace, const char *service, bool imported)
{
    struct store_unit *unit = find_unit(s, namespace, service, imported);
    if (unit != NULL)
        return unit;
    struct store_namespace *n = store_need_namespace(s, namespace);
    unit = n == NULL ? NULL : store_new_named(offsetof(struct store_unit, name), service);
    if (unit == NULL) {
        if (n != NULL)
            store_drop_if_empty(s, n);
        return NULL;
    }
    LIST_INIT(&unit->slices);
    unit->namespace = n;
    unit->imported = imported;
    LIST_INSERT_HEAD(&n->units, unit, in_namespace);
    store_table_add(&s->units, &unit->link, store_pair_hash(namespace, service, imported));
    return unit;
}

void store_drop_unit_if_empty(struct store *s, struct store_unit *unit)
{
    if (unit->service != NULL || unit->touched || !LIST_EMPTY(&unit->slices))
        return;
    struct store_namespace *n = unit->namespace;
    store_table_remove(&s->units, &unit->link);
    LIST_REMOVE(unit, in_namespace);
    store_free_named(unit);
    store_drop_if_empty(s, n);
}

void store_settle_unit(struct store *s, struct store_unit *unit)
{
    unit->touched = false;
    store_drop_unit_if_empty(s, unit);
}

/* ---- services ---- */

static int swap_addresses(struct store *s, struct store_unit *unit, const struct service_data *data)
{
    if (unit->imported) /* nothing leads from an address to a ServiceImport */
        return ERR_OK;
    tell_service_addresses(s, unit->service);
    tell_service_addresses(s, data);
    int ret = store_index_service(s, unit, data);
    if (ret == ERR_OK)
        store_unindex_service(s, unit, unit->service);
    return ret;
}

/* Puts `data` (NULL: nothing) in the place of the unit's service. Takes `data` over. */
static int swap_service(struct store *s, struct store_unit *unit, struct service_data *data)
{
    size_t *count = unit->imported ? &s->imports : &s->services;
    store_tell_unit(s, unit);
    if (swap_addresses(s, unit, data) != ERR_OK) {
        store_free_service(data);
        return -ENOMEM;
    }
    *count += (data != NULL);
    *count -= (unit->service != NULL);
    store_free_service(unit->service);
    unit->service = data;
    return ERR_OK;
}

int store_put_service(struct store *s, const struct kube_object *o)
{
    bool imported = o->kind == KUBE_SERVICEIMPORT;
    if (!label_is_name(o->name) || !label_is_name(o->namespace))
        return ERR_MALFORMED;
    struct store_unit *unit = store_need_unit(s, o->namespace, o->name, imported);
    if (unit == NULL)
        return -ENOMEM;
    unit->seen = s->list[o->kind];
    struct service_data *data = NULL;
    size_t count = imported ? s->imports : s->services;
    int ret = unit->service == NULL && count >= STORE_OBJECTS_MAX
                  ? ERR_LIMIT
                  : store_pack_service(o, s->externals && !imported, &data);
    if (ret != ERR_OK)
        ;
    else if (unit->service != NULL && unit->service->size == data->size &&
             memcmp(unit->service, data, data->size) == 0)
        store_free_service(data);
    else
        ret = swap_service(s, unit, data);
    store_drop_unit_if_empty(s, unit);
    return ret;
}

void store_drop_service(struct store *s, struct store_unit *unit)
{
    swap_service(s, unit, NULL);
    store_drop_unit_if_empty(s, unit);
}
