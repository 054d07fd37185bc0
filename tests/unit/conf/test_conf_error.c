#include <string.h>

#include "../runner.h"
#include "conf/conf_error_p.h"
#include "same_text.h"

static void test_text(void)
{
    struct errtext e = {0};
    CU_ASSERT_EQUAL(conf_error(&e, "dir/Corefile", 7, "found \"%s\"", "a\nb\x7f\x1b"), ERR_CONFIG);
    ASSERT_TEXT(e.text, "dir/Corefile:7 - found \"a?b??\"");
    conf_error(&e, "other", 8, "later");
    ASSERT_TEXT(e.text, "dir/Corefile:7 - found \"a?b??\"");
    CU_ASSERT_EQUAL(conf_error(NULL, "f", 1, "x"), ERR_CONFIG);
}

static void test_long_file_name(void)
{
    char name[4096];
    struct errtext e = {0};
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    CU_ASSERT_EQUAL(conf_error(&e, name, 7, "text"), ERR_CONFIG);
    CU_ASSERT_EQUAL(strlen(e.text), sizeof e.text - 1);
}

static const struct unit_test tests[] = {
    {"an error is one line with file and number, and the first one stays", test_text},
    {"a file name longer than the text is cut", test_long_file_name},
};

int main(void)
{
    return run_suite("conf_error", tests, sizeof tests / sizeof *tests);
}
