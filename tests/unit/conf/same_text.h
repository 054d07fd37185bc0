/* CU_ASSERT_STRING_EQUAL that shows both texts where they differ. */
#ifndef SEAMARK_TESTS_SAME_TEXT_H
#define SEAMARK_TESTS_SAME_TEXT_H

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#define ASSERT_TEXT(got, want)                                                                               \
    do {                                                                                                     \
        const char *got_ = (got), *want_ = (want);                                                           \
        if (strcmp(got_, want_) != 0)                                                                        \
            printf("\n    got:  %s\n    want: %s\n", got_, want_);                                           \
        CU_ASSERT_STRING_EQUAL(got_, want_);                                                                 \
    } while (0)

#endif
