#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "gotemplate/arena_p.h"

struct tpl_chunk {
    struct tpl_chunk *older;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t octets[];
};

void tpl_arena_init(struct tpl_arena *a, size_t chunk_size, size_t max)
{
    *a = (struct tpl_arena){.chunk_size = chunk_size, .max = max};
}

static void drop_newest(struct tpl_arena *a)
{
    struct tpl_chunk *chunk = a->newest;
    a->newest = chunk->older;
    a->total -= chunk->size;
    free(chunk);
}

void tpl_arena_free(struct tpl_arena *a)
{
    while (a->newest != NULL)
        drop_newest(a);
    a->error = ERR_OK;
}

static struct tpl_chunk *add_chunk(struct tpl_arena *a, size_t size)
{
    if (size < a->chunk_size)
        size = a->chunk_size;
    if (size > a->max || a->total > a->max - size) {
        a->error = ERR_LIMIT;
        return NULL;
    }
    struct tpl_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL) {
        a->error = -ENOMEM;
        return NULL;
    }
    *chunk = (struct tpl_chunk){.older = a->newest, .size = size};
    a->newest = chunk;
    a->total += size;
    return chunk;
}

void *tpl_arena_alloc(struct tpl_arena *a, size_t size)
{
    if (a->error != ERR_OK)
        return NULL;
    if (size > a->max) {
        a->error = ERR_LIMIT;
        return NULL;
    }
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct tpl_chunk *chunk = a->newest;
    if (chunk == NULL || chunk->size - chunk->used < size)
        chunk = add_chunk(a, size);
    if (chunk == NULL)
        return NULL;
    void *at = chunk->octets + chunk->used;
    chunk->used += size;
    return at;
}

void *tpl_arena_zalloc(struct tpl_arena *a, size_t size)
{
    void *at = tpl_arena_alloc(a, size);
    if (at != NULL)
        memset(at, 0, size);
    return at;
}

struct tpl_arena_mark tpl_arena_mark(const struct tpl_arena *a)
{
    return (struct tpl_arena_mark){.newest = a->newest, .used = a->newest == NULL ? 0 : a->newest->used};
}

void tpl_arena_release(struct tpl_arena *a, struct tpl_arena_mark mark)
{
    while (a->newest != mark.newest && a->newest->older != NULL)
        drop_newest(a);
    if (a->newest != NULL)
        a->newest->used = a->newest == mark.newest ? mark.used : 0;
    a->error = ERR_OK;
}
