/*
 * What a source of Kubernetes objects (an API server: kube_watch.h; files: kube_files.h) tells its taker. One
 * thread, the one that runs the source's event loop. Per kind the order is: list_begin, put..., list_end,
 * then put and remove as objects change; list_begin again whenever the source had to list anew: what is not
 * put until its list_end is gone.
 */
#ifndef SEAMARK_SYNC_KUBE_SINK_H
#define SEAMARK_SYNC_KUBE_SINK_H

#include "sync/kube_object.h"

struct kube_sink {
    void *ctx;
    void (*list_begin)(void *ctx, enum kube_kind kind);
    /* Added or changed. The taker owns `o` from now on. */
    void (*put)(void *ctx, struct kube_object *o);
    void (*remove)(void *ctx, enum kube_kind kind, const char *namespace, const char *name);
    /* The list is whole; `resource_version` is the list's. Until every watched kind has had its first
     * list_end, nothing may be published. */
    void (*list_end)(void *ctx, enum kube_kind kind, const char *resource_version);
    /* The source has no such kind, since its CustomResourceDefinition is not installed: as far as it can tell
     * there are no objects of it. Told perhaps more than once, and never between list_begin and list_end. May
     * be NULL. */
    void (*absent)(void *ctx, enum kube_kind kind);
    /* The newest resource version seen for a kind, after an event or a bookmark. */
    void (*progress)(void *ctx, enum kube_kind kind, const char *resource_version);
    /* UID of the namespace kube-system (the cluster's identity), once it is known; before the first list_end
     * of namespaces. Sources of files give a hash of the path. */
    void (*cluster)(void *ctx, const char *uid);
};

#endif
