/* What other plugins may know of a block's kubernetes stage (src/plugins/kubernetes.c). */
#ifndef SEAMARK_SERVE_KUBERNETES_STAGE_H
#define SEAMARK_SERVE_KUBERNETES_STAGE_H

#include <stdbool.h>
#include <stdint.h>

struct kubernetes_stage;

/* Whether the lower-case name is in one of the stage's zones, so that its answers come from a zone file and
 * are never cached. Any thread. */
bool kubernetes_stage_serves(const struct kubernetes_stage *k, const uint8_t *lname);

#endif
