/*
 * A response message under construction, in wire form (RFC 1035 section 4), with an index of its records, so
 * that plugins can add, look at, reorder and cut records on the answer's way back to the client. Owner names
 * and names in the rdata of NS, CNAME, PTR, SOA and MX are compressed (RFC 3597 section 4 lists which may
 * be).
 *
 * Life: reply_begin() for a query; reply_add() in section order (answer, authority, additional);
 * reply_finish() once, which writes header and OPT and truncates. One thread. It owns nothing but its own
 * arrays; large: one a worker and depth, never on a stack.
 */
#ifndef SEAMARK_DNS_REPLY_H
#define SEAMARK_DNS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/query.h"
#include "dns/rr.h"

#define REPLY_CAP         65535
#define REPLY_RECORDS_MAX 4096 /* the most that fit: an A record with a compressed owner takes 16 octets */
#define REPLY_NAMES_MAX   64   /* names remembered for compression: bounds the work of an answer */

enum reply_section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

struct reply_rr {
    uint16_t at;    /* offset of the owner */
    uint16_t rdata; /* offset of the rdata; its length is in the two octets before */
    uint16_t type;
};

#define EDE_OPTION 15 /* the EDNS option that has extended errors (RFC 8914 section 2) */

struct reply {
    const struct query *q; /* borrowed: the query that is answered */
    uint16_t flags; /* AA, TC, RA, AD ... of the answer; QR, RD, CD and opcode are added by reply_finish */
    uint16_t rcode; /* 12 bits; the upper ones go to OPT */
    int ede;        /* extended error (RFC 8914) info code, -1 none; sent where the client has EDNS */
    const char *ede_text; /* static or outliving the reply; may be NULL */
    int told_ede; /* the code of the one that an upstream gave with its SERVFAIL, for who keeps it; -1 none */
    const uint8_t *options; /* further EDNS options, outliving the reply; sent where the client has EDNS and
                               there is room; may be NULL */
    uint16_t options_len;
    uint16_t count[3]; /* records a section */
    uint16_t nrecords;
    uint16_t nnames;
    bool overflow;            /* a record did not fit in 64 KiB or in the index: TC will be set */
    uint8_t overflow_section; /* where it was to stand */
    size_t len;               /* octets written so far */
    struct reply_rr rr[REPLY_RECORDS_MAX];
    struct {
        uint32_t hash;
        uint16_t at;
        uint8_t next; /* in its bucket, counted from 1; 0 ends */
    } names[REPLY_NAMES_MAX];
    uint8_t name_buckets[REPLY_NAMES_MAX]; /* by hash: the newest name, counted from 1; not set while nnames
                                              is 0 */
    uint8_t wire[REPLY_CAP + 1];
};

/* Starts a reply with the question of `q` (case as asked), rcode NOERROR, no records. */
void reply_begin(struct reply *r, const struct query *q);

/* Adds a record to a section; sections must not go backward. rr->rdata is uncompressed wire. ERR_SPACE (and
 * `overflow`) where it does not fit. An owner equal to the qname without regard to case takes the question's
 * case. */
int reply_add(struct reply *r, enum reply_section s, const struct rr *rr);

/* Drops every record of the section and of those behind it, and forgets an overflow there. */
void reply_cut(struct reply *r, enum reply_section s);

/* Copies sections of a message from elsewhere (an upstream; another reply) into `r`, records one by one, OPT
 * and TSIG left out. Bounds are checked, names unpacked. ERR_MALFORMED leaves `r` as it was before.
 * `first`/`last` choose sections. */
int reply_copy(struct reply *r, const uint8_t *message, size_t len, enum reply_section first,
               enum reply_section last);

/* The same, of those records alone for whose type keep() says so. */
typedef bool reply_keep(uint16_t type, const void *ctx);
int reply_copy_if(struct reply *r, const uint8_t *message, size_t len, enum reply_section first,
                  enum reply_section last, reply_keep *keep, const void *ctx);

/* The same with each record changed on its way: change() may give it another owner, TTL and data, in memory
 * of its own that is good until the next call. ERR_NOT_FOUND leaves the record out; any other failure ends
 * the copying, leaves `r` as it was before, and is returned. OPT and TSIG do not come here. */
typedef int reply_change(void *ctx, enum reply_section s, struct rr *rr);
int reply_copy_changed(struct reply *r, const uint8_t *message, size_t len, enum reply_section first,
                       enum reply_section last, reply_change *change, void *ctx);

/* Writes the counts of records into the header of an unfinished reply, so that wire[0..len) can be read by
 * the functions above. */
void reply_put_counts(struct reply *r);

/* Reading back, i in [0, nrecords). */
enum reply_section reply_section_of(const struct reply *r, unsigned i);
uint32_t reply_ttl(const struct reply *r, unsigned i);
void reply_set_ttl(struct reply *r, unsigned i, uint32_t ttl);
uint16_t reply_rdlen(const struct reply *r, unsigned i);
/* Owner, unpacked into `out` (NAME_MAX_LEN); returns its length. */
size_t reply_owner(const struct reply *r, unsigned i, uint8_t *out);
/* Swaps two addresses of one type. Does nothing for records of other types: names may point into their rdata.
 */
void reply_swap_rdata(struct reply *r, unsigned i, unsigned j);

/* Completes the message: header (id, QR, opcode, RD and CD of the query), OPT where the query had one (its
 * UDP size echoed, DO echoed, extended error), truncation to `max_size` octets at a
 * record boundary with TC set (records go from the end; the question and OPT stay; what explains an extended
 * error is left out where there is no room). `max_size` is at least 512. The
 * message is wire[0..len). */
void reply_finish(struct reply *r, size_t max_size);

/* A whole error answer in one step: reply_begin where `q` has a question, rcode. Not finished yet. */
void reply_error(struct reply *r, const struct query *q, uint16_t rcode);

#endif
