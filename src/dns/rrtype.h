/*
 * The table of record types: mnemonic, code and the fields that rdata consists of. Readers and writers of
 * text and of messages walk the fields; a type without them is opaque octets here, and libldns's business in
 * text. Any thread.
 */
#ifndef SEAMARK_DNS_RRTYPE_H
#define SEAMARK_DNS_RRTYPE_H

#include <stdbool.h>
#include <stdint.h>

/* Fields, a letter each:
 *   n  a name                      s  16 bits                  w  32 bits
 *   4  an IPv4 address             6  an IPv6 address
 *   t  one character-string        T  one or more, to the end
 *   g  18 octets (SIG)             x  whatever is left */
struct rrtype_info {
    uint16_t type;
    const char *mnemonic;
    const char *fields; /* "" where not known here */
};

/* NULL where the type has no row. */
const struct rrtype_info *rrtype_info(uint16_t type);

/* True where this folder reads and writes the text of these fields itself. */
bool rrtype_fields_have_text(const char *fields);

/* True where the octets are exactly these fields; names must not be compressed. */
bool rrtype_fields_match(const char *fields, const uint8_t *rdata, uint16_t rdlen);

#endif
