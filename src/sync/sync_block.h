/*
 * One `kubernetes` block at work: its source of objects (an API server or files), its publisher, and the
 * timers between them on one event loop. One thread.
 */
#ifndef SEAMARK_SYNC_SYNC_BLOCK_H
#define SEAMARK_SYNC_SYNC_BLOCK_H

#include "conf/cluster_block.h"

struct event_base;
struct sync_block;

/* How often files are looked at for changes. */
#define SYNC_POLL_MS 1000

struct sync_block_options {
    const struct cluster_block *block; /* borrowed until sync_block_free */
    const char *folder;                /* DIR; likewise */
    bool follow;                       /* false: files are read once */
    bool (*is_ours)(void *ctx, const uint8_t *apex, const char *view);
    void *ctx;
    void (*live)(void *ctx); /* called once, from the loop, when the first full view is written or tried; may
                                be NULL */
    void (*failed)(void *ctx); /* called from the loop, perhaps more than once: memory has run out and an
                                  object is lost. The files stay; starting anew mends it. May be NULL */
};

/* Starts it; nothing happens before the loop runs. Errors with `e` set. */
int sync_block_start(struct event_base *base, const struct sync_block_options *options,
                     struct sync_block **out, struct errtext *e);
void sync_block_free(struct sync_block *b); /* NULL allowed; does not write */

/* Whether the zone files are what the source says, as far as anybody can know: everything was listed, every
 * watch is under way, the files could be read, and nothing waits to be written. */
bool sync_block_in_step(const struct sync_block *b);

/* Writes what is left. ERR_OK where the zone files are complete and nothing in the source was wrong. */
int sync_block_finish(struct sync_block *b);

#endif
