/*
 * Resource records and their text. rdata is wire form, uncompressed. Text is one line of a master file (RFC
 * 1035 section 5, RFC 3597): absolute owner, TTL, class, type, rdata in presentation form, as
 * `ldns-read-zone` prints. The common types are read and written by our own code because zones have millions
 * of them; all others by libldns. Any thread.
 */
#ifndef SEAMARK_DNS_RR_H
#define SEAMARK_DNS_RR_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "dns/name.h"

enum rrtype {
    RR_A = 1,
    RR_NS = 2,
    RR_CNAME = 5,
    RR_SOA = 6,
    RR_PTR = 12,
    RR_MX = 15,
    RR_TXT = 16,
    RR_AAAA = 28,
    RR_SRV = 33,
    RR_DNAME = 39,
    RR_OPT = 41,
    RR_DS = 43,
    RR_RRSIG = 46,
    RR_NSEC = 47,
    RR_DNSKEY = 48,
    RR_SVCB = 64,
    RR_HTTPS = 65,
    RR_IXFR = 251,
    RR_AXFR = 252,
    RR_ANY = 255,
    RR_NAMESPACE = 65280, /* private use: holds a namespace's node, `<ns>.svc TYPE65280 \# 0` */
};

enum rrclass { CLASS_IN = 1, CLASS_CH = 3, CLASS_NONE = 254, CLASS_ANY = 255 };

#define RDATA_MAX 65535

struct rr {
    const uint8_t *owner; /* a name; borrowed */
    uint16_t type;
    uint16_t class;
    uint32_t ttl;
    uint16_t rdlen;
    const uint8_t *rdata; /* borrowed */
};

/* Where rr_from_text puts what it read. Large: keep one per reader, not on a small stack. */
struct rr_storage {
    uint8_t owner[NAME_MAX_LEN];
    uint8_t rdata[RDATA_MAX];
};

/* Reads one record from a line (no final newline, no continuation over lines, owner absolute). The owner's
 * case is kept. `out` points into `storage`. Errors: ERR_MALFORMED. */
int rr_from_text(const char *line, size_t len, struct rr_storage *storage, struct rr *out);

/* The same, and where it fails *why says what was expected, in static words ("expected an IPv4 address"). */
int rr_from_text_why(const char *line, size_t len, struct rr_storage *storage, struct rr *out,
                     const char **why);

/* What a record begins with: owner, TTL, class and type, with the blank behind it. */
struct rr_head {
    size_t len; /* 0: none is kept */
    char text[256];
    uint32_t ttl;
    uint16_t type, class;
};

/* The same for a line of many: where it begins as the line before it did, as all records of an rrset do, that
 * is not read again. `head` is zeroed before the first, and `storage` is left as it is between the lines. */
int rr_from_text_after(struct rr_head *head, const char *line, size_t len, struct rr_storage *storage,
                       struct rr *out, const char **why);

/* Appends the record as one line, without newline. Always readable again by rr_from_text and by other
 * servers. ERR_MALFORMED where the rdata is not what the type demands or the TTL is above 2^31 - 1 (RFC 2181
 * section 8); ERR_LIMIT or -ENOMEM from `out`. Nothing is appended on failure. */
int rr_to_text(const struct rr *rr, struct bytes *out);

/* "AAAA", or "TYPE65280"; out has 16 octets. */
char *rrtype_to_text(uint16_t type, char *out);
/* 0 where unknown; TYPEnnn accepted. */
uint16_t rrtype_from_text(const char *text, size_t len);

/* Canonical order of records: owner (RFC 4034 section 6.1), then SOA first, type number, then rdata octets.
 */
int rr_compare(const struct rr *a, const struct rr *b);

/* The order in rdata of compressible or lower-casable names, for readers of messages: rebuilds rdata found in
 * a message at `at` (rdlen octets) without compression pointers into `out` (RDATA_MAX octets). Types of RFC
 * 1035 and those that RFC 3597 section 4 lists are expanded; the others copied. Returns the new length or
 * ERR_MALFORMED. */
int rdata_unpack(const uint8_t *message, size_t message_len, size_t at, uint16_t rdlen, uint16_t type,
                 uint8_t *out);

#endif
