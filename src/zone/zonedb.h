/*
 * The zones that are served, found by the longest suffix of a name.
 *
 * A table of zones sorted by the number of labels of their apexes, the longest first. It is immutable: a
 * change builds another aside and publishes it (base/rcu.h), so a look-up takes no lock. What a zone holds
 * changes in the zone itself (zone.h); the table changes only when a zone comes, goes or is loaded anew.
 * Zones are few: some hundred reverse zones at most, of which a look-up compares one suffix each.
 *
 * Reading: any registered RCU reader, within a read section. Changing: one thread, which owns the zones'
 * changes too.
 */
#ifndef SEAMARK_ZONE_ZONEDB_H
#define SEAMARK_ZONE_ZONEDB_H

#include "zone/zone.h"

/* Zones in one table. A network of /17 in reverse has 128; this is room for a hundred such. */
#define ZONEDB_MAX 16384

struct zonedb;

/* An empty table. NULL without memory. */
struct zonedb *zonedb_new(void);
/* Frees the table and its zones; after the last reader. */
void zonedb_free(struct zonedb *db);

/* The zone with the longest apex that the lower-case name is in, or NULL. */
struct zone *zonedb_lookup(const struct zonedb *db, const uint8_t *lname);
/* The zone with exactly this apex (of any case), or NULL. */
struct zone *zonedb_get(const struct zonedb *db, const uint8_t *apex);

/* Puts a zone in, instead of the one with the same apex where there is one, which is freed after a grace
 * period. The table takes `z` over on success. ERR_LIMIT, -ENOMEM. */
int zonedb_put(struct zonedb *db, struct zone *z);
/* Takes the zone with this apex out; it is freed after a grace period. ERR_NOT_FOUND, -ENOMEM. */
int zonedb_drop(struct zonedb *db, const uint8_t *apex);

#endif
