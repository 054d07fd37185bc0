/*
 * An outgoing zone transfer: one version of a zone, kept from the first message to the last, sent as fast as
 * the client reads. It holds up nothing: a worker makes one message of some 16 KiB a turn of its loop, and
 * what changes meanwhile goes into later versions. Incremental answers are made by the historian first; where
 * it has none the whole zone goes out. In the worker's thread.
 */
#ifndef SEAMARK_TRANSFER_OUTGOING_H
#define SEAMARK_TRANSFER_OUTGOING_H

#include "serve/plugin.h"
#include "zone/zone.h"

/* Under way at once, in the whole process; further ones are answered SERVFAIL, and their clients ask again.
 */
#define OUTGOING_MAX 64
/* All that one may take: 20 MB at half a megabit a second. */
#define OUTGOING_SECONDS 300
/* What changes meanwhile stays in memory: octets from which on the transfer is broken off. A change takes
 * some KiB, but one of a headless service with thousands of endpoints hundreds. Looked at each second. */
#define OUTGOING_REPLACED_MAX (128u << 20)

/* Counters of what was transferred; control thread, before the first. */
void outgoing_register(void);

/* Answers with the whole zone (RFC 5936); takes `v`, which is held, over in every case. */
enum verdict outgoing_full(struct request *r, const struct zone_version *v);

/* Answers with the differences since r->q.serial (RFC 1995), where they are known and fewer than the zone's
 * records, else with the whole zone. `journal`: where they stand, as long as the request's configuration
 * lives. */
enum verdict outgoing_since(struct request *r, const struct zone_version *v, const char *journal);

/* Answers with the SOA alone (RFC 1995 sections 2 and 4): the client is up to date, or shall ask by TCP. */
enum verdict outgoing_soa(struct request *r, const struct zone_version *v);

#endif
