/*
 * Answering a question from a zone: hit, NODATA, NXDOMAIN and CNAME chains are decided here and nowhere else
 * (RFC 1034 section 4.3.2, without delegations, which zones of a cluster do not have; RFC 4592 for wildcards;
 * RFC 2308 for negative answers; RFC 8020: an empty non-terminal exists). Any registered RCU reader, within
 * one read section.
 */
#ifndef SEAMARK_ZONE_ZONE_ANSWER_H
#define SEAMARK_ZONE_ZONE_ANSWER_H

#include "dns/reply.h"
#include "zone/zone.h"

/* CNAMEs followed inside a zone: CoreDNS's limit, and more than any sane chain. */
#define ZONE_CNAME_MAX 11

enum zone_outcome {
    ZONE_HIT,       /* records in the answer section, additional ones where they help */
    ZONE_NODATA,    /* the name exists; SOA in the authority section */
    ZONE_NXDOMAIN,  /* it does not. Nothing was added but, where CNAMEs led here, those */
    ZONE_CNAME_OUT, /* the answer ends with a CNAME whose target is outside of the zone: `target` is set */
};

/* Names that the server knows without their standing in the zone: the node that answers for `lname` (lower
 * case, `len` octets, in the zone, not there), or NULL. The owner in the answer stays the name that was asked
 * for. */
typedef const struct node *zone_respell(const void *ctx, const struct zone_version *v, const uint8_t *lname,
                                        size_t len);

/* Names whose records of one type stand at another: the node that answers for the node `n` and that type,
 * often `n` itself. The owner stays likewise. */
typedef const struct node *zone_adapt(const void *ctx, const struct zone_version *v, const struct node *n,
                                      uint16_t qtype);

struct zone_question {
    const uint8_t *lname; /* lower case */
    size_t len;
    uint64_t hash;
    uint16_t qtype;
    size_t enough;         /* octets from which on nothing more is added: it would be cut anyway */
    uint64_t rotate;       /* a random number: where large rrsets begin; 0 for the zone's order */
    zone_respell *respell; /* or NULL; asked last, for the question's name and for where CNAMEs lead */
    zone_adapt *adapt;     /* or NULL; asked of every name on the way */
    const void *names_ctx; /* of these two */
    const uint8_t *target; /* out, where the answer ends with a CNAME: its target; points into the zone */
};

/* Adds to `r`, which is begun. ANY is answered as CoreDNS does: the name exists or not, never records. */
enum zone_outcome zone_answer(const struct zone_version *v, struct zone_question *q, struct reply *r);

/* Adds the SOA to the authority section, for a negative answer to a question in the zone. */
void zone_answer_soa(const struct zone_version *v, struct reply *r);

#endif
