/*
 * The publisher: takes what a source of objects says (it is a kube_sink), keeps the store, and keeps the zone
 * files of one server block in step with it.
 *
 *   WAITING   until every watched kind had its first list_end nothing is compared or written
 *             (ServiceImports hold up the zones made of them alone)
 *   LIVE      each change is rendered, compared and appended to the journals, within PUBLISH_WAIT_MS
 *
 * It has no loop and no timer of its own: after each event, and when publish_wait_ms() has run down, its
 * owner calls publish_run(). One thread.
 */
#ifndef SEAMARK_SYNC_PUBLISH_H
#define SEAMARK_SYNC_PUBLISH_H

#include "conf/cluster_block.h"
#include "sync/kube_sink.h"

/* Events that arrive together are one transaction: the first change after a pause is written at once, the
 * next ones gather for this long. */
#define PUBLISH_WAIT_MS 2
/* ... or until this many things are touched: it bounds the memory for what they were before. */
#define PUBLISH_BATCH_MAX 4096
/* After a failed write it is tried again this often at first, then half as often each time, down to the
 * latter. */
#define PUBLISH_RETRY_MIN_MS 500
#define PUBLISH_RETRY_MAX_MS 8000

/* How often it is looked whether a zone file being written anew is done. */
#define PUBLISH_REAP_MS 50

struct publisher;

struct publish_options {
    const struct cluster_block *block; /* borrowed for the publisher's life */
    const char *folder;                /* DIR; borrowed */
    /* Zones of the block that are to be written; NULL: all. For blocks that share a zone. */
    bool (*is_ours)(void *ctx, const uint8_t *apex, const char *view);
    void *ctx;
};

int publish_new(const struct publish_options *options, struct publisher **out, struct errtext *e);
void publish_free(struct publisher *p); /* NULL allowed; does not write */

struct kube_sink publish_sink(struct publisher *p);

/* True where the source has to watch that kind. */
bool publish_wants(const struct publisher *p, enum kube_kind kind);

/* Does what is due. */
void publish_run(struct publisher *p);
/* Milliseconds until publish_run() has something to do: 0 now, -1 nothing. */
int publish_wait_ms(const struct publisher *p);

/* Every watched kind has been listed, and the zone files have been looked at. */
bool publish_live(const struct publisher *p);
/* ERR_OK, or -ENOMEM: an object could not be taken in, so what is known of the cluster has a hole that nobody
 * will fill. Nothing is written from then on; the files stay as they are, and the owner is to start anew. */
int publish_error(const struct publisher *p);
/* Writes whatever is left. ERR_OK where all zones on disk are the store's records. */
int publish_finish(struct publisher *p);

#endif
