/* What the parts of keeping a cache on disk share: cache_persist.c (when), cache_restore.c and cache_dump.c
 * (how). */
#ifndef SEAMARK_CACHE_CACHE_PERSIST_P_H
#define SEAMARK_CACHE_CACHE_PERSIST_P_H

#include <stdatomic.h>

#include "cache/cache_persist.h"

/* Reads what settings->path has for the cache. */
void cache_restore(struct answer_cache *cache, const struct cache_persist_settings *settings);

/* Writes the cache to a new file beside settings->path, puts it in its place, and has left the cache alone
 * from done(ctx) on, which is called in every case, before the disk is waited for. Gives up where *cancel
 * becomes true. ERR_OK, ERR_STALE (given up), -errno. A registered RCU reader. */
int cache_dump(struct answer_cache *cache, const struct cache_persist_settings *settings, atomic_bool *cancel,
               void (*done)(void *ctx), void *ctx);

#endif
