/* Refreshing an entry of the cache: prefetch, stale entries, and stale entries whose client waits a moment
 * for something newer. In the worker's thread. */
#ifndef SEAMARK_CACHE_CACHE_REFRESH_H
#define SEAMARK_CACHE_CACHE_REFRESH_H

#include "cache/cache_stage.h"

/* Asks for r's question anew of whoever would answer it below the cache; the answer goes to the cache. Called
 * for a hit that said `refresh`. `late`: the forward stage has the request (cache_stage_late), so nobody
 * above it knows the name. */
void cache_refresh(struct cache_stage *c, const struct request *r, bool late);

/* The same while `r` waits, for as long as the verify timeout allows: then it is answered from the cache as
 * the entry stands, or at once by what comes, where that may take the entry's place. False where nothing
 * could be asked: the caller answers with what it has. */
bool cache_refresh_wait(struct cache_stage *c, struct request *r, bool late);

#endif
