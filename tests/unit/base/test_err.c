#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../runner.h"

static void every_code_has_a_text_of_its_own(void)
{
    static const int codes[] = {ERR_OK,
#define X(name, number, text) ERR_##name,
                                ERR_MAP(X)
#undef X
    };
    size_t count = sizeof codes / sizeof codes[0];
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_STRING_NOT_EQUAL(err_text(codes[i]), "unknown error");
        for (size_t k = 0; k < i; k++) {
            CU_ASSERT_NOT_EQUAL(codes[i], codes[k]);
            CU_ASSERT_STRING_NOT_EQUAL(err_text(codes[i]), err_text(codes[k]));
        }
    }
}

static void errno_values_keep_their_own_text(void)
{
    CU_ASSERT_STRING_EQUAL(err_text(-ENOENT), strerror(ENOENT));
    CU_ASSERT_STRING_EQUAL(err_text(-EADDRINUSE), strerror(EADDRINUSE));
    for (int e = 1; e < 200; e++) { /* no errno value may be taken for one of our codes */
        char expected[128];
        snprintf(expected, sizeof expected, "%s", strerror(e));
        CU_ASSERT_STRING_EQUAL(err_text(-e), expected);
    }
}

static void a_code_from_nowhere_has_a_text_too(void)
{
    CU_ASSERT_STRING_EQUAL(err_text(1), "unknown error");
    CU_ASSERT_STRING_EQUAL(err_text(-ERR_BASE), "unknown error");
    CU_ASSERT_STRING_EQUAL(err_text(-(ERR_BASE + 999)), "unknown error");
}

static void the_first_failure_stays(void)
{
    struct errtext e = {0};
    CU_ASSERT_EQUAL(errtext_set(&e, ERR_CONFIG, "%s:%d", "Corefile", 7), ERR_CONFIG);
    CU_ASSERT_EQUAL(errtext_set(&e, ERR_LIMIT, "a consequence"), ERR_LIMIT);
    CU_ASSERT_STRING_EQUAL(e.text, "Corefile:7");
}

static void a_caller_that_wants_no_text_gets_the_code(void)
{
    CU_ASSERT_EQUAL(errtext_set(NULL, -ENOMEM, "%d", 1), -ENOMEM);
}

static void a_long_text_is_cut(void)
{
    struct errtext e = {0};
    char text[4096];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    errtext_set(&e, ERR_CONFIG, "%s", text);
    CU_ASSERT_EQUAL(strlen(e.text), sizeof e.text - 1);
}

static const struct unit_test tests[] = {
    {"every code has a text of its own", every_code_has_a_text_of_its_own},
    {"errno values keep their own text", errno_values_keep_their_own_text},
    {"a code from nowhere has a text too", a_code_from_nowhere_has_a_text_too},
    {"the first failure stays", the_first_failure_stays},
    {"a caller that wants no text gets the code", a_caller_that_wants_no_text_gets_the_code},
    {"a long text is cut", a_long_text_is_cut},
};

int main(void)
{
    return run_suite("err", tests, sizeof tests / sizeof tests[0]);
}
