#include "serve/external_spelling.h"

#include <string.h>

#include "dns/name.h"
#include "dns/rr.h"

static const struct node *find(const struct zone_version *v, const uint8_t *lname)
{
    size_t len = name_len(lname);
    return zone_find(v, lname, len, name_hash(lname, len));
}

static bool has(const struct node *n, uint16_t type)
{
    struct rrset set;
    return n != NULL && node_rrset(n, type, &set);
}

/* The name without its first `count` labels. */
static const uint8_t *behind(const uint8_t *lname, unsigned count)
{
    for (; count > 0; count--)
        lname += 1 + lname[0];
    return lname;
}

static unsigned labels_in_front(const struct cluster_spelling *s, const uint8_t *lname)
{
    return name_label_count(lname) - name_label_count(s->apex);
}

/* A service that has external addresses, and not its endpoints' (option `headless`): those are targets below
 * its name, or at least names there. */
static bool is_outside(const struct zone_version *v, const struct node *service)
{
    struct rrset srv;
    if (service == NULL || !has(find(v, behind(node_name(service), 1)), RR_NAMESPACE))
        return false;
    if (!node_rrset(service, RR_SRV, &srv))
        return node_rrset_count(service) > 0 && (has(service, RR_CNAME) || !node_has_children(service));
    const uint8_t *target = srv.data + 2 + 6;
    return name_equal(target, node_name(service)) || !name_in(target, node_name(service));
}

const struct node *external_spelling_find(const void *ctx, const struct zone_version *v, const uint8_t *lname,
                                          size_t len)
{
    const struct cluster_spelling *s = ctx;
    unsigned labels = labels_in_front(s, lname);
    const struct node *n = NULL;
    (void)len;
    if (labels == 3) {
        n = find(v, behind(lname, 1));
        return is_outside(v, n) ? n : NULL;
    }
    if (labels == 4)
        n = cluster_spelling_port(v, lname, behind(lname, 1), behind(lname, 2));
    return n != NULL && node_rrset_count(n) > 0 ? n : NULL;
}

static const struct node *all_ports(const struct zone_version *v, const struct node *service)
{
    static const uint8_t any[] = {1, '_', 1, '_'};
    uint8_t name[sizeof any + NAME_MAX_LEN];
    size_t len = name_len(node_name(service));
    if (sizeof any + len > NAME_MAX_LEN)
        return NULL;
    memcpy(name, any, sizeof any);
    memcpy(name + sizeof any, node_name(service), len);
    return find(v, name);
}

const struct node *external_spelling_adapt(const void *ctx, const struct zone_version *v,
                                           const struct node *n, uint16_t qtype)
{
    const struct cluster_spelling *s = ctx;
    unsigned labels = labels_in_front(s, node_name(n));
    const struct node *other = NULL;
    if (labels == 3 && node_rrset_count(n) == 0) { /* _tcp.SERVICE is between names, and is such a label */
        other = find(v, behind(node_name(n), 1));
        n = is_outside(v, other) ? other : n;
    }
    if (qtype == RR_SRV && has(n, RR_CNAME)) {
        other = all_ports(v, n);
        return other != NULL ? other : n;
    }
    if ((qtype == RR_A || qtype == RR_AAAA) && labels == 4 && has(n, RR_SRV)) {
        other = find(v, behind(node_name(n), 2));
        return has(other, RR_CNAME) ? other : n;
    }
    return n;
}
