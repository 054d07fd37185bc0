#include "base/rcu.h"
#include "cache/answer_cache_p.h"

static void view(const struct cache_entry *e, uint64_t now_ns, struct cache_view *v)
{
    *v = (struct cache_view){.kind = (enum cache_kind)e->kind,
                             .age_s = cache_entry_age_s(e, now_ns),
                             .ttl_s = e->ttl_s,
                             .name = cache_entry_name(e),
                             .name_len = e->name_len,
                             .qtype = e->qtype,
                             .qclass = e->qclass,
                             .flags = e->flags,
                             .rcode = e->rcode,
                             .dnssec_ok = e->dnssec_ok,
                             .checking_disabled = e->checking_disabled,
                             .options_hash = cache_entry_options(e),
                             .count = {e->count[0], e->count[1], e->count[2]},
                             .body = cache_entry_body(e),
                             .body_len = e->body_len,
                             .in_long = __atomic_load_n(&e->in_long, __ATOMIC_RELAXED),
                             .uses = __atomic_load_n(&e->uses, __ATOMIC_RELAXED)};
}

bool answer_cache_walk(struct answer_cache *c, uint64_t *at, uint64_t now_ns,
                       void (*show)(void *ctx, const struct cache_view *v), void *ctx)
{
    bool shown = false;
    rcu_reader_begin();
    for (; !shown && *at <= c->mask; ++*at)
        for (const struct cache_entry *e = rcu_read(&c->buckets[*at]); e != NULL; e = rcu_read(&e->next)) {
            struct cache_view v;
            view(e, now_ns, &v);
            show(ctx, &v);
            shown = true;
        }
    rcu_reader_end();
    return shown || *at <= c->mask;
}
