/*
 * What is asked of the API server, as paths of GET requests. Pure. All requests are cluster-wide, as
 * CoreDNS's: the option `namespaces` filters what is answered and needs no other rights. Any thread.
 */
#ifndef SEAMARK_SYNC_KUBE_PATH_H
#define SEAMARK_SYNC_KUBE_PATH_H

#include "base/bytes.h"
#include "sync/kube_object.h"

/* client-go's page. With items of some 3 KiB a page is 1.5 MiB. */
#define KUBE_PAGE_ITEMS 500
/* Longest path. Servers take request lines of 1 MiB; what grows is the continue token, which holds one key.
 */
#define KUBE_PATH_MAX ((size_t)256 << 10)

/* "services", "endpointslices.discovery.k8s.io": how kubectl and RBAC's messages name it. */
const char *kube_path_resource(enum kube_kind kind);
/* "" or "discovery.k8s.io": what stands behind `apiGroups` in a role. */
const char *kube_path_group(enum kube_kind kind);

/* Each appends to `out`; its error tells of a lack of memory or of a token over the limit. `select` stands at
 * the end: "" or what kube_select_query() gives.
 *
 * A page of a consistent list: the first where `token` is "". `items` 0: all that there are, in one answer.
 */
int kube_path_list(enum kube_kind kind, const char *select, unsigned items, const char *token,
                   struct bytes *out);
/* A watch of what happens after that resource version, with bookmarks. */
int kube_path_watch(enum kube_kind kind, const char *select, const char *resource_version, unsigned timeout_s,
                    struct bytes *out);
/* A watch that begins with all that there is (a "streaming list", Kubernetes 1.32). */
int kube_path_stream(enum kube_kind kind, const char *select, unsigned timeout_s, struct bytes *out);

/* Appends `text` as the value of a query's parameter. Returns out->error. */
int kube_path_escape(const char *text, struct bytes *out);

#endif
