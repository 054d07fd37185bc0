/* The index of addresses, against a plain list of what is in it. */
#include "sync/store_addresses.h"

#include <stdlib.h>
#include <string.h>

#include "../runner.h"
#include "base/err.h"

#define OWNERS 5000u

static _Alignas(8) uint64_t owners[OWNERS];

/* Many hashes are equal, and many more share a bucket. */
static uint32_t hash_of(size_t i)
{
    return (uint32_t)(i % 700) * 64;
}

static enum address_role role_of(size_t i)
{
    return (enum address_role)(i % 3);
}

static unsigned count_found(const struct address_index *x, size_t owner, uint32_t *of_the_hash)
{
    unsigned found = 0;
    *of_the_hash = 0;
    for (uint32_t n = address_index_first(x, hash_of(owner)); n != 0;
         n = address_index_next(x, n), ++*of_the_hash)
        found += address_owner(x, n) == &owners[owner] && address_role(x, n) == role_of(owner);
    return found;
}

static void entries_come_and_go(void)
{
    struct address_index x = {0};
    uint32_t of_the_hash, wrong = 0;
    CU_ASSERT_EQUAL(address_index_first(&x, 7), 0);
    address_index_remove(&x, 7, &owners[0], ADDRESS_OF_SLICE);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < OWNERS; i++)
            wrong += address_index_add(&x, hash_of(i), &owners[i], role_of(i)) != ERR_OK;
        CU_ASSERT_EQUAL(x.count, OWNERS);
        for (size_t i = 0; i < OWNERS; i++)
            wrong += count_found(&x, i, &of_the_hash) != 1 || of_the_hash < OWNERS / 700;
        for (size_t i = 0; i < OWNERS; i += 2)
            address_index_remove(&x, hash_of(i), &owners[i], role_of(i));
        address_index_remove(&x, hash_of(1), &owners[1], role_of(2)); /* not with that role */
        CU_ASSERT_EQUAL(x.count, OWNERS / 2);
        for (size_t i = 0; i < OWNERS; i++)
            wrong += count_found(&x, i, &of_the_hash) != i % 2;
        for (size_t i = 1; i < OWNERS; i += 2)
            address_index_remove(&x, hash_of(i), &owners[i], role_of(i));
        CU_ASSERT_EQUAL(x.count, 0);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(x.used <= OWNERS + 1); /* numbers are used again */
    address_index_free(&x);
}

static void an_entry_may_be_there_twice(void)
{
    struct address_index x = {0};
    uint32_t of_the_hash;
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(address_index_add(&x, hash_of(5), &owners[5], role_of(5)), ERR_OK);
    CU_ASSERT_EQUAL(count_found(&x, 5, &of_the_hash), 2);
    address_index_remove(&x, hash_of(5), &owners[5], role_of(5));
    CU_ASSERT_EQUAL(count_found(&x, 5, &of_the_hash), 1);
    address_index_free(&x);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"entries come and go", entries_come_and_go},
        {"an entry may be there twice", an_entry_may_be_there_twice},
    };
    return run_suite("sync/store_addresses", tests, sizeof tests / sizeof tests[0]);
}
