#include "sync/store_table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/err.h"

#define FIRST_SIZE 64

int store_table_init(struct store_table *t)
{
    struct store_link **buckets = calloc(FIRST_SIZE, sizeof *buckets);
    if (buckets == NULL)
        return -ENOMEM;
    *t = (struct store_table){.buckets = buckets, .size = FIRST_SIZE};
    return ERR_OK;
}

void store_table_free(struct store_table *t)
{
    free(t->buckets);
    *t = (struct store_table){0};
}

static void grow(struct store_table *t)
{
    size_t size = t->size * 2;
    struct store_link **buckets = calloc(size, sizeof *buckets);
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < t->size; i++) {
        struct store_link *link = t->buckets[i];
        while (link != NULL) {
            struct store_link *next = link->next;
            link->next = buckets[link->hash & (size - 1)];
            buckets[link->hash & (size - 1)] = link;
            link = next;
        }
    }
    free(t->buckets);
    t->buckets = buckets;
    t->size = size;
}

void store_table_add(struct store_table *t, struct store_link *link, uint32_t hash)
{
    if (t->count >= t->size)
        grow(t);
    link->hash = hash;
    link->next = t->buckets[hash & (t->size - 1)];
    t->buckets[hash & (t->size - 1)] = link;
    t->count++;
}

void store_table_remove(struct store_table *t, struct store_link *link)
{
    struct store_link **at = &t->buckets[link->hash & (t->size - 1)];
    while (*at != NULL && *at != link)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = link->next;
    link->next = NULL;
    t->count--;
}

struct store_link *store_table_next(const struct store_table *t, struct store_cursor *cursor)
{
    if (!cursor->started)
        *cursor = (struct store_cursor){.started = 1};
    while (cursor->next == NULL && cursor->bucket < t->size)
        cursor->next = t->buckets[cursor->bucket++];
    struct store_link *link = cursor->next;
    if (link != NULL)
        cursor->next = link->next;
    return link;
}

static uint64_t process_key(void)
{
    static uint64_t key;
    while (key == 0)
        if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
            key = (uint64_t)(uintptr_t)&key; /* no random numbers: at least the address space's */
    return key;
}

uint32_t store_hash(uint32_t seed, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t h = process_key() ^ ((uint64_t)seed << 32 | seed);
    for (size_t i = 0; i < len; i++) {
        h = (h ^ p[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return (uint32_t)(h ^ h >> 32);
}
