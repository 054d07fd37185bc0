/* sync/kube_log.h: one line a cause and minute. */
#include "sync/kube_log.h"

#include "../runner.h"

static void one_line_a_cause(void)
{
    struct kube_log log = {0};
    CU_ASSERT_TRUE(kube_log_may(&log, 403, 1000));
    CU_ASSERT_FALSE(kube_log_may(&log, 403, 1001));
    CU_ASSERT_TRUE(kube_log_may(&log, 0, 1002));
    CU_ASSERT_TRUE(kube_log_may(&log, -104, 1003));
    CU_ASSERT_FALSE(kube_log_may(&log, 403, 60999));
    CU_ASSERT_FALSE(kube_log_may(&log, 0, 60999));
    CU_ASSERT_TRUE(kube_log_may(&log, 403, 61000));
    CU_ASSERT_FALSE(kube_log_may(&log, -104, 61000));
}

static void the_oldest_is_forgotten(void)
{
    struct kube_log log = {0};
    for (int cause = 1; cause <= KUBE_LOG_CAUSES; cause++)
        CU_ASSERT_TRUE(kube_log_may(&log, cause, 1000 + (uint64_t)cause));
    for (int cause = 1; cause <= KUBE_LOG_CAUSES; cause++)
        CU_ASSERT_FALSE(kube_log_may(&log, cause, 2000));
    CU_ASSERT_TRUE(kube_log_may(&log, 99, 2000));
    CU_ASSERT_FALSE(kube_log_may(&log, 2, 2000));
    CU_ASSERT_TRUE(kube_log_may(&log, 1, 2000));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a cause is said once a minute, another at once", one_line_a_cause},
        {"the oldest of too many causes is forgotten", the_oldest_is_forgotten},
    };
    return run_suite("kube_log", tests, sizeof tests / sizeof tests[0]);
}
