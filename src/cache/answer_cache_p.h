/* What the parts of the answer cache share: answer_cache.c (finding, keeping) and answer_cache_evict.c
 * (letting go). */
#ifndef SEAMARK_SERVE_ANSWER_CACHE_P_H
#define SEAMARK_SERVE_ANSWER_CACHE_P_H

#include <pthread.h>
#include <string.h>
#include <sys/queue.h>

#include "cache/answer_cache.h"

/* Uses that count: an entry used three times goes round the long queue three times more. */
#define CACHE_USES_MAX 3

/* Its order is that of use: what finding and giving it out reads comes first. */
struct cache_entry {
    struct cache_entry *next; /* in its bucket; read under RCU */
    uint64_t hash;
    uint64_t stored_ns;
    uint32_t ttl_s;
    uint16_t qtype, qclass;
    uint16_t flags, rcode;
    uint16_t count[3];
    uint16_t body_len;
    uint8_t name_len;
    bool dnssec_ok : 1, checking_disabled : 1, has_options : 1;
    bool answering : 1; /* struct cache_keep */
    uint8_t kind;
    uint8_t uses; /* atomic; up to CACHE_USES_MAX */
    /* prefetch and refresh; atomic */
    uint32_t asked;         /* times without a pause */
    uint32_t last_asked_ms; /* of clock_ns(), counted round */
    uint32_t retry_ds;      /* no refresh before, in tenths of a second of clock_ns() */
    bool refreshing;
    bool in_long;  /* under the lock, like `queue` and `size`; `in_long` is read without: atomic */
    uint32_t size; /* octets that malloc has taken for it */
    TAILQ_ENTRY(cache_entry) queue;
    /* rr[], a record each, then the hash of the EDNS options where there are any, the name, the body */
    struct reply_rr rr[];
};

TAILQ_HEAD(cache_queue, cache_entry);

struct cache_part { /* one kind */
    uint32_t capacity, short_capacity;
    uint32_t count, short_count; /* `count` is read by others: atomic */
    uint64_t bytes, short_bytes;
    struct cache_queue short_queue, long_queue; /* newest first */
    uint32_t *ghosts; /* what was dropped unused: the upper half of its hash, by hash % nghosts */
    uint32_t nghosts;
};

struct answer_cache {
    struct cache_entry **buckets;
    uint64_t mask;
    uint64_t seed[2];
    uint64_t stale_ns;
    pthread_mutex_t lock;      /* writers */
    uint64_t bytes, bytes_max; /* entries and index; `bytes` is read by others: atomic */
    uint64_t index_bytes;
    uint64_t changes; /* atomic */
    struct cache_part parts[2];
};

static inline unsigned cache_entry_records(const struct cache_entry *e)
{
    return (unsigned)e->count[0] + e->count[1] + e->count[2];
}

static inline uint64_t cache_entry_options(const struct cache_entry *e)
{
    uint64_t hash = 0;
    if (e->has_options)
        memcpy(&hash, e->rr + cache_entry_records(e), sizeof hash);
    return hash;
}

static inline uint8_t *cache_entry_name(const struct cache_entry *e)
{
    return (uint8_t *)(uintptr_t)(e->rr + cache_entry_records(e)) + (e->has_options ? sizeof(uint64_t) : 0);
}

static inline uint8_t *cache_entry_body(const struct cache_entry *e)
{
    return cache_entry_name(e) + e->name_len;
}

/* Full seconds since its TTL began. Both times are counted round; one that lies ahead is now. */
static inline uint64_t cache_entry_age_s(const struct cache_entry *e, uint64_t now_ns)
{
    int64_t age_ns = (int64_t)(now_ns - e->stored_ns);
    return age_ns > 0 ? (uint64_t)age_ns / UINT64_C(1000000000) : 0;
}

/* Under the lock. Takes an entry out of its bucket and queue; freed when no reader can have it. */
void cache_remove(struct answer_cache *c, struct cache_entry *e);
/* Puts a new entry into its queue; `old` is the entry it replaces, or NULL. */
void cache_enqueue(struct answer_cache *c, struct cache_entry *e, const struct cache_entry *old);
/* Lets go of entries until the limits hold, never of `keep`. Their numbers go to `evicted`, by kind. */
void cache_evict(struct answer_cache *c, const struct cache_entry *keep, uint64_t now_ns,
                 unsigned evicted[2]);

#endif
