/*
 * Memory that is released in one piece: what a loaded corefile consists of. Grows to a maximum given at
 * birth; the first failure sticks, and conf_arena_error() tells which it was. One thread at a time.
 */
#ifndef SEAMARK_CONF_CONF_ARENA_P_H
#define SEAMARK_CONF_CONF_ARENA_P_H

#include <stddef.h>

struct conf_arena;

struct conf_arena *conf_arena_new(size_t max_bytes); /* NULL: no memory */
void conf_arena_free(struct conf_arena *arena);      /* NULL allowed */

/* Zeroed memory fit for any type, or NULL. */
void *conf_arena_alloc(struct conf_arena *arena, size_t size);
/* A copy of `len` bytes with a NUL behind it, or NULL. */
char *conf_arena_strndup(struct conf_arena *arena, const char *text, size_t len);

/* Room for one more item in an array of `count` items of `size` bytes that only this function made: the
 * array, moved where it was full, or NULL. `items` is NULL at first. */
void *conf_arena_grow(struct conf_arena *arena, void *items, size_t count, size_t size);

/* ERR_OK, ERR_LIMIT or -ENOMEM. */
int conf_arena_error(const struct conf_arena *arena);

#endif
