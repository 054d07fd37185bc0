#include "serve/cluster_spelling.h"

#include <string.h>

#include "dns/name.h"
#include "dns/rr.h"

/* A label without its underscore. */
struct part {
    const uint8_t *text;
    size_t len;
};

static const struct part protocols[] = {
    {(const uint8_t *)"tcp", 3}, {(const uint8_t *)"udp", 3}, {(const uint8_t *)"sctp", 4}};
#define PROTOCOLS (sizeof protocols / sizeof protocols[0])
#define TCP       (&protocols[0])

static struct part part_of(const uint8_t *label)
{
    unsigned underscore = label[1] == '_';
    return (struct part){label + 1 + underscore, label[0] - underscore};
}

static bool same(const struct part *a, const struct part *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static bool is_protocol(const struct part *p)
{
    for (unsigned i = 0; i < PROTOCOLS; i++)
        if (same(p, &protocols[i]))
            return true;
    return false;
}

static const struct node *find(const struct zone_version *v, const uint8_t *lname, size_t len)
{
    return zone_find(v, lname, len, name_hash(lname, len));
}

/* The node of "_port._protocol.base", or of "_protocol.base" where `port` is NULL. */
static const struct node *find_port(const struct zone_version *v, const struct part *port,
                                    const struct part *protocol, const uint8_t *base)
{
    uint8_t name[2 * (1 + NAME_MAX_LABEL) + NAME_MAX_LEN];
    const struct part *parts[] = {port, protocol};
    size_t at = 0, rest = name_len(base);
    for (unsigned i = 0; i < 2; i++) {
        if (parts[i] == NULL)
            continue;
        if (parts[i]->len >= NAME_MAX_LABEL)
            return NULL;
        name[at++] = (uint8_t)(parts[i]->len + 1);
        name[at++] = '_';
        memcpy(name + at, parts[i]->text, parts[i]->len);
        at += parts[i]->len;
    }
    if (at + rest > NAME_MAX_LEN)
        return NULL;
    memcpy(name + at, base, rest);
    return find(v, name, at + rest);
}

/* All ports of one protocol: the service itself, where it has no other. A service without any names for its
 * ports has one port, and that is TCP where the file does not say otherwise. */
static const struct node *find_any_port(const struct zone_version *v, const struct part *protocol,
                                        const uint8_t *base)
{
    const struct part *only = NULL;
    struct rrset services;
    for (unsigned i = 0; i < PROTOCOLS; i++)
        if (find_port(v, NULL, &protocols[i], base) != NULL) {
            if (only != NULL)
                return NULL;
            only = &protocols[i];
        }
    const struct node *n = same(only != NULL ? only : TCP, protocol) ? find(v, base, name_len(base)) : NULL;
    return n != NULL && (only != NULL || node_rrset(n, RR_SRV, &services)) ? n : NULL;
}

static const struct node *find_any_protocol(const struct zone_version *v, const struct part *port,
                                            const uint8_t *base)
{
    const struct node *n = NULL;
    for (unsigned i = 0; i < PROTOCOLS && n == NULL; i++)
        n = find_port(v, port, &protocols[i], base);
    return n;
}

const struct node *cluster_spelling_port(const struct zone_version *v, const uint8_t *port,
                                         const uint8_t *protocol, const uint8_t *service)
{
    struct part name = part_of(port), of = part_of(protocol);
    if (of.len > 0 && !is_protocol(&of))
        return NULL; /* most names that are searched for in vain end here: www.example.NAMESPACE.svc.ZONE */
    if (of.len == 0 && name.len == 0)
        return find(v, service, name_len(service));
    bool asked = port[1] == '_' && protocol[1] == '_'; /* and not found */
    const struct node *n = asked ? NULL : find_port(v, &name, &of, service);
    if (n == NULL && name.len == 0)
        return find_any_port(v, &of, service);
    return n == NULL && of.len == 0 ? find_any_protocol(v, &name, service) : n;
}

bool cluster_spelling_possible(const uint8_t *lname, unsigned front, unsigned below)
{
    if (below < CLUSTER_NAME_FRONT - 1 || below > CLUSTER_NAME_FRONT)
        return false;
    if (memcmp(lname + front - 4, "\3pod", 4) == 0)
        return true;
    const uint8_t *protocol = lname + 1 + lname[0];
    unsigned len = protocol[0] - (protocol[1] == '_');
    return below == CLUSTER_NAME_FRONT && (len == 0 || len == 3 || len == 4); /* tcp, udp, sctp */
}

const struct node *cluster_spelling_find(const void *ctx, const struct zone_version *v, const uint8_t *lname,
                                         size_t len)
{
    const struct cluster_spelling *s = ctx;
    uint8_t starts[CLUSTER_NAME_FRONT];
    unsigned labels = cluster_name_front(lname, len - s->apex_len, starts);
    if (labels < CLUSTER_NAME_FRONT - 1 || labels > CLUSTER_NAME_FRONT)
        return NULL; /* and many end here */
    const uint8_t *kind = lname + starts[labels - 1], *protocol = lname + starts[1];
    if (cluster_name_is_label(kind, "pod"))
        return find(v, lname + starts[labels - 3], len - starts[labels - 3]);
    if (labels < CLUSTER_NAME_FRONT || !cluster_name_is_label(kind, "svc") ||
        (s->rules.multicluster && lname[1] != '_' && protocol[1] != '_'))
        return NULL;
    return cluster_spelling_port(v, lname, protocol, lname + starts[2]);
}
