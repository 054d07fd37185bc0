/*
 * Kubernetes objects from JSON. Pure: no sockets, no files, no log; the same JSON gives the same object or
 * the same error. Total: every field may be missing, null, of another type, huge or hostile.
 *
 * What is read how:
 *
 * - Missing and null are the same, and give the field's default, as in Go.
 *
 * - A field that DNS needs and that has another type than the API's, a text over KUBE_TEXT_MAX or with
 *   a NUL, a list over its limit, a port that is none: the object is refused, as Go's decoder would
 *   refuse it.
 *
 * - An address that does not read as one is left out: it makes no other address wrong.
 *
 * - Times and managedFields are for reporting only: what does not read as one counts as unknown.
 *
 * Any thread.
 */
#ifndef SEAMARK_SYNC_KUBE_JSON_H
#define SEAMARK_SYNC_KUBE_JSON_H

#include "base/err.h"
#include "sync/kube_object.h"

struct json_object;

/* Longest text kept. Four times what a DNS name can hold: what is longer is no name in any field of ours. */
#define KUBE_TEXT_MAX 1024
/* Ten times what the API server lets into one EndpointSlice (1,000), for objects that come from files. */
#define KUBE_ENDPOINTS_MAX 10000
/* What the API server lets into one EndpointSlice; a Service's ports are bounded by its size only. */
#define KUBE_PORTS_MAX 20000
/* What the API server lets into one endpoint; a Service has two at most. */
#define KUBE_IPS_MAX 100
/* Labels of a pod: the API server bounds them by the object's size only. Real ones have some ten. */
#define KUBE_LABELS_MAX 1000
/* External addresses of a Service, and entries of its load balancer: bounded by its size only, as its ports.
 */
#define KUBE_EXTERNALS_MAX 20000

/*
 * Reads `j` (borrowed) as an object of that kind; apiVersion and kind inside it are not looked at, since the
 * items of a typed list have none. Every kind but Namespace needs a metadata.namespace: whoever reads
 * manifests without one puts it in first. `*out` is the caller's: kube_object_free(). Errors, with `e` set to
 * "Service default/web: spec.ports[].port is not a port number": ERR_MALFORMED, ERR_LIMIT, -ENOMEM.
 */
int kube_json_object(struct json_object *j, enum kube_kind kind, struct kube_object **out, struct errtext *e);

/*
 * The kind that apiVersion and kind of `j` name. Errors: ERR_NOT_FOUND for a kind that DNS does not need (to
 * be skipped), ERR_UNSUPPORTED with `*out` and `e` set for another version of one that it does need
 * (discovery.k8s.io/v1beta1), ERR_MALFORMED with `e` set where there is no text in them.
 */
int kube_json_kind(struct json_object *j, enum kube_kind *out, struct errtext *e);

/* Which object `j` is. "" where it does not say, or not in a text that could be kept. Borrowed from `j`. */
struct kube_identity {
    const char *namespace;
    const char *name;
    const char *resource_version;
};
struct kube_identity kube_json_identity(struct json_object *j);

#endif
