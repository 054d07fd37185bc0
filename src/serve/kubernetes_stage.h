/* What other plugins may know of a block's kubernetes stage (src/plugins/kubernetes.c). */
#ifndef SEAMARK_SERVE_KUBERNETES_STAGE_H
#define SEAMARK_SERVE_KUBERNETES_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cluster_block;
struct kubernetes_stage;
struct request;

/* Whether a server that has waited for so long since its start should wait on: not every zone is there, and
 * the block's startup_timeout is not over. Control thread. */
bool kubernetes_stage_waits(const struct kubernetes_stage *k, uint64_t waited_ms);

/* What the stage's server block says of the cluster; lives as long as the stage. */
const struct cluster_block *kubernetes_stage_block(const struct kubernetes_stage *k);

/* The longest of its zones that the lower-case name is in, or NULL. Lives as long as the stage. */
const uint8_t *kubernetes_stage_zone(const struct kubernetes_stage *k, const uint8_t *lname);

/* Whether the lower-case name exists in its zone's file now; whether it has records of that type there, or a
 * CNAME. Names that are made up from the question are in no file. Any registered RCU reader. */
bool kubernetes_stage_knows(const struct kubernetes_stage *k, const uint8_t *lname);
bool kubernetes_stage_has(const struct kubernetes_stage *k, const uint8_t *lname, uint16_t qtype);

/* What is known of the pod that asks, by its address: "namespace", "pod", "label/KEY" (client_lookup.h).
 * Writes at most `cap` octets without NUL and returns the length; -1 where no pod has the address, or nobody
 * needs to know (conf/clients_need.h). Any registered RCU reader. */
int kubernetes_stage_client(const struct kubernetes_stage *k, const struct request *r, const char *key,
                            char *out, size_t cap);

#endif
