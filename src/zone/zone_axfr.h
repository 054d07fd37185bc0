/*
 * A version of a zone as messages of a zone transfer (RFC 5936): the SOA, every other record, the SOA again.
 * Owners come in no order, but all records of one owner together.
 *
 * Any thread; the version is held (zone_hold) or read within one read section.
 */
#ifndef SEAMARK_ZONE_ZONE_AXFR_H
#define SEAMARK_ZONE_ZONE_AXFR_H

#include "dns/reply.h"
#include "zone/zone.h"

/* A message is full at so many octets: names that stand further back cannot be pointed to (RFC 1035 section
 * 4.1.4), and making one takes some 0.1 ms. */
#define TRANSFER_MESSAGE_LEN 16384

struct zone_axfr {
    const struct zone_version *version;
    struct zone_cursor cursor;
    const struct node *node; /* whose records are being sent */
    unsigned next_set;       /* of the node */
    struct rrset set;
    const uint8_t *at; /* of the set */
    unsigned left;     /* records of the set */
    bool begun;
    uint64_t sent; /* records so far */
};

void zone_axfr_begin(struct zone_axfr *a, const struct zone_version *v);

/* Fills a message, which is begun and has no records. 1 where there is more to come, 0 where the last SOA is
 * in it, ERR_SPACE where a record does not fit into any message. */
int zone_axfr_fill(struct zone_axfr *a, struct reply *r);

/* Adds a record of a transfer to the answer section. 0 where the message is full and it was not added;
 * ERR_SPACE where it would not fit into an empty message either; else 1. */
int transfer_add(struct reply *r, const struct rr *rr);

/* The version's SOA, with another serial: *rr points into it, and its rdata to `rdata`. */
#define SOA_RDATA_MAX (2 * NAME_MAX_LEN + 20)
void zone_soa_at(const struct zone_version *v, uint32_t serial, struct rr *rr, uint8_t rdata[SOA_RDATA_MAX]);

#endif
