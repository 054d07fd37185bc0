#include "sync/store_addresses.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

#define ENTRIES_FIRST 64u
#define BUCKETS_FIRST 64u

void address_index_free(struct address_index *x)
{
    free(x->entries);
    free(x->buckets);
    *x = (struct address_index){0};
}

static uint32_t *bucket_of(const struct address_index *x, uint32_t hash)
{
    return &x->buckets[hash & (x->nbuckets - 1)];
}

/* Twice the buckets. Without memory chains get longer, where there are any. */
static int more_buckets(struct address_index *x)
{
    uint32_t n = x->nbuckets == 0 ? BUCKETS_FIRST : 2 * x->nbuckets;
    uint32_t *buckets = calloc(n, sizeof *buckets);
    if (buckets == NULL)
        return x->nbuckets == 0 ? -ENOMEM : ERR_OK;
    free(x->buckets);
    x->buckets = buckets;
    x->nbuckets = n;
    for (uint32_t i = 1; i < x->used; i++) {
        if (x->entries[i].owner == 0)
            continue;
        uint32_t *first = bucket_of(x, x->entries[i].hash);
        x->entries[i].next = *first;
        *first = i;
    }
    return ERR_OK;
}

/* A quarter more: an array that doubles is half empty when it has just done so. */
static int more_entries(struct address_index *x)
{
    size_t cap = x->cap + x->cap / 4 + ENTRIES_FIRST;
    struct address_entry *entries = cap > UINT32_MAX ? NULL : realloc(x->entries, cap * sizeof *entries);
    if (entries == NULL)
        return -ENOMEM;
    x->entries = entries;
    x->cap = (uint32_t)cap;
    if (x->used == 0)
        x->used = 1;
    return ERR_OK;
}

int address_index_add(struct address_index *x, uint32_t hash, void *owner, enum address_role role)
{
    if (x->count >= x->nbuckets && more_buckets(x) != ERR_OK)
        return -ENOMEM;
    uint32_t number = x->unused;
    if (number != 0)
        x->unused = x->entries[number].next;
    else if (x->used == x->cap && more_entries(x) != ERR_OK)
        return -ENOMEM;
    else
        number = x->used++;
    uint32_t *first = bucket_of(x, hash);
    x->entries[number] =
        (struct address_entry){.owner = (uintptr_t)owner | (uintptr_t)role, .hash = hash, .next = *first};
    *first = number;
    x->count++;
    return ERR_OK;
}

void address_index_remove(struct address_index *x, uint32_t hash, const void *owner, enum address_role role)
{
    if (x->nbuckets == 0)
        return;
    uintptr_t wanted = (uintptr_t)owner | (uintptr_t)role;
    for (uint32_t *at = bucket_of(x, hash); *at != 0; at = &x->entries[*at].next) {
        uint32_t number = *at;
        struct address_entry *e = &x->entries[number];
        if (e->hash != hash || e->owner != wanted)
            continue;
        *at = e->next;
        *e = (struct address_entry){.next = x->unused};
        x->unused = number;
        x->count--;
        return;
    }
}

static uint32_t of_hash(const struct address_index *x, uint32_t number, uint32_t hash)
{
    while (number != 0 && x->entries[number].hash != hash)
        number = x->entries[number].next;
    return number;
}

uint32_t address_index_first(const struct address_index *x, uint32_t hash)
{
    return x->nbuckets == 0 ? 0 : of_hash(x, *bucket_of(x, hash), hash);
}

uint32_t address_index_next(const struct address_index *x, uint32_t number)
{
    return of_hash(x, x->entries[number].next, x->entries[number].hash);
}
