#include "sync/kube_path.h"

#include <string.h>

static const struct {
    const char *path;
    const char *group;
    const char *resource;
    const char *selector; /* already escaped */
} kinds[KUBE_KINDS] = {
    [KUBE_NAMESPACE] = {"/api/v1/namespaces", "", "namespaces", ""},
    [KUBE_SERVICE] = {"/api/v1/services", "", "services", ""},
    [KUBE_ENDPOINTSLICE] = {"/apis/discovery.k8s.io/v1/endpointslices", "discovery.k8s.io",
                            "endpointslices.discovery.k8s.io", ""},
    [KUBE_SERVICEIMPORT] = {"/apis/multicluster.x-k8s.io/v1alpha1/serviceimports", "multicluster.x-k8s.io",
                            "serviceimports.multicluster.x-k8s.io", ""},
    /* As CoreDNS: pods that have ended have given their address back. */
    [KUBE_POD] =
        {"/api/v1/pods", "", "pods",
         "&fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed%2Cstatus.phase%21%3DUnknown"},
};

const char *kube_path_resource(enum kube_kind kind)
{
    return kinds[kind].resource;
}

const char *kube_path_group(enum kube_kind kind)
{
    return kinds[kind].group;
}

/* Resource versions and continue tokens are opaque: nothing says that they are safe in a URL. */
int kube_path_escape(const char *text, struct bytes *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
    while (*text != '\0') {
        size_t n = strspn(text, plain);
        bytes_append(out, text, n);
        text += n;
        if (*text != '\0')
            bytes_printf(out, "%%%02X", (unsigned char)*text++);
    }
    return out->error;
}

int kube_path_list(enum kube_kind kind, const char *select, unsigned items, const char *token,
                   struct bytes *out)
{
    bytes_append_str(out, kinds[kind].path);
    bytes_append_str(out, "?");
    if (items > 0)
        bytes_printf(out, "limit=%u", items);
    if (token[0] != '\0') {
        bytes_append_str(out, "&continue=");
        kube_path_escape(token, out);
    }
    bytes_printf(out, "%s%s", kinds[kind].selector, select);
    return out->error;
}

int kube_path_watch(enum kube_kind kind, const char *select, const char *resource_version, unsigned timeout_s,
                    struct bytes *out)
{
    bytes_printf(out, "%s?watch=true&allowWatchBookmarks=true&timeoutSeconds=%u&resourceVersion=",
                 kinds[kind].path, timeout_s);
    kube_path_escape(resource_version, out);
    bytes_printf(out, "%s%s", kinds[kind].selector, select);
    return out->error;
}

int kube_path_stream(enum kube_kind kind, const char *select, unsigned timeout_s, struct bytes *out)
{
    bytes_printf(out,
                 "%s?watch=true&allowWatchBookmarks=true&timeoutSeconds=%u&sendInitialEvents=true"
                 "&resourceVersionMatch=NotOlderThan",
                 kinds[kind].path, timeout_s);
    bytes_printf(out, "%s%s", kinds[kind].selector, select);
    return out->error;
}
