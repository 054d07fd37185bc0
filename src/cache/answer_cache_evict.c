#include <stdlib.h>

#include "base/rcu.h"
#include "cache/answer_cache_p.h"

static void leave_queue(struct cache_part *p, struct cache_entry *e)
{
    TAILQ_REMOVE(e->in_long ? &p->long_queue : &p->short_queue, e, queue);
    if (!e->in_long)
        p->short_count--;
}

static void join_queue(struct cache_part *p, struct cache_entry *e, bool in_long)
{
    e->in_long = in_long;
    if (in_long) {
        TAILQ_INSERT_HEAD(&p->long_queue, e, queue);
    } else {
        TAILQ_INSERT_HEAD(&p->short_queue, e, queue);
        p->short_count++;
    }
}

void cache_remove(struct answer_cache *c, struct cache_entry *e)
{
    struct cache_part *p = &c->parts[e->kind];
    struct cache_entry **at = &c->buckets[e->hash & c->mask];
    while (*at != e)
        at = &(*at)->next;
    rcu_publish(at, e->next); /* a reader that stands on `e` still finds its way on */
    leave_queue(p, e);
    __atomic_store_n(&p->count, p->count - 1, __ATOMIC_RELAXED);
    c->bytes -= e->size;
    rcu_free_later(e, free);
}

void cache_enqueue(struct answer_cache *c, struct cache_entry *e, const struct cache_entry *old)
{
    struct cache_part *p = &c->parts[e->kind];
    uint64_t *ghost = &p->ghosts[e->hash % p->capacity];
    bool known = *ghost == e->hash;
    if (known)
        *ghost = 0;
    if (old !=
        NULL) { /* asked for again after its time, or refreshed because it is asked for: that is a use too */
        uint8_t uses = __atomic_load_n(&old->uses, __ATOMIC_RELAXED);
        e->uses = uses < CACHE_USES_MAX ? uses + 1 : uses;
        known = known || (old->kind == e->kind && old->in_long);
    }
    join_queue(p, e, known);
    __atomic_store_n(&p->count, p->count + 1, __ATOMIC_RELAXED);
    c->bytes += e->size;
}

/* Past all use, however often it was used. */
static bool is_dead(const struct answer_cache *c, const struct cache_entry *e, uint64_t now_ns)
{
    return now_ns > e->stored_ns + e->ttl_s * UINT64_C(1000000000) + c->stale_ns;
}

/* One step at the end of the short queue: drops the oldest or moves it to the long queue. */
static bool step_short(struct answer_cache *c, struct cache_part *p, const struct cache_entry *keep,
                       uint64_t now_ns)
{
    struct cache_entry *e = TAILQ_LAST(&p->short_queue, cache_queue);
    if (e == keep || (__atomic_load_n(&e->uses, __ATOMIC_RELAXED) > 0 && !is_dead(c, e, now_ns))) {
        leave_queue(p, e);
        join_queue(p, e, true);
        __atomic_store_n(&e->uses, 0, __ATOMIC_RELAXED);
        return false;
    }
    p->ghosts[e->hash % p->capacity] = e->hash;
    cache_remove(c, e);
    return true;
}

/* One step at the end of the long queue: drops the oldest or sends it round again. */
static bool step_long(struct answer_cache *c, struct cache_part *p, const struct cache_entry *keep,
                      uint64_t now_ns)
{
    struct cache_entry *e = TAILQ_LAST(&p->long_queue, cache_queue);
    uint8_t uses = __atomic_load_n(&e->uses, __ATOMIC_RELAXED);
    if (e == keep || (uses > 0 && !is_dead(c, e, now_ns))) {
        TAILQ_REMOVE(&p->long_queue, e, queue);
        TAILQ_INSERT_HEAD(&p->long_queue, e, queue);
        if (uses > 0)
            __atomic_store_n(&e->uses, uses - 1, __ATOMIC_RELAXED);
        return false;
    }
    cache_remove(c, e);
    return true;
}

static bool evict_one(struct answer_cache *c, struct cache_part *p, const struct cache_entry *keep,
                      uint64_t now_ns)
{
    /* Every step drops one or takes away a use, of which there are CACHE_USES_MAX an entry at the most.
     * Readers may add uses meanwhile, so the number of steps is bounded besides. */
    uint64_t steps = (uint64_t)p->count * (CACHE_USES_MAX + 2);
    while (p->count > 1 && steps-- > 0) {
        bool from_short = p->short_count > p->short_capacity || TAILQ_EMPTY(&p->long_queue);
        if (from_short && p->short_count > 0 ? step_short(c, p, keep, now_ns) : step_long(c, p, keep, now_ns))
            return true;
    }
    return false;
}

unsigned cache_evict(struct answer_cache *c, enum cache_kind kind, const struct cache_entry *keep,
                     uint64_t now_ns)
{
    struct cache_part *own = &c->parts[kind], *other = &c->parts[1 - kind];
    unsigned evicted = 0;
    while (own->count > own->capacity && evict_one(c, own, keep, now_ns))
        evicted++;
    while (c->bytes > c->bytes_max) {
        if (evict_one(c, own, keep, now_ns))
            evicted++;
        else if (!evict_one(c, other, keep, now_ns))
            break;
    }
    return evicted;
}
