/*
 * A set of records in memory: what one unit, address or namespace makes. Records are added in any order, then
 * sorted (canonical order, duplicates dropped once) and walked or compared with another set. The first
 * failure sticks in `error`, so a run of additions needs one check at its end. One thread. Owns its memory.
 */
#ifndef SEAMARK_SYNC_RECORDS_SET_H
#define SEAMARK_SYNC_RECORDS_SET_H

#include "base/bytes.h"
#include "dns/rr.h"

/* Octets of one set, and so the most that one unit may have before it is left out with a log line. A headless
 * service of 5,000 endpoints with two ports needs some 5 MiB; nobody's single service may take all memory. */
#define RECORD_SET_MAX (64u << 20)

struct record {
    uint32_t owner; /* offset in data */
    uint32_t rdata;
    uint32_t ttl;
    uint16_t type;
    uint16_t rdlen;
};

struct record_set {
    struct record *items;
    size_t count;
    size_t cap;
    struct bytes data;
    uint32_t last_owner; /* of the record added last: runs of one owner share its octets */
    int error;           /* ERR_OK, ERR_LIMIT, -ENOMEM */
};

void record_set_init(struct record_set *set);
void record_set_free(struct record_set *set);
void record_set_reset(struct record_set *set); /* empties it, keeps the memory */

/* `owner` and `rdata` are copied. */
int record_set_add(struct record_set *set, const uint8_t *owner, uint16_t type, uint32_t ttl,
                   const void *rdata, size_t rdlen);
/* Adds everything of `from`. */
int record_set_append(struct record_set *set, const struct record_set *from);

/* Octets that the records of one owner and type may take in an answer: what a DNS message holds (RFC
 * 1035, 4.2.2) without its header, the question and an OPT record. More could never be sent; other servers
 * refuse to load it. */
#define RECORD_RRSET_MAX (65535 - 12 - NAME_MAX_LEN - 4 - 64)

/* Canonical order (rr_compare), duplicates dropped; of an rrset over RECORD_RRSET_MAX the first that fit are
 * kept, with a log line. */
void record_set_sort(struct record_set *set);

/* `out` points into the set until it changes. */
void record_set_rr(const struct record_set *set, size_t index, struct rr *out);

/* Calls visit with '-' for what only `before` has and '+' for what only `after` has, in canonical order, '-'
 * first where only the TTL differs. Both are sorted. Stops at a non-zero result and returns it. */
int record_set_diff(const struct record_set *before, const struct record_set *after,
                    int (*visit)(void *ctx, char op, const struct rr *rr), void *ctx);

#endif
