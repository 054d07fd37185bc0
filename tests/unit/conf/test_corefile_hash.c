#include <string.h>

#include "../runner.h"
#include "conf/corefile.h"

static uint64_t hash(const char *text)
{
    struct corefile *c = NULL;
    CU_ASSERT_EQUAL_FATAL(corefile_parse("Corefile", text, strlen(text), &c, NULL), ERR_OK);
    uint64_t h = c->hash;
    corefile_free(c);
    return h;
}

static void test_same(void)
{
    uint64_t h = hash(".:53 {\nerrors\ncache 30\n}");
    CU_ASSERT_EQUAL(h, hash("# comment\n.:53 {\n\n  errors # all\n  cache   \"30\"\n}\n"));
    CU_ASSERT_EQUAL(h, hash(".:53\nerrors\ncache 30"));
    CU_ASSERT_EQUAL(h, hash("(s) {\nerrors\ncache 30\n}\n.:53 {\nimport s\n}"));
}

static void test_different(void)
{
    static const char *const texts[] = {
        "",
        ".:53 {\nerrors\ncache 30\n}",
        ".:54 {\nerrors\ncache 30\n}",
        ". {\nerrors\ncache 30\n}",
        "tls://.:53 {\nerrors\ncache 30\n}",
        "a:53 {\nerrors\ncache 30\n}",
        ".:53 a:53 {\nerrors\ncache 30\n}",
        ".:53 {\ncache 30\nerrors\n}",
        ".:53 {\nerrors cache 30\n}",
        ".:53 {\nerrors\ncache\n30\n}",
        ".:53 {\nerrors\ncache 3 0\n}",
        ".:53 {\nerrors \003cache \00330\n}",
        ".:53 {\nerrors \004cache \00430\n}",
        ".:53 {\nerrors\ncache 30 {\n}\n}",
        ".:53 {\nerrors {\ncache 30\n}\n}",
        ".:53 {\nerrors\n}\n.:53 {\ncache 30\n}",
        ".:53 {\nerrors\ncache 30 \"\"\n}",
    };
    size_t n = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            CU_ASSERT_NOT_EQUAL(hash(texts[i]), hash(texts[j]));
}

static const struct unit_test tests[] = {
    {"comments, white space, quotes and snippets do not count", test_same},
    {"every word and where it stands counts", test_different},
};

int main(void)
{
    return run_suite("corefile_hash", tests, sizeof tests / sizeof *tests);
}
