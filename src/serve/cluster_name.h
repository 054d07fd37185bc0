/*
 * What a name below a zone of a cluster says by its form alone, as CoreDNS's kubernetes plugin reads it:
 *
 *     _PORT._PROTOCOL.SERVICE.NAMESPACE.svc.ZONE       underscores are optional
 *     ENDPOINT.SERVICE.NAMESPACE.pod|svc.ZONE
 *     SERVICE.NAMESPACE.pod|svc.ZONE
 *     ENDPOINT.CLUSTER.SERVICE.NAMESPACE.svc.ZONE      in a multicluster zone
 *     TOPOLOGY.pin|prefer._zone.SERVICE.NAMESPACE.svc.ZONE   with `zonal`; TOPOLOGY may be several labels
 *
 * Whether there is such a thing is another question. Any thread.
 */
#ifndef SEAMARK_SERVE_CLUSTER_NAME_H
#define SEAMARK_SERVE_CLUSTER_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parts are labels (an octet of length and the text) inside the name that was parsed; NULL: not there. */
struct cluster_name {
    const uint8_t *kind; /* "svc" or "pod" */
    const uint8_t *namespace;
    const uint8_t *service; /* or the pod's dashed address */
    const uint8_t *endpoint;
    const uint8_t *port, *protocol; /* with the underscore where there is one */
    const uint8_t *cluster;
    const uint8_t *topology; /* the first of topology_labels */
    unsigned topology_labels;
    bool prefer; /* `prefer`, not `pin` */
};

struct cluster_name_rules {
    bool multicluster; /* the zone is one of several clusters */
    bool zonal;        /* the block has `zonal` */
};

/* `lname`, lower case, is at or below `apex`. False where it has no such form: "invalid query name". The
 * apex, svc.ZONE and pod.ZONE have it, without parts. */
bool cluster_name_parse(const uint8_t *lname, const uint8_t *apex, const struct cluster_name_rules *rules,
                        struct cluster_name *out);

/* The value of kubernetes/`part` for metadata (serve/metadata.h): endpoint, kind, namespace, port-name,
 * protocol, service, cluster, zone, parse-error. Writes at most `cap` octets without NUL and returns their
 * number, 0 for a part that the name does not have, -1 where CoreDNS sets no such label. */
int cluster_name_label(const uint8_t *lname, const uint8_t *apex, const struct cluster_name_rules *rules,
                       const char *part, char *out, size_t cap);

/* ---- for those who are asked about every name: a look at its labels, and no more ---- */

#define CLUSTER_NAME_FRONT 5 /* labels in front of the zone: PORT.PROTOCOL.SERVICE.NAMESPACE.svc */

/* Where the labels begin that stand in the first `front` octets of a name; their number, or
 * CLUSTER_NAME_FRONT + 1 for more than that. */
static inline unsigned cluster_name_front(const uint8_t *name, size_t front,
                                          uint8_t starts[CLUSTER_NAME_FRONT])
{
    unsigned labels = 0;
    for (size_t at = 0; at < front; at += 1u + name[at]) {
        if (labels == CLUSTER_NAME_FRONT)
            return CLUSTER_NAME_FRONT + 1;
        starts[labels++] = (uint8_t)at;
    }
    return labels;
}

/* Whether the label is that one of three small letters, in any case. */
static inline bool cluster_name_is_label(const uint8_t *label, const char *text)
{
    return label[0] == 3 && (label[1] | 0x20) == text[0] && (label[2] | 0x20) == text[1] &&
           (label[3] | 0x20) == text[2];
}

#endif
