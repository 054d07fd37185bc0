/* A question on the short way: what express.c hands to express_answer.c. */
#ifndef SEAMARK_SERVE_EXPRESS_P_H
#define SEAMARK_SERVE_EXPRESS_P_H

#include "metrics/query_metrics.h"
#include "serve/express.h"
#include "zone/zone_denial.h"

#define OPT_LEN 11 /* an OPT record without options (RFC 6891 section 6.1.2) */

/* Where questions are answered from: a zone as it is during this batch. */
struct express_place {
    const struct express_zone *zone;
    const struct zone_version *version;
    const struct zone_denial *denial; /* NULL: it has none */
    uint32_t denial_ttl;              /* what an answer says */
    uint16_t denial_len;              /* octets of it, without compression */
    bool wildcards;                   /* there are such */
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

/* Tells the stage that wants to know of it of a question that was answered and took `ns`. */
void express_tell(const struct express_query *q, struct worker *w, uint64_t ns);

/* The TTL of what denies, in a place that has such. */
uint32_t express_denial_ttl(const struct express_place *p);

/* Writes the answer over the question and notes its length in the datagram; false, with the packet as it was,
 * where it is the chain's. In a read section. */
bool express_answer(struct express_query *q, struct worker *w);

#endif
