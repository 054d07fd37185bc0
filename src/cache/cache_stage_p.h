/* What cache_refresh.c needs of cache_stage.c. */
#ifndef SEAMARK_SERVE_CACHE_STAGE_P_H
#define SEAMARK_SERVE_CACHE_STAGE_P_H

#include "cache/cache_stage.h"

/* Gives the reply's records their TTL and, with `keep`, keeps it where it may be kept. r->q is the question.
 */
void cache_stage_keep(struct cache_stage *c, struct cache_series *series, struct reply *r, bool keep);

/* NOERROR or NXDOMAIN, whole: an answer that may take a stale one's place (RFC 8767 section 4). */
bool cache_stage_is_good(const struct reply *r);

#endif
