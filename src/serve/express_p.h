/* A question on the short way: what express.c hands to express_answer.c. */
#ifndef SEAMARK_SERVE_EXPRESS_P_H
#define SEAMARK_SERVE_EXPRESS_P_H

#include "base/cursor.h"
#include "metrics/query_metrics.h"
#include "serve/express.h"
#include "zone/zone_denial.h"

#define OPT_LEN 11 /* an OPT record without options (RFC 6891 section 6.1.2) */

/* Where questions are answered from: a zone as it is during this batch, or what is kept for names of none. */
struct express_place {
    const struct express_zone *zone;
    const struct zone_version *version; /* NULL: what is kept; then the rest means nothing */
    const struct zone_denial *denial;   /* NULL: it has none */
    uint32_t denial_ttl;                /* what an answer says */
    uint16_t denial_len;                /* octets of it, without compression */
    bool wildcards;                     /* there are such */
};

struct express_query {
    struct express_datagram *datagram;
    struct query_facts facts; /* what is counted of it; the answer's part is set by express_answer() */
    const struct express_place *place;
    const struct node *node; /* of the name itself; NULL: it is not there */
    struct rrset set;        /* that answers; without records where it is denied */
    uint32_t additional;     /* octets of what goes with an SRV answer, without compression */
    uint64_t hash;
    uint16_t udp_size; /* of OPT, as the client is told */
    uint16_t room;     /* octets that the answer may take, OPT left out */
    uint16_t end;      /* octets of header and question */
    bool has_edns;
    uint8_t len;   /* of the name */
    uint8_t front; /* octets of it before the zone's own name */
    /* Lower case. It ends in the zone's name, but what is before that has not been looked at: a name that the
     * zone has, octet by octet, needs no look, and one that it has not may be none at all. */
    uint8_t lname[NAME_MAX_LEN + 1];
};

/* Header and OPT around what was written up to `to`. `flags` with the rcode, and without QR, RD and CD. */
static inline bool express_finish(struct express_query *q, uint8_t *to, uint16_t flags, uint16_t answers,
                                  uint16_t authorities, uint16_t additionals)
{
    uint8_t *packet = q->datagram->packet;
    uint16_t asked = wire_u16(packet + 2);
    wire_put_u16(packet + 2, (uint16_t)(FLAG_QR | flags | (asked & (FLAG_RD | FLAG_CD))));
    wire_put_u64(packet + 4,
                 (uint64_t)1 << 48 | (uint64_t)answers << 32 | (uint32_t)authorities << 16 | additionals);
    if (q->has_edns) {
        wire_put_u16(packet + 10, (uint16_t)(additionals + 1));
        *to = 0;
        wire_put_u16(to + 1, RR_OPT);
        wire_put_u16(to + 3, q->udp_size);
        wire_put_u32(to + 5, q->facts.dnssec_ok ? 0x8000 : 0);
        wire_put_u16(to + 9, 0);
        to += OPT_LEN;
    }
    q->facts.rcode = flags & 15;
    q->facts.response_size = (size_t)(to - packet);
    q->datagram->answer = (uint16_t)(to - packet);
    return true;
}

/* Tells the stage that wants to know of it of a question that was answered and took `ns`. */
void express_tell(const struct express_query *q, struct worker *w, uint64_t ns);

/* The TTL of what denies, in a place that has such. */
uint32_t express_denial_ttl(const struct express_place *p);

/* Writes the answer over the question and notes its length in the datagram; false, with the packet as it was,
 * where it is the chain's. In a read section. */
bool express_answer(struct express_query *q, struct worker *w);

/* The same in a place of what a stage has kept: first the question to the stage, for all of a batch (the
 * memory that it needs is fetched meanwhile), then the answer. */
void express_ask_kept(const struct express_query *q, uint64_t now_ns, struct express_question *out);
bool express_answer_kept(struct express_query *q, const struct express_question *question, struct worker *w);

#endif
