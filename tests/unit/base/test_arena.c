#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "../runner.h"
#include "base/err.h"

static void test_memory_is_given_and_taken_back(void)
{
    struct arena a;
    arena_init(&a, 256, 1 << 20);
    char *first = arena_alloc(&a, 10);
    struct arena_mark mark = arena_mark_now(&a);
    char *second = arena_alloc(&a, 3), *zeros = arena_zalloc(&a, 1000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(zeros);
    CU_ASSERT((uintptr_t)first % 16 == 0 && (uintptr_t)second % 16 == 0 && second >= first + 10);
    for (int i = 0; i < 1000; i++)
        CU_ASSERT_EQUAL_FATAL(zeros[i], 0);
    memset(first, 1, 10);
    memset(second, 2, 3);
    arena_release(&a, mark);
    CU_ASSERT_PTR_EQUAL(arena_alloc(&a, 3), second);
    CU_ASSERT_EQUAL(first[9], 1);
    arena_release(&a, (struct arena_mark){0});
    CU_ASSERT_PTR_EQUAL(arena_alloc(&a, 10), first);
    arena_free(&a);
}

static void test_the_maximum_holds(void)
{
    struct arena a;
    arena_init(&a, 64, 256);
    CU_ASSERT_PTR_NULL(arena_alloc(&a, 257));
    CU_ASSERT_EQUAL(a.error, ERR_LIMIT);
    CU_ASSERT_PTR_NULL(arena_alloc(&a, 1)); /* it sticks */
    arena_release(&a, arena_mark_now(&a));
    for (int i = 0; i < 4; i++)
        CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 64));
    CU_ASSERT_PTR_NULL(arena_alloc(&a, 1));
    CU_ASSERT_EQUAL(a.error, ERR_LIMIT);
    arena_free(&a);
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 200));
    arena_free(&a);
}

static const struct unit_test tests[] = {
    {"memory is given out in order and taken back to a mark", test_memory_is_given_and_taken_back},
    {"there is never more than the maximum", test_the_maximum_holds},
};

int main(void)
{
    return run_suite("arena", tests, sizeof tests / sizeof *tests);
}
