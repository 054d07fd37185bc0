/* Blocks of all sizes, each whole and its own, whoever frees them. */
#include "base/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../runner.h"

#define BLOCKS  20000u
#define THREADS 4u

static size_t size_of(size_t i)
{
    return 1 + i * 37 % (POOL_BLOCK_MAX + 200);
}

static void *filled(size_t i)
{
    void *block = pool_alloc(size_of(i));
    if (block == NULL || (uintptr_t)block % 8 != 0)
        return NULL;
    return memset(block, (int)(i % 251), size_of(i));
}

static bool is_whole(const void *block, size_t i)
{
    const uint8_t *octets = block;
    for (size_t k = 0; k < size_of(i); k++)
        if (octets[k] != i % 251)
            return false;
    return true;
}

static void blocks_of_all_sizes_keep_what_is_in_them(void)
{
    static void *blocks[BLOCKS];
    unsigned wrong = 0;
    for (size_t i = 0; i < BLOCKS; i++)
        wrong += (blocks[i] = filled(i)) == NULL;
    for (size_t round = 0; round < 3; round++) { /* every third goes and another of its size comes */
        for (size_t i = round; i < BLOCKS; i += 3) {
            wrong += !is_whole(blocks[i], i);
            pool_free(blocks[i], size_of(i));
        }
        for (size_t i = round; i < BLOCKS; i += 3)
            wrong += (blocks[i] = filled(i)) == NULL;
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        wrong += !is_whole(blocks[i], i);
        pool_free(blocks[i], size_of(i));
    }
    pool_free(NULL, 8);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(pool_room(1), 8);
    CU_ASSERT_EQUAL(pool_room(112), 112);
}

static size_t resident_pages(void)
{
    unsigned long size, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return pages;
}

static void what_is_freed_goes_back_to_the_system(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    enum { COUNT = 200000, SIZE = 104 }; /* 20 MiB */
    void **blocks = calloc(COUNT, sizeof *blocks);
    for (size_t i = 0; i < COUNT; i++)
        blocks[i] = memset(pool_alloc(SIZE), 1, SIZE);
    size_t full = resident_pages();
    for (size_t i = 0; i < COUNT; i++)
        pool_free(blocks[i], SIZE);
    CU_ASSERT_TRUE(resident_pages() + 4000 < full);
    free(blocks);
#else
    CU_ASSERT_TRUE(resident_pages() > 0);
#endif
}

/* Each thread fills blocks for the next one to look at and free. */
static void *passed[THREADS][BLOCKS];
static pthread_barrier_t all_filled;
static unsigned mistakes[THREADS];

static void *pass_on(void *arg)
{
    size_t own = (size_t)(uintptr_t)arg, other = (own + 1) % THREADS;
    for (size_t i = 0; i < BLOCKS; i++)
        passed[own][i] = filled(i + own);
    pthread_barrier_wait(&all_filled);
    for (size_t i = 0; i < BLOCKS; i++) {
        mistakes[own] += passed[other][i] == NULL || !is_whole(passed[other][i], i + other);
        pool_free(passed[other][i], size_of(i + other));
    }
    return NULL;
}

static void one_thread_frees_what_another_has_allocated(void)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&all_filled, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, pass_on, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(mistakes[i], 0);
    }
    pthread_barrier_destroy(&all_filled);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"blocks of all sizes keep what is in them", blocks_of_all_sizes_keep_what_is_in_them},
        {"what is freed goes back to the system", what_is_freed_goes_back_to_the_system},
        {"one thread frees what another has allocated", one_thread_frees_what_another_has_allocated},
    };
    return run_suite("base/pool", tests, sizeof tests / sizeof tests[0]);
}
