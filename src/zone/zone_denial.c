#include "zone/zone_denial.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

#define HEAD      10 /* type, class, TTL, length of the rdata */
#define RDLEN_AT  8
#define SOA_FIXED 20 /* octets behind the two names */

/* Writes the name, its end in the zone as a pointer that is yet to be put in; returns where it goes on. */
static uint8_t *put_packed(struct zone_denial *d, const uint8_t *start, uint8_t *to, const uint8_t *name,
                           const uint8_t *apex)
{
    size_t len = name_len(name), apex_len = name_len(apex), front = len - apex_len;
    /* A target keeps its case, so its end must be the apex octet by octet. */
    bool packs = apex_len > 2 && name_in(name, apex) && memcmp(name + front, apex, apex_len) == 0;
    memcpy(to, name, packs ? front : len);
    if (!packs)
        return to + len;
    d->pointers[d->npointers++] = (uint16_t)(to + front - start);
    memset(to + front, 0, 2);
    return to + front + 2;
}

struct zone_denial *zone_denial_new(const uint8_t *apex, const struct rrset *soa)
{
    uint16_t rdlen = wire_u16(soa->data);
    const uint8_t *rdata = soa->data + 2;
    struct zone_denial *d = calloc(1, sizeof *d + 2u * (HEAD + rdlen) + ZONE_DENIAL_BLOCK);
    if (d == NULL)
        return NULL;
    d->ttl = soa->ttl;
    d->minimum = wire_u32(rdata + rdlen - 4);
    d->len = (uint16_t)(HEAD + rdlen);
    wire_put_u16(d->octets, RR_SOA);
    wire_put_u16(d->octets + 2, CLASS_IN);
    wire_put_u32(d->octets + ZONE_DENIAL_TTL_AT, soa->ttl);
    wire_put_u16(d->octets + RDLEN_AT, rdlen);
    memcpy(d->octets + HEAD, rdata, rdlen);

    uint8_t *packed = d->octets + d->len;
    memcpy(packed, d->octets, HEAD);
    uint8_t *to = put_packed(d, packed, packed + HEAD, rdata, apex);
    to = put_packed(d, packed, to, rdata + name_len(rdata), apex);
    memcpy(to, rdata + rdlen - SOA_FIXED, SOA_FIXED);
    d->packed_len = (uint16_t)(to + SOA_FIXED - packed);
    wire_put_u16(packed + RDLEN_AT, (uint16_t)(d->packed_len - HEAD));
    if (d->npointers == 1)
        d->pointers[1] = d->pointers[0];
    return d;
}
