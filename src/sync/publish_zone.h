/*
 * One zone's files: brought into step with the store, kept in step by journal transactions, written anew now
 * and then.
 *
 *     CLOSED --publish_zone_sync--> OPEN --a write fails--> PENDING --publish_zone_sync, _commit--> OPEN
 *                                     \--memory or size limit--> STALE --publish_zone_sync--> OPEN
 *
 * CLOSED   nothing is known of the disk.
 * OPEN     zone file + journal are the store's records, but for what is in the transaction being built.
 * PENDING  the last commit failed: the transaction is kept, grows, and is tried again.
 * STALE    what is on disk is a good zone, but not the store's, and what is missing is not known: compare
 * anew.
 *
 * In every state a whole zone that was once right is on disk. One thread.
 */
#ifndef SEAMARK_SYNC_PUBLISH_ZONE_H
#define SEAMARK_SYNC_PUBLISH_ZONE_H

#include <sys/types.h>

#include "sync/records_stream.h"
#include "zone/journal.h"
#include "zone/zonefile.h"

/* The zone file is written anew once the journal is larger than this, or than half of the zone file: whoever
 * starts reads both, so the journal is never the larger part, and small zones are not rewritten for nothing.
 */
#define PUBLISH_JOURNAL_MIN (1 << 20)

enum zone_state { ZONE_CLOSED, ZONE_OPEN, ZONE_PENDING, ZONE_STALE };

/* What all zones of a view share. */
struct publish_source {
    const struct record_rules *rules;
    const struct store *store;
    const char *identity; /* cluster_block_identity(), of the zone's view */
    const char *cluster;
    const char *versions; /* "namespaces=1 services=2 ..." */
};

struct publish_zone {
    const struct record_zone *zone;
    enum zone_state state;
    bool journal_open;
    struct journal_writer journal;
    uint32_t serial; /* on disk */
    pid_t child;     /* that writes the file anew; 0: none */
    uint32_t child_serial;
    off_t child_from;          /* size of the journal when it began */
    uint64_t rewrite_after_ms; /* not again before, after a failure */
    uint64_t file_size;
    char title[ZONEFILE_TITLE_MAX]; /* for the log */
    char zone_path[4096];
    char journal_path[4096];
};

/* ERR_LIMIT where the paths are too long. */
int publish_zone_init(struct publish_zone *p, const char *folder, const struct record_zone *zone);
void publish_zone_close(struct publish_zone *p);

/* Whether a good zone of this source lies on disk. */
bool publish_zone_on_disk(const struct publish_zone *p, const struct publish_source *s);

/* Makes the disk the store's: nothing to do, one transaction, or a new file. */
int publish_zone_sync(struct publish_zone *p, const struct publish_source *s);

/* Adds a change to the transaction being built; `cause` stands at the head of the first one since the last
 * commit. Failures make the zone STALE. */
void publish_zone_change(struct publish_zone *p, const char *cause, char op, const struct rr *rr);
/* The next change begins with its cause. */
int publish_zone_commit(struct publish_zone *p);

/* Does what is due: commits, compares, begins to write anew or ends that. */
int publish_zone_settle(struct publish_zone *p, const struct publish_source *s);

/* True where the journal has outgrown its zone file and nobody is at it yet. */
bool publish_zone_outgrown(const struct publish_zone *p);

/* ---- publish_rewrite.c: the zone file anew, at the serial it has with its journal ---- */

/* Starts writing in a child process, which has the store as it is now; changes go on into the old journal
 * meanwhile. The zone is OPEN and its transaction empty. -errno. */
int publish_zone_rewrite(struct publish_zone *p, const struct publish_source *s);
/* Where the child is done, puts a new journal in place that holds what came since; with `wait` it waits for
 * it. ERR_OK also where there is none. On failure the old files go on being used. */
int publish_zone_reap(struct publish_zone *p, bool wait);
/* Ends the child. */
void publish_zone_stop_rewrite(struct publish_zone *p);

/* For publish_rewrite.c: the whole zone into its file. */
int publish_zone_write_file(struct publish_zone *p, const struct publish_source *s, uint32_t serial);

#endif
