/*
 * All that a server block says of a cluster's zones, as both programs read it, and the zones that come of it.
 *
 * What is known of the cluster can be shown in several *views*: the names of the `kubernetes` block are the
 * ordinary one. A view has zones, options and records of its own; two views may have a zone's name in common.
 * So zone files are named by zone and view (zone/zonefile.h), and each view has an identity line.
 */
#ifndef SEAMARK_CONF_CLUSTER_BLOCK_H
#define SEAMARK_CONF_CLUSTER_BLOCK_H

#include "conf/clients_need.h"
#include "conf/k8s_external_block.h"
#include "conf/kubernetes_block.h"

/* Exit status of seamark-sync where no server block has a kubernetes block: seamark knows it from an error.
 */
#define SYNC_STATUS_NO_BLOCK 3

#define VIEW_CLUSTER  ""         /* the ordinary one: the zones of the `kubernetes` block */
#define VIEW_EXTERNAL "external" /* of the `k8s_external` block beside it */
#define VIEW_CLIENTS  "clients"  /* the pods that may ask, by address, in the primary zone: never served */

struct cluster_block {
    struct kubernetes_block kubernetes;
    struct k8s_external_block external; /* no zones where there is none */
    struct clients_need clients;        /* nothing but with `pods verified` */
};

/* Reads what is there of them in `b`, a block of `file`; `d` is its `kubernetes` directive. As
 * kubernetes_block_parse(). */
int cluster_block_parse(const struct corefile *file, const struct server_block *b, const struct directive *d,
                        struct cluster_block *out, struct errtext *e);
void cluster_block_free(struct cluster_block *c);

/* One zone of one view. */
struct zone_view {
    const char *zone; /* presentation form, lower case; points into the block */
    const char *view; /* a VIEW_ constant */
};

/* How many there are, and number `index` of them. */
size_t cluster_block_zones(const struct cluster_block *c);
struct zone_view cluster_block_zone(const struct cluster_block *c, size_t index);

/* One line with everything that shapes the records of that view's zones: it stands in the header of their
 * files, and a file whose line differs is not served. Appends to `out`, at most CLUSTER_IDENTITY_MAX octets.
 */
#define CLUSTER_IDENTITY_MAX (1 << 20) /* far more than the line may have */
int cluster_block_identity(const struct cluster_block *c, const char *view, struct bytes *out);

/* One zone file can be rendered with one set of options alone: ERR_CONFIG with `e` set where the two blocks
 * have a zone of one view in common and their options differ in what shapes its records. */
int cluster_block_agree(const struct cluster_block *a, const struct cluster_block *b, struct errtext *e);

#endif
