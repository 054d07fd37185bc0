#include <stdlib.h>

#include "base/rcu.h"
#include "cache/answer_cache_p.h"

/* Never 0, which marks an empty place. */
static uint32_t ghost_of(const struct cache_entry *e)
{
    return (uint32_t)(e->hash >> 32) | 1;
}

static void leave_queue(struct cache_part *p, struct cache_entry *e)
{
    TAILQ_REMOVE(e->in_long ? &p->long_queue : &p->short_queue, e, queue);
    if (e->in_long)
        return;
    p->short_count--;
    p->short_bytes -= e->size;
}

static void join_queue(struct cache_part *p, struct cache_entry *e, bool in_long)
{
    __atomic_store_n(&e->in_long, in_long, __ATOMIC_RELAXED);
    if (in_long) {
        TAILQ_INSERT_HEAD(&p->long_queue, e, queue);
    } else {
        TAILQ_INSERT_HEAD(&p->short_queue, e, queue);
        p->short_count++;
        p->short_bytes += e->size;
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
    p->bytes -= e->size;
    __atomic_store_n(&c->bytes, c->bytes - e->size, __ATOMIC_RELAXED);
    rcu_free_later(e, free);
}

void cache_enqueue(struct answer_cache *c, struct cache_entry *e, const struct cache_entry *old)
{
    struct cache_part *p = &c->parts[e->kind];
    uint32_t *ghost = &p->ghosts[e->hash % p->nghosts];
    bool known = *ghost == ghost_of(e) || e->in_long;
    if (*ghost == ghost_of(e))
        *ghost = 0;
    if (old !=
        NULL) { /* asked for again after its time, or refreshed because it is asked for: that is a use too */
        uint8_t uses = __atomic_load_n(&old->uses, __ATOMIC_RELAXED);
        e->uses = uses < CACHE_USES_MAX ? uses + 1 : uses;
        known = known || (old->kind == e->kind && old->in_long);
    }
    join_queue(p, e, known);
    __atomic_store_n(&p->count, p->count + 1, __ATOMIC_RELAXED);
    p->bytes += e->size;
    __atomic_store_n(&c->bytes, c->bytes + e->size, __ATOMIC_RELAXED);
}

/* Past all use, however often it was used. */
static bool is_dead(const struct answer_cache *c, const struct cache_entry *e, uint64_t now_ns)
{
    return cache_entry_age_s(e, now_ns) > e->ttl_s + c->stale_ns / UINT64_C(1000000000);
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
    p->ghosts[e->hash % p->nghosts] = ghost_of(e);
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

/* Every step drops one or takes away a use, of which there are CACHE_USES_MAX an entry at the most. Readers
 * may add uses meanwhile, so the number of steps is bounded besides. */
static uint64_t steps_for(uint64_t entries)
{
    return entries * (CACHE_USES_MAX + 2);
}

static bool evict_one(struct answer_cache *c, struct cache_part *p, const struct cache_entry *keep,
                      uint64_t now_ns)
{
    for (uint64_t steps = steps_for(p->count); p->count > 1 && steps > 0; steps--) {
        bool from_short = p->short_count > p->short_capacity || TAILQ_EMPTY(&p->long_queue);
        if (from_short && p->short_count > 0 ? step_short(c, p, keep, now_ns) : step_long(c, p, keep, now_ns))
            return true;
    }
    return false;
}

/* Lets one entry go for its octets: of the short queues while they have more than a tenth of all, then of the
 * long ones; of the kind that has more there. Returns the kind, -1 where none can go. */
static int evict_largest(struct answer_cache *c, const struct cache_entry *keep, uint64_t now_ns)
{
    struct cache_part *p = c->parts;
    for (uint64_t steps = steps_for((uint64_t)p[0].count + p[1].count); steps > 0; steps--) {
        bool no_long = TAILQ_EMPTY(&p[0].long_queue) && TAILQ_EMPTY(&p[1].long_queue);
        if (p[0].count + p[1].count <= 1)
            return -1;
        int kind;
        bool gone;
        if (no_long || p[0].short_bytes + p[1].short_bytes > c->bytes_max / 10) {
            kind = p[1].short_bytes > p[0].short_bytes;
            gone = step_short(c, &p[kind], keep, now_ns);
        } else {
            kind = p[1].bytes - p[1].short_bytes > p[0].bytes - p[0].short_bytes;
            gone = step_long(c, &p[kind], keep, now_ns);
        }
        if (gone)
            return kind;
    }
    return -1;
}

void cache_evict(struct answer_cache *c, const struct cache_entry *keep, uint64_t now_ns, unsigned evicted[2])
{
    struct cache_part *own = &c->parts[keep->kind];
    int kind = 0;
    while (own->count > own->capacity && evict_one(c, own, keep, now_ns))
        evicted[keep->kind]++;
    while (c->bytes > c->bytes_max && kind >= 0) {
        kind = evict_largest(c, keep, now_ns);
        if (kind >= 0)
            evicted[kind]++;
    }
}
