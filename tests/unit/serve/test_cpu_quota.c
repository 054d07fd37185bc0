#include "serve/cpu_quota.h"

#include <sched.h>
#include <stddef.h>

#include "../runner.h"

static void a_quota_is_rounded_up_to_whole_cpus(void)
{
    static const struct {
        const char *text;
        unsigned cpus;
    } cases[] = {
        {"100000 100000\n", 1},
        {"150000 100000\n", 2},
        {"200000 100000", 2},
        {"1 100000", 1},
        {"50000 100000", 1},
        {"1600000 100000", 16},
        {"10000 5000", 2},
        {"250000 50000", 5},
        {"99999999 1", 4096}, /* more than there are machines for */
        {"9223372036854775807 100000", 4096},
        {"9223372036854775807 9223372036854775807", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_EQUAL(cpu_quota_parse(cases[i].text), cases[i].cpus);
}

static void no_quota_and_what_cannot_be_read_is_no_limit(void)
{
    static const char *const cases[] = {"max 100000\n", "-1\n 100000\n", "",       "max", "0 100000",
                                        "100000 0",     "100000 -5",     "100000", "x y", "\n"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_EQUAL(cpu_quota_parse(cases[i]), 0);
}

static void this_process_may_use_at_least_one_and_no_more_than_its_mask(void)
{
    cpu_set_t set;
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof set, &set), 0);
    CU_ASSERT(cpu_quota() >= 1 && cpu_quota() <= (unsigned)CPU_COUNT(&set));
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set)) {
            CPU_SET(i, &one);
            break;
        }
    CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
    CU_ASSERT_EQUAL(cpu_quota(), 1);
    sched_setaffinity(0, sizeof set, &set);
}

static const struct unit_test tests[] = {
    {"a quota is rounded up to whole CPUs", a_quota_is_rounded_up_to_whole_cpus},
    {"no quota, and what cannot be read, is no limit", no_quota_and_what_cannot_be_read_is_no_limit},
    {"this process may use at least one and no more than its mask",
     this_process_may_use_at_least_one_and_no_more_than_its_mask},
};

int main(void)
{
    return run_suite("cpu_quota", tests, sizeof tests / sizeof tests[0]);
}
