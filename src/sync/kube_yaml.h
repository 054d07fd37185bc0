/*
 * YAML as Kubernetes manifests are written in it, made into JSON values: documents, block and flow style,
 * anchors and aliases, merge keys (`<<`). Plain scalars follow YAML 1.1 as kubectl reads it: null,
 * true/yes/on, numbers; quoted ones and those tagged !!str are text. Aliases share the value they stand for,
 * and are counted as often as they stand, so that a document that grows without bound when written out
 * ("billion laughs") is refused. Any thread.
 */
#ifndef SEAMARK_SYNC_KUBE_YAML_H
#define SEAMARK_SYNC_KUBE_YAML_H

#include <stddef.h>

#include "base/err.h"

struct json_object;

#define YAML_DEPTH_MAX   64      /* nesting; objects of the kinds that DNS needs nest some 12 deep */
#define YAML_NODES_MAX   5000000 /* values of one document, aliases written out; some 100,000 objects */
#define YAML_ANCHORS_MAX 1000    /* of one document; manifests have a handful */

/*
 * Calls each for every document that holds something, counted from 1; `doc` is borrowed. Errors: what each
 * returns, or ERR_MALFORMED, ERR_LIMIT, -ENOMEM with `e` set to "document 2, line 17: ...": documents before
 * that one were handed on.
 */
int kube_yaml(const char *data, size_t len, int (*each)(void *ctx, struct json_object *doc, unsigned number),
              void *ctx, struct errtext *e);

#endif
