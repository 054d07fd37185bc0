#include "sync/store_p.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "sync/records_label.h"

struct store *store_new(const struct store_options *options)
{
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    struct store_table *const tables[] = {&s->namespaces, &s->units, &s->slices, &s->pods, &s->pod_addresses};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (store_table_init(tables[i]) != ERR_OK) {
            while (i > 0)
                store_table_free(tables[--i]);
            free(s);
            return NULL;
        }
    s->allowed = options->namespaces;
    s->endpoint_pod_names = options->endpoint_pod_names;
    s->externals = options->externals;
    s->noendpoints = options->noendpoints;
    s->multicluster = options->multicluster;
    s->clients = options->clients;
    s->zonal = options->zonal;
    return s;
}

void store_listen(struct store *s, const struct store_listener *l)
{
    s->listener = l != NULL ? *l : (struct store_listener){0};
}

static const char *refusal(int code)
{
    return code == ERR_MALFORMED ? "its name is not a DNS label" : err_text(code);
}

int store_put(struct store *s, const struct kube_object *o)
{
    static int (*const put[KUBE_KINDS])(struct store *, const struct kube_object *) = {
        [KUBE_NAMESPACE] = store_put_namespace,   [KUBE_SERVICE] = store_put_service,
        [KUBE_ENDPOINTSLICE] = store_put_slice,   [KUBE_POD] = store_put_pod,
        [KUBE_SERVICEIMPORT] = store_put_service,
    };
    int ret = put[o->kind](s, o);
    if (ret != ERR_OK) {
        char ns[LABEL_PRINTABLE_MAX], name[LABEL_PRINTABLE_MAX];
        log_limited(LOG_LEVEL_WARNING, "sync: %s %s%s%s: no records (%s)", kube_kind_name(o->kind),
                    label_printable(o->namespace, ns), o->namespace[0] != '\0' ? "/" : "",
                    label_printable(o->name, name), refusal(ret));
    }
    return ret;
}

void store_remove(struct store *s, enum kube_kind kind, const char *namespace, const char *name)
{
    if (kind == KUBE_NAMESPACE) {
        struct store_namespace *n = store_find_namespace(s, name);
        if (n != NULL && n->exists)
            store_drop_namespace(s, n);
    } else if (kind == KUBE_SERVICE || kind == KUBE_SERVICEIMPORT) {
        struct store_unit *unit = kind == KUBE_SERVICE ? store_find_unit(s, namespace, name)
                                                       : store_find_import(s, namespace, name);
        if (unit != NULL && unit->service != NULL)
            store_drop_service(s, unit);
    } else if (kind == KUBE_ENDPOINTSLICE) {
        for (int imported = 0; imported <= 1; imported++) {
            struct store_slice *slice = store_find_slice(s, namespace, name, imported == 1);
            if (slice != NULL)
                store_drop_slice(s, slice);
        }
    } else {
        struct store_pod *pod = store_find_pod(s, namespace, name);
        if (pod != NULL)
            store_drop_pod(s, pod);
    }
}

void store_list_begin(struct store *s, enum kube_kind kind)
{
    s->list[kind]++;
}

/* Drops the object behind `link` if the list that ends did not hold it. */
static void drop_unseen(struct store *s, enum kube_kind kind, struct store_link *link)
{
    uint32_t list = s->list[kind];
    if (kind == KUBE_NAMESPACE) {
        struct store_namespace *n = store_entry(link, struct store_namespace, link);
        if (n->exists && n->seen != list)
            store_drop_namespace(s, n);
    } else if (kind == KUBE_SERVICE || kind == KUBE_SERVICEIMPORT) {
        struct store_unit *unit = store_entry(link, struct store_unit, link);
        if (unit->service != NULL && unit->imported == (kind == KUBE_SERVICEIMPORT) && unit->seen != list)
            store_drop_service(s, unit);
    } else if (kind == KUBE_ENDPOINTSLICE) {
        struct store_slice *slice = store_entry(link, struct store_slice, link);
        if (slice->seen != list)
            store_drop_slice(s, slice);
    } else {
        struct store_pod *pod = store_entry(link, struct store_pod, link);
        if (pod->seen != list)
            store_drop_pod(s, pod);
    }
}

static const struct store_table *table_of(const struct store *s, enum kube_kind kind)
{
    switch (kind) {
    case KUBE_NAMESPACE:
        return &s->namespaces;
    case KUBE_SERVICE:
    case KUBE_SERVICEIMPORT:
        return &s->units;
    case KUBE_ENDPOINTSLICE:
        return &s->slices;
    default:
        return &s->pods;
    }
}

void store_list_end(struct store *s, enum kube_kind kind)
{
    struct store_cursor cursor = {0};
    struct store_link *link;
    while ((link = store_table_next(table_of(s, kind), &cursor)) != NULL)
        drop_unseen(s, kind, link);
}

size_t store_count(const struct store *s, enum kube_kind kind)
{
    switch (kind) {
    case KUBE_NAMESPACE:
        return s->namespace_objects;
    case KUBE_SERVICE:
        return s->services;
    case KUBE_SERVICEIMPORT:
        return s->imports;
    default:
        return table_of(s, kind)->count;
    }
}

void store_free(struct store *s)
{
    if (s == NULL)
        return;
    store_listen(s, NULL);
    for (int kind = 0; kind < KUBE_KINDS; kind++) {
        store_list_begin(s, kind);
        store_list_end(s, kind);
    }
    struct store_cursor cursor = {0};
    struct store_link *link;
    while ((link = store_table_next(&s->units, &cursor)) != NULL) /* still touched */
        store_settle_unit(s, store_entry(link, struct store_unit, link));
    cursor = (struct store_cursor){0};
    while ((link = store_table_next(&s->namespaces, &cursor)) != NULL)
        store_settle_namespace(s, store_entry(link, struct store_namespace, link));
    address_index_free(&s->addresses);
    store_table_free(&s->pod_addresses);
    store_table_free(&s->pods);
    store_table_free(&s->slices);
    store_table_free(&s->units);
    store_table_free(&s->namespaces);
    free(s);
}
