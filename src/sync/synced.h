/*
 * DIR/.synced: an empty file whose time of change says when the zone files were last known to be in step with
 * their source. Other programs (seamark's zone age) read it. It is a sign of life, not of change: a cluster
 * in which nothing happens keeps it fresh.
 */
#ifndef SEAMARK_SYNC_SYNCED_H
#define SEAMARK_SYNC_SYNCED_H

/* How often it is touched while all is well. */
#define SYNCED_SECONDS 5

/* Touches it, making it where it is not there. A failure costs the sign of life and nothing else. */
void synced_touch(const char *folder);

#endif
