#include "serve/express.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/rcu.h"
#include "metrics/query_metrics.h"
#include "serve/express_p.h"

struct express_work {
    struct express_query queries[EXPRESS_BATCH];
    struct express_question kept[EXPRESS_BATCH]; /* of those whose place has no zone */
    struct express_place places[EXPRESS_BATCH];  /* of them; neighbours have one in common */
    unsigned nplaces;
};

struct express_work *express_work_new(void)
{
    return calloc(1, sizeof(struct express_work));
}

/* ---- reading a question ---- */

/* Types whose answers are written here. The others are rare, or their answers are not those of the name. */
static inline bool is_plain_type(uint16_t type)
{
    const uint64_t low = UINT64_C(1) << RR_A | UINT64_C(1) << RR_PTR | UINT64_C(1) << RR_TXT |
                         UINT64_C(1) << RR_AAAA | UINT64_C(1) << RR_SRV;
    return type < 64 ? low >> type & 1 : type == RR_HTTPS || type == RR_SVCB;
}

/* One OPT without options and nothing behind it. */
static inline bool read_opt(struct express_query *q, const uint8_t *opt)
{
    q->has_edns = true;
    q->udp_size = wire_u16(opt + 3);
    q->facts.dnssec_ok = (opt[7] & 0x80) != 0;
    return opt[0] == 0 && wire_u16(opt + 1) == RR_OPT && opt[6] == 0 && wire_u16(opt + 9) == 0;
}

/* False where the chain is to look at it, be it that it is not even a question. As nothing stands before the
 * name, and at most an OPT of known length behind it, its length is known; the name itself is not read. */
static inline bool read_question(struct express_query *q, const uint8_t *packet, unsigned size)
{
    const uint64_t one_question = UINT64_C(1) << 48; /* and no record, or one: the OPT */
    uint64_t counts = wire_u64(packet + 4) ^ one_question;
    unsigned end = size - (counts != 0 ? OPT_LEN : 0), len = end - 4 - DNS_HEADER_LEN;
    if (counts > 1 || (packet[2] & 0xf8) != 0 ||                       /* QR, opcode */
        size < DNS_HEADER_LEN || len - 3 > (unsigned)NAME_MAX_LEN - 3) /* the root's names are not ours */
        return false;
    uint32_t type_class = wire_u32(packet + end - 4);
    q->end = (uint16_t)end;
    q->len = (uint8_t)len;
    q->has_edns = q->facts.dnssec_ok = false;
    q->facts.qtype = (uint16_t)(type_class >> 16);
    q->facts.request_size = size;
    return (uint16_t)type_class == CLASS_IN && is_plain_type(q->facts.qtype) &&
           (counts == 0 || read_opt(q, packet + end));
}

/* What the answer may take (RFC 6891 section 6.2.3: values below 512 count as 512). */
static inline void set_room(struct express_query *q)
{
    q->room = 512;
    if (!q->has_edns)
        return;
    unsigned most = q->place->zone->max_udp;
    if (most != 0 && q->udp_size > most)
        q->udp_size = (uint16_t)most;
    unsigned room = q->udp_size < 512 ? 512 : q->udp_size;
    q->room = (uint16_t)((room < EXPRESS_ROOM ? room : EXPRESS_ROOM) - OPT_LEN);
}

/* ---- where it is answered from ---- */

/* Where the name's labels begin, and their number; 0 where it is none, or the root. */
static unsigned read_labels(const uint8_t *name, unsigned len, uint8_t *starts)
{
    unsigned at = 0, labels = 0;
    while (name[at] != 0) {
        starts[labels++] = (uint8_t)at;
        at += 1u + name[at];
        if (name[starts[labels - 1]] > NAME_MAX_LABEL || at >= len)
            return 0;
    }
    return at + 1 == len ? labels : 0;
}

/* The place of a question that is not answered from where the one before it was; NULL: it is not ours, or
 * not loaded. */
static const struct express_place *new_place(struct express_work *work, const struct express_table *t,
                                             const struct express_query *q)
{
    uint8_t starts[NAME_MAX_LEN / 2 + 1];
    unsigned labels = read_labels(q->lname, q->len, starts);
    const struct express_zone *z =
        labels == 0 ? NULL : express_table_find(t, q->lname, q->len, starts, labels);
    bool kept = z != NULL && z->kept != NULL;
    const struct zone *zone = z == NULL || kept ? NULL : watched_zone_read(z->served->watched);
    if (zone == NULL && !kept)
        return NULL;
    struct express_place *p = &work->places[work->nplaces++];
    *p = (struct express_place){.zone = z};
    if (kept)
        return p;
    p->version = zone_current(zone);
    p->wildcards = zone_has_wildcards(p->version);
    p->denial = zone_denial_of(p->version);
    if (p->denial != NULL) {
        p->denial_ttl = express_denial_ttl(p);
        p->denial_len = p->denial->len;
    }
    return p;
}

/* Whether it is answered from there for sure. */
static inline bool is_at(const struct express_query *q, const struct express_place *p)
{
    const struct express_zone *z = p->zone;
    return z->by_end && z->len <= q->len && express_same(z->name, q->lname + q->len - z->len, z->len);
}

/* A question that goes this way: its zone's version is there, or its answer may be kept. */
static inline bool take(struct express_work *work, struct express_query *q, const struct express_table *t,
                        struct express_datagram *d, const struct express_place **last)
{
    d->answer = 0;
    if (!read_question(q, d->packet, d->size))
        return false;
    q->hash = name_lower_hash(q->lname, d->packet + DNS_HEADER_LEN, q->len);
    if (*last == NULL || !is_at(q, *last)) {
        const struct express_place *p = new_place(work, t, q);
        if (p == NULL)
            return false;
        *last = p;
    }
    q->place = *last;
    q->front = (uint8_t)(q->len - q->place->zone->apex_len);
    q->datagram = d;
    q->facts.ipv6 = address_is_ipv6(d->client);
    q->facts.response_size = 0;
    set_room(q);
    return true;
}

/* ---- a batch ---- */

/* All took as long: until the last was written. Neighbours mostly have a zone in common. */
static void count_all(const struct express_query *q, unsigned n, struct worker *w, uint64_t ns)
{
    for (unsigned i = 0, first = 0; i < n; first = i) {
        const struct express_zone *zone = q[i].place->zone;
        do
            i++;
        while (i < n && q[i].place->zone == zone);
        if (zone->route->metrics != NULL)
            route_metrics_count_bulk(zone->route->metrics, &q[first].facts, sizeof *q, i - first, zone->stage,
                                     ns);
        for (unsigned k = first; zone->tell != NULL && k < i; k++)
            if (q[k].datagram->answer != 0)
                express_tell(&q[k], w, ns);
    }
}

/* Looks up the names of all questions, where their zones are. */
static inline void find_all(struct express_work *work, unsigned n, uint64_t now_ns)
{
    struct express_query *q = work->queries;
    bool any_kept = false;
    for (unsigned i = 0; i < n; i++) {
        if (q[i].place->version != NULL) {
            q[i].node = zone_find(q[i].place->version, q[i].lname, q[i].len, q[i].hash);
            continue;
        }
        express_ask_kept(&q[i], now_ns, &work->kept[i]);
        any_kept = true;
    }
    for (unsigned i = 0; any_kept && i < n; i++) {
        const struct express_zone *z = q[i].place->zone;
        if (q[i].place->version == NULL)
            z->fetch_kept(z->kept_state, &work->kept[i], 1);
    }
}

unsigned express_serve(struct express_work *work, const struct express_table *t, struct worker *w,
                       struct express_datagram *d, unsigned count, uint64_t received_ns)
{
    struct express_query *q = work->queries;
    const struct express_place *last = NULL;
    unsigned n = 0, answered = 0;
    work->nplaces = 0;
    rcu_reader_begin();
    for (unsigned i = 0; i < count; i++)
        n += take(work, &q[n], t, &d[i], &last);
    find_all(work, n, received_ns);
    for (unsigned i = 0; i < n; i++)
        answered += q[i].place->version != NULL ? express_answer(&q[i], w)
                                                : express_answer_kept(&q[i], &work->kept[i], w);
    rcu_reader_end();
    if (n > 0)
        count_all(q, n, w, clock_ns() - received_ns);
    return answered;
}
