/*
 * The records that Kubernetes objects make: the Kubernetes DNS specification 1.1.0, and what CoreDNS answers
 * where it says more. Every function here is total: whatever the store holds gives valid records, or none and
 * a log line.
 *
 * In a forward zone Z:
 *   unit of a ClusterIP service   SVC.NS.svc.Z: A/AAAA of every cluster address, SRV of every port; the same
 * at _port._proto.SVC.NS.svc.Z for named ports unit of a headless service    the same with the ready
 * endpoints' addresses, SRV targets being the endpoints either                        EP.SVC.NS.svc.Z: A/AAAA
 * of every endpoint of that name, SRV of its ports unit of an ExternalName       CNAME namespace NS.svc.Z
 * (and NS.pod.Z) TYPE65280, so that it exists with no service in it pod address (pods verified)
 * 1-2-3-4.NS.pod.Z A In a reverse zone: address                       PTR to the service whose cluster
 * address it is, else to every endpoint that has it
 *
 * With `zonal`, a headless service also has TOPOLOGY.pin|prefer._zone.SVC.NS.svc.Z: see records_zonal.c.
 *
 * In a multicluster zone ServiceImports take the place of services: ClusterSetIP that of ClusterIP, and
 * endpoints are EP.CLUSTER.SVC.NS.svc.Z.
 *
 * In a zone of k8s_external, and in a reverse zone of it: see records_external.c.
 *
 * A record whose owner or target would be longer than a name may be is left out. SRV targets always have an
 * address in the same zone. One thread; nothing is kept between calls.
 */
#ifndef SEAMARK_SYNC_RECORDS_H
#define SEAMARK_SYNC_RECORDS_H

#include "conf/cluster_block.h"
#include "sync/records_set.h"
#include "sync/store.h"

#define RECORDS_TXT_TTL   28800 /* of dns-version, as CoreDNS */
#define RECORDS_SOA_TTL   300   /* the SOA's own TTL is the option `ttl`, but not above this, as CoreDNS */
#define RECORDS_REFRESH   7200
#define RECORDS_RETRY     1800
#define RECORDS_EXPIRE    86400
#define RECORDS_LOCAL_MAX 64 /* addresses of this machine that are looked at and listed for ns.dns.Z */

/* What a zone holds. */
enum record_zone_kind {
    RECORD_ZONE_FORWARD,          /* services, namespaces and pods of the `kubernetes` block */
    RECORD_ZONE_REVERSE,          /* its PTR records */
    RECORD_ZONE_MULTICLUSTER,     /* as FORWARD, with ServiceImports in place of services */
    RECORD_ZONE_EXTERNAL,         /* services under their external addresses */
    RECORD_ZONE_EXTERNAL_REVERSE, /* the PTR records of those */
    RECORD_ZONE_CLIENTS,          /* the pods that may ask, by address (records_clients.c) */
};

/* A zone of one view, with the names that are needed over and over. */
struct record_zone {
    uint8_t apex[NAME_MAX_LEN]; /* lower case */
    uint8_t svc[NAME_MAX_LEN];  /* what namespaces are below: svc.Z, in external zones Z itself */
    uint8_t pod[NAME_MAX_LEN];
    uint8_t ns[NAME_MAX_LEN]; /* the name server: ns.dns.Z, in external zones ns1.dns.Z */
    uint8_t hostmaster[NAME_MAX_LEN];
    enum record_zone_kind kind;
    bool zonal; /* headless services have _zone names */
    uint32_t ttl;
    uint32_t soa_ttl;
    uint32_t srv_ttl; /* of SRV and CNAME: the `kubernetes` block's in every zone, as CoreDNS has it */
    const char *view; /* a VIEW_ constant; no two zones have apex and view in common */
};

/* What shapes the records: from the server block. */
struct record_rules {
    enum pods_mode pods;
    bool ignore_empty_service;
    uint8_t primary[NAME_MAX_LEN]; /* the first forward zone, which PTR targets are below */
    const char *external_label;    /* ns1.LABEL.Z is the name server; borrowed from the block, as headless */
    bool external_headless;
    uint8_t external_primary[NAME_MAX_LEN]; /* the first zone, which their PTR targets are below */
    struct ip local[RECORDS_LOCAL_MAX];     /* this machine's addresses that are not loopback */
    size_t nlocal;
    struct record_zone *zones; /* all zones of the block, in all its views */
    size_t nzones;
};

/* Fills `rules` from the block, which is borrowed, without the local addresses. ERR_MALFORMED with `e` set
 * where a zone is no name or leaves no room for names below it; -ENOMEM. */
int record_rules_init(struct record_rules *rules, const struct cluster_block *block, struct errtext *e);
void record_rules_free(struct record_rules *rules);
/* Adds this machine's addresses (getifaddrs). */
void record_rules_find_local(struct record_rules *rules);

/* The zone of that (reverse) kind that holds the name of `ip`, the longest that matches; NULL where none
 * does. */
const struct record_zone *record_rules_zone_of(const struct record_rules *rules, enum record_zone_kind kind,
                                               const struct ip *ip);
/* Whether any zone holds it. */
bool record_rules_hold(const struct record_rules *rules, const struct ip *ip);
/* Whether the zone has the form of a cluster's: FORWARD or MULTICLUSTER. */
bool record_zone_is_cluster(const struct record_zone *z);
/* Whether the zone holds addresses' names alone. */
bool record_zone_is_reverse(const struct record_zone *z);

/* Each of these adds to `out` (not sorted); the only failure is out->error's -ENOMEM. They add nothing for
 * what is not exposed, and nothing where `z` is of a kind without such records. */

/* `out` is empty: it holds one unit. One of more than RECORD_SET_MAX leaves it so, with a log line. */
void records_of_unit(const struct record_rules *rules, const struct record_zone *z,
                     const struct store_unit *unit, struct record_set *out);
void records_of_namespace(const struct record_rules *rules, const struct record_zone *z,
                          const struct store_namespace *n, struct record_set *out);
void records_of_pod_address(const struct record_rules *rules, const struct record_zone *z,
                            const struct store *s, const struct store_namespace *n, const struct ip *ip,
                            struct record_set *out);
/* PTR at the address's own name, where `z` is its reverse zone. */
void records_of_address(const struct record_rules *rules, const struct record_zone *z, const struct store *s,
                        const struct ip *ip, struct record_set *out);
/* What is known of the pod that has the address, in a zone of clients. */
void records_of_client(const struct record_zone *z, const struct store *s, const struct ip *ip,
                       struct record_set *out);
/* Whether any zone of the block is one of clients. */
bool record_rules_have_clients(const struct record_rules *rules);
/* For qsort: struct ip in the canonical order of their names in a zone of clients. */
int records_compare_clients(const void *a, const void *b);
/* What stands at and right below the apex: SOA with that serial, NS, ns.dns.Z, dns-version.Z, svc.Z, pod.Z.
 */
void records_of_apex(const struct record_rules *rules, const struct record_zone *z, const struct store *s,
                     uint32_t serial, struct record_set *out);
/* in-addr.arpa or ip6.arpa name of an address. */
void records_reverse_name(const struct ip *ip, uint8_t out[NAME_MAX_LEN]);

#endif
