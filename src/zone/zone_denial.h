/*
 * What a negative answer says in its authority section (RFC 2308): the zone's SOA, written once for each
 * version of the zone, so that an answer has to copy it and to put in where the question's name stands.
 *
 * The record is there twice, both times without its owner and beginning with its type: as it is, and packed,
 * where the names in it end with a pointer to the zone's own name (RFC 1035 section 4.1.4) if they are in the
 * zone. The owner is the end of the question's name, to which these pointers lead too.
 */
#ifndef SEAMARK_ZONE_ZONE_DENIAL_H
#define SEAMARK_ZONE_ZONE_DENIAL_H

#include "zone/zone.h"

struct zone_denial {
    uint32_t ttl;     /* of the record */
    uint32_t minimum; /* its last field */
    uint16_t len;
    uint16_t packed_len;
    uint8_t npointers;
    uint16_t pointers[2]; /* where in the packed record pointers stand; both the same where it is one */
    uint8_t octets[];     /* `len` octets, then `packed_len`, then ZONE_DENIAL_BLOCK that say nothing */
};

#define ZONE_DENIAL_TTL_AT 4 /* in the record, without its owner */
/* Either record may be read in blocks of so many octets, the last one whole however short the rest is: a
 * known number is copied with fewer instructions, and most records are one block. */
#define ZONE_DENIAL_BLOCK 64

/* Of the zone with that apex and that SOA, whose names have been checked. NULL without memory. For
 * zone_commit(); free with free(). */
struct zone_denial *zone_denial_new(const uint8_t *apex, const struct rrset *soa);

/* The version's; NULL in a zone that never had a transaction. Any registered RCU reader. */
const struct zone_denial *zone_denial_of(const struct zone_version *v);

#endif
