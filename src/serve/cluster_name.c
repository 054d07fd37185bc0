#include "serve/cluster_name.h"

#include <string.h>

#include "dns/name.h"

#define LABELS_MAX 127 /* of a name: 255 octets, two at least for each */

static bool label_is(const uint8_t *label, const char *text)
{
    return label[0] == strlen(text) && memcmp(label + 1, text, label[0]) == 0;
}

/* The labels of `lname` in front of the apex, from the left; their number. */
static unsigned labels_of(const uint8_t *lname, const uint8_t *apex, const uint8_t **labels)
{
    unsigned count = name_label_count(lname) - name_label_count(apex);
    for (unsigned i = 0; i < count; i++, lname += 1 + lname[0])
        labels[i] = lname;
    return count;
}

/* TOPOLOGY.pin|prefer._zone, in the labels before `last`, or too long. */
static bool parse_topology(const uint8_t *const *labels, unsigned last,
                           const struct cluster_name_rules *rules, struct cluster_name *out)
{
    if (!rules->zonal || rules->multicluster || !label_is(labels[last], "_zone") ||
        !label_is(out->kind, "svc"))
        return false;
    out->prefer = label_is(labels[last - 1], "prefer");
    if (!out->prefer && !label_is(labels[last - 1], "pin"))
        return false;
    out->topology = labels[0];
    out->topology_labels = last - 1;
    return true;
}

bool cluster_name_parse(const uint8_t *lname, const uint8_t *apex, const struct cluster_name_rules *rules,
                        struct cluster_name *out)
{
    const uint8_t *labels[LABELS_MAX];
    unsigned left = labels_of(lname, apex, labels);
    *out = (struct cluster_name){0};
    if (left == 0)
        return true;
    const uint8_t *kind = labels[--left];
    if (!label_is(kind, "svc") && !label_is(kind, "pod"))
        return false;
    if (left == 0)
        return true;
    out->kind = kind;
    out->namespace = labels[--left];
    if (left > 0)
        out->service = labels[--left];
    if (left == 1)
        out->endpoint = labels[0];
    if (left > 2)
        return parse_topology(labels, left - 1, rules, out);
    if (left < 2)
        return true;
    if (rules->multicluster && labels[0][1] != '_' && labels[1][1] != '_') {
        out->endpoint = labels[0];
        out->cluster = labels[1];
    } else {
        out->port = labels[0];
        out->protocol = labels[1];
    }
    return true;
}

/* ---- as text ---- */

/* `count` labels as text, without the last dot; "" for none. */
static int put_labels(const uint8_t *label, unsigned count, char *out, size_t cap)
{
    uint8_t name[NAME_MAX_LEN];
    char text[NAME_MAX_TEXT];
    size_t len = 0;
    for (; count > 0; count--, label += 1 + label[0]) {
        memcpy(name + len, label, 1u + label[0]);
        len += 1u + label[0];
    }
    name[len] = 0;
    len = len == 0 ? 0 : strlen(name_to_text(name, text)) - 1;
    if (len > cap)
        len = cap;
    memcpy(out, text, len);
    return (int)len;
}

/* A port or protocol, its underscore left out. */
static int put_service_label(const uint8_t *label, char *out, size_t cap)
{
    uint8_t bare[1 + NAME_MAX_LABEL];
    if (label == NULL || label[1] != '_')
        return put_labels(label, label != NULL, out, cap);
    bare[0] = (uint8_t)(label[0] - 1);
    memcpy(bare + 1, label + 2, bare[0]);
    return put_labels(bare, bare[0] > 0, out, cap);
}

static int put_part(const struct cluster_name *n, const struct cluster_name_rules *rules, const char *part,
                    char *out, size_t cap)
{
    const struct {
        const char *name;
        const uint8_t *label;
        bool set;
    } plain[] = {{"endpoint", n->endpoint, true},
                 {"kind", n->kind, true},
                 {"namespace", n->namespace, true},
                 {"service", n->service, true},
                 {"cluster", n->cluster, rules->multicluster}};
    for (unsigned i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (plain[i].set && strcmp(plain[i].name, part) == 0)
            return put_labels(plain[i].label, plain[i].label != NULL, out, cap);
    if (strcmp(part, "port-name") == 0)
        return put_service_label(n->port, out, cap);
    if (strcmp(part, "protocol") == 0)
        return put_service_label(n->protocol, out, cap);
    if (strcmp(part, "zone") == 0 && rules->zonal)
        return put_labels(n->topology, n->topology_labels, out, cap);
    return -1;
}

int cluster_name_label(const uint8_t *lname, const uint8_t *apex, const struct cluster_name_rules *rules,
                       const char *part, char *out, size_t cap)
{
    static const char invalid[] = "invalid query name"; /* CoreDNS's words */
    struct cluster_name n;
    if (cluster_name_parse(lname, apex, rules, &n))
        return put_part(&n, rules, part, out, cap);
    if (strcmp(part, "parse-error") != 0)
        return -1;
    size_t len = sizeof invalid - 1 < cap ? sizeof invalid - 1 : cap;
    memcpy(out, invalid, len);
    return (int)len;
}
