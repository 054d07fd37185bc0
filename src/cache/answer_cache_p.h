/* What the parts of the answer cache share: answer_cache.c (finding, keeping) and answer_cache_evict.c
 * (letting go). */
#ifndef SEAMARK_SERVE_ANSWER_CACHE_P_H
#define SEAMARK_SERVE_ANSWER_CACHE_P_H

#include <pthread.h>
#include <sys/queue.h>

#include "cache/answer_cache.h"

/* Uses that count: an entry used three times goes round the long queue three times more. */
#define CACHE_USES_MAX 3

struct cache_entry {
    struct cache_entry *next;       /* in its bucket; read under RCU */
    TAILQ_ENTRY(cache_entry) queue; /* under the lock, like `in_long` */
    uint64_t hash;
    uint64_t options_hash;
    uint64_t stored_ns;
    uint32_t ttl_s;
    uint32_t size; /* octets of the whole allocation */
    uint16_t qtype, qclass;
    uint16_t flags, rcode;
    uint16_t count[3];
    uint16_t nrecords;
    uint16_t body_len;
    uint8_t kind;
    uint8_t name_len;
    bool dnssec_ok, checking_disabled;
    bool answering; /* struct cache_keep */
    bool in_long;
    uint8_t uses; /* atomic; up to CACHE_USES_MAX */
    /* prefetch and refresh; atomic */
    uint32_t asked; /* times without a pause */
    uint64_t last_asked_ms;
    bool refreshing;
    uint64_t retry_ms; /* no refresh before */
    /* rr[nrecords], then the name, then the body */
    struct reply_rr rr[];
};

TAILQ_HEAD(cache_queue, cache_entry);

struct cache_part { /* one kind */
    uint32_t capacity, short_capacity;
    uint32_t count, short_count;                /* `count` is read by others: atomic */
    struct cache_queue short_queue, long_queue; /* newest first */
    uint64_t *ghosts;                           /* hashes of what was dropped unused; by hash % capacity */
};

struct answer_cache {
    struct cache_entry **buckets;
    uint64_t mask;
    uint64_t seed[2];
    uint64_t stale_ns;
    pthread_mutex_t lock; /* writers */
    uint64_t bytes, bytes_max;
    struct cache_part parts[2];
};

static inline uint8_t *cache_entry_name(const struct cache_entry *e)
{
    return (uint8_t *)(uintptr_t)(e->rr + e->nrecords);
}

static inline uint8_t *cache_entry_body(const struct cache_entry *e)
{
    return cache_entry_name(e) + e->name_len;
}

/* Under the lock. Takes an entry out of its bucket and queue; freed when no reader can have it. */
void cache_remove(struct answer_cache *c, struct cache_entry *e);
/* Puts a new entry into its queue; `old` is the entry it replaces, or NULL. */
void cache_enqueue(struct answer_cache *c, struct cache_entry *e, const struct cache_entry *old);
/* Lets go of entries until the limits hold, beginning with those of `kind`, never of `keep`. Returns how
 * many. */
unsigned cache_evict(struct answer_cache *c, enum cache_kind kind, const struct cache_entry *keep,
                     uint64_t now_ns);

#endif
