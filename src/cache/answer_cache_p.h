/* What the parts of the answer cache share: answer_cache.c (finding, keeping) and answer_cache_evict.c
 * (letting go). */
#ifndef SEAMARK_CACHE_ANSWER_CACHE_P_H
#define SEAMARK_CACHE_ANSWER_CACHE_P_H

#include <pthread.h>
#include <string.h>
#include <sys/queue.h>

#include "base/rcu.h"
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
    bool is_simple : 1; /* loadbalance changes nothing but the order of the run of addresses */
    uint8_t kind;
    uint8_t uses; /* atomic; up to CACHE_USES_MAX */
    /* prefetch and refresh; atomic */
    uint32_t asked;         /* times without a pause */
    uint32_t last_asked_ms; /* of clock_ns(), counted round */
    uint32_t retry_ds;      /* no refresh before, in tenths of a second of clock_ns() */
    bool refreshing;
    bool in_long;        /* under the lock, like `queue` and `size`; `in_long` is read without: atomic */
    uint8_t run_at, run; /* struct express_kept; with is_simple */
    uint32_t size;       /* octets that malloc has taken for it */
    int16_t ede;         /* SERVFAIL: the code of its extended error, -1: it had none */
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

/* ---- finding ---- */

/* What makes an entry. */
struct cache_key {
    const uint8_t *lname;
    uint8_t len;
    bool dnssec_ok, checking_disabled;
    uint16_t qtype, qclass;
    uint64_t name_hash; /* name_hash() of lname: keyed, so nobody can choose names that meet in one bucket */
    uint64_t options_hash;
};

static inline struct cache_key cache_key_of(const struct query *q)
{
    return (struct cache_key){.lname = q->lname,
                              .len = q->qname_len,
                              .dnssec_ok = q->dnssec_ok,
                              .checking_disabled = (q->flags & FLAG_CD) != 0,
                              .qtype = q->qtype,
                              .qclass = q->qclass,
                              .name_hash = q->hash,
                              .options_hash = q->options_hash};
}

static inline uint64_t cache_key_hash(const struct answer_cache *c, const struct cache_key *k)
{
    uint64_t rest = k->qtype | (uint64_t)k->qclass << 16 | (uint64_t)k->dnssec_ok << 32 |
                    (uint64_t)k->checking_disabled << 33;
    unsigned __int128 product =
        (unsigned __int128)(k->name_hash ^ c->seed[0] ^ rest << 20 ^ k->options_hash) * c->seed[1];
    /* Never 0; by its highest bit, since the lowest ones choose the bucket. */
    return ((uint64_t)product ^ (uint64_t)(product >> 64)) | UINT64_C(1) << 63;
}

static inline bool cache_entry_is_for(const struct cache_entry *e, const struct cache_key *k, uint64_t hash)
{
    return e->hash == hash && e->qtype == k->qtype && e->qclass == k->qclass &&
           e->dnssec_ok == k->dnssec_ok && e->checking_disabled == k->checking_disabled &&
           cache_entry_options(e) == k->options_hash && e->name_len == k->len &&
           memcmp(cache_entry_name(e), k->lname, k->len) == 0;
}

/* In a read section or under the lock. */
static inline struct cache_entry *cache_find(const struct answer_cache *c, const struct cache_key *k,
                                             uint64_t hash)
{
    struct cache_entry *e = rcu_read(&c->buckets[hash & c->mask]);
    while (e != NULL && !cache_entry_is_for(e, k, hash))
        e = rcu_read(&e->next);
    return e;
}

/* ---- using ---- */

static inline void cache_count_use(struct cache_entry *e)
{
    uint8_t uses = __atomic_load_n(&e->uses, __ATOMIC_RELAXED);
    if (uses < CACHE_USES_MAX) /* names in constant use are not written to: their cache line stays shared */
        __atomic_store_n(&e->uses, uses + 1, __ATOMIC_RELAXED);
}

/* For prefetch: one time more, or the first after a pause. */
static inline void cache_count_asked(struct cache_entry *e, const struct cache_prefetch *p, uint64_t now_ns)
{
    uint32_t now_ms = (uint32_t)(now_ns / 1000000);
    uint32_t last = __atomic_exchange_n(&e->last_asked_ms, now_ms, __ATOMIC_RELAXED);
    if ((uint32_t)(now_ms - last) > p->window_ms)
        __atomic_store_n(&e->asked, 1, __ATOMIC_RELAXED);
    else
        __atomic_fetch_add(&e->asked, 1, __ATOMIC_RELAXED);
}

static inline bool cache_near_its_end(const struct cache_entry *e, const struct cache_prefetch *p,
                                      uint64_t left_s)
{
    return left_s <= ((uint64_t)p->percent * e->ttl_s + 99) / 100;
}

/* Sets is_simple, run_at and run. */
void cache_note_order(struct cache_entry *e, const struct reply *r);

/* ---- keeping ---- */

/* Under the lock. Takes an entry out of its bucket and queue; freed when no reader can have it. */
void cache_remove(struct answer_cache *c, struct cache_entry *e);
/* Puts a new entry into its queue; `old` is the entry it replaces, or NULL. */
void cache_enqueue(struct answer_cache *c, struct cache_entry *e, const struct cache_entry *old);
/* Lets go of entries until the limits hold, never of `keep`. Their numbers go to `evicted`, by kind. */
void cache_evict(struct answer_cache *c, const struct cache_entry *keep, uint64_t now_ns,
                 unsigned evicted[2]);

#endif
