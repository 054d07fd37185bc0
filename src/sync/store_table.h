/*
 * The hash table under the store: chains of links that live inside what they hold, so that an entry costs 16
 * octets and no allocation of its own. The table owns its buckets only. Hashes are keyed with a random
 * number, since names come from whoever may create objects in the cluster. One thread.
 */
#ifndef SEAMARK_SYNC_STORE_TABLE_H
#define SEAMARK_SYNC_STORE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct store_link {
    struct store_link *next;
    uint32_t hash;
};

struct store_table {
    struct store_link **buckets;
    size_t size; /* a power of two */
    size_t count;
};

int store_table_init(struct store_table *t); /* ERR_OK, -ENOMEM */
void store_table_free(struct store_table *t);

/* Cannot fail: where there is no memory for more buckets the chains get longer. */
void store_table_add(struct store_table *t, struct store_link *link, uint32_t hash);
void store_table_remove(struct store_table *t, struct store_link *link);

/* First link of the chain that entries of this hash are in; the caller compares hash and key. */
static inline struct store_link *store_table_chain(const struct store_table *t, uint32_t hash)
{
    return t->buckets[hash & (t->size - 1)];
}

/* Every link, in no order. The one returned last may be removed before the next call, no other.
 * `*cursor` begins as a zeroed struct. NULL at the end. */
struct store_cursor {
    size_t bucket;
    struct store_link *next;
    int started;
};
struct store_link *store_table_next(const struct store_table *t, struct store_cursor *cursor);

/* Hash of octets; `seed` is 0 to begin, or the hash of what stands before them in the key. */
uint32_t store_hash(uint32_t seed, const void *data, size_t len);

#define store_entry(link_pointer, type, member)                                                              \
    ((type *)(void *)((char *)(link_pointer)-offsetof(type, member)))

#endif
