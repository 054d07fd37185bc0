/*
 * Whole answers kept in wire form, shared by all workers.
 *
 * An entry is found by lower-case name, type, class, DO, CD and the EDNS options that an upstream is sent;
 * there is one at the most, positive or negative. It holds what followed the question in the message and the
 * index of its records, so that a hit is a copy, and one TTL for all its records (the cache plugin has made
 * them equal, as CoreDNS's does), which counts down.
 *
 * Reading takes no lock: the table is read within an RCU section; entries are never changed but for their
 * counters of use. Writers take one lock, with everything that allocates done before.
 *
 * Eviction is S3-FIFO (Yang and others, "FIFO queues are all you need for cache eviction", 2023), by kind
 * (success, denial): a new entry goes to a short queue (a tenth); when it leaves there without having been
 * used it is dropped and only its hash remembered, else it moves to the long queue, as does at once whose
 * hash is remembered. At the end of the long queue an entry that was used since goes round again. So names in
 * use stay, and a flood of names asked for once passes through the short queue.
 *
 * Limits: the number of entries of each kind, and the octets of all of them with the index, as malloc takes
 * them. Where the octets are the limit that is met, the kind gives way whose short queue is the larger, so
 * that a flood of one kind's names drives out its own.
 */
#ifndef SEAMARK_CACHE_ANSWER_CACHE_H
#define SEAMARK_CACHE_ANSWER_CACHE_H

#include <stdbool.h>

#include "dns/reply.h"
#include "serve/express_kept.h"

/* Octets allowed for each entry that is allowed: answers are mostly 150 to 500 octets, so this bounds only
 * caches full of large ones. */
#define CACHE_BYTES_PER_ENTRY 2048
/* Entries of one bucket's chain; the hash is keyed, so a longer one is an accident, and the oldest goes. */
#define CACHE_CHAIN_MAX 16
/* Most entries of a kind that may be configured: 10 million take some 4 GB. */
#define CACHE_CAPACITY_MAX 10000000

struct answer_cache;

enum cache_kind { CACHE_SUCCESS, CACHE_DENIAL };

/* The least octets that may be asked for: the index takes an eighth of them at the most. */
#define CACHE_BYTES_MIN (UINT64_C(1) << 20)
#define CACHE_BYTES_MAX (UINT64_C(64) << 30)
/* No entry takes less: so many may there be where only the octets are limited. */
#define CACHE_BYTES_LEAST 112

struct cache_capacity {
    uint32_t entries[2]; /* by kind; at least 1 */
    uint64_t bytes;      /* of entries and index; 0: CACHE_BYTES_PER_ENTRY for each entry, and the index */
    uint32_t stale_s;    /* an entry is of use for so long after its TTL */
};

int answer_cache_new(const struct cache_capacity *capacity, struct answer_cache **out); /* -ENOMEM */
/* No thread uses it any more, or will. */
void answer_cache_free(struct answer_cache *c); /* NULL allowed */

/* When an entry is refreshed before it ends: it was asked for `amount` times without a pause of `window_ms`,
 * and `percent` of its TTL are left. */
struct cache_prefetch {
    unsigned amount; /* 0: never */
    uint32_t window_ms;
    unsigned percent;
};

struct cache_lookup {
    uint64_t now_ns;                       /* clock_ns() */
    bool stale;                            /* entries past their TTL are wanted too */
    bool no_refresh;                       /* the hit never says `refresh` */
    bool keep_ttl;                         /* show the TTL the entry began with */
    uint32_t stale_ttl;                    /* TTL shown for an entry past its own */
    const struct cache_prefetch *prefetch; /* NULL: none */
};

struct cache_hit {
    enum cache_kind kind;
    uint32_t left_s; /* of its TTL; 0: it is stale */
    bool refresh;    /* it is the caller's to refresh: answer_cache_put() or answer_cache_refresh_failed()
                        follows */
};

/* Where there is an entry for q, begins `r` for q and fills it: records with their TTLs, rcode, AA, RA
 * and AD as they were. Any registered RCU reader. */
bool answer_cache_get(struct answer_cache *c, const struct query *q, const struct cache_lookup *look,
                      struct reply *r, struct cache_hit *hit);

/* The same without a reply, for a question of class IN and without EDNS options: what of an entry is needed
 * to write the answer, which is good until the end of the caller's read section. False where there is none,
 * it is stale or may have to be refreshed, or is not as `q` needs it: then nothing is counted. */
/* Goes before it in the same read section, for each question of a batch step 0 and then for each step 1: sets
 * q->key, and has the CPU fetch what will be looked at. */
void answer_cache_fetch(const struct answer_cache *c, struct express_question *q, unsigned step);
bool answer_cache_direct(struct answer_cache *c, const struct express_question *q,
                         const struct cache_lookup *look, struct express_kept *out);

/* Whether there is a success entry for q that is of use, stale or not; with `answering`, one that has what q
 * asks for. */
bool answer_cache_has_success(struct answer_cache *c, const struct query *q, bool answering, uint64_t now_ns);

/* How an answer is to be kept. */
struct cache_keep {
    enum cache_kind kind;
    bool answering; /* success: it has what was asked for, and is not a referral or empty */
    uint32_t ttl_s; /* > 0; all its records have been given it */
    uint64_t
        now_ns; /* when its TTL began; counted round, so that it may lie before the clock's own beginning */
    /* It was kept in an earlier life: what came since is newer and stays. It goes where it was then. */
    bool restored, in_long;
    uint8_t uses;
};

/* Keeps `r`, the answer to q, replacing what there was; where the very same was kept a moment ago, that
 * stays. The numbers of entries that had to go for it go to `evicted`, by kind. ERR_OK, -ENOMEM, ERR_LIMIT
 * (too large ever to be kept), ERR_EXISTS (restored, and there is one). Any registered
 * RCU reader. */
int answer_cache_put(struct answer_cache *c, const struct query *q, const struct reply *r,
                     const struct cache_keep *keep, unsigned evicted[2]);

/* A refresh that answer_cache_get() gave out came to nothing: it may be given out again after `pause_ms`. */
void answer_cache_refresh_failed(struct answer_cache *c, const struct query *q, uint64_t now_ns,
                                 uint32_t pause_ms);

unsigned answer_cache_count(const struct answer_cache *c, enum cache_kind kind); /* any thread */
/* How often something was kept; tells whether there is anything new. Any thread. */
uint64_t answer_cache_changes(const struct answer_cache *c);
/* Octets that entries and index take of the heap, with what malloc adds. Any thread. */
uint64_t answer_cache_bytes(const struct answer_cache *c);

/* An entry as it is kept. */
struct cache_view {
    enum cache_kind kind;
    uint64_t age_s;
    uint32_t ttl_s;
    const uint8_t *name; /* lower case */
    uint8_t name_len;
    uint16_t qtype, qclass, flags, rcode;
    bool dnssec_ok, checking_disabled;
    uint64_t options_hash;
    uint16_t count[3];
    const uint8_t *body; /* what follows the question in its message */
    uint16_t body_len;
    bool in_long;
    uint8_t uses;
};

/* Shows all entries of the first bucket from *at on that has any, in one read section: show() neither blocks
 * nor keeps what it is shown. Moves *at on, from 0; false where no bucket is left. A registered RCU reader.
 */
bool answer_cache_walk(struct answer_cache *c, uint64_t *at, uint64_t now_ns,
                       void (*show)(void *ctx, const struct cache_view *v), void *ctx);

#endif
