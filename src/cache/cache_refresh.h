/* Refreshing an entry of the cache without a client: prefetch, and stale entries. In the worker's thread. */
#ifndef SEAMARK_SERVE_CACHE_REFRESH_H
#define SEAMARK_SERVE_CACHE_REFRESH_H

#include "cache/cache_stage.h"

/* Asks for r's question anew through the block's forward stage; the answer goes to the cache. Called for a
 * hit that said `refresh`. */
void cache_refresh(struct cache_stage *c, struct cache_series *series, const struct request *r);

#endif
