/*
 * An incremental transfer (RFC 1995): the differences between an older serial and a version of a zone, from
 * the zone's history, one difference sequence a transaction. Within a transaction only what it comes to in
 * the end is told, since a secondary removes before it adds. Any thread; the version is held.
 */
#ifndef SEAMARK_ZONE_ZONE_IXFR_H
#define SEAMARK_ZONE_ZONE_IXFR_H

#include "dns/reply.h"
#include "zone/journal_history.h"

/* What an answer is made with: the question, and scratch memory. */
struct zone_ixfr {
    const struct zone_version *version;
    const struct query *query;
    struct reply *reply;
    struct bytes *out; /* whole messages, each behind its length in two octets; its maximum is the answer's */
    uint64_t records;  /* out: in all messages */
};

/* Makes the answer for a client that has `from`, an older serial. ERR_NOT_FOUND where the history does not
 * reach back so far; ERR_LIMIT where the differences are more than the zone itself has, or than `out` may
 * hold; other errors as of journal_history_replay(). What is in `out` then is of no use. */
int zone_ixfr_make(struct zone_ixfr *x, const struct journal_history *h, uint32_t from);

#endif
