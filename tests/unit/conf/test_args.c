#include <string.h>

#include "../runner.h"
#include "conf/args.h"
#include "same_text.h"

static const char *const words[] = {"a", "b", NULL};
static const struct directive line = {
    .name = "success", .args = words, .nargs = 2, .file = "Corefile", .line = 12};
static struct errtext e;

static struct errtext *fresh(void)
{
    memset(&e, 0, sizeof e);
    return &e;
}

static void test_error(void)
{
    CU_ASSERT_EQUAL(args_error(fresh(), "cache", &line, "no %s", "idea"), ERR_CONFIG);
    ASSERT_TEXT(e.text, "Corefile:12 - plugin/cache: no idea");
    args_error(&e, "cache", &line, "a consequence");
    ASSERT_TEXT(e.text, "Corefile:12 - plugin/cache: no idea");
    CU_ASSERT_EQUAL(args_error(NULL, "cache", &line, "no %s", "idea"), ERR_CONFIG);
    char large[3000];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    args_error(fresh(), "cache", &line, "%s", large);
    CU_ASSERT_EQUAL(strlen(e.text), sizeof e.text - 1);
}

static void test_count(void)
{
    CU_ASSERT_EQUAL(args_count(fresh(), "cache", &line, 2, 2), ERR_OK);
    CU_ASSERT_EQUAL(args_count(fresh(), "cache", &line, 0, SIZE_MAX), ERR_OK);
    CU_ASSERT_EQUAL(args_count(fresh(), "cache", &line, 0, 0), ERR_CONFIG);
    ASSERT_TEXT(e.text, "Corefile:12 - plugin/cache: expected no arguments behind \"success\", found 2");
    CU_ASSERT_EQUAL(args_count(fresh(), "cache", &line, 1, 1), ERR_CONFIG);
    ASSERT_TEXT(e.text, "Corefile:12 - plugin/cache: expected 1 argument behind \"success\", found 2");
    CU_ASSERT_EQUAL(args_count(fresh(), "cache", &line, 3, 4), ERR_CONFIG);
    ASSERT_TEXT(e.text, "Corefile:12 - plugin/cache: expected 3 to 4 arguments behind \"success\", found 2");
    CU_ASSERT_EQUAL(args_count(fresh(), "cache", &line, 3, SIZE_MAX), ERR_CONFIG);
    ASSERT_TEXT(e.text,
                "Corefile:12 - plugin/cache: expected at least 3 arguments behind \"success\", found 2");
}

static void test_uint(void)
{
    uint64_t n = 7;
    CU_ASSERT_EQUAL(args_uint(fresh(), "cache", &line, "0", 0, 10, &n), ERR_OK);
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT_EQUAL(args_uint(fresh(), "cache", &line, "0010", 0, 10, &n), ERR_OK);
    CU_ASSERT_EQUAL(n, 10);
    CU_ASSERT_EQUAL(args_uint(fresh(), "cache", &line, "18446744073709551615", 0, UINT64_MAX, &n), ERR_OK);
    CU_ASSERT_EQUAL(n, UINT64_MAX);
    static const char *const bad[] = {"",   "-1", "+1", "1x", " 1", "0x10", "11", "18446744073709551616",
                                      "1.5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        n = 7;
        CU_ASSERT_EQUAL(args_uint(fresh(), "cache", &line, bad[i], 0, 10, &n), ERR_CONFIG);
        CU_ASSERT_EQUAL(n, 7);
    }
    args_uint(fresh(), "cache", &line, "11", 1, 10, &n);
    ASSERT_TEXT(
        e.text,
        "Corefile:12 - plugin/cache: expected a number from 1 to 10 behind \"success\", found \"11\"");
    args_uint(fresh(), "cache", &line, "x", 1, UINT64_MAX, &n);
    ASSERT_TEXT(
        e.text,
        "Corefile:12 - plugin/cache: expected a number of at least 1 behind \"success\", found \"x\"");
}

static void test_duration(void)
{
    int64_t ms = 7;
    CU_ASSERT_EQUAL(args_duration(fresh(), "cache", &line, "1m30s", 0, INT64_MAX, &ms), ERR_OK);
    CU_ASSERT_EQUAL(ms, 90000);
    CU_ASSERT_EQUAL(args_duration(fresh(), "cache", &line, "-1s", -5000, 0, &ms), ERR_OK);
    CU_ASSERT_EQUAL(ms, -1000);
    CU_ASSERT_EQUAL(args_duration(fresh(), "cache", &line, "abc", 0, 1000, &ms), ERR_CONFIG);
    CU_ASSERT_EQUAL(ms, -1000);
    ASSERT_TEXT(e.text, "Corefile:12 - plugin/cache: expected a duration such as 5s or 1m30s behind "
                        "\"success\", found \"abc\"");
    args_duration(fresh(), "cache", &line, "10m", 1500, 300000, &ms);
    ASSERT_TEXT(e.text, "Corefile:12 - plugin/cache: expected a duration from 1500ms to 5m behind "
                        "\"success\", found \"10m\"");
    args_duration(fresh(), "cache", &line, "-1s", 0, INT64_MAX, &ms);
    ASSERT_TEXT(e.text, "Corefile:12 - plugin/cache: expected a duration of at least 0s behind "
                        "\"success\", found \"-1s\"");
    args_duration(fresh(), "cache", &line, "3h", 1000, 7200000, &ms);
    ASSERT_TEXT(e.text, "Corefile:12 - plugin/cache: expected a duration from 1s to 2h behind \"success\", "
                        "found \"3h\"");
}

static void test_octets(void)
{
    static const struct {
        const char *word;
        uint64_t octets;
    } good[] = {{"1048576", 1 << 20}, {"64MiB", 64 << 20}, {"64mi", 64 << 20}, {"2048KiB", 2 << 20},
                {"2Ki", 2048},        {"5MB", 5000000},    {"3kb", 3000},      {"1GiB", 1 << 30},
                {"1gb", 1000000000},  {"1Gi", 1 << 30},    {"7B", 7}};
    static const char *const bad[] = {
        "",     "MiB", "-1", "1.5MiB", "1 MiB", "64MiBs", "18446744073709551616", "17179869185GiB",
        "0x10", "2GiB"};
    uint64_t n = 0;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CU_ASSERT_EQUAL(args_octets(fresh(), "cache", &line, good[i].word, 1, 1 << 30, &n), ERR_OK);
        CU_ASSERT_EQUAL(n, good[i].octets);
    }
    n = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(args_octets(fresh(), "cache", &line, bad[i], 0, 1 << 30, &n), ERR_CONFIG);
    CU_ASSERT_EQUAL(n, 7);
    args_octets(fresh(), "cache", &line, "512KiB", 1 << 20, UINT64_C(64) << 30, &n);
    ASSERT_TEXT(e.text, "Corefile:12 - plugin/cache: expected a size from 1MiB to 64GiB such as 64MiB behind "
                        "\"success\", found \"512KiB\"");
}

static void test_not_yet(void)
{
    CU_ASSERT_EQUAL(args_not_yet(fresh(), "cache", &line), ERR_CONFIG);
    ASSERT_TEXT(
        e.text,
        "Corefile:12 - plugin/cache: the option \"success\" is not supported by this version of Seamark yet");
}

static void test_zones(void)
{
    static const struct server_key keys[] = {{.zone = "example.org."}, {.zone = "10.in-addr.arpa."}};
    static const struct server_block b = {.keys = keys, .nkeys = 2};
    struct zone_list list = {0};
    CU_ASSERT_EQUAL(args_zones(fresh(), "cache", &line, 0, &b, &list), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(list.count, 2);
    ASSERT_TEXT(list.zones[1], "b.");
    zone_list_free(&list);
    CU_ASSERT_EQUAL(args_zones(fresh(), "cache", &line, 2, &b, &list), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(list.count, 2);
    ASSERT_TEXT(list.zones[0], "example.org.");
    zone_list_free(&list);
    CU_ASSERT_EQUAL(args_zones(fresh(), "cache", &line, 2, NULL, &list), ERR_OK);
    CU_ASSERT_EQUAL(list.count, 0);

    static const char *const wrong[] = {"a", "b..c", NULL};
    static const struct directive bad = {
        .name = "x", .args = wrong, .nargs = 2, .file = "Corefile", .line = 1};
    CU_ASSERT_EQUAL(args_zones(fresh(), "cache", &bad, 0, &b, &list), ERR_CONFIG);
    ASSERT_TEXT(
        e.text,
        "Corefile:1 - plugin/cache: expected a zone such as example.org or 10.0.0.0/16, found \"b..c\"");
    zone_list_free(&list);
}

static const struct unit_test tests[] = {
    {"an error names file, line and plugin, and the first one stays", test_error},
    {"the number of arguments is checked", test_count},
    {"numbers are decimal and within their bounds", test_uint},
    {"durations are within their bounds", test_duration},
    {"sizes have units and are within their bounds", test_octets},
    {"an option to come is refused by name", test_not_yet},
    {"zones come from the arguments or else from the keys", test_zones},
};

int main(void)
{
    return run_suite("args", tests, sizeof tests / sizeof *tests);
}
