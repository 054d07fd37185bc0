/*
 * A kubeconfig file, read as client-go reads one that is named explicitly: the context asked for (or
 * current-context) names a cluster and a user. Relative paths are relative to the folder of the file; data
 * given inline win over files.
 *
 * Refused, with the name of the user: exec plugins and auth providers, since Seamark runs no programs and
 * speaks no login protocol, and impersonation. One thread.
 */
#ifndef SEAMARK_SYNC_KUBE_CONFIG_H
#define SEAMARK_SYNC_KUBE_CONFIG_H

#include "base/err.h"
#include "sync/kube_auth.h"

/* Largest kubeconfig: a thousand clusters with their certificates. */
#define KUBE_CONFIG_MAX ((size_t)16 << 20)

/* `context` may be NULL. Errors: ERR_CONFIG with `e` set to "kubeconfig PATH: ...", -ENOMEM. */
int kube_config_load(const char *path, const char *context, struct kube_auth *out, struct errtext *e);

#endif
