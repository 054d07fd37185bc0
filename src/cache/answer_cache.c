#include "cache/answer_cache.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/rcu.h"
#include "cache/answer_cache_p.h"
#include "dns/rr.h"

/* An entry of one record takes 144 octets, one of a chain with four some 300. */
#define CACHE_BYTES_TYPICAL 256

/* An answer that is there already and is no older than this is not written again. Thousands who waited for
 * one answer bring it within some hundredths of a second. */
#define CACHE_SAME_MS 100

#define KEPT_FLAGS (FLAG_AA | FLAG_RA | FLAG_AD)

#define EDE_CACHED_ERROR 13

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_DS UINT64_C(100000000)
#define NS_PER_MS UINT64_C(1000000)

/* ---- finding ---- */

/* In a read section or under the lock. */
static struct cache_entry *find(const struct answer_cache *c, const struct query *q, uint64_t hash)
{
    const struct cache_key key = cache_key_of(q);
    return cache_find(c, &key, hash);
}

static uint64_t hash_of(const struct answer_cache *c, const struct query *q)
{
    const struct cache_key key = cache_key_of(q);
    return cache_key_hash(c, &key);
}

/* ---- hits ---- */

/* The extended error of a failure that is kept: what it was, where that is known, and that it is from here
 * (RFC 8914 section 4.14). */
static void tell_why(const struct cache_entry *e, struct reply *r)
{
    static const uint8_t cached[] = {0, EDE_OPTION, 0, 2, 0, EDE_CACHED_ERROR};
    r->ede = e->ede >= 0 ? e->ede : EDE_CACHED_ERROR;
    if (e->ede >= 0 && e->ede != EDE_CACHED_ERROR) {
        r->options = cached;
        r->options_len = sizeof cached;
    }
}

static bool begin_refresh(struct cache_entry *e, uint64_t now_ns)
{
    if (now_ns / NS_PER_DS < __atomic_load_n(&e->retry_ds, __ATOMIC_ACQUIRE) ||
        __atomic_load_n(&e->refreshing, __ATOMIC_RELAXED))
        return false;
    return !__atomic_exchange_n(&e->refreshing, true, __ATOMIC_ACQ_REL);
}

/* Whether it is popular enough, and near enough to its end. */
static bool wants_prefetch(struct cache_entry *e, const struct cache_prefetch *p, uint64_t now_ns,
                           uint64_t left_s)
{
    cache_count_asked(e, p, now_ns);
    return cache_near_its_end(e, p, left_s) && __atomic_load_n(&e->asked, __ATOMIC_RELAXED) >= p->amount;
}

static void fill(const struct cache_entry *e, const struct query *q, uint32_t ttl, struct reply *r)
{
    reply_begin(r, q);
    memcpy(r->wire + r->len, cache_entry_body(e), e->body_len);
    memcpy(r->count, e->count, sizeof r->count);
    r->nrecords = (uint16_t)cache_entry_records(e);
    memcpy(r->rr, e->rr, r->nrecords * sizeof e->rr[0]);
    r->len += e->body_len;
    r->rcode = e->rcode;
    r->flags = e->flags; /* AA too: CoreDNS set it on every hit up to 1.14, and no more since 1.15 */
    for (unsigned i = 0; i < r->nrecords; i++)
        reply_set_ttl(r, i, ttl);
    if (e->rcode == RCODE_SERVFAIL)
        tell_why(e, r);
}

bool answer_cache_get(struct answer_cache *c, const struct query *q, const struct cache_lookup *look,
                      struct reply *r, struct cache_hit *hit)
{
    uint64_t hash = hash_of(c, q);
    bool found = false;
    rcu_reader_begin();
    struct cache_entry *e = find(c, q, hash);
    if (e != NULL) {
        uint64_t age = cache_entry_age_s(e, look->now_ns);
        bool fresh = age < e->ttl_s;
        found = fresh || (look->stale && age - e->ttl_s < c->stale_ns / NS_PER_S);
        if (found) {
            uint32_t left = fresh ? e->ttl_s - (uint32_t)age : 0;
            *hit = (struct cache_hit){.kind = (enum cache_kind)e->kind, .left_s = left};
            if (look->no_refresh)
                hit->refresh = false;
            else if (fresh && look->prefetch != NULL && look->prefetch->amount > 0)
                hit->refresh =
                    wants_prefetch(e, look->prefetch, look->now_ns, left) && begin_refresh(e, look->now_ns);
            else if (!fresh)
                hit->refresh = begin_refresh(e, look->now_ns);
            uint32_t shown = !fresh ? look->stale_ttl : look->keep_ttl ? e->ttl_s : left;
            cache_count_use(e);
            fill(e, q, shown, r);
        }
    }
    rcu_reader_end();
    return found;
}

bool answer_cache_has_success(struct answer_cache *c, const struct query *q, bool answering, uint64_t now_ns)
{
    uint64_t hash = hash_of(c, q);
    rcu_reader_begin();
    const struct cache_entry *e = find(c, q, hash);
    bool yes = e != NULL && e->kind == CACHE_SUCCESS && (e->answering || !answering) &&
               cache_entry_age_s(e, now_ns) < e->ttl_s + c->stale_ns / NS_PER_S;
    rcu_reader_end();
    return yes;
}

void answer_cache_refresh_failed(struct answer_cache *c, const struct query *q, uint64_t now_ns,
                                 uint32_t pause_ms)
{
    uint64_t hash = hash_of(c, q);
    rcu_reader_begin();
    struct cache_entry *e = find(c, q, hash);
    if (e != NULL) {
        __atomic_store_n(&e->retry_ds,
                         (uint32_t)((now_ns + pause_ms * NS_PER_MS + NS_PER_DS - 1) / NS_PER_DS),
                         __ATOMIC_RELEASE);
        __atomic_store_n(&e->refreshing, false, __ATOMIC_RELEASE);
    }
    rcu_reader_end();
}

unsigned answer_cache_count(const struct answer_cache *c, enum cache_kind kind)
{
    return __atomic_load_n(&c->parts[kind].count, __ATOMIC_RELAXED);
}

uint64_t answer_cache_bytes(const struct answer_cache *c)
{
    return __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
}

uint64_t answer_cache_changes(const struct answer_cache *c)
{
    return __atomic_load_n(&c->changes, __ATOMIC_RELAXED);
}

/* ---- keeping ---- */

/* What malloc has taken: the memory and the word in front of it. */
static size_t chunk_size(void *memory)
{
    return malloc_usable_size(memory) + sizeof(size_t);
}

/* The code of a failure's extended error, ours or an upstream's; -1: there is none. */
static int16_t why(const struct reply *r)
{
    int code = r->ede >= 0 ? r->ede : r->told_ede;
    return r->rcode == RCODE_SERVFAIL && code <= INT16_MAX ? (int16_t)code : -1;
}

static struct cache_entry *make(const struct query *q, const struct reply *r, const struct cache_keep *keep)
{
    size_t question_end = DNS_HEADER_LEN + (size_t)q->qname_len + 4;
    size_t body_len = r->len - question_end;
    bool options = q->options_hash != 0;
    size_t size = offsetof(struct cache_entry, rr) + r->nrecords * sizeof(struct reply_rr) +
                  (options ? sizeof q->options_hash : 0) + q->qname_len + body_len;
    struct cache_entry *e = calloc(1, size < sizeof *e ? sizeof *e : size);
    if (e == NULL)
        return NULL;
    e->stored_ns = keep->now_ns;
    e->ttl_s = keep->ttl_s;
    e->answering = keep->answering;
    e->in_long = keep->in_long;
    e->uses = keep->uses < CACHE_USES_MAX ? keep->uses : CACHE_USES_MAX;
    e->size = (uint32_t)chunk_size(e);
    e->has_options = options;
    e->qtype = q->qtype;
    e->qclass = q->qclass;
    e->dnssec_ok = q->dnssec_ok;
    e->checking_disabled = (q->flags & FLAG_CD) != 0;
    e->flags = r->flags & KEPT_FLAGS;
    e->rcode = r->rcode;
    e->ede = why(r);
    memcpy(e->count, r->count, sizeof e->count);
    e->body_len = (uint16_t)body_len;
    e->kind = (uint8_t)keep->kind;
    e->name_len = q->qname_len;
    memcpy(e->rr, r->rr, r->nrecords * sizeof e->rr[0]);
    if (options)
        memcpy(e->rr + r->nrecords, &q->options_hash, sizeof q->options_hash);
    memcpy(cache_entry_name(e), q->lname, q->qname_len);
    memcpy(cache_entry_body(e), r->wire + question_end, body_len);
    cache_note_order(e, r);
    return e;
}

/* Whether `r` was kept just now, by another who waited for it, and nobody has the entry to refresh. */
static bool is_kept(const struct answer_cache *c, const struct query *q, uint64_t hash, const struct reply *r,
                    const struct cache_keep *keep)
{
    size_t question_end = DNS_HEADER_LEN + (size_t)q->qname_len + 4;
    rcu_reader_begin();
    const struct cache_entry *e = find(c, q, hash);
    bool yes = e != NULL && keep->now_ns - e->stored_ns < CACHE_SAME_MS * NS_PER_MS &&
               !__atomic_load_n(&e->refreshing, __ATOMIC_RELAXED) && e->kind == keep->kind &&
               e->answering == keep->answering && e->ttl_s == keep->ttl_s && e->rcode == r->rcode &&
               e->ede == why(r) && e->flags == (r->flags & KEPT_FLAGS) &&
               memcmp(e->count, r->count, sizeof e->count) == 0 && e->body_len == r->len - question_end &&
               memcmp(e->rr, r->rr, r->nrecords * sizeof e->rr[0]) == 0 &&
               memcmp(cache_entry_body(e), r->wire + question_end, e->body_len) == 0;
    rcu_reader_end();
    return yes;
}

/* A bucket's chain has its newest entry first. */
static void bound_chain(struct answer_cache *c, struct cache_entry *first)
{
    unsigned n = 0;
    for (struct cache_entry *e = first; e != NULL; e = e->next)
        if (++n > CACHE_CHAIN_MAX) {
            cache_remove(c, e);
            return;
        }
}

int answer_cache_put(struct answer_cache *c, const struct query *q, const struct reply *r,
                     const struct cache_keep *keep, unsigned evicted[2])
{
    uint64_t hash = hash_of(c, q);
    evicted[0] = evicted[1] = 0;
    if (!keep->restored && is_kept(c, q, hash, r, keep))
        return ERR_OK;
    struct cache_entry *e = make(q, r, keep);
    if (e == NULL)
        return -ENOMEM;
    if (e->size > c->bytes_max - c->index_bytes) {
        free(e);
        return ERR_LIMIT;
    }
    e->hash = hash;
    struct cache_entry **bucket = &c->buckets[e->hash & c->mask];
    pthread_mutex_lock(&c->lock);
    struct cache_entry *old = find(c, q, e->hash);
    if (old != NULL && keep->restored) {
        pthread_mutex_unlock(&c->lock);
        free(e);
        return ERR_EXISTS;
    }
    if (old != NULL) { /* popularity goes on */
        e->asked = __atomic_load_n(&old->asked, __ATOMIC_RELAXED);
        e->last_asked_ms = __atomic_load_n(&old->last_asked_ms, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&c->changes, c->changes + 1, __ATOMIC_RELAXED);
    cache_enqueue(c, e, old);
    e->next = *bucket;
    rcu_publish(bucket, e); /* before the old one goes: at every instant one of them is found */
    if (old != NULL)
        cache_remove(c, old);
    bound_chain(c, e);
    cache_evict(c, e, keep->now_ns, evicted);
    pthread_mutex_unlock(&c->lock);
    return ERR_OK;
}

/* ---- life ---- */

/* Entries that the index is made for: as many as there may be, but where the octets are limited no more than
 * would fit at CACHE_BYTES_TYPICAL each. */
static uint64_t expected(const struct cache_capacity *capacity, unsigned kind)
{
    uint64_t fit = capacity->bytes / CACHE_BYTES_TYPICAL;
    uint64_t n = capacity->entries[kind] > 0 ? capacity->entries[kind] : 1;
    return capacity->bytes > 0 && n > fit ? fit : n;
}

static int part_init(struct answer_cache *c, const struct cache_capacity *capacity, unsigned kind)
{
    struct cache_part *p = &c->parts[kind];
    p->capacity = capacity->entries[kind] > 0 ? capacity->entries[kind] : 1;
    p->short_capacity = p->capacity / 10;
    TAILQ_INIT(&p->short_queue);
    TAILQ_INIT(&p->long_queue);
    p->nghosts = (uint32_t)expected(capacity, kind);
    p->ghosts = calloc(p->nghosts, sizeof *p->ghosts);
    c->index_bytes += p->nghosts * sizeof *p->ghosts;
    return p->ghosts == NULL ? -ENOMEM : ERR_OK;
}

int answer_cache_new(const struct cache_capacity *capacity, struct answer_cache **out)
{
    struct answer_cache *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    pthread_mutex_init(&c->lock, NULL);
    uint64_t wanted = expected(capacity, 0) + expected(capacity, 1), buckets = 64;
    if (capacity->bytes > 0 && wanted > capacity->bytes / CACHE_BYTES_TYPICAL)
        wanted = capacity->bytes / CACHE_BYTES_TYPICAL;
    while (buckets < wanted)
        buckets *= 2;
    c->mask = buckets - 1;
    c->buckets = calloc(buckets, sizeof(struct cache_entry *));
    c->index_bytes = buckets * sizeof(struct cache_entry *);
    c->stale_ns = capacity->stale_s * NS_PER_S;
    bool random = getrandom(c->seed, sizeof c->seed, 0) == sizeof c->seed;
    c->seed[1] |= 1;
    int a = part_init(c, capacity, 0), b = part_init(c, capacity, 1);
    if (c->buckets == NULL || !random || a != ERR_OK || b != ERR_OK) {
        answer_cache_free(c);
        return -ENOMEM;
    }
    c->bytes = c->index_bytes;
    c->bytes_max = capacity->bytes > 0 ? capacity->bytes : c->index_bytes + wanted * CACHE_BYTES_PER_ENTRY;
    *out = c;
    return ERR_OK;
}

void answer_cache_free(struct answer_cache *c)
{
    if (c == NULL)
        return;
    for (uint64_t i = 0; c->buckets != NULL && i <= c->mask; i++)
        while (c->buckets[i] != NULL) {
            struct cache_entry *e = c->buckets[i];
            c->buckets[i] = e->next;
            free(e);
        }
    free(c->buckets);
    free(c->parts[0].ghosts);
    free(c->parts[1].ghosts);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
