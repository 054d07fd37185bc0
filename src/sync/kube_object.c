#include "sync/kube_object.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *resource;
    const char *version;
} kinds[KUBE_KINDS] = {
    [KUBE_NAMESPACE] = {"Namespace", "namespaces", "v1"},
    [KUBE_SERVICE] = {"Service", "services", "v1"},
    [KUBE_ENDPOINTSLICE] = {"EndpointSlice", "endpointslices", "discovery.k8s.io/v1"},
    [KUBE_POD] = {"Pod", "pods", "v1"},
    [KUBE_SERVICEIMPORT] = {"ServiceImport", "serviceimports", "multicluster.x-k8s.io/v1alpha1"},
};

const char *kube_kind_name(enum kube_kind kind)
{
    return kinds[kind].name;
}

const char *kube_kind_resource(enum kube_kind kind)
{
    return kinds[kind].resource;
}

const char *kube_kind_version(enum kube_kind kind)
{
    return kinds[kind].version;
}

void kube_object_free(struct kube_object *o)
{
    free(o);
}

bool ip_from_text(const char *text, struct ip *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct ip ip = {0};
    if (inet_pton(AF_INET, text, ip.octets) == 1) {
        ip.family = 4;
    } else {
        uint8_t six[16];
        if (inet_pton(AF_INET6, text, six) != 1)
            return false;
        if (memcmp(six, mapped, sizeof mapped) == 0) { /* ::ffff:10.0.0.1 is 10.0.0.1, for Go and for DNS */
            ip.family = 4;
            memcpy(ip.octets, six + sizeof mapped, 4);
        } else {
            ip.family = 6;
            memcpy(ip.octets, six, sizeof six);
        }
    }
    *out = ip;
    return true;
}

/* Where the longest run of at least two zero groups begins and ends (RFC 5952, 4.2); an empty run where none.
 */
static void longest_zeros(const uint16_t group[8], unsigned *from, unsigned *to)
{
    *from = *to = 8;
    for (unsigned i = 0, end; i < 8; i = end + 1) {
        for (end = i; end < 8 && group[end] == 0;)
            end++;
        if (end - i >= 2 && end - i > *to - *from) {
            *from = i;
            *to = end;
        }
    }
}

/* Not inet_ntop(): that writes ::/96 with a dotted tail, which RFC 5952 and Go do not. */
static void ip6_to_text(const uint8_t octets[16], char out[IP_TEXT_MAX])
{
    uint16_t group[8];
    for (unsigned i = 0; i < 8; i++)
        group[i] = (uint16_t)(octets[2 * i] << 8 | octets[2 * i + 1]);
    unsigned from, to;
    longest_zeros(group, &from, &to);
    size_t used = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (i == from) {
            used += (size_t)snprintf(out + used, IP_TEXT_MAX - used, "::");
            i = to - 1;
            continue;
        }
        const char *colon = i == 0 || i == to ? "" : ":";
        used += (size_t)snprintf(out + used, IP_TEXT_MAX - used, "%s%x", colon, group[i]);
    }
}

char *ip_to_text(const struct ip *ip, char out[IP_TEXT_MAX])
{
    out[0] = '\0';
    if (ip->family == 4)
        snprintf(out, IP_TEXT_MAX, "%u.%u.%u.%u", ip->octets[0], ip->octets[1], ip->octets[2], ip->octets[3]);
    else if (ip->family == 6)
        ip6_to_text(ip->octets, out);
    return out;
}
