#include "serve/pod_name.h"

#include <arpa/inet.h>
#include <string.h>

#include "zone/zone_answer.h"

int pod_name_address(const uint8_t *lname, uint8_t *octets)
{
    char text[NAME_MAX_LABEL + 1];
    unsigned dashes = 0;
    bool doubled = false;
    for (unsigned i = 0; i < lname[0]; i++) {
        char c = (char)lname[1 + i];
        if (c == '.' || c == ':' || c == '%' || c == '\0') /* only dashes separate */
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
    return inet_pton(family, text, octets) == 1 ? family : AF_UNSPEC;
}

/* CoreDNS gives a pod an SRV record too, for no port, with its address beside it. */
static void add_service(struct reply *reply, const struct rr *address)
{
    uint8_t rdata[6 + NAME_MAX_LEN] = {0, 0, 0, 100, 0, 0}; /* priority, weight, port */
    size_t len = name_len(address->owner);
    memcpy(rdata + 6, address->owner, len);
    struct rr service = {.owner = address->owner,
                         .type = RR_SRV,
                         .class = CLASS_IN,
                         .ttl = address->ttl,
                         .rdlen = (uint16_t)(6 + len),
                         .rdata = rdata};
    reply_add(reply, SECTION_ANSWER, &service);
    reply_add(reply, SECTION_ADDITIONAL, address);
}

bool pod_name_answer(const struct zone_version *v, const uint8_t *apex, const uint8_t *owner, uint32_t ttl,
                     struct request *r)
{
    uint8_t lname[NAME_MAX_LEN];
    name_lower(lname, owner);
    static const uint8_t pod[] = "\3pod";
    const uint8_t *namespace = lname + 1 + lname[0];
    if (lname[0] == 0 || *namespace == 0)
        return false;
    const uint8_t *after = namespace + 1 + *namespace;
    if (*after != pod[0] || memcmp(after, pod, 4) != 0 || !name_equal(after + 4, apex))
        return false;
    size_t len = name_len(namespace);
    uint8_t octets[16];
    int family = pod_name_address(lname, octets);
    if (family == AF_UNSPEC || zone_find(v, namespace, len, name_hash(namespace, len)) == NULL)
        return false;
    uint16_t type = family == AF_INET ? RR_A : RR_AAAA;
    struct rr address = {.owner = owner,
                         .type = type,
                         .class = CLASS_IN,
                         .ttl = ttl,
                         .rdlen = family == AF_INET ? 4 : 16,
                         .rdata = octets};
    if (r->q.qtype == type)
        reply_add(r->reply, SECTION_ANSWER, &address);
    else if (r->q.qtype == RR_SRV)
        add_service(r->reply, &address);
    else
        zone_answer_soa(v, r->reply);
    return true;
}
