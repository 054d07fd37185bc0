/*
 * Which objects the configuration asks for: kinds that the block has no use for are not followed, and the
 * options `labels` and `namespace_labels` select among the others. An API server is told the selector and
 * sends nothing else; for files it is applied here. As CoreDNS: `labels` holds for services, slices and pods,
 * `namespace_labels` for namespaces and ServiceImports. With `noendpoints` the slices of ServiceImports alone
 * are left. Pure. Any thread.
 */
#ifndef SEAMARK_SYNC_KUBE_SELECT_H
#define SEAMARK_SYNC_KUBE_SELECT_H

#include "conf/kubernetes_block.h"
#include "sync/kube_object.h"

struct json_object;

/* The label of an EndpointSlice that says which ServiceImport it is of. */
#define KUBE_LABEL_IMPORT "multicluster.kubernetes.io/service-name"

bool kube_select_wants(const struct kubernetes_block *k, enum kube_kind kind);

/* Appends "&labelSelector=..." for a request, nothing where all objects are selected. Returns out->error. */
int kube_select_query(const struct kubernetes_block *k, enum kube_kind kind, struct bytes *out);

/* Whether `j`, an object of that kind, has the labels asked for. */
bool kube_select_matches(const struct kubernetes_block *k, enum kube_kind kind, struct json_object *j);

#endif
