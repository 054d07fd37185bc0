/*
 * Follows an API server: lists the namespaces, services, endpoint slices and pods that the block needs,
 * watches them, and tells a sink of every change, for as long as it runs. It is the source of seamark-sync in
 * a cluster.
 *
 * What it promises:
 *
 * - A sink hears of a kind as kube_sink.h says. Between list_begin and list_end an object may also be
 *   removed, and list_begin may come again without a list_end where a list had to be begun anew. An
 *   event applies wholly or not at all.
 *
 * - It never gives up and never ends the process. While the server is away nothing is told to the sink:
 *   what it knows stays true for as long as nobody says otherwise.
 *
 * - A resource version that the server no longer has (410) leads to a new list; the sink applies the
 *   difference.
 *
 * - An object that cannot be read is logged and left out. One known before stays as it was until the
 *   next list, which drops it: then the sink holds what a fresh start would give.
 *
 * - Asked for are `list` and `watch` of namespaces, services, endpointslices.discovery.k8s.io (not with
 *   noendpoints) and pods (only with `pods verified`), cluster-wide, as CoreDNS does. What RBAC lacks
 *   is logged once a minute.
 *
 * How it does so: kube_watch_p.h (the states of a kind), kube_gate.h (asking again after failures).
 * One thread: the one of the event base. No function here may be called from within a sink's function.
 */
#ifndef SEAMARK_SYNC_KUBE_WATCH_H
#define SEAMARK_SYNC_KUBE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/kubernetes_block.h"
#include "sync/kube_sink.h"
#include "sync/kube_timing.h"

struct event_base;
struct kube_watch;

/* Starts following. `k` is borrowed until kube_watch_stop(), `sink` is copied. Fails only where the
 * configuration is no good or a file it names is not there (ERR_CONFIG with `e` set), or without memory;
 * never because the server is away. */
int kube_watch_start(struct event_base *base, const struct kubernetes_block *k, const struct kube_sink *sink,
                     struct kube_watch **out, struct errtext *e);
/* The same with other times, for tests. */
int kube_watch_start_timed(struct event_base *base, const struct kubernetes_block *k,
                           const struct kube_sink *sink, const struct kube_timing *timing,
                           struct kube_watch **out, struct errtext *e);
/* Stops; the sink hears nothing more. NULL allowed. */
void kube_watch_stop(struct kube_watch *w);

/* How a kind is doing, for metrics and status pages. */
struct kube_watch_status {
    bool followed; /* the block needs this kind; all else is 0 where it does not */
    bool absent;   /* the server says that it has no such kind, as one without the CustomResourceDefinition */
    bool listed;   /* a list was whole, once at least: the sink has had its first list_end */
    bool watching; /* a watch that the server has accepted is under way */
    uint64_t heard_ms;   /* when the last event, bookmark or whole list came, monotonic; 0 never */
    uint64_t lists;      /* whole lists */
    uint64_t events;     /* put and remove, without those of lists */
    uint64_t left_out;   /* items that could not be read */
    uint64_t requests;   /* begun */
    uint64_t failures;   /* requests that failed */
    unsigned in_a_row;   /* failures since it last went well */
    const char *trouble; /* why the last request failed; "" while all is well. Valid until the loop runs on */
};
void kube_watch_status(const struct kube_watch *w, enum kube_kind kind, struct kube_watch_status *out);

/* The server's URL, for a person. Valid until kube_watch_stop(). */
const char *kube_watch_server(const struct kube_watch *w);

#endif
