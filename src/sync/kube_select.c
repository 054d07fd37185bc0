#include "sync/kube_select.h"

#include <json-c/json_object.h>

#include "sync/kube_path.h"

bool kube_select_wants(const struct kubernetes_block *k, enum kube_kind kind)
{
    bool multicluster = k->multicluster.count > 0;
    switch (kind) {
    case KUBE_NAMESPACE:
    case KUBE_SERVICE:
        return true;
    case KUBE_ENDPOINTSLICE:
        return !k->noendpoints || multicluster;
    case KUBE_POD:
        return k->pods == PODS_VERIFIED;
    case KUBE_SERVICEIMPORT:
        return multicluster;
    }
    return false;
}

static const struct label_selector *selector_of(const struct kubernetes_block *k, enum kube_kind kind)
{
    return kind == KUBE_NAMESPACE || kind == KUBE_SERVICEIMPORT ? &k->namespace_labels : &k->labels;
}

/* Only slices of ServiceImports are of use. */
static bool imported_only(const struct kubernetes_block *k, enum kube_kind kind)
{
    return kind == KUBE_ENDPOINTSLICE && k->noendpoints;
}

int kube_select_query(const struct kubernetes_block *k, enum kube_kind kind, struct bytes *out)
{
    const struct label_selector *s = selector_of(k, kind);
    struct bytes text;
    if (s->count == 0 && !imported_only(k, kind))
        return ERR_OK;
    bytes_init(&text, 2 * LABEL_SELECTOR_MAX);
    int ret = label_selector_text(s, &text);
    if (imported_only(k, kind))
        ret = bytes_printf(&text, "%s" KUBE_LABEL_IMPORT, s->count > 0 ? "," : "");
    if (ret == ERR_OK) {
        bytes_append_str(out, "&labelSelector=");
        ret = kube_path_escape(text.data, out);
    }
    bytes_free(&text);
    return ret;
}

static const char *value_of(const void *labels, const char *key)
{
    struct json_object *value;
    if (labels == NULL || !json_object_object_get_ex(labels, key, &value))
        return NULL;
    if (value == NULL) /* as Go reads null into a text */
        return "";
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

bool kube_select_matches(const struct kubernetes_block *k, enum kube_kind kind, struct json_object *j)
{
    struct json_object *metadata, *labels = NULL;
    if (json_object_is_type(j, json_type_object) && json_object_object_get_ex(j, "metadata", &metadata) &&
        json_object_is_type(metadata, json_type_object) &&
        json_object_object_get_ex(metadata, "labels", &labels) &&
        !json_object_is_type(labels, json_type_object))
        labels = NULL;
    if (imported_only(k, kind) && value_of(labels, KUBE_LABEL_IMPORT) == NULL)
        return false;
    return label_selector_match(selector_of(k, kind), value_of, labels);
}
