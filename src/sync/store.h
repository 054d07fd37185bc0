/*
 * The store: the cluster's objects as they are now, in as few octets as their records need.
 *
 * It is indexed as the records ask for it. A *unit* is a pair (namespace, service name): the Service object
 * of that name, if there is one, and the EndpointSlices labelled with it. Everything below SVC.NS.svc.ZONE
 * comes from one unit and nothing else, so a change of an object is a change of one unit. Addresses are
 * indexed for PTR records and for finding the services that this machine is an endpoint of.
 *
 * What an object holds is packed into one block without pointers (service_data, slice_data): two equal
 * objects have equal octets, so whether an event changes anything is one memcmp. Names are checked on their
 * way in (records_label.h): an object whose own name cannot be a DNS label is refused with a log line.
 *
 * A listener hears of every unit, address, namespace and pod address *before* it changes, so that it can take
 * down what records there were.
 *
 * One thread. Limits: STORE_ADDRESSES_MAX, STORE_PORTS_MAX, STORE_OBJECTS_MAX.
 */
#ifndef SEAMARK_SYNC_STORE_H
#define SEAMARK_SYNC_STORE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "conf/args.h"
#include "conf/clients_need.h"
#include "sync/kube_object.h"
#include "sync/store_table.h"

#define STORE_ADDRESSES_MAX                                                                                  \
    65536 /* of one EndpointSlice; the API server allows 1,000 endpoints of 100 addresses */
#define STORE_PORTS_MAX   20000   /* of one object; the API server's own limit for a slice */
#define STORE_OBJECTS_MAX 4000000 /* of one kind: more than etcd holds; beyond it objects are refused */

/* A port as records need it. `prefix` is "_name._protocol" as two wire labels in lower case (no root label)
 * in the block's strings. prefix_len is 0 where the port has no name: `prefix` is then the label "_protocol",
 * or 0 for "_tcp", which nearly all of them are. Sorted by prefix (memcmp), then number: those without a name
 * come first. */
struct store_port {
    uint32_t prefix;
    uint16_t prefix_len;
    uint16_t number; /* 0: the object gives none, so no SRV */
};

/* One address of a ready endpoint, as slice_address() gives it. Sorted by ip, then label. */
struct store_address {
    struct ip ip;   /* family 0: an FQDN endpoint */
    uint32_t label; /* its name's label in the block's strings (NUL-terminated, lower case); 0: made of the
                       address */
    uint32_t fqdn;  /* family 0 only: the name, in the block's strings */
    uint32_t zone;  /* of topology, labels in lower case with dots between, in the block's strings; 0: none */
};

/* Where a service is reached from outside, in the object's order: the first host name counts for more. */
struct store_external {
    struct ip ip;  /* family 0: a host name */
    uint32_t host; /* family 0 only: the name, in the block's strings */
};

/* Blocks of `size` octets; offsets are from the block's start. */
struct service_data {
    uint32_t size;
    uint8_t type; /* enum service_type */
    uint32_t nports;
    uint32_t nips;
    uint32_t ips;           /* offset of nips struct ip */
    uint32_t external_name; /* offset of text; 0 where none */
    uint32_t nexternals;    /* 0 where nobody wants them */
    uint32_t externals;     /* offset of nexternals struct store_external */
    struct store_port ports[];
};

/* What is kept for each address: those of a slice are nearly always of one family, with nothing but
 * themselves. */
enum slice_form {
    SLICE_WHOLE, /* struct store_address */
    SLICE_IPV4,  /* 4 octets */
    SLICE_IPV6,  /* 16 octets */
};

struct slice_data {
    uint32_t size;
    uint32_t form; /* enum slice_form */
    uint32_t naddresses;
    uint32_t nports;
    uint32_t ports;   /* offset of nports struct store_port */
    uint32_t cluster; /* of an imported unit: the label of the cluster that it is from; 0 where none */
    uint32_t addresses[];
};

#define store_at(data, offset) ((const void *)((const char *)(data) + (offset)))

struct store_slice {
    struct store_link link;
    LIST_ENTRY(store_slice) in_unit;
    struct store_unit *unit;
    struct slice_data *data;
    uint32_t seen;
    char name[];
};

struct store_unit {
    struct store_link link;
    LIST_ENTRY(store_unit) in_namespace;
    struct store_namespace *namespace;
    struct service_data *service; /* NULL: there are slices only. A ServiceImport's in an imported unit */
    bool imported; /* of a ServiceImport and the slices labelled with it: in zones of `multicluster` alone */
    LIST_HEAD(, store_slice) slices;
    uint32_t seen; /* of the service */
    bool touched;  /* the listener holds it: it is not freed until store_settle */
    char name[];
};

/* An address that at least one pod of the namespace has. */
struct store_pod_address {
    struct store_link link;
    LIST_ENTRY(store_pod_address) in_namespace;
    LIST_HEAD(, pod_detail) details; /* of those pods, where anybody wants them */
    struct store_namespace *namespace;
    uint32_t pods;
    struct ip ip;
};

/* The pod that a client's address is taken for. */
struct store_client {
    const char *namespace;
    const char *pod; /* NULL where names and labels are not kept */
    /* "KEY=VALUE", each with a NUL, and one more at the end; those that are wanted, in their order. */
    const char *labels;
};

struct store_namespace {
    struct store_link link;
    LIST_HEAD(, store_unit) units;
    LIST_HEAD(, store_pod_address) pod_addresses;
    uint32_t pods;
    uint32_t seen;
    bool exists;  /* a Namespace object is there */
    bool allowed; /* by the option `namespaces` */
    bool touched; /* the listener holds it */
    char name[];
};

static inline bool store_exposed(const struct store_namespace *n)
{
    return n->exists && n->allowed;
}

/* Called before the change. None may change the store. */
struct store_listener {
    void *ctx;
    void (*unit)(void *ctx, struct store_unit *unit);
    void (*address)(void *ctx, const struct ip *ip);
    void (*namespace)(void *ctx, struct store_namespace *n);
    void (*pod_address)(void *ctx, struct store_namespace *n, const struct ip *ip);
    void (*client)(void *ctx, const struct ip *ip); /* store_find_client() may say otherwise from now on */
};

struct store_options {
    const struct zone_list
        *namespaces; /* names to allow; empty or NULL: all. Borrowed for the store's life */
    bool endpoint_pod_names;
    bool externals;                     /* keep external addresses */
    bool noendpoints;                   /* slices of Services are not kept */
    bool multicluster;                  /* ServiceImports and their slices are kept */
    bool zonal;                         /* the zones of endpoints are kept */
    const struct clients_need *clients; /* what to keep of pods beside their addresses; NULL: nothing.
                                           Borrowed for the store's life */
};

struct store;

struct store *store_new(const struct store_options *options); /* NULL without memory */
void store_free(struct store *s);                             /* NULL allowed */

/* NULL ends the listening. `l` is copied. */
void store_listen(struct store *s, const struct store_listener *l);

/* Takes in an object, new or changed; `o` stays the caller's. Returns ERR_OK (changed or not), ERR_MALFORMED
 * (its name makes no records; whatever was there under that name is gone), ERR_LIMIT or -ENOMEM (logged; the
 * old one stays). */
int store_put(struct store *s, const struct kube_object *o);
/* Removes it; unknown objects are no error. */
void store_remove(struct store *s, enum kube_kind kind, const char *namespace, const char *name);

/* A list of that kind begins: from here to the end, what is put counts as seen; the end removes the unseen.
 */
void store_list_begin(struct store *s, enum kube_kind kind);
void store_list_end(struct store *s, enum kube_kind kind);

/* The listener is done with these: clears `touched` and frees what holds nothing any more. */
void store_settle_unit(struct store *s, struct store_unit *unit);
void store_settle_namespace(struct store *s, struct store_namespace *n);

/* ---- looking things up ---- */
size_t store_count(const struct store *s, enum kube_kind kind);
struct store_namespace *store_find_namespace(const struct store *s, const char *name);
struct store_unit *store_find_unit(const struct store *s, const char *namespace, const char *service);
/* The unit of a ServiceImport. */
struct store_unit *store_find_import(const struct store *s, const char *namespace, const char *service);
bool store_has_pod_address(const struct store *s, const struct store_namespace *n, const struct ip *ip);

/* Who has the address: where several pods do (those in their host's network), the first in the order of
 * namespaces and names, among those of all namespaces. False where none does. */
bool store_find_client(const struct store *s, const struct ip *ip, struct store_client *out);
/* Every address of a pod, each once, unsorted (free). -ENOMEM. */
int store_all_clients(const struct store *s, struct ip **out, size_t *count);

/* Calls visit for every unit whose service has `ip` as a cluster address (slice NULL), and for every slice
 * that has it among its addresses, in no order. */
void store_by_address(const struct store *s, const struct ip *ip,
                      void (*visit)(void *ctx, const struct store_unit *unit,
                                    const struct store_slice *slice),
                      void *ctx);

/* The same for every unit whose service has `ip` as an external address, perhaps more than once. */
void store_by_external_address(const struct store *s, const struct ip *ip,
                               void (*visit)(void *ctx, const struct store_unit *unit), void *ctx);

/* Number `i` of the addresses. */
struct store_address slice_address(const struct slice_data *d, size_t i);
/* Addresses of a slice with that ip: index of the first, count in `*count` (0 where none). */
size_t slice_find_address(const struct slice_data *d, const struct ip *ip, size_t *count);

/* Ports of that prefix: index of the first, count in `*count`. `data` is the block that `ports` are in. */
size_t store_find_ports(const void *data, const struct store_port *ports, size_t nports, const void *prefix,
                        size_t len, size_t *count);

/* All namespaces with something in them, in canonical order of their names (memory of the caller: free); and
 * the units of one, its pod addresses likewise. -ENOMEM. */
int store_sorted_namespaces(const struct store *s, struct store_namespace ***out, size_t *count);
int store_sorted_units(const struct store_namespace *n, struct store_unit ***out, size_t *count);
/* Every address with a service or slice, each once, unsorted (free). */
int store_all_addresses(const struct store *s, struct ip **out, size_t *count);

#endif
