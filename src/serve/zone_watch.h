/*
 * Following zone files. For every zone (and view of it) that a configuration serves there is one watched zone
 * in the process: the file is loaded, its journal applied as it grows (inotify, and a look each second in
 * case a notice was lost), a new file swapped in under RCU. A file that is damaged, cut or from another
 * source leaves the old zone serving and says so in the log.
 *
 * Watched zones are kept across reloads by reference count as long as their identity (the settings that shape
 * the records) stays the same. Control thread, but for watched_zone_read().
 */
#ifndef SEAMARK_SERVE_ZONE_WATCH_H
#define SEAMARK_SERVE_ZONE_WATCH_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/err.h"
#include "zone/zone.h"

struct watched_zone;

/* Begins to watch a folder, once. The folder need not exist yet. */
int zone_watch_start(struct event_base *base, const char *folder, struct errtext *e);
void zone_watch_stop(void);

/* The watched zone of that apex, view (borrowed for its life: one of conf/cluster_block.h) and identity, made
 * and loaded where there is none yet. No file is no error. NULL without memory. */
struct watched_zone *zone_watch_acquire(const uint8_t *apex, const char *view, const char *identity);
void zone_watch_release(struct watched_zone *w);

/* Calls changed() after a zone, any of them, has got another serial; NULL ends that. */
void zone_watch_listen(void (*changed)(void));

/* The zone to answer from; NULL where there never was one. Any thread, within an RCU read section. */
const struct zone *watched_zone_read(const struct watched_zone *w);

/* The path of its journal, as long as the zone is watched. Any thread. */
const char *watched_zone_journal(const struct watched_zone *w);

/* Seconds since the data were last known to be in step with their source: since seamark-sync's last sign of
 * life (DIR/.synced), or since the zone was written. Negative where there is no zone. */
double watched_zone_age(const struct watched_zone *w);

#endif
