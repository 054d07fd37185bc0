/*
 * The `k8s_external` block of a Corefile as both programs read it: seamark for the names it answers,
 * seamark-sync for what it renders. Zones in which the services of the `kubernetes` block beside it have
 * their external addresses. Options and defaults are CoreDNS's.
 */
#ifndef SEAMARK_CONF_K8S_EXTERNAL_BLOCK_H
#define SEAMARK_CONF_K8S_EXTERNAL_BLOCK_H

#include "base/bytes.h"
#include "conf/args.h"
#include "dns/name.h"

struct k8s_external_block {
    struct zone_list zones; /* from the arguments or the server block's keys; PTR targets are below the
                               first */
    char label[NAME_MAX_LABEL + 1]; /* `apex`: ns1.LABEL.ZONE is the name server; lower case, default "dns" */
    uint32_t ttl;                   /* seconds, 0 to 3600, default 5 */
    bool headless;
    bool fallthrough;
    struct zone_list fallthrough_zones; /* empty: all */
    const struct directive *directive;  /* borrowed from the corefile */
};

/* Reads one block; `b` gives the zones where the directive names none. The result borrows from the corefile
 * and is released with k8s_external_block_free(). Errors: ERR_CONFIG with `e` set. */
int k8s_external_block_parse(const struct server_block *b, const struct directive *d,
                             struct k8s_external_block *out, struct errtext *e);
void k8s_external_block_free(struct k8s_external_block *k);

/* Appends what shapes the records of its zones beside what kubernetes_block_identity() says. A failure stays
 * in `out`. */
void k8s_external_block_identity(const struct k8s_external_block *k, struct bytes *out);

#endif
