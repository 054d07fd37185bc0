#include "conf/conf_arena_p.h"

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* A stock Corefile with all its tokens fits in one. */
#define CHUNK_SIZE 16384

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

struct conf_arena {
    struct chunk *chunks; /* the one being filled first */
    size_t left;
    int error;
};

struct conf_arena *conf_arena_new(size_t max_bytes)
{
    struct conf_arena *arena = calloc(1, sizeof *arena);
    if (arena != NULL)
        arena->left = max_bytes;
    return arena;
}

void conf_arena_free(struct conf_arena *arena)
{
    if (arena == NULL)
        return;
    while (arena->chunks != NULL) {
        struct chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    free(arena);
}

static void *fail(struct conf_arena *arena, int code)
{
    if (arena->error == ERR_OK)
        arena->error = code;
    return NULL;
}

void *conf_arena_alloc(struct conf_arena *arena, size_t size)
{
    if (arena->error != ERR_OK)
        return NULL;
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align || (size + align - 1) / align * align > arena->left)
        return fail(arena, ERR_LIMIT);
    size = (size + align - 1) / align * align;

    struct chunk *c = arena->chunks;
    if (c == NULL || c->size - c->used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        c = calloc(1, sizeof *c + room);
        if (c == NULL)
            return fail(arena, -ENOMEM);
        c->size = room;
        c->next = arena->chunks;
        arena->chunks = c;
    }
    void *p = c->data + c->used;
    c->used += size;
    arena->left -= size;
    return p;
}

char *conf_arena_strndup(struct conf_arena *arena, const char *text, size_t len)
{
    char *copy = len == SIZE_MAX ? fail(arena, ERR_LIMIT) : conf_arena_alloc(arena, len + 1);
    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return copy;
}

/* The room of an array is the power of two that its count has reached, and 4 at first; so it need not be
 * stored. */
void *conf_arena_grow(struct conf_arena *arena, void *items, size_t count, size_t size)
{
    bool full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
    if (items != NULL && !full)
        return items;
    size_t room = count == 0 ? 4 : count * 2;
    if (room > SIZE_MAX / size)
        return fail(arena, ERR_LIMIT);
    void *moved = conf_arena_alloc(arena, room * size);
    if (moved != NULL && count > 0)
        memcpy(moved, items, count * size);
    return moved;
}

int conf_arena_error(const struct conf_arena *arena)
{
    return arena->error;
}
