/*
 * Who has an address: an entry for each of a unit's or a slice's, found by the address's hash. There is one
 * for every endpoint of the cluster, so an entry is 16 octets in one array and is named by its number there;
 * the address itself is looked up in the owner. One thread.
 */
#ifndef SEAMARK_SYNC_STORE_ADDRESSES_H
#define SEAMARK_SYNC_STORE_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

/* A unit (its service's cluster or external address) or a slice. */
enum address_role { ADDRESS_OF_CLUSTER, ADDRESS_OF_SLICE, ADDRESS_OF_OUTSIDE };
#define ADDRESS_ROLE_BITS 3u /* owners are at multiples of more */

struct address_entry {
    uintptr_t owner; /* with its role; 0: not in use */
    uint32_t hash;
    uint32_t next; /* in its chain, or among those not in use; 0: none */
};

struct address_index {
    struct address_entry *entries; /* number 0 is none */
    uint32_t cap;
    uint32_t used; /* numbers below have been in use */
    uint32_t unused;
    uint32_t count;
    uint32_t *buckets;
    uint32_t nbuckets; /* a power of two, or 0 */
};

void address_index_free(struct address_index *x);
/* ERR_OK, -ENOMEM. `owner` is at a multiple of 4. */
int address_index_add(struct address_index *x, uint32_t hash, void *owner, enum address_role role);
/* One such entry; none is no error. */
void address_index_remove(struct address_index *x, uint32_t hash, const void *owner, enum address_role role);

/* Number of the first entry of that hash, and of the next behind `number`; 0: none. */
uint32_t address_index_first(const struct address_index *x, uint32_t hash);
uint32_t address_index_next(const struct address_index *x, uint32_t number);

static inline void *address_owner(const struct address_index *x, uint32_t number)
{
    return (void *)(x->entries[number].owner & ~(uintptr_t)ADDRESS_ROLE_BITS);
}

static inline enum address_role address_role(const struct address_index *x, uint32_t number)
{
    return (enum address_role)(x->entries[number].owner & ADDRESS_ROLE_BITS);
}

#endif
