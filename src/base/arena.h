/*
 * Memory that is given out in order and taken back in one piece, or back to a mark; never more than a maximum
 * given at birth. One thread at a time.
 */
#ifndef SEAMARK_BASE_ARENA_H
#define SEAMARK_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *newest;
    size_t chunk_size; /* what is asked of malloc at a time */
    size_t total;      /* octets of all chunks */
    size_t max;        /* the most they may be */
    int error;         /* ERR_OK, ERR_LIMIT or -ENOMEM; sticky until a release */
};

struct arena_mark {
    struct arena_chunk *newest;
    size_t used;
};

void arena_init(struct arena *a, size_t chunk_size, size_t max);
void arena_free(struct arena *a); /* leaves it empty and usable */

/* Memory fit for any type, not cleared; NULL where `error` is set. */
void *arena_alloc(struct arena *a, size_t size);
/* The same, cleared. */
void *arena_zalloc(struct arena *a, size_t size);

struct arena_mark arena_mark_now(const struct arena *a);
/* Takes back what was given out since the mark; the first chunk is kept. */
void arena_release(struct arena *a, struct arena_mark mark);

#endif
