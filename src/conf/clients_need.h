/*
 * What a configuration needs to know of the pods that ask: their namespaces for `autopath @kubernetes`, and
 * for `metadata` what stands somewhere as kubernetes/client-namespace, kubernetes/client-pod-name or
 * kubernetes/client-label/KEY. Both programs read it, so that seamark-sync writes no more of a pod than
 * somebody looks at.
 */
#ifndef SEAMARK_CONF_CLIENTS_NEED_H
#define SEAMARK_CONF_CLIENTS_NEED_H

#include <stdbool.h>

#include "base/bytes.h"
#include "conf/args.h"
#include "conf/corefile.h"

#define CLIENT_LABELS_MAX 32 /* different label keys of a Corefile */

struct clients_need {
    bool namespaces;         /* anything at all */
    bool pods;               /* their names */
    struct zone_list labels; /* keys, as written */
};

/* Adds what any block of the Corefile with a `kubernetes` needs: all of them, so that blocks that share a
 * zone agree. ERR_LIMIT, -ENOMEM; `out` is to be freed in every case. */
int clients_need_read(const struct corefile *c, struct clients_need *out);
void clients_need_free(struct clients_need *n);

/* Appends "clients=namespace,pod,label/app" to a zone's identity. A failure stays in `out`. */
void clients_need_identity(const struct clients_need *n, struct bytes *out);

#endif
