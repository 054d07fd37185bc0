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

#include "sync/records_stream.h"
#include "zone/journal.h"
#include "zone/zonefile.h"

/* The zone file is written anew once the journal is larger than this, or than half of the zone file: whoever
 * starts reads both, so the journal is never the larger part, and small zones are not rewritten for nothing.
 */
#define PUBLISH_JOURNAL_MIN (1 << 20)

enum zone_state { ZONE_CLOSED, ZONE_OPEN, ZONE_PENDING, ZONE_STALE };

/* What all zones of a block share. */
struct publish_source {
    const struct record_rules *rules;
    const struct store *store;
    const char *identity; /* kubernetes_block_identity() */
    const char *cluster;
    const char *versions; /* "namespaces=1 services=2 ..." */
};

struct publish_zone {
    const struct record_zone *zone;
    enum zone_state state;
    bool journal_open;
    struct journal_writer journal;
    uint32_t serial; /* on disk */
    uint64_t file_size;
    char name[NAME_MAX_TEXT];
    char zone_path[4096];
    char journal_path[4096];
};

/* ERR_LIMIT where the paths are too long. */
int publish_zone_init(struct publish_zone *p, const char *folder, const struct record_zone *zone);
void publish_zone_close(struct publish_zone *p);

/* Makes the disk the store's: nothing to do, one transaction, or a new file. */
int publish_zone_sync(struct publish_zone *p, const struct publish_source *s);

/* Adds a change to the transaction being built; `cause` stands at the head of the first one since the last
 * commit. Failures make the zone STALE. */
void publish_zone_change(struct publish_zone *p, const char *cause, char op, const struct rr *rr);
/* The next change begins with its cause. */
int publish_zone_commit(struct publish_zone *p);

/* True where the journal has outgrown its zone file. */
bool publish_zone_outgrown(const struct publish_zone *p);
/* Writes the zone file at the present serial, then an empty journal upon it. The transaction being built must
 * be empty, and the store in step with the disk (OPEN). On failure the old files go on being used. */
int publish_zone_rewrite(struct publish_zone *p, const struct publish_source *s);

#endif
