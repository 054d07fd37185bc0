/*
 * A request message, parsed strictly (RFC 1035 section 4, RFC 6891). Only what a server needs of it is kept,
 * by value, so that a query may outlive its packet. Any thread.
 */
#ifndef SEAMARK_DNS_QUERY_H
#define SEAMARK_DNS_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/name.h"

#define DNS_HEADER_LEN 12

/* Header flags as they stand in octets 2 and 3. */
enum dns_flag {
    FLAG_QR = 0x8000,
    FLAG_AA = 0x0400,
    FLAG_TC = 0x0200,
    FLAG_RD = 0x0100,
    FLAG_RA = 0x0080,
    FLAG_AD = 0x0020,
    FLAG_CD = 0x0010,
};
#define DNS_OPCODE(flags) (((flags) >> 11) & 15)

enum dns_rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_NOTAUTH = 9,
    RCODE_BADVERS = 16,
};

struct query {
    uint16_t id;
    uint16_t flags; /* the whole second word of the header */
    uint16_t qtype;
    uint16_t qclass;
    uint8_t qname_len;
    uint8_t label_count;
    bool has_edns;
    bool dnssec_ok;
    uint8_t edns_version;
    uint16_t udp_size; /* as the client wrote it; 512 without EDNS */
    uint16_t size;     /* octets of the whole request */
    uint64_t hash;     /* name_hash of lname */
    /* Options of the OPT record, in wire form without it: what the client sent, borrowed from its packet
     * until the request waits for the first time; then nothing. */
    const uint8_t *client_options;
    uint16_t client_options_len;
    /* What an upstream is to get of options, because a rewrite rule says so: lent by the request's notes,
     * until its end. The hash tells two such questions apart; 0 where there are none. */
    uint16_t options_len;
    const uint8_t *options;
    uint64_t options_hash;
    bool has_serial;             /* an IXFR question with the client's SOA (RFC 1995 section 3) */
    uint32_t serial;             /* of that SOA */
    uint8_t qname[NAME_MAX_LEN]; /* as asked: the case is the client's */
    uint8_t lname[NAME_MAX_LEN]; /* lower case */
};

enum query_verdict {
    QUERY_OK,      /* one question, to be answered by the chain */
    QUERY_DROP,    /* not a request or too short to answer: silence (answers are never answered) */
    QUERY_FORMERR, /* the header could be read, the rest is wrong (or there is not just one question) */
    QUERY_NOTIMP,  /* opcode other than QUERY */
    QUERY_BADVERS, /* EDNS version above 0 */
};

/* Parses `packet`. `q` is filled as far as the packet could be read, for all verdicts but QUERY_DROP. */
enum query_verdict query_parse(const uint8_t *packet, size_t len, struct query *q);

/* Writes a request message for `q` into `out` (cap octets): header with id and flags, the question, OPT where
 * has_edns. Returns its length or ERR_SPACE. */
int query_write(const struct query *q, uint8_t *out, size_t cap);

/* Puts another name in: qname and all that is derived from it. `name` may not be q's own. */
void query_set_name(struct query *q, const uint8_t *name);

/* A query for lname/qname = `name`, IN, RD set, no EDNS. */
void query_make(struct query *q, const uint8_t *name, uint16_t qtype);

#endif
