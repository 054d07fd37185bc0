#include "http/readiness.h"

#include <string.h>

#include "../runner.h"

static bool is_ready(void *ctx)
{
    return *(bool *)ctx;
}

static bool check(bool continuously, const char *names)
{
    struct bytes out;
    bytes_init(&out, 1000);
    bool ready = readiness_check(continuously, &out);
    CU_ASSERT_STRING_EQUAL(out.data == NULL ? "" : out.data, names);
    CU_ASSERT_EQUAL(ready, names[0] == '\0');
    bytes_free(&out);
    return ready;
}

static void test_names(void)
{
    bool a = false, b = false, c = true;
    CU_ASSERT_TRUE(check(false, ""));
    struct readiness *one = readiness_register("kubernetes", is_ready, &a);
    struct readiness *two = readiness_register("erratic", is_ready, &b);
    struct readiness *three = readiness_register("kubernetes", is_ready, &b);
    struct readiness *four = readiness_register("nomad", is_ready, &c);
    check(true, "erratic,kubernetes");
    b = true;
    check(true, "kubernetes");
    a = true;
    check(true, "");
    readiness_unregister(one);
    readiness_unregister(two);
    readiness_unregister(three);
    readiness_unregister(four);
    readiness_unregister(NULL);
}

static void test_until_ready(void)
{
    bool a = true;
    struct readiness *one = readiness_register("kubernetes", is_ready, &a);
    check(false, "");
    a = false;
    check(false, "");
    check(true, "kubernetes");
    readiness_unregister(one);
    one = readiness_register("kubernetes", is_ready, &a); /* a new configuration has to be ready itself */
    check(false, "kubernetes");
    readiness_unregister(one);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"names of those who are not ready stand in order, each once", test_names},
        {"who was ready once is asked again only where it is watched continuously", test_until_ready},
    };
    return run_suite("readiness", tests, sizeof tests / sizeof tests[0]);
}
