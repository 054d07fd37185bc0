/* What the files of the store share. */
#ifndef SEAMARK_SYNC_STORE_P_H
#define SEAMARK_SYNC_STORE_P_H

#include <string.h>

#include "base/pool.h"
#include "sync/store.h"
#include "sync/store_addresses.h"

/* One of a pod's addresses. */
struct pod_place {
    struct store_pod_address *address; /* NULL where the pod has none (yet) */
    struct pod_detail *detail;         /* NULL where nobody wants it */
};

struct store_pod {
    struct store_link link;
    struct store_namespace *namespace;
    struct pod_place places[KUBE_POD_IPS_MAX];
    uint32_t seen;
    char name[];
};

/* What is kept of a pod for those who ask who a client is. */
struct pod_detail {
    LIST_ENTRY(pod_detail) in_address;
    const struct store_pod *pod;
    uint32_t size;
    char labels[]; /* store_client.labels, `size` octets */
};

struct store {
    struct store_table namespaces;    /* by name */
    struct store_table units;         /* by namespace, service name and whether it is imported */
    struct store_table slices;        /* by namespace, slice name and whether the unit is imported */
    struct store_table pods;          /* by namespace and pod name */
    struct store_table pod_addresses; /* by address alone: those of all namespaces are in one chain */
    struct address_index addresses;   /* of services and slices */
    size_t services;                  /* units with a Service object */
    size_t imports;                   /* units with a ServiceImport */
    size_t namespace_objects;
    uint32_t list[KUBE_KINDS]; /* number of the present list of a kind */
    const struct zone_list *allowed;
    bool endpoint_pod_names;
    bool externals;
    bool noendpoints;
    bool multicluster;
    const struct clients_need *clients;
    bool zonal;
    struct store_listener listener;
};

/* A zeroed object that ends in `name` (at `fixed` octets), from the pool. NULL without memory. */
static inline void *store_new_named(size_t fixed, const char *name)
{
    size_t len = strlen(name) + 1;
    char *object = pool_alloc(fixed + len);
    if (object != NULL) {
        memset(object, 0, fixed);
        memcpy(object + fixed, name, len);
    }
    return object;
}

#define store_free_named(object)                                                                             \
    pool_free((object), offsetof(__typeof__(*(object)), name) + strlen((object)->name) + 1)

/* ---- store_change.c ---- */
uint32_t store_pair_hash(const char *namespace, const char *name, bool imported);
int store_put_namespace(struct store *s, const struct kube_object *o);
/* A Service or a ServiceImport. */
int store_put_service(struct store *s, const struct kube_object *o);
void store_drop_namespace(struct store *s, struct store_namespace *n);
void store_drop_service(struct store *s, struct store_unit *unit);
/* Finds or makes; NULL without memory. */
struct store_unit *store_need_unit(struct store *s, const char *namespace, const char *service,
                                   bool imported);
void store_drop_unit_if_empty(struct store *s, struct store_unit *unit);
/* Finds or makes; NULL without memory. */
struct store_namespace *store_need_namespace(struct store *s, const char *name);
/* Frees what nothing needs any more. */
void store_drop_if_empty(struct store *s, struct store_namespace *n);

/* ---- store_slices.c ---- */
int store_put_slice(struct store *s, const struct kube_object *o);
void store_drop_slice(struct store *s, struct store_slice *slice);
/* Whether number `i` of the addresses is one (no FQDN), and the first that is equal to it; then *ip is it. */
bool store_slice_first_of(const struct slice_data *d, uint32_t i, struct ip *ip);
struct store_slice *store_find_slice(const struct store *s, const char *namespace, const char *name,
                                     bool imported);

/* ---- store_pods.c ---- */
int store_put_pod(struct store *s, const struct kube_object *o);
void store_drop_pod(struct store *s, struct store_pod *pod);
struct store_pod *store_find_pod(const struct store *s, const char *namespace, const char *name);

/* ---- store_clients.c ---- */
/* What is to be kept of the pod; NULL where nothing is. -ENOMEM. */
int store_pack_detail(const struct store *s, const struct kube_object *o, struct pod_detail **out);
bool store_same_detail(const struct pod_detail *a, const struct pod_detail *b); /* NULL allowed */
/* Puts it into the list of the place's address. NULL allowed. */
void store_attach_detail(const struct store_pod *pod, struct pod_place *place, struct pod_detail *detail);
/* Takes the place's out of there and frees it. */
void store_detach_detail(struct pod_place *place);
uint32_t store_pod_address_hash(const struct ip *ip);

/* ---- store_index.c ---- */
int store_index_add(struct store *s, const struct ip *ip, void *owner, enum address_role role);
void store_index_remove(struct store *s, const struct ip *ip, const void *owner, enum address_role role);
/* All addresses of a service, NULL allowed: -ENOMEM adds none. */
int store_index_service(struct store *s, struct store_unit *unit, const struct service_data *d);
void store_unindex_service(struct store *s, struct store_unit *unit, const struct service_data *d);
/* Number `index` of a service's addresses, cluster addresses first, with its role; NULL behind the last. That
 * of a host name has family 0. */
const struct ip *store_service_address(const struct service_data *d, uint32_t index, enum address_role *role);

/* Telling the listener, where there is one. */
static inline void store_tell_unit(struct store *s, struct store_unit *unit)
{
    if (s->listener.unit != NULL)
        s->listener.unit(s->listener.ctx, unit);
}

static inline void store_tell_client(struct store *s, const struct ip *ip)
{
    if (s->listener.client != NULL && ip->family != 0)
        s->listener.client(s->listener.ctx, ip);
}

static inline void store_tell_address(struct store *s, const struct ip *ip)
{
    if (s->listener.address != NULL && ip->family != 0)
        s->listener.address(s->listener.ctx, ip);
}

#endif
