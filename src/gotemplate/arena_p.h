/*
 * Memory that is given out in order and taken back in one piece, or back to a mark; never more than a maximum
 * given at birth. One thread at a time.
 */
#ifndef SEAMARK_GOTEMPLATE_ARENA_P_H
#define SEAMARK_GOTEMPLATE_ARENA_P_H

#include <stddef.h>

struct tpl_chunk;

struct tpl_arena {
    struct tpl_chunk *newest;
    size_t chunk_size; /* what is asked of malloc at a time */
    size_t total;      /* octets of all chunks */
    size_t max;        /* the most they may be */
    int error;         /* ERR_OK, ERR_LIMIT or -ENOMEM; sticky until a release */
};

struct tpl_arena_mark {
    struct tpl_chunk *newest;
    size_t used;
};

void tpl_arena_init(struct tpl_arena *a, size_t chunk_size, size_t max);
void tpl_arena_free(struct tpl_arena *a); /* leaves it empty and usable */

/* Memory fit for any type, not cleared; NULL where `error` is set. */
void *tpl_arena_alloc(struct tpl_arena *a, size_t size);
/* The same, cleared. */
void *tpl_arena_zalloc(struct tpl_arena *a, size_t size);

struct tpl_arena_mark tpl_arena_mark(const struct tpl_arena *a);
/* Takes back what was given out since the mark; the first chunk is kept. */
void tpl_arena_release(struct tpl_arena *a, struct tpl_arena_mark mark);

#endif
