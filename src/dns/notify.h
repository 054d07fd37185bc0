/*
 * NOTIFY messages (RFC 1996): a primary tells a secondary that a zone has changed, and is told that this was
 * heard. No sockets here. Any thread.
 */
#ifndef SEAMARK_DNS_NOTIFY_H
#define SEAMARK_DNS_NOTIFY_H

#include "dns/rr.h"

#define OPCODE_NOTIFY 4
/* Header, question and an SOA record uncompressed. */
#define NOTIFY_MAX (12 + NAME_MAX_LEN + 4 + NAME_MAX_LEN + 10 + 2 * NAME_MAX_LEN + 20)

/* Writes a NOTIFY for the zone of `soa`, with the SOA as the hint of RFC 1996 section 3.7. Returns its
 * length; 0 where `cap` is less than that, as it is not from NOTIFY_MAX on. */
size_t notify_write(uint16_t id, const struct rr *soa, uint8_t *out, size_t cap);

/* The rcode of the answer to the NOTIFY with that id for that zone; ERR_MALFORMED where it is no such answer.
 */
int notify_read_answer(const uint8_t *message, size_t len, uint16_t id, const uint8_t *zone);

#endif
