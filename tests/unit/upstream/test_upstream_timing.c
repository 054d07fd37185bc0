/* How fast an upstream is, and how often it may be asked. */
#include "../runner.h"

#include <string.h>

#include "upstream/upstream_timing.h"

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

static void the_mean_follows_the_answers(void)
{
    struct upstream u = {0};
    CU_ASSERT_EQUAL(upstream_timing_mean_us(&u), 0);
    upstream_timing_answered(&u, 10 * MS);
    CU_ASSERT_EQUAL(upstream_timing_mean_us(&u), 10001);
    upstream_timing_answered(&u, 18 * MS); /* an eighth at once, more later */
    CU_ASSERT_EQUAL(upstream_timing_mean_us(&u), 11001);
    for (unsigned i = 0; i < 100; i++)
        upstream_timing_answered(&u, 40 * MS);
    CU_ASSERT_TRUE(upstream_timing_mean_us(&u) > 39000 && upstream_timing_mean_us(&u) < 41000);
    upstream_timing_unanswered(&u, 5 * MS); /* that it takes longer is known */
    CU_ASSERT_TRUE(upstream_timing_mean_us(&u) > 39000);
    upstream_timing_unanswered(&u, 400 * MS);
    CU_ASSERT_TRUE(upstream_timing_mean_us(&u) > 80000 && upstream_timing_mean_us(&u) < 90000);
    upstream_timing_answered(&u, UINT64_MAX);
    CU_ASSERT_TRUE(upstream_timing_mean_us(&u) > 90000);
}

static void one_answer_in_twenty_is_later_than_the_p95(void)
{
    struct upstream u = {0};
    unsigned later = 0, random = 1;
    for (unsigned i = 0; i < 40000; i++) { /* evenly from 0 to 100 ms */
        random = random * 1103515245 + 12345;
        uint64_t ns = (random >> 8) % 100000 * 1000;
        later += i >= 20000 && ns / 1000 > upstream_timing_p95_us(&u);
        upstream_timing_answered(&u, ns);
    }
    CU_ASSERT_TRUE(later > 600 && later < 1400);
}

/* Takes all that is given from `from` on, and returns the number within a second of it. */
static unsigned take_for_a_second(struct upstream *u, uint32_t qps, uint64_t from)
{
    unsigned n = 0;
    uint64_t at;
    while ((at = upstream_budget_take(u, qps, from, from + S - 1)) != 0)
        n += at < from + S;
    return n;
}

static void a_question_that_is_not_waited_for_is_one_that_was_late(void)
{
    struct upstream u = {0};
    unsigned hedged = 0, random = 1;
    for (unsigned i = 0; i < 40000; i++) { /* as before, but who is late is given up soon after */
        random = random * 1103515245 + 12345;
        uint64_t ns = (random >> 8) % 100000 * 1000, patience = upstream_timing_p95_us(&u) * UINT64_C(1000);
        bool late = patience != 0 && ns > patience;
        hedged += i >= 20000 && late;
        if (late)
            upstream_timing_unanswered(&u, patience + MS / 10);
        else
            upstream_timing_answered(&u, ns);
    }
    CU_ASSERT_TRUE(hedged > 600 && hedged < 1400);
    for (unsigned i = 0; i < 1000; i++)
        upstream_timing_unanswered(&u, 3 * S);
    CU_ASSERT_TRUE(upstream_timing_p95_us(&u) < 1400000);
}

static void no_second_has_more_than_the_budget(void)
{
    static const uint32_t budgets[] = {1, 2, 7, 49, 50, 51, 1000, 1000000};
    for (unsigned i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        struct upstream u = {0};
        uint32_t qps = budgets[i];
        unsigned n = take_for_a_second(&u, qps, 1000 * S);
        CU_ASSERT_TRUE(n <= qps && n >= qps - qps / 50 - 1);
        CU_ASSERT_EQUAL(upstream_budget_take(&u, qps, 1000 * S, 1000 * S), 0);
        /* And no other second: from the middle of that one on. */
        struct upstream v = {0};
        uint64_t times[64];
        unsigned taken = 0;
        while (qps < 64 && taken < 64 &&
               (times[taken] = upstream_budget_take(&v, qps, 1000 * S, 1003 * S)) != 0)
            taken++;
        for (unsigned k = 0; qps < 64 && k + qps < taken; k++)
            CU_ASSERT_TRUE(times[k + qps] - times[k] >= S);
    }
}

static void what_is_not_taken_is_not_saved_up(void)
{
    struct upstream u = {0};
    take_for_a_second(&u, 100, 1000 * S);
    CU_ASSERT_EQUAL(upstream_budget_at(&u, 100, 2000 * S), 2000 * S);
    CU_ASSERT_TRUE(take_for_a_second(&u, 100, 2000 * S) <= 100);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the mean follows the answers", the_mean_follows_the_answers},
        {"one answer in twenty is later than the p95", one_answer_in_twenty_is_later_than_the_p95},
        {"a question that is not waited for is one that was late",
         a_question_that_is_not_waited_for_is_one_that_was_late},
        {"no second has more than the budget", no_second_has_more_than_the_budget},
        {"what is not taken is not saved up", what_is_not_taken_is_not_saved_up},
    };
    return run_suite("upstream_timing", tests, sizeof tests / sizeof tests[0]);
}
