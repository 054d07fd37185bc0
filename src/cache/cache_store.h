/*
 * The caches of the process, by the identity of their server block, so that they outlive a reload. The
 * identity is the text of the block: its keys and all its directives but those that cannot change an answer
 * that is kept (log, metrics, health ...), and the trust anchors in files that it names. So what a new
 * configuration would still answer is still there, and what it would not is gone. Control thread.
 */
#ifndef SEAMARK_CACHE_CACHE_STORE_H
#define SEAMARK_CACHE_CACHE_STORE_H

#include "cache/answer_cache.h"
#include "conf/corefile.h"

struct cache_store {
    struct answer_cache *cache;
    struct cache_persist *persist; /* set by whoever has the cache kept on disk; ended with the store */
    /* the rest is the store's */
    char *identity;
    unsigned references;
    struct cache_store *next;
};

/* Of the identity; the same in every process. 0 without memory. `anchors` is a hash of the trust anchors, 0
 * where there are none. */
uint64_t cache_store_hash(const struct server_block *b, uint64_t anchors);

/* The cache of this block, found or made. -ENOMEM. */
int cache_store_get(const struct server_block *b, uint64_t anchors, const struct cache_capacity *capacity,
                    struct cache_store **out);
void cache_store_put(
    struct cache_store *s); /* NULL allowed; no worker uses it through this reference any more */

#endif
