#include <string.h>

#include "../runner.h"
#include "conf/args.h"
#include "same_text.h"

static void test_add(void)
{
    struct zone_list list = {0};
    CU_ASSERT_EQUAL(zone_list_add(&list, "Cluster.Local"), ERR_OK);
    CU_ASSERT_EQUAL(zone_list_add(&list, "tls://example.org:853"), ERR_OK);
    CU_ASSERT_EQUAL(zone_list_add(&list, "10.0.0.0/23"), ERR_OK);
    CU_ASSERT_EQUAL(zone_list_add(&list, "cluster.local."), ERR_OK); /* there already */
    CU_ASSERT_EQUAL_FATAL(list.count, 4);
    ASSERT_TEXT(list.zones[0], "cluster.local.");
    ASSERT_TEXT(list.zones[1], "example.org.");
    ASSERT_TEXT(list.zones[2], "0.0.10.in-addr.arpa.");
    ASSERT_TEXT(list.zones[3], "1.0.10.in-addr.arpa.");
    CU_ASSERT_EQUAL(zone_list_add(&list, "a..b"), ERR_MALFORMED);
    CU_ASSERT_EQUAL(list.count, 4);
    zone_list_free(&list);
    CU_ASSERT_EQUAL(list.count, 0);
    zone_list_free(&list);
}

static void test_plain(void)
{
    struct zone_list list = {0};
    CU_ASSERT_EQUAL(zone_list_add_plain(&list, "Kube-System"), ERR_OK);
    CU_ASSERT_EQUAL(zone_list_add_plain(&list, "Kube-System"), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(list.count, 1);
    ASSERT_TEXT(list.zones[0], "Kube-System");
    zone_list_free(&list);
}

static void test_limit(void)
{
    struct zone_list list = {0};
    int ret = ERR_OK;
    for (unsigned i = 0; i < 64 && ret == ERR_OK; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "10.0.%u.0/25", i);
        ret = zone_list_add(&list, prefix);
    }
    CU_ASSERT_EQUAL(ret, ERR_LIMIT);
    CU_ASSERT_EQUAL(list.count, 4096);
    zone_list_free(&list);
}

static void test_match(void)
{
    struct zone_list list = {0};
    CU_ASSERT_PTR_NULL(zone_list_match(&list, "a.org."));
    zone_list_add(&list, "example.org");
    zone_list_add(&list, "sub.example.org");
    zone_list_add(&list, "b.c");
    ASSERT_TEXT(zone_list_match(&list, "example.org."), "example.org.");
    ASSERT_TEXT(zone_list_match(&list, "www.example.org."), "example.org.");
    ASSERT_TEXT(zone_list_match(&list, "a.sub.example.org."), "sub.example.org.");
    ASSERT_TEXT(zone_list_match(&list, "sub.example.org."), "sub.example.org.");
    CU_ASSERT_PTR_NULL(zone_list_match(&list, "xexample.org."));
    CU_ASSERT_PTR_NULL(zone_list_match(&list, "org."));
    CU_ASSERT_PTR_NULL(zone_list_match(&list, "."));
    CU_ASSERT_PTR_NULL(zone_list_match(&list, "a\\.b.c."));    /* that dot is part of a label */
    ASSERT_TEXT(zone_list_match(&list, "a\\\\.b.c."), "b.c."); /* that one is not */
    zone_list_add(&list, ".");
    ASSERT_TEXT(zone_list_match(&list, "com."), ".");
    ASSERT_TEXT(zone_list_match(&list, "."), ".");
    ASSERT_TEXT(zone_list_match(&list, "www.example.org."), "example.org.");
    zone_list_free(&list);
}

static const struct unit_test tests[] = {
    {"zones are lower-case, absolute, expanded and there once", test_add},
    {"plain words stay as they are", test_plain},
    {"a list ends at its limit", test_limit},
    {"the longest zone above a name is found", test_match},
};

int main(void)
{
    return run_suite("zone_list", tests, sizeof tests / sizeof *tests);
}
