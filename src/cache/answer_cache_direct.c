/* Entries that are written out where they are needed, without a reply (serve/express.h). */
#include "base/cursor.h"
#include "cache/answer_cache_p.h"
#include "dns/rr.h"

static bool is_address(uint16_t type)
{
    return type == RR_A || type == RR_AAAA;
}

/* Whether record j has the owner of record i, as far as pointers tell. */
static bool same_owner(const struct reply *r, unsigned i, unsigned j)
{
    uint16_t a = wire_u16(r->wire + r->rr[i].at), b = wire_u16(r->wire + r->rr[j].at);
    return b >= 0xc000 && (a == b || (b & 0x3fff) == r->rr[i].at);
}

/* Aliases and then addresses of one name and type, or one record; and no more than one elsewhere. */
void cache_note_order(struct cache_entry *e, const struct reply *r)
{
    unsigned answers = r->count[SECTION_ANSWER], first = 0;
    bool single = answers <= 1, simple = answers <= UINT8_MAX;
    while (simple && first < answers && r->rr[first].type == RR_CNAME)
        first++;
    for (unsigned i = first; simple && !single && i < answers; i++)
        simple = is_address(r->rr[i].type) && r->rr[i].type == r->rr[first].type &&
                 (i == first || same_owner(r, first, i));
    e->is_simple = simple && r->count[SECTION_AUTHORITY] <= 1 && r->count[SECTION_ADDITIONAL] <= 1;
    e->run_at = (uint8_t)first;
    e->run = simple ? (uint8_t)(answers - first) : 0;
}

/* Of which `log` may want to know, where it wants to know of nothing else. */
static bool is_failure(const struct cache_entry *e)
{
    return e->rcode != RCODE_NOERROR && e->rcode != RCODE_NXDOMAIN;
}

static inline struct cache_key key_of(const struct express_question *q)
{
    return (struct cache_key){.lname = q->lname,
                              .len = q->len,
                              .dnssec_ok = q->dnssec_ok,
                              .checking_disabled = q->checking_disabled,
                              .qtype = q->qtype,
                              .qclass = CLASS_IN,
                              .name_hash = q->name_hash};
}

/* An entry of one record is in its first three cache lines. */
void answer_cache_fetch(const struct answer_cache *c, struct express_question *q, unsigned step)
{
    if (step == 0) {
        const struct cache_key key = key_of(q);
        q->key = cache_key_hash(c, &key);
        __builtin_prefetch(&c->buckets[q->key & c->mask]);
        return;
    }
    const char *e = (const char *)rcu_read(&c->buckets[q->key & c->mask]);
    __builtin_prefetch(e);
    __builtin_prefetch(e + 64);
    __builtin_prefetch(e + 128);
}

bool answer_cache_direct(struct answer_cache *c, const struct express_question *q,
                         const struct cache_lookup *look, struct express_kept *out)
{
    const struct cache_key key = key_of(q);
    struct cache_entry *e = cache_find(c, &key, q->key);
    if (e == NULL || e->body_len > q->room || (q->ordered && !e->is_simple) || is_failure(e))
        return false;
    uint64_t age = cache_entry_age_s(e, look->now_ns);
    if (age >= e->ttl_s)
        return false;
    uint32_t left = e->ttl_s - (uint32_t)age;
    if (look->prefetch->amount > 0) {
        if (cache_near_its_end(e, look->prefetch, left))
            return false; /* it may be time to ask anew */
        cache_count_asked(e, look->prefetch, look->now_ns);
    }
    cache_count_use(e);
    *out = (struct express_kept){.body = cache_entry_body(e),
                                 .rr = e->rr,
                                 .body_len = e->body_len,
                                 .count = {e->count[0], e->count[1], e->count[2]},
                                 .flags = e->flags,
                                 .rcode = e->rcode,
                                 .ttl = look->keep_ttl ? e->ttl_s : left,
                                 .kind = e->kind,
                                 .run_at = e->run_at,
                                 .run = e->run};
    return true;
}
