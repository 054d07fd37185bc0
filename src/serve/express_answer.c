#include <string.h>

#include "base/cursor.h"
#include "serve/express_p.h"
#include "zone/zone_wildcard.h"

#define RECORD_HEAD 10 /* an owner that is a pointer, type, class, TTL: what rrset data do not have */
#define SRV_FIXED   6  /* octets of SRV rdata before the target */
#define TARGETS_MAX 32 /* of one SRV answer; with more it would hardly fit into a datagram */

/* The pointer to the question's name. */
#define QUESTION (0xc000 | DNS_HEADER_LEN)

static inline uint32_t bound(uint32_t ttl, const struct express_ttl *b)
{
    if (ttl < b->least_s)
        ttl = b->least_s;
    return ttl > b->most_s ? b->most_s : ttl;
}

/* Header and OPT around what was written up to `to`. */
static inline bool finish(struct express_query *q, uint8_t *to, uint16_t rcode, unsigned answers,
                          unsigned authorities, unsigned additionals)
{
    uint8_t *packet = q->datagram->packet;
    uint16_t flags = wire_u16(packet + 2);
    wire_put_u16(packet + 2, (uint16_t)(FLAG_QR | FLAG_AA | (flags & (FLAG_RD | FLAG_CD)) | rcode));
    wire_put_u32(packet + 6, answers << 16 | authorities);
    wire_put_u16(packet + 10, (uint16_t)(additionals + q->has_edns));
    if (q->has_edns) {
        *to = 0;
        wire_put_u16(to + 1, RR_OPT);
        wire_put_u16(to + 3, q->udp_size);
        wire_put_u32(to + 5, q->facts.dnssec_ok ? 0x8000 : 0);
        wire_put_u16(to + 9, 0);
        to += OPT_LEN;
    }
    q->facts.rcode = rcode;
    q->facts.response_size = (size_t)(to - packet);
    q->datagram->answer = (uint16_t)(to - packet);
    return true;
}

/* ---- no records ---- */

/* Whether the name is below "pod." in its zone: what the zone does not have of it may be made up. */
static inline bool is_of_pods(const struct express_query *q)
{
    unsigned below = (unsigned)(q->labels - q->zone->apex_labels);
    if (below == 0 || !q->zone->pods_made_up)
        return false;
    const uint8_t *kind = q->lname + q->starts[below - 1];
    return kind[0] == 3 && kind[1] == 'p' && kind[2] == 'o' && kind[3] == 'd';
}

static bool deny(struct express_query *q, uint16_t rcode)
{
    const struct zone_denial *d = zone_denial_of(q->version);
    uint8_t *to = q->datagram->packet + q->end;
    if (d == NULL || (rcode == RCODE_NXDOMAIN && q->zone->falls_through) || is_of_pods(q))
        return false;
    unsigned apex = q->len - q->zone->apex_len;
    /* Names in the record keep their case: they end in the question where that has it too. */
    bool packed = d->npointers > 0 && express_same(q->datagram->packet + DNS_HEADER_LEN + apex,
                                                   q->lname + apex, q->zone->apex_len);
    size_t len = packed ? d->packed_len : d->len;
    if (q->end + 2 + len > q->room)
        return false;
    uint16_t pointer = (uint16_t)(0xc000 | (DNS_HEADER_LEN + apex));
    wire_put_u16(to, pointer);
    to += 2;
    memcpy(to, packed ? d->octets + d->len : d->octets, len);
    for (unsigned i = 0; packed && i < d->npointers; i++)
        wire_put_u16(to + d->pointers[i], pointer);
    if (q->zone->one_ttl)
        wire_put_u32(to + ZONE_DENIAL_TTL_AT,
                     bound(d->minimum < d->ttl ? d->minimum : d->ttl, &q->zone->denied));
    return finish(q, to + len, rcode, 0, 1, 0);
}

/* ---- records ---- */

/* A record whose owner is a pointer; returns where the next one goes. `data` is its length and rdata. */
static inline uint8_t *put_record(uint8_t *to, uint16_t owner, uint16_t type, uint32_t ttl,
                                  const uint8_t *data)
{
    size_t len = 2u + wire_u16(data);
    wire_put_u16(to, owner);
    wire_put_u16(to + 2, type);
    wire_put_u16(to + 4, CLASS_IN);
    wire_put_u32(to + 6, ttl);
    to += RECORD_HEAD;
    if (len == 2 + 4) /* the lengths of addresses, known to the compiler */
        memcpy(to, data, 2 + 4);
    else if (len == 2 + 16)
        memcpy(to, data, 2 + 16);
    else
        memcpy(to, data, len);
    return to + len;
}

static inline size_t set_size(const struct rrset *set)
{
    return set->data_len + (size_t)set->count * RECORD_HEAD;
}

static inline const uint8_t *next_record(const uint8_t *data)
{
    return data + 2 + wire_u16(data);
}

/* Adds a set, from its record number `first` on and round. */
static inline uint8_t *put_set(uint8_t *to, uint16_t owner, const struct rrset *set, uint32_t ttl,
                               unsigned first)
{
    const uint8_t *data = set->data;
    for (unsigned i = 0; i < first; i++)
        data = next_record(data);
    for (unsigned i = 0; i < set->count; i++) {
        if (first + i == set->count)
            data = set->data;
        to = put_record(to, owner, set->type, ttl, data);
        data = next_record(data);
    }
    return to;
}

/* The record to begin with. */
static inline unsigned begin_with(const struct express_query *q, const struct rrset *set, struct worker *w)
{
    return set->count > 1 && q->zone->rotate ? (unsigned)((worker_random(w) >> 1) % set->count) : 0;
}

static inline bool answer_set(struct express_query *q, const struct rrset *set, struct worker *w)
{
    if (q->end + set_size(set) > q->room)
        return false;
    uint32_t ttl = q->zone->one_ttl ? bound(set->ttl, &q->zone->found) : set->ttl;
    uint8_t *to = q->datagram->packet + q->end;
    if (set->count == 1)
        to = put_record(to, QUESTION, set->type, ttl, set->data);
    else
        to = put_set(to, QUESTION, set, ttl, begin_with(q, set, w));
    return finish(q, to, RCODE_NOERROR, set->count, 0, 0);
}

/* ---- services: their hosts' addresses go with them (RFC 2782) ---- */

struct targets {
    unsigned count;
    struct {
        const struct node *node;
        const uint8_t *record; /* the first that has it */
        uint16_t owner;        /* a pointer, once the record is written */
        struct rrset sets[2];  /* A, AAAA; count 0 where there is none */
    } at[TARGETS_MAX];
    size_t size; /* octets of their addresses */
    unsigned records;
    uint32_t least_ttl;
};

static bool add_target(const struct express_query *q, const uint8_t *record, struct targets *t)
{
    static const uint16_t types[] = {RR_A, RR_AAAA};
    uint8_t lname[NAME_MAX_LEN];
    uint16_t rdlen = wire_u16(record);
    int len = rdlen <= SRV_FIXED ? ERR_MALFORMED : name_check(record + 2 + SRV_FIXED, rdlen - SRV_FIXED);
    if (len < 0)
        return true; /* it has none */
    uint64_t hash = name_lower_hash(lname, record + 2 + SRV_FIXED, (size_t)len);
    const struct node *n = zone_find(q->version, lname, (size_t)len, hash);
    if (n == NULL)
        return true;
    for (unsigned i = 0; i < t->count; i++)
        if (t->at[i].node == n)
            return true;
    if (t->count == TARGETS_MAX)
        return false;
    unsigned k = t->count++;
    t->at[k].node = n;
    t->at[k].record = record;
    t->at[k].owner = n == q->node ? QUESTION : 0;
    for (unsigned i = 0; i < 2; i++) {
        struct rrset *set = &t->at[k].sets[i];
        if (!node_rrset(n, types[i], set)) {
            set->count = 0;
            continue;
        }
        t->size += set_size(set);
        t->records += set->count;
        if (set->ttl < t->least_ttl)
            t->least_ttl = set->ttl;
    }
    return true;
}

/* Notes where the target of the record stands whose data were written at `to`. */
static inline void note_target(const struct express_query *q, struct targets *t, const uint8_t *record,
                               const uint8_t *to)
{
    size_t at = (size_t)(to - q->datagram->packet) + RECORD_HEAD + 2 + SRV_FIXED;
    for (unsigned i = 0; i < t->count; i++)
        if (t->at[i].record == record && t->at[i].owner == 0)
            t->at[i].owner = (uint16_t)(0xc000 | at);
}

static bool answer_services(struct express_query *q, const struct rrset *set, struct worker *w)
{
    struct targets t;
    t.count = t.records = 0;
    t.size = 0;
    t.least_ttl = set->ttl;
    const uint8_t *data = set->data;
    if (q->end + set_size(set) > q->room)
        return false;
    for (unsigned i = 0; i < set->count; i++, data = next_record(data))
        if (!add_target(q, data, &t))
            return false;
    if (q->end + set_size(set) + t.size > q->room)
        return false;
    bool one = q->zone->one_ttl;
    uint32_t ttl = one ? bound(t.least_ttl, &q->zone->found) : set->ttl;
    uint8_t *to = q->datagram->packet + q->end;
    unsigned first = begin_with(q, set, w);
    data = set->data;
    for (unsigned i = 0; i < first; i++)
        data = next_record(data);
    for (unsigned i = 0; i < set->count; i++, data = next_record(data)) {
        if (first + i == set->count)
            data = set->data;
        note_target(q, &t, data, to);
        to = put_record(to, QUESTION, RR_SRV, ttl, data);
    }
    for (unsigned i = 0; i < t.count; i++)
        for (unsigned k = 0; k < 2; k++) {
            const struct rrset *a = &t.at[i].sets[k];
            if (a->count > 0)
                to = put_set(to, t.at[i].owner, a, one ? ttl : a->ttl, begin_with(q, a, w));
        }
    return finish(q, to, RCODE_NOERROR, set->count, 0, t.records);
}

/* ---- a question ---- */

/* What answers for a name that is not there, as in zone_answer(); NULL where nothing does. */
static inline const struct node *stand_in(const struct express_query *q)
{
    const struct node *n =
        zone_has_wildcards(q->version) ? zone_wildcard(q->version, q->lname, q->len) : NULL;
    zone_respell *respell = q->zone->end->respell;
    unsigned below = (unsigned)(q->labels - q->zone->apex_labels);
    if (n != NULL || respell == NULL ||
        (q->zone->may_respell != NULL && !q->zone->may_respell(q->lname, q->starts, below)))
        return n;
    return respell(&q->zone->served->spelling, q->version, q->lname, q->len);
}

/* Not inlined: what is denied shall not pay for its stack. */
static __attribute__((noinline)) bool answer_from(struct express_query *q, const struct node *n,
                                                  struct worker *w)
{
    struct rrset set;
    if (node_rrset(n, q->facts.qtype, &set))
        return q->facts.qtype == RR_SRV ? answer_services(q, &set, w) : answer_set(q, &set, w);
    return node_rrset(n, RR_CNAME, &set) ? false : deny(q, RCODE_NOERROR);
}

bool express_answer(struct express_query *q, struct worker *w)
{
    const struct node *n = q->node != NULL ? q->node : stand_in(q);
    return n != NULL ? answer_from(q, n, w) : deny(q, RCODE_NXDOMAIN);
}
