/* Runs a table of CUnit tests as one suite and gives the exit status: 0 where all passed. */
#ifndef SEAMARK_TESTS_RUNNER_H
#define SEAMARK_TESTS_RUNNER_H

#include <CUnit/Basic.h>
#include <stddef.h>

struct unit_test {
    const char *name; /* a sentence */
    void (*run)(void);
};

static inline int run_suite(const char *suite_name, const struct unit_test *tests, size_t count)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    for (size_t i = 0; suite != NULL && i < count; i++)
        if (CU_add_test(suite, tests[i].name, tests[i].run) == NULL)
            suite = NULL;
    if (suite == NULL)
        return 2;
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed();
    unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failed == 0 && run == count ? 0 : 1;
}

#endif
