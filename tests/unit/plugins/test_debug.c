#include "fake_serve.h"

#include "base/log.h"

#include "../runner.h"

extern const struct plugin plugin_debug;

/* A reload starts the new one before the old one stops. */
static void test_shown_while_wanted(void)
{
    CU_ASSERT_FALSE(log_debug_on());
    CU_ASSERT_EQUAL(plugin_debug.start(NULL, NULL), ERR_OK);
    CU_ASSERT_EQUAL(plugin_debug.start(NULL, NULL), ERR_OK);
    plugin_debug.stop(NULL);
    CU_ASSERT_TRUE(log_debug_on());
    plugin_debug.stop(NULL);
    CU_ASSERT_FALSE(log_debug_on());
}

static void test_errors(void)
{
    CU_ASSERT_STRING_EQUAL(fake_error(&plugin_debug, "debug"), "");
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_debug, "debug on"), "Corefile:2 - plugin/debug: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_debug, "debug {\n}"), "Corefile:2 - plugin/debug: "));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"debug lines are shown while a configuration wants them", test_shown_while_wanted},
        {"arguments are errors", test_errors},
    };
    return run_suite("debug", tests, sizeof tests / sizeof tests[0]);
}
