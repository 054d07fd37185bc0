#include <stdint.h>
#include <string.h>

#include "../runner.h"
#include "base/err.h"
#include "conf/conf_arena_p.h"
#include "same_text.h"

static void test_alignment(void)
{
    struct conf_arena *arena = conf_arena_new(1 << 20);
    for (size_t size = 1; size < 100; size++) {
        unsigned char *p = conf_arena_alloc(arena, size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p);
        CU_ASSERT_EQUAL((uintptr_t)p % sizeof(void *), 0);
        for (size_t i = 0; i < size; i++)
            CU_ASSERT_EQUAL(p[i], 0);
        memset(p, 0xff, size);
    }
    conf_arena_free(arena);
}

static void test_limit(void)
{
    struct conf_arena *arena = conf_arena_new(1000);
    CU_ASSERT_PTR_NOT_NULL(conf_arena_alloc(arena, 500));
    CU_ASSERT_PTR_NULL(conf_arena_alloc(arena, 600));
    CU_ASSERT_EQUAL(conf_arena_error(arena), ERR_LIMIT);
    CU_ASSERT_PTR_NULL(conf_arena_alloc(arena, 1)); /* the first failure sticks */
    CU_ASSERT_PTR_NULL(conf_arena_strndup(arena, "a", 1));
    CU_ASSERT_PTR_NULL(conf_arena_grow(arena, NULL, 0, 8));
    conf_arena_free(arena);
}

static void test_huge_sizes(void)
{
    struct conf_arena *arena = conf_arena_new(SIZE_MAX);
    CU_ASSERT_PTR_NULL(conf_arena_alloc(arena, SIZE_MAX - 1));
    CU_ASSERT_EQUAL(conf_arena_error(arena), ERR_LIMIT);
    conf_arena_free(arena);
    arena = conf_arena_new(SIZE_MAX);
    CU_ASSERT_PTR_NULL(conf_arena_strndup(arena, "", SIZE_MAX));
    CU_ASSERT_EQUAL(conf_arena_error(arena), ERR_LIMIT);
    conf_arena_free(arena);
}

static void test_grow(void)
{
    struct conf_arena *arena = conf_arena_new(1 << 20);
    unsigned *items = NULL;
    for (unsigned i = 0; i < 1000; i++) {
        items = conf_arena_grow(arena, items, i, sizeof *items);
        CU_ASSERT_PTR_NOT_NULL_FATAL(items);
        items[i] = i;
    }
    for (unsigned i = 0; i < 1000; i++)
        CU_ASSERT_EQUAL(items[i], i);
    conf_arena_free(arena);
}

static void test_large_chunk(void)
{
    struct conf_arena *arena = conf_arena_new(1 << 20);
    char *small = conf_arena_strndup(arena, "small", 5);
    char *large = conf_arena_alloc(arena, 100000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(large);
    memset(large, 'x', 100000);
    ASSERT_TEXT(small, "small");
    conf_arena_free(arena);
}

static const struct unit_test tests[] = {
    {"memory is zeroed and aligned", test_alignment},
    {"what goes over the maximum fails, and so does all that follows", test_limit},
    {"sizes that would wrap around are refused", test_huge_sizes},
    {"a growing array keeps what is in it", test_grow},
    {"an allocation larger than a chunk gets its own", test_large_chunk},
};

int main(void)
{
    return run_suite("conf_arena", tests, sizeof tests / sizeof *tests);
}
