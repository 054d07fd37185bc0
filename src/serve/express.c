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

/* Where the name's labels begin; false where it is none, or the root. */
static inline bool read_labels(struct express_query *q, const uint8_t *name, size_t room)
{
    unsigned at = 0, labels = 0, len, end = room > NAME_MAX_LEN ? NAME_MAX_LEN : (unsigned)room;
    while ((len = name[at]) != 0) {
        q->starts[labels++] = (uint8_t)at;
        at += 1 + len;
        if (len > NAME_MAX_LABEL || at >= end)
            return false;
    }
    q->len = (uint8_t)(at + 1);
    q->labels = (uint8_t)labels;
    return labels > 0;
}

/* One OPT without options and nothing behind it. */
static inline bool read_opt(struct express_query *q, const uint8_t *opt)
{
    q->has_edns = true;
    q->udp_size = wire_u16(opt + 3);
    q->facts.dnssec_ok = (opt[7] & 0x80) != 0;
    return opt[0] == 0 && wire_u16(opt + 1) == RR_OPT && opt[6] == 0 && wire_u16(opt + 9) == 0;
}

/* False where the chain is to look at it, be it that it is not even a question. */
static inline bool read_question(struct express_query *q, const uint8_t *packet, size_t size)
{
    if (size < DNS_HEADER_LEN + 7 || (packet[2] & 0xf8) != 0 ||           /* QR, opcode */
        wire_u32(packet + 4) != 0x00010000 || wire_u32(packet + 8) > 1 || /* one question, OPT at the most */
        !read_labels(q, packet + DNS_HEADER_LEN, size - DNS_HEADER_LEN))
        return false;
    size_t end = DNS_HEADER_LEN + q->len + 4u, rest = packet[11] != 0 ? OPT_LEN : 0;
    if (size != end + rest)
        return false;
    q->end = (uint16_t)end;
    q->has_edns = q->facts.dnssec_ok = false;
    q->facts.qtype = wire_u16(packet + end - 4);
    q->facts.request_size = size;
    return wire_u16(packet + end - 2) == CLASS_IN && is_plain_type(q->facts.qtype) &&
           (rest == 0 || read_opt(q, packet + end));
}

/* Whether the longest zone in the table of the name is that one: one of those than which none is longer. */
static inline bool is_in(const struct express_query *q, const struct express_zone *z)
{
    if (!z->deepest || z->labels > q->labels)
        return false;
    unsigned at = q->starts[q->labels - z->labels];
    return express_zone_is(z, q->lname + at, q->len - at);
}

/* What the answer may take (RFC 6891 section 6.2.3: values below 512 count as 512). */
static inline void set_room(struct express_query *q)
{
    unsigned most = q->zone->max_udp;
    q->room = 512;
    if (!q->has_edns)
        return;
    if (most != 0 && q->udp_size > most)
        q->udp_size = (uint16_t)most;
    unsigned room = q->udp_size < 512 ? 512 : q->udp_size;
    q->room = (uint16_t)((room < EXPRESS_ROOM ? room : EXPRESS_ROOM) - OPT_LEN);
}

/* Where the question before it was answered from, which the next one nearly always is too. */
struct place {
    const struct express_zone *zone;
    const struct zone_version *version;
};

/* A question that goes this way: its zone's version is there. */
static inline bool take(struct express_query *q, const struct express_table *t, struct express_datagram *d,
                        struct place *last)
{
    d->answer = 0;
    if (!read_question(q, d->packet, d->size))
        return false;
    q->hash = name_lower_hash(q->lname, d->packet + DNS_HEADER_LEN, q->len);
    if (last->zone == NULL || !is_in(q, last->zone)) {
        const struct express_zone *z = express_table_find(t, q->lname, q->len, q->starts, q->labels);
        const struct zone *zone = z == NULL ? NULL : watched_zone_read(z->served->watched);
        if (zone == NULL)
            return false; /* not ours, or not loaded */
        *last = (struct place){z, zone_current(zone)};
    }
    q->zone = last->zone;
    q->version = last->version;
    q->datagram = d;
    q->facts.ipv6 = d->ipv6;
    set_room(q);
    return true;
}

/* ---- a batch ---- */

/* All took as long: until the last was written. Neighbours mostly have a zone in common. */
static void count_durations(const struct express_query *q, unsigned n, uint64_t ns)
{
    for (unsigned i = 0; i < n;) {
        const struct express_zone *zone = q[i].zone;
        unsigned answered = 0;
        for (; i < n && q[i].zone == zone; i++)
            answered += q[i].datagram->answer != 0;
        if (answered > 0 && zone->route->metrics != NULL)
            route_metrics_count_durations(zone->route->metrics, ns, answered);
    }
}

unsigned express_serve(struct express_work *work, const struct express_table *t, struct worker *w,
                       struct express_datagram *d, unsigned count, uint64_t received_ns)
{
    struct express_query *q = work->queries;
    struct place last = {0};
    unsigned n = 0, answered = 0;
    rcu_reader_begin();
    for (unsigned i = 0; i < count; i++)
        n += take(&q[n], t, &d[i], &last);
    for (unsigned i = 0; i < n; i++)
        q[i].node = zone_find(q[i].version, q[i].lname, q[i].len, q[i].hash);
    for (unsigned i = 0; i < n; i++) {
        const struct route_metrics *m = q[i].zone->route->metrics;
        if (!express_answer(&q[i], w))
            continue;
        answered++;
        if (m != NULL)
            route_metrics_count_facts(m, &q[i].facts, q[i].zone->stage);
    }
    rcu_reader_end();
    if (n > 0)
        count_durations(q, n, clock_ns() - received_ns);
    return answered;
}
