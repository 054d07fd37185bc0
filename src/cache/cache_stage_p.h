/* What cache_refresh.c needs of cache_stage.c. */
#ifndef SEAMARK_CACHE_CACHE_STAGE_P_H
#define SEAMARK_CACHE_CACHE_STAGE_P_H

#include "cache/cache_stage.h"

/* The counters of the listener that `r` came by. */
struct cache_series *cache_stage_series(const struct cache_stage *c, const struct request *r);

/* Gives the reply's records their TTL and, with `keep`, keeps it where it may be kept. r->q is the question.
 */
void cache_stage_keep(struct cache_stage *c, struct cache_series *series, struct reply *r, bool keep);

/* Whether an answer may take a stale one's place: NOERROR or NXDOMAIN, whole (RFC 8767 section 4); where good
 * answers are preferred, one with what was asked for if the cache has such a one. */
bool cache_stage_refreshes(const struct cache_stage *c, const struct reply *r);

/* Fills r->reply, which has been begun, with what the cache has, stale or not, and counts it; false where it
 * is gone. */
bool cache_stage_give_stale(struct cache_stage *c, struct request *r);

/* Clears AD in r->reply for a client that has not asked for it (RFC 6840 section 5.7). */
void cache_stage_trim_flags(struct request *r);

#endif
