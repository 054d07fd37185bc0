/*
 * Domain names in wire form (RFC 1035 section 3.1), uncompressed: a run of length-prefixed labels ended by
 * the root label. "A name" below is always such a run of at most 255 octets that has been checked once on its
 * way in (name_check, name_from_text, or a parser of dns/). Comparison is without regard to ASCII case (RFC
 * 4343). Presentation form is RFC 4343 / RFC 1035 section 5.1 escapes, always with the final dot. Any thread.
 */
#ifndef SEAMARK_DNS_NAME_H
#define SEAMARK_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_MAX_LEN   255
#define NAME_MAX_LABEL 63
#define NAME_MAX_TEXT  1025 /* every octet as \DDD, dots, the closing NUL */

/* Wire length, the root label included. */
size_t name_len(const uint8_t *name);

/* Length of the uncompressed name at the start of `wire`, or ERR_MALFORMED (too long, cut, a compression
 * pointer). */
int name_check(const uint8_t *wire, size_t len);

unsigned name_label_count(const uint8_t *name); /* without the root label */
bool name_equal(const uint8_t *a, const uint8_t *b);
/* Canonical order, RFC 4034 section 6.1: < 0, 0, > 0. */
int name_compare(const uint8_t *a, const uint8_t *b);
/* True where `name` is `apex` or below it. */
bool name_in(const uint8_t *name, const uint8_t *apex);
/* The same where their wire lengths are known. The last letter tells most apart, here without a call. */
bool name_ends_in(const uint8_t *name, size_t len, const uint8_t *apex, size_t apex_len);
static inline bool name_in_len(const uint8_t *name, size_t len, const uint8_t *apex, size_t apex_len)
{
    if (apex_len < 2) /* the root */
        return true;
    return apex_len <= len && ((name[len - 2] ^ apex[apex_len - 2]) & ~0x20) == 0 &&
           name_ends_in(name, len, apex, apex_len);
}

/* Copies `name` with A-Z made a-z; `out` and `name` may be the same. Returns the length. */
size_t name_lower(uint8_t *out, const uint8_t *name);

/* Hash of a lower-case name. The same within a process, not from one to another. */
uint64_t name_hash(const uint8_t *name, size_t len);
/* Both in one pass: `name`, of `len` octets, in lower case at `out` (somewhere else) and the hash of that. */
uint64_t name_lower_hash(uint8_t *out, const uint8_t *name, size_t len);
/* Makes the hash unguessable, so that nobody can choose names that collide: two random numbers, once, before
 * any thread or zone exists. Without it the hash is that of every other process. */
void name_hash_seed(uint64_t start, uint64_t multiplier);

/* Reads presentation form; a missing final dot makes no difference (names are absolute here). Case is kept.
 * Returns the wire length or ERR_MALFORMED. `out` has NAME_MAX_LEN octets. */
int name_from_text(const char *text, size_t len, uint8_t *out);

/* Writes presentation form with the final dot; returns `out`, which has NAME_MAX_TEXT octets. */
char *name_to_text(const uint8_t *name, char *out);

/* Reads a possibly compressed name inside a message (RFC 1035 section 4.1.4): pointers go backward only and
 * are counted. `at` is the offset in `message`; on success the name is in `out` (NAME_MAX_LEN octets) and the
 * return value is the number of octets it took at `at`. ERR_MALFORMED otherwise. */
int name_unpack(const uint8_t *message, size_t message_len, size_t at, uint8_t *out);

#endif
