/*
 * Text of the uncommon record types, by libldns; nothing else of Seamark's record handling knows that
 * library. Slow (it allocates for each record) and therefore not for zones by the million. Any thread.
 */
#ifndef SEAMARK_DNS_RR_LDNS_H
#define SEAMARK_DNS_RR_LDNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Reads the rdata part of a record's line (no comment, no parentheses) into `out` (RDATA_MAX octets). Returns
 * the length, ERR_UNSUPPORTED where libldns does not know the type, ERR_MALFORMED, -ENOMEM. */
int rr_ldns_read(uint16_t type, const char *text, size_t len, uint8_t *out);

/* Appends the text of `rdata`, on one line. ERR_UNSUPPORTED where libldns has none. Its text is not always
 * what it reads again: compare, and write RFC 3597's general form where it is not. */
int rr_ldns_write(uint16_t type, const uint8_t *rdata, uint16_t rdlen, struct bytes *out);

#endif
