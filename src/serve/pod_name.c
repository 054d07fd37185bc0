#include "serve/pod_name.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/cursor.h"
#include "serve/cluster_name.h"
#include "zone/zone_answer.h"

int pod_name_address(const uint8_t *lname, uint8_t *octets)
{
    char text[NAME_MAX_LABEL + 1];
    unsigned dashes = 0;
    bool doubled = false;
    for (unsigned i = 0; i < lname[0]; i++) {
        char c = (char)lname[1 + i];
        if (c == '.' || c == '\0') /* a colon is CoreDNS's too, a dot is not */
            return AF_UNSPEC;
        text[i] = c;
        if (c == '-') {
            dashes++;
            doubled = doubled || (i > 0 && text[i - 1] == '-');
        }
    }
    text[lname[0]] = '\0';
    bool v4 = dashes == 3 && !doubled; /* CoreDNS's rule: just three dashes, none doubled, is IPv4 */
    for (char *p = text; *p != '\0'; p++)
        if (*p == '-')
            *p = v4 ? '.' : ':';
    int family = v4 ? AF_INET : AF_INET6;
    if (inet_pton(family, text, octets) != 1)
        return AF_UNSPEC;
    static const uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (v4 || memcmp(octets, mapped, sizeof mapped) != 0)
        return family;
    memmove(octets, octets + sizeof mapped, 4); /* an IPv4 address in CoreDNS's eyes, however it is written */
    return AF_INET;
}

/* The pod's own name in lower case, without the labels in front of it that mean nothing: it points into
 * `lname`, which is filled. NULL where `owner` is none, as nearly always. */
static const uint8_t *pod_of(const uint8_t *owner, size_t apex_len, uint8_t lname[NAME_MAX_LEN])
{
    uint8_t starts[CLUSTER_NAME_FRONT];
    size_t len = name_len(owner);
    unsigned labels = len > apex_len ? cluster_name_front(owner, len - apex_len, starts) : 0;
    if (labels < 3 || labels > CLUSTER_NAME_FRONT ||
        !cluster_name_is_label(owner + starts[labels - 1], "pod"))
        return NULL;
    name_lower(lname, owner);
    return lname + starts[labels - 3];
}

static const struct node *find(const struct zone_version *v, const uint8_t *lname)
{
    size_t len = name_len(lname);
    return zone_find(v, lname, len, name_hash(lname, len));
}

/* CoreDNS gives a pod an SRV record too, for no port, with its address beside it. */
static void add_service(struct reply *reply, const uint8_t *owner, const struct rr *address)
{
    uint8_t rdata[6 + NAME_MAX_LEN] = {0, 0, 0, 100, 0, 0}; /* priority, weight, port */
    size_t len = name_len(address->owner);
    memcpy(rdata + 6, address->owner, len);
    struct rr service = {.owner = owner,
                         .type = RR_SRV,
                         .class = CLASS_IN,
                         .ttl = address->ttl,
                         .rdlen = (uint16_t)(6 + len),
                         .rdata = rdata};
    reply_add(reply, SECTION_ANSWER, &service);
    reply_add(reply, SECTION_ADDITIONAL, address);
}

bool pod_name_answer(const struct zone_version *v, size_t apex_len, const uint8_t *owner, uint32_t ttl,
                     struct request *r)
{
    uint8_t lname[NAME_MAX_LEN], octets[16];
    const uint8_t *pod = pod_of(owner, apex_len, lname);
    int family = pod == NULL ? AF_UNSPEC : pod_name_address(pod, octets);
    if (family == AF_UNSPEC || find(v, pod + 1 + pod[0]) == NULL) /* the namespace */
        return false;
    uint16_t type = family == AF_INET ? RR_A : RR_AAAA;
    struct rr address = {.owner = r->q.qtype == RR_SRV ? pod : owner,
                         .type = type,
                         .class = CLASS_IN,
                         .ttl = ttl,
                         .rdlen = family == AF_INET ? 4 : 16,
                         .rdata = octets};
    if (r->q.qtype == type)
        reply_add(r->reply, SECTION_ANSWER, &address);
    else if (r->q.qtype == RR_SRV)
        add_service(r->reply, owner, &address);
    else
        zone_answer_soa(v, r->reply);
    return true;
}

void pod_name_service(const struct zone_version *v, size_t apex_len, const uint8_t *owner, struct request *r)
{
    uint8_t lname[NAME_MAX_LEN];
    struct rrset set;
    const uint8_t *pod = pod_of(owner, apex_len, lname);
    const struct node *n = pod == NULL ? NULL : find(v, pod);
    if (n == NULL || (!node_rrset(n, RR_A, &set) && !node_rrset(n, RR_AAAA, &set)))
        return;
    struct rr address = {.owner = pod,
                         .type = set.type,
                         .class = CLASS_IN,
                         .ttl = set.ttl,
                         .rdlen = wire_u16(set.data),
                         .rdata = set.data + 2};
    reply_cut(r->reply, SECTION_AUTHORITY);
    add_service(r->reply, owner, &address);
}
