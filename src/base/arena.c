#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

struct arena_chunk {
    struct arena_chunk *older;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t octets[];
};

void arena_init(struct arena *a, size_t chunk_size, size_t max)
{
    *a = (struct arena){.chunk_size = chunk_size, .max = max};
}

static void drop_newest(struct arena *a)
{
    struct arena_chunk *chunk = a->newest;
    a->newest = chunk->older;
    a->total -= chunk->size;
    free(chunk);
}

void arena_free(struct arena *a)
{
    while (a->newest != NULL)
        drop_newest(a);
    a->error = ERR_OK;
}

static struct arena_chunk *add_chunk(struct arena *a, size_t size)
{
    if (size < a->chunk_size)
        size = a->chunk_size;
    if (size > a->max || a->total > a->max - size) {
        a->error = ERR_LIMIT;
        return NULL;
    }
    struct arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL) {
        a->error = -ENOMEM;
        return NULL;
    }
    *chunk = (struct arena_chunk){.older = a->newest, .size = size};
    a->newest = chunk;
    a->total += size;
    return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (a->error != ERR_OK)
        return NULL;
    if (size > a->max) {
        a->error = ERR_LIMIT;
        return NULL;
    }
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_chunk *chunk = a->newest;
    if (chunk == NULL || chunk->size - chunk->used < size)
        chunk = add_chunk(a, size);
    if (chunk == NULL)
        return NULL;
    void *at = chunk->octets + chunk->used;
    chunk->used += size;
    return at;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *at = arena_alloc(a, size);
    if (at != NULL)
        memset(at, 0, size);
    return at;
}

struct arena_mark arena_mark_now(const struct arena *a)
{
    return (struct arena_mark){.newest = a->newest, .used = a->newest == NULL ? 0 : a->newest->used};
}

void arena_release(struct arena *a, struct arena_mark mark)
{
    while (a->newest != mark.newest && a->newest->older != NULL)
        drop_newest(a);
    if (a->newest != NULL)
        a->newest->used = a->newest == mark.newest ? mark.used : 0;
    a->error = ERR_OK;
}
