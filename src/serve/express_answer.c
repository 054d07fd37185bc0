#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/cursor.h"
#include "serve/express_p.h"
#include "zone/zone_wildcard.h"

#define RECORD_HEAD 10 /* an owner that is a pointer, type, class, TTL: what rrset data do not have */
#define SRV_FIXED   6  /* octets of SRV rdata before the target */
#define TARGETS_MAX 32 /* of one SRV answer; with more it would hardly fit into a datagram */

/* The longest denial, copied in whole blocks: a question, the SOA's owner as a pointer, its names. */
#define DENIAL_MAX (DNS_HEADER_LEN + NAME_MAX_LEN + 4 + 2 + 10 + 2 * NAME_MAX_LEN + 20)
static_assert(DENIAL_MAX + ZONE_DENIAL_BLOCK <= EXPRESS_ROOM, "blocks stay in the buffer");

/* The pointer to the question's name. */
#define QUESTION (0xc000 | DNS_HEADER_LEN)

static inline uint32_t bound(uint32_t ttl, const struct express_ttl *b)
{
    if (ttl < b->least_s)
        ttl = b->least_s;
    return ttl > b->most_s ? b->most_s : ttl;
}

uint32_t express_denial_ttl(const struct express_place *p)
{
    const struct zone_denial *d = p->denial;
    return p->zone->one_ttl ? bound(d->minimum < d->ttl ? d->minimum : d->ttl, &p->zone->denied) : d->ttl;
}

/* From a zone we have authority for. */
static inline bool finish(struct express_query *q, uint8_t *to, uint16_t rcode, uint16_t answers,
                          uint16_t authorities, uint16_t additionals)
{
    return express_finish(q, to, FLAG_AA | rcode, answers, authorities, additionals);
}

/* ---- no records ---- */

/* Whether the name is below "pod." in its zone, or looks like it: what the zone does not have of it may be
 * made up. */
static inline bool is_of_pods(const struct express_query *q)
{
    return q->place->zone->pods_made_up && q->front >= 4 && memcmp(q->lname + q->front - 4, "\3pod", 4) == 0;
}

static __attribute__((noinline)) bool deny(struct express_query *q, uint16_t rcode)
{
    const struct express_place *p = q->place;
    const struct zone_denial *d = p->denial;
    uint8_t *packet = q->datagram->packet, *to = packet + q->end;
    if (d == NULL || (rcode == RCODE_NXDOMAIN && p->zone->falls_through) || is_of_pods(q))
        return false;
    /* Names in the record keep their case: they end in the question where that has it too. */
    bool packed = d->npointers > 0 &&
                  express_same(packet + DNS_HEADER_LEN + q->front, q->lname + q->front, p->zone->apex_len);
    size_t len = packed ? d->packed_len : d->len;
    const uint8_t *record = packed ? d->octets + d->len : d->octets;
    if (q->end + 2 + len > q->room)
        return false;
    uint16_t pointer = (uint16_t)(0xc000 | (DNS_HEADER_LEN + q->front));
    wire_put_u16(to, pointer);
    to += 2;
    for (size_t at = 0; at < len; at += ZONE_DENIAL_BLOCK)
        memcpy(to + at, record + at, ZONE_DENIAL_BLOCK);
    if (packed) {
        wire_put_u16(to + d->pointers[0], pointer);
        wire_put_u16(to + d->pointers[1], pointer);
    }
    wire_put_u32(to + ZONE_DENIAL_TTL_AT, p->denial_ttl);
    q->set.count = 0;
    return finish(q, to + len, rcode, 0, 1, 0);
}

/* ---- records ---- */

/* What the records of one set begin with: an owner that is a pointer, type, class and TTL, in wire order. */
struct record_head {
    uint64_t first;
    uint16_t last;
};

static inline struct record_head head_of(uint16_t owner, uint16_t type, uint32_t ttl)
{
    uint64_t first = (uint64_t)owner << 48 | (uint64_t)type << 32 | CLASS_IN << 16 | ttl >> 16;
    return (struct record_head){htobe64(first), htobe16((uint16_t)ttl)};
}

/* Adds a record of which `data`, `len` octets, is the rdata with its length; returns where the next one goes.
 */
static inline uint8_t *put_record(uint8_t *to, struct record_head head, const uint8_t *data, size_t len)
{
    memcpy(to, &head.first, sizeof head.first);
    memcpy(to + sizeof head.first, &head.last, sizeof head.last);
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

static inline size_t data_len(const uint8_t *data)
{
    return 2u + wire_u16(data);
}

/* The data of the set's record number `index`. */
static inline const uint8_t *record_at(const struct rrset *set, unsigned index)
{
    const uint8_t *data = set->data;
    for (; index > 0; index--)
        data += data_len(data);
    return data;
}

/* Adds a set, from its record number `first` on and round. */
static inline uint8_t *put_set(uint8_t *to, uint16_t owner, const struct rrset *set, uint32_t ttl,
                               unsigned first)
{
    struct record_head head = head_of(owner, set->type, ttl);
    const uint8_t *data = record_at(set, first), *end = set->data + set->data_len;
    for (unsigned left = set->count; left > 0; left--) {
        size_t len = data_len(data);
        to = put_record(to, head, data, len);
        data += len;
        if (data == end)
            data = set->data;
    }
    return to;
}

/* The record to begin with. */
static inline unsigned begin_with(const struct express_query *q, const struct rrset *set, struct worker *w)
{
    if (set->count <= 1 || !q->place->zone->rotate)
        return 0;
    return (unsigned)((worker_random(w) >> 32) * set->count >> 32); /* no division, which is slow */
}

static inline uint32_t ttl_of(const struct express_query *q)
{
    return q->place->zone->one_ttl ? bound(q->set.ttl, &q->place->zone->found) : q->set.ttl;
}

/* Not inlined, as all that is rarer than one record: that shall not pay for their registers. */
static __attribute__((noinline)) bool answer_several(struct express_query *q, struct worker *w)
{
    uint8_t *to = q->datagram->packet + q->end;
    if (q->end + set_size(&q->set) > q->room)
        return false;
    to = put_set(to, QUESTION, &q->set, ttl_of(q), begin_with(q, &q->set, w));
    return finish(q, to, RCODE_NOERROR, q->set.count, 0, 0);
}

static inline bool answer_one(struct express_query *q)
{
    uint8_t *to = q->datagram->packet + q->end;
    if (q->end + set_size(&q->set) > q->room)
        return false;
    to = put_record(to, head_of(QUESTION, q->set.type, ttl_of(q)), q->set.data, q->set.data_len);
    return finish(q, to, RCODE_NOERROR, 1, 0, 0);
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
    size_t size, raw_size; /* octets of their addresses, and without compression */
    unsigned records;
    uint32_t least_ttl;
};

static bool add_target(const struct express_query *q, const uint8_t *record, struct targets *t)
{
    static const uint16_t types[] = {RR_A, RR_AAAA};
    uint8_t lname[NAME_MAX_LEN];
    uint16_t rdlen = wire_u16(record);
    if (rdlen <= SRV_FIXED || rdlen > SRV_FIXED + NAME_MAX_LEN)
        return true; /* it has none */
    size_t len = rdlen - (size_t)SRV_FIXED;
    uint64_t hash = name_lower_hash(lname, record + 2 + SRV_FIXED, len);
    const struct node *n = zone_find(q->place->version, lname, len, hash);
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
        t->raw_size += set->data_len + set->count * (len + 8);
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

static __attribute__((noinline)) bool answer_services(struct express_query *q, struct worker *w)
{
    const struct rrset *set = &q->set;
    const uint8_t *data = set->data, *end = set->data + set->data_len;
    struct targets t;
    t.count = t.records = 0;
    t.size = t.raw_size = 0;
    t.least_ttl = set->ttl;
    if (q->end + set_size(set) > q->room)
        return false;
    for (; data < end; data += data_len(data))
        if (!add_target(q, data, &t))
            return false;
    if (q->end + set_size(set) + t.size > q->room)
        return false;
    bool one = q->place->zone->one_ttl;
    uint32_t ttl = one ? bound(t.least_ttl, &q->place->zone->found) : set->ttl;
    struct record_head head = head_of(QUESTION, RR_SRV, ttl);
    uint8_t *to = q->datagram->packet + q->end;
    data = record_at(set, begin_with(q, set, w));
    for (unsigned left = set->count; left > 0; left--) {
        size_t len = data_len(data);
        note_target(q, &t, data, to);
        to = put_record(to, head, data, len);
        data = data + len == end ? set->data : data + len;
    }
    for (unsigned i = 0; i < t.count; i++)
        for (unsigned k = 0; k < 2; k++) {
            const struct rrset *a = &t.at[i].sets[k];
            if (a->count > 0)
                to = put_set(to, t.at[i].owner, a, one ? ttl : a->ttl, begin_with(q, a, w));
        }
    q->additional = (uint32_t)t.raw_size;
    return finish(q, to, RCODE_NOERROR, set->count, 0, (uint16_t)t.records);
}

/* ---- a question ---- */

/* Whether another stage answers it. The name is one: it has been looked at, or the zone has it. */
static inline bool is_claimed(const struct express_query *q)
{
    const struct express_zone *z = q->place->zone;
    return z->claims != NULL && z->claims(z->claims_state, q->lname, q->len, q->hash, q->facts.qtype);
}

/* What the zone has at the node answers. */
static inline bool answer_from(struct express_query *q, const struct node *n, struct worker *w)
{
    if (!node_rrset_or_alias(n, q->facts.qtype, &q->set))
        return deny(q, RCODE_NOERROR);
    if (q->set.type == RR_SRV)
        return answer_services(q, w);
    if (q->set.type == RR_CNAME)
        return false;
    return q->set.count == 1 ? answer_one(q) : answer_several(q, w);
}

/* How many labels stand before the zone's name; -1 where the name is none. */
static inline int count_front(const struct express_query *q)
{
    unsigned at = 0;
    int labels = 0;
    while (at < q->front) {
        unsigned len = q->lname[at];
        if (len - 1 > NAME_MAX_LABEL - 1)
            return -1;
        at += 1 + len;
        labels++;
    }
    return at == q->front ? labels : -1;
}

/* A name that is not there: as in zone_answer(), something may answer for it. */
static __attribute__((noinline)) bool answer_unknown(struct express_query *q, struct worker *w)
{
    const struct express_place *p = q->place;
    const struct node *n = NULL;
    zone_respell *respell = p->zone->end->respell;
    int below = count_front(q);
    if (below < 0 || is_claimed(q))
        return false;
    if (p->wildcards)
        n = zone_wildcard(p->version, q->lname, q->len);
    if (n == NULL && respell != NULL &&
        (p->zone->may_respell == NULL || p->zone->may_respell(q->lname, q->front, (unsigned)below)))
        n = respell(&p->zone->served->spelling, p->version, q->lname, q->len);
    return n != NULL ? answer_from(q, n, w) : deny(q, RCODE_NXDOMAIN);
}

bool express_answer(struct express_query *q, struct worker *w)
{
    if (q->node == NULL)
        return answer_unknown(q, w);
    return !is_claimed(q) && answer_from(q, q->node, w);
}
