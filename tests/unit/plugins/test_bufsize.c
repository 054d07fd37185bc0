#include "fake_serve.h"

#include "../runner.h"

extern const struct plugin plugin_bufsize;

static struct request *pass(const char *directive, bool edns, uint16_t udp_size)
{
    char text[256];
    snprintf(text, sizeof text, ". {\n%s\n}\n", directive);
    struct fake_stage *f = fake_setup(&plugin_bufsize, text);
    CU_ASSERT_EQUAL_FATAL(f->ret, ERR_OK);
    struct request *r = fake_request("example.org", RR_A);
    r->q.has_edns = edns;
    r->q.udp_size = udp_size;
    CU_ASSERT_EQUAL(plugin_bufsize.query(f->state, r), VERDICT_NEXT);
    fake_free(&plugin_bufsize, f);
    return r;
}

static void test_lowers(void)
{
    CU_ASSERT_EQUAL(pass("bufsize", true, 4096)->q.udp_size, 1232);
    CU_ASSERT_EQUAL(pass("bufsize 512", true, 4096)->q.udp_size, 512);
    CU_ASSERT_EQUAL(pass("bufsize 4096", true, 65535)->q.udp_size, 4096);
    CU_ASSERT_EQUAL(pass("bufsize 900", true, 4096)->max_udp, 900);
}

static void test_leaves(void)
{
    CU_ASSERT_EQUAL(pass("bufsize 1232", true, 1000)->q.udp_size, 1000);
    CU_ASSERT_EQUAL(pass("bufsize 1232", false, 512)->q.udp_size, 512);
}

static void test_errors(void)
{
    CU_ASSERT_STRING_EQUAL(fake_error(&plugin_bufsize, "bufsize"), "");
    static const char *const bad[] = {"bufsize 511", "bufsize 4097", "bufsize x", "bufsize 512 512",
                                      "bufsize {\n}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_bufsize, bad[i]), "Corefile:2 - plugin/bufsize: "));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a larger size of the client's is lowered", test_lowers},
        {"a smaller one, or none, stays", test_leaves},
        {"sizes outside of 512 to 4096 are errors that name the line", test_errors},
    };
    return run_suite("bufsize", tests, sizeof tests / sizeof tests[0]);
}
