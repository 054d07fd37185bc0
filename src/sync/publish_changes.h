/*
 * What changed in the records since the last time one looked, at the cost of the change: while the store
 * changes, it takes down the records that each touched unit, address, namespace and pod address had before
 * (it is the store's listener), and changes_take() makes what they have now and gives the differences.
 *
 * Many events that touch one unit cost one comparison. Names at the apex (NS, ns.dns.Z) depend on a few
 * addresses only and are compared each time. One thread.
 */
#ifndef SEAMARK_SYNC_PUBLISH_CHANGES_H
#define SEAMARK_SYNC_PUBLISH_CHANGES_H

#include "sync/records.h"

/* At most this many things are held, some 26 MB in a block of one zone: one event may touch a whole cluster
 * (a list that holds nothing of what was there, a namespace with all pods). It is well above
 * PUBLISH_BATCH_MAX. */
#define CHANGES_MAX 16384

struct changes;

/* `rules` and `store` are borrowed. NULL without memory. */
struct changes *changes_new(const struct record_rules *rules, struct store *store);
void changes_free(struct changes *c); /* NULL allowed; ends the listening */

/* From now on changes of the store are taken down: what there is now counts as known. -ENOMEM. */
int changes_begin(struct changes *c);

/* Things touched and not yet taken. */
size_t changes_pending(const struct changes *c);
/* Goes up with every touch, so that a caller can tell whether an event did anything. */
uint64_t changes_touches(const struct changes *c);

/* Calls visit for every record that is gone ('-') or new ('+') in rules->zones[zone], all of one unit in a
 * row, then begins anew. -ENOMEM: something could not be taken down or made, ERR_LIMIT: more than CHANGES_MAX
 * was touched, so the differences given are not all; the caller has to compare whole zones. What visit
 * returns is ignored; it keeps its own failures. */
int changes_take(struct changes *c, void (*visit)(void *ctx, size_t zone, char op, const struct rr *rr),
                 void *ctx);

#endif
