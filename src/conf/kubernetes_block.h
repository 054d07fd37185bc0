/*
 * The `kubernetes` block of a Corefile as both programs read it: seamark for the names it answers,
 * seamark-sync for what it watches and renders. Options and defaults are CoreDNS's; what is Seamark's own is
 * marked. An option that this build does not do yet is an error that says so.
 */
#ifndef SEAMARK_CONF_KUBERNETES_BLOCK_H
#define SEAMARK_CONF_KUBERNETES_BLOCK_H

#include <stdbool.h>

#include "base/bytes.h"
#include "conf/args.h"
#include "conf/corefile.h"
#include "conf/label_selector.h"

enum pods_mode { PODS_DISABLED, PODS_INSECURE, PODS_VERIFIED };

struct kubernetes_block {
    struct zone_list zones; /* forward and reverse, from the arguments or the server block's keys */
    const char *primary;    /* the first forward zone: PTR targets are below it; points into zones */
    char *endpoint;         /* URL or NULL */
    char *tls_cert, *tls_key, *tls_ca;
    char *kubeconfig, *context; /* files and names, or NULL */
    char *objects; /* Seamark's own: `objects PATH`, a file or folder of Kubernetes objects as source */
    struct zone_list namespaces;            /* plain names here, not zones; empty: all */
    bool has_namespace_labels;              /* the option is there, be its selector empty */
    struct label_selector namespace_labels; /* of namespaces and ServiceImports; empty: all */
    struct label_selector labels;           /* of services, slices and pods; empty: all */
    enum pods_mode pods;
    bool endpoint_pod_names;
    uint32_t ttl; /* seconds, 0 to 3600, default 5 */
    bool noendpoints;
    bool ignore_empty_service;
    bool zonal;                    /* _zone names of headless services */
    struct zone_list multicluster; /* those of `zones` that hold ServiceImports */
    bool fallthrough;
    struct zone_list fallthrough_zones; /* empty: all */
    int64_t startup_timeout_ms;         /* default 5000 */
    double apiserver_qps;               /* requests a second; 0: see kube_pace.h, and so for burst */
    unsigned apiserver_burst;
    unsigned apiserver_max_inflight;   /* 0: no limit */
    const struct directive *directive; /* borrowed from the corefile */
};

/* Reads one block; `b` gives the zones where the directive names none. The result borrows from the corefile
 * and is released with kubernetes_block_free(). Errors: ERR_CONFIG with `e` set. */
int kubernetes_block_parse(const struct server_block *b, const struct directive *d,
                           struct kubernetes_block *out, struct errtext *e);
void kubernetes_block_free(struct kubernetes_block *k);

/* Whether that zone (as it stands in k->zones) holds ServiceImports in place of Services. */
bool kubernetes_block_is_multicluster(const struct kubernetes_block *k, const char *zone);

/* One line with everything that shapes the records of a zone (source, ttl, namespaces, ...): it stands in the
 * header of the zone file, and a file whose line differs is not served. Appends to `out`. */
int kubernetes_block_identity(const struct kubernetes_block *k, struct bytes *out);

#endif
