/*
 * Kubernetes objects as far as DNS needs them. kube_json.h makes them from JSON; the store keeps them.
 * Strings are what the API server sent, bounded in length but otherwise unchecked: whether a name can be a
 * DNS label is the business of records.h. An object and all it points to is one block of memory
 * (kube_object_free). Immutable once made.
 */
#ifndef SEAMARK_SYNC_KUBE_OBJECT_H
#define SEAMARK_SYNC_KUBE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kube_kind { KUBE_NAMESPACE, KUBE_SERVICE, KUBE_ENDPOINTSLICE, KUBE_POD, KUBE_SERVICEIMPORT };
#define KUBE_KINDS 5

enum service_type { SERVICE_CLUSTER_IP, SERVICE_HEADLESS, SERVICE_EXTERNAL_NAME };

/* An address in binary: family 4 or 6. */
struct ip {
    uint8_t family;
    uint8_t octets[16]; /* the first 4 for IPv4, the others zero */
};

struct kube_port {
    const char *name;     /* "" where none */
    const char *protocol; /* "TCP", "UDP", "SCTP"; "TCP" where none was given */
    uint16_t port;        /* 0 where none was given */
};

/* Where a service is reached from outside the cluster. */
struct kube_external {
    struct ip ip;     /* family 0: `host` says where */
    const char *host; /* a host name of a load balancer, as written; "" where there is an address */
};

struct kube_service {
    enum service_type type; /* NodePort and LoadBalancer are CLUSTER_IP here; clusterIP "None" HEADLESS */
    const struct ip *ips;   /* clusterIPs, or clusterIP; "" and "None" left out */
    size_t nips;
    const struct kube_port *ports;
    size_t nports;
    const char *external_name;             /* as written; "" where none */
    const struct kube_external *externals; /* spec.externalIPs, then status.loadBalancer.ingress */
    size_t nexternals;
    bool publish_not_ready;
};

struct kube_endpoint {
    const struct ip *ips; /* addresses of an IPv4 or IPv6 slice */
    size_t nips;
    const char *hostname;    /* "" where none */
    const char *target_name; /* targetRef.name, of whatever kind, as CoreDNS; "" where none */
    const char *fqdn;        /* the first address of an FQDN slice; "" otherwise */
    const char *zone;        /* of topology, as written; "" where none */
    bool ready;              /* conditions.ready true or absent */
};

struct kube_slice {
    const char *service; /* label kubernetes.io/service-name; "" where none */
    const char
        *imported;       /* label multicluster.kubernetes.io/service-name: the ServiceImport; "" where none */
    const char *cluster; /* label multicluster.kubernetes.io/source-cluster; "" where none */
    const struct kube_endpoint *endpoints;
    size_t nendpoints;
    const struct kube_port *ports;
    size_t nports;
};

struct kube_label {
    const char *key;
    const char *value;
};

/* One of each family: the API server allows no more. */
#define KUBE_POD_IPS_MAX 2

struct kube_pod {
    struct ip ips[KUBE_POD_IPS_MAX]; /* status.podIPs, or podIP where there is no such list; each once */
    size_t nips;
    bool deleted; /* has a deletionTimestamp */
    const struct kube_label *labels;
    size_t nlabels;
};

struct kube_object {
    enum kube_kind kind;
    const char *namespace; /* "" for a Namespace */
    const char *name;
    const char *uid;
    const char *resource_version;
    uint64_t changed_ms; /* when it was changed, Unix ms: newest managedFields time, else creationTimestamp; 0
                            unknown */
    uint64_t
        trigger_ms; /* annotation endpoints.kubernetes.io/last-change-trigger-time, Unix ms; 0 where none */
    union {
        struct kube_service service; /* of a ServiceImport too: ClusterSetIP is CLUSTER_IP */
        struct kube_slice slice;
        struct kube_pod pod;
    };
};

const char *kube_kind_name(enum kube_kind kind);     /* "EndpointSlice" */
const char *kube_kind_resource(enum kube_kind kind); /* "endpointslices" */
const char *kube_kind_version(enum kube_kind kind); /* "discovery.k8s.io/v1": what stands behind apiVersion */
void kube_object_free(struct kube_object *o);       /* NULL allowed */

/* Reads an address of either family, as Go's net.ParseIP does (no leading zeros, no zone). */
bool ip_from_text(const char *text, struct ip *out);
#define IP_TEXT_MAX 46
char *ip_to_text(const struct ip *ip, char out[IP_TEXT_MAX]); /* canonical, RFC 5952 */

#endif
