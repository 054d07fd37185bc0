/*
 * The form of a cache on disk, binary, numbers in network order:
 *
 *     head     "SEAMARK-CACHE-1\n", identity (8), Unix time of writing in ms (8), crc32 of these (4)
 *     entry    length of what follows the checksum (4), crc32 of that (4): age (4) and TTL (4) in seconds
 * when it was written, bits (1), uses (1), 0 (2), and the answer as a DNS message with its question end 0
 * (4), number of entries (4)
 *
 * The identity is that of the server block: entries of another are not read. Reading trusts nothing: lengths
 * are bounded, what a checksum does not fit ends it, and each answer is read as a message from outside would
 * be. Any thread; the reader keeps 64 KiB and a reply for the time of the call.
 */
#ifndef SEAMARK_CACHE_CACHE_FILE_H
#define SEAMARK_CACHE_CACHE_FILE_H

#include <stdio.h>

#include "base/bytes.h"
#include "dns/reply.h"

/* An entry beside its answer. */
struct cache_saved {
    uint64_t age_s; /* reading: now */
    uint32_t ttl_s;
    bool dnssec_ok, checking_disabled;
    bool in_long; /* its queue */
    uint8_t uses;
};

/* ---- writing: what fits is appended, `b` says whether all did ---- */

void cache_file_put_head(struct bytes *b, uint64_t identity, uint64_t wall_ms);

/* An answer to name/qtype/qclass: `body` is what follows the question in its message, whose names point into
 * such a message. */
struct cache_file_answer {
    const uint8_t *name; /* lower case */
    size_t name_len;
    uint16_t qtype, qclass;
    uint16_t flags, rcode; /* AA, RA, AD; up to 15 */
    uint16_t count[3];
    const uint8_t *body;
    size_t body_len;
};
void cache_file_put_entry(struct bytes *b, const struct cache_saved *s, const struct cache_file_answer *a);
void cache_file_put_end(struct bytes *b, uint32_t count);

/* ---- reading ---- */

struct cache_file_result {
    uint32_t entries; /* that were whole and could be read as messages */
    uint32_t refused; /* whole, and could not */
};

/* Takes one entry: `r` has the answer, its question in r->q, both good until it returns. False: no more,
 * please. */
typedef bool cache_file_each(void *ctx, const struct cache_saved *s, struct reply *r);

/* Reads a cache that was written for `identity`, at Unix time `wall_ms`. Where that is before the time of
 * writing (the clock was set back), entries are as old as they were then. ERR_OK; ERR_MISMATCH: it is that of
 * another block; ERR_MALFORMED: it is no such file; ERR_TRUNCATED, ERR_CHECKSUM: it is cut or damaged behind
 * what was given to each(); ERR_LIMIT: each() wanted no more; -ENOMEM. */
int cache_file_read(FILE *f, uint64_t identity, uint64_t wall_ms, cache_file_each *each, void *ctx,
                    struct cache_file_result *out);

#endif
