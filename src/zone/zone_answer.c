#include "zone/zone_answer.h"

#include <string.h>

#include "base/cursor.h"
#include "zone/zone_wildcard.h"

/* Names looked up for one additional section: bounds the work of an answer (an SRV set may have thousands of
 * targets). */
#define ADDITIONAL_MAX 1024
#define SEEN_SLOTS     2048 /* power of 2, twice ADDITIONAL_MAX */

struct seen {
    unsigned count;
    unsigned mask; /* slots in use but one */
    const struct node *slot[SEEN_SLOTS];
};

/* Room for `names`: the few slots that a usual set needs cost less to clear than all. */
static void seen_init(struct seen *s, unsigned names)
{
    unsigned slots = 16;
    while (slots < SEEN_SLOTS && slots < 2 * names)
        slots *= 2;
    s->count = 0;
    s->mask = slots - 1;
    memset(s->slot, 0, slots * sizeof s->slot[0]);
}

/* True where the node is new. */
static bool see(struct seen *s, const struct node *n)
{
    size_t i = ((uintptr_t)n >> 4) * 0x9e3779b97f4a7c15u >> 32;
    for (;; i++) {
        const struct node **slot = &s->slot[i & s->mask];
        if (*slot == n)
            return false;
        if (*slot == NULL) {
            *slot = n;
            s->count++;
            return true;
        }
    }
}

static const uint8_t *record_at(const struct rrset *set, unsigned index)
{
    const uint8_t *p = set->data;
    while (index-- > 0)
        p += 2 + wire_u16(p);
    return p;
}

/* Adds the records of a set, beginning with the one that `rotate` chooses, until there is enough. */
static void add_set(struct reply *r, enum reply_section s, const uint8_t *owner, const struct rrset *set,
                    const struct zone_question *q)
{
    unsigned first = set->count > 1 ? (unsigned)(q->rotate % set->count) : 0;
    const uint8_t *p = record_at(set, first);
    for (unsigned i = 0; i < set->count && r->len <= q->enough; i++) {
        if (first + i == set->count)
            p = set->data;
        uint16_t rdlen = wire_u16(p);
        struct rr rr = {.owner = owner,
                        .type = set->type,
                        .class = CLASS_IN,
                        .ttl = set->ttl,
                        .rdlen = rdlen,
                        .rdata = p + 2};
        if (reply_add(r, s, &rr) != ERR_OK)
            return;
        p += 2 + rdlen;
    }
}

/* The target name of an NS or SRV record, or NULL. */
static const uint8_t *target_of(uint16_t type, const uint8_t *record)
{
    unsigned fixed = type == RR_SRV ? 6 : 0;
    uint16_t rdlen = wire_u16(record);
    if (rdlen <= fixed || name_check(record + 2 + fixed, rdlen - fixed) < 0)
        return NULL;
    return record + 2 + fixed;
}

static const struct node *find_name(const struct zone_version *v, const uint8_t *name)
{
    uint8_t lname[NAME_MAX_LEN];
    size_t len = name_lower(lname, name);
    return zone_find(v, lname, len, name_hash(lname, len));
}

/* Addresses of the names that the answer points to (RFC 1035 section 3.3.11, RFC 2782). */
static void add_additional(const struct zone_version *v, struct reply *r, const struct rrset *set,
                           const struct zone_question *q)
{
    static const uint16_t types[] = {RR_A, RR_AAAA};
    struct seen seen;
    seen_init(&seen, set->count);
    const uint8_t *p = set->data;
    for (unsigned i = 0; i < set->count && seen.count < ADDITIONAL_MAX && r->len <= q->enough;
         i++, p += 2 + wire_u16(p)) {
        const uint8_t *target = target_of(set->type, p);
        const struct node *n = target == NULL ? NULL : find_name(v, target);
        if (n == NULL || !see(&seen, n))
            continue;
        for (unsigned t = 0; t < 2; t++) {
            struct rrset addresses;
            if (node_rrset(n, types[t], &addresses))
                add_set(r, SECTION_ADDITIONAL, target, &addresses, q);
        }
    }
}

void zone_answer_soa(const struct zone_version *v, struct reply *r)
{
    const struct node *apex = zone_apex_node(v);
    struct rrset soa;
    struct zone_question all = {.enough = REPLY_CAP};
    if (apex == NULL || !node_rrset(apex, RR_SOA, &soa))
        return;
    /* As CoreDNS has it, the owner is written as the question wrote that part of its name. */
    const uint8_t *owner = node_name(apex);
    if (name_in(r->q->qname, owner)) {
        unsigned extra = r->q->label_count - name_label_count(owner);
        for (owner = r->q->qname; extra > 0; extra--)
            owner += 1 + owner[0];
    }
    add_set(r, SECTION_AUTHORITY, owner, &soa, &all);
}

/* The asked type at a node: true where it is there and was added. */
static bool answer_from(const struct zone_version *v, const struct node *n, const uint8_t *owner,
                        struct zone_question *q, struct reply *r)
{
    struct rrset set;
    if (q->qtype == RR_ANY || !node_rrset(n, q->qtype, &set))
        return false;
    add_set(r, SECTION_ANSWER, owner, &set, q);
    if (set.type == RR_SRV || set.type == RR_NS)
        add_additional(v, r, &set, q);
    return true;
}

static bool among(const struct node *const *nodes, unsigned count, const struct node *n)
{
    for (unsigned i = 0; i < count; i++)
        if (nodes[i] == n)
            return true;
    return false;
}

/* What answers in place of a name that does not exist, or NULL. */
static const struct node *stand_in(const struct zone_version *v, const struct zone_question *q,
                                   const uint8_t *lname, size_t len)
{
    const struct node *n = zone_wildcard(v, lname, len);
    return n == NULL && q->respell != NULL ? q->respell(q->names_ctx, v, lname, len) : n;
}

/* Where a CNAME has led. */
static const struct node *find_target(const struct zone_version *v, const struct zone_question *q,
                                      const uint8_t *name)
{
    uint8_t lname[NAME_MAX_LEN];
    size_t len = name_lower(lname, name);
    const struct node *n = zone_find(v, lname, len, name_hash(lname, len));
    return n != NULL ? n : stand_in(v, q, lname, len);
}

static const struct node *adapted(const struct zone_version *v, const struct zone_question *q,
                                  const struct node *n)
{
    return n != NULL && q->adapt != NULL ? q->adapt(q->names_ctx, v, n, q->qtype) : n;
}

enum zone_outcome zone_answer(const struct zone_version *v, struct zone_question *q, struct reply *r)
{
    const struct node *n = zone_find(v, q->lname, q->len, q->hash);
    const uint8_t *owner = q->lname;
    const struct node *followed[ZONE_CNAME_MAX + 1];
    q->target = NULL;
    if (n == NULL)
        n = stand_in(v, q, q->lname, q->len);
    n = adapted(v, q, n);
    if (n == NULL)
        return ZONE_NXDOMAIN;
    for (unsigned links = 0; !among(followed, links, n); links++) {
        followed[links] = n;
        struct rrset cname;
        if (answer_from(v, n, owner, q, r))
            return ZONE_HIT;
        if (q->qtype == RR_ANY || links == ZONE_CNAME_MAX || !node_rrset(n, RR_CNAME, &cname) ||
            name_check(cname.data + 2, wire_u16(cname.data)) < 0) {
            zone_answer_soa(v, r);
            return ZONE_NODATA;
        }
        add_set(r, SECTION_ANSWER, owner, &cname, q);
        owner = q->target = cname.data + 2;
        if (!name_in(owner, node_name(zone_apex_node(v))))
            return ZONE_CNAME_OUT;
        n = adapted(v, q, find_target(v, q, owner));
        if (n == NULL)
            return ZONE_NXDOMAIN;
    }
    zone_answer_soa(v, r); /* a loop: each link stands there once */
    return ZONE_NODATA;
}
