#include "serve/error_pattern.h"

#include <string.h>

#include "base/clock.h"

#include "../runner.h"

static bool matches(const char *pattern, const char *text)
{
    struct error_pattern *p = NULL;
    struct errtext e = {0};
    if (error_pattern_new(pattern, &p, &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        return false;
    }
    bool ret = error_pattern_matches(p, text);
    error_pattern_free(p);
    return ret;
}

static void test_matches(void)
{
    CU_ASSERT_TRUE(matches(".* timeout$", "read udp 10.0.0.1:5 -> 10.0.0.2:53: i/o timeout"));
    CU_ASSERT_FALSE(matches(".* timeout$", "timeout of something"));
    CU_ASSERT_TRUE(matches("^read .* i/o (timeout|error)", "read udp i/o error"));
    CU_ASSERT_TRUE(matches("(?i)UNREACHABLE", "network is unreachable"));
    CU_ASSERT_TRUE(matches("\\d+\\.\\d+\\.\\d+\\.\\d+", "to 10.0.0.1"));
    CU_ASSERT_TRUE(matches("", "anything"));
    CU_ASSERT_FALSE(matches("(?s)nothing", ""));
}

static void test_malformed(void)
{
    struct error_pattern *p = NULL;
    struct errtext e = {0};
    CU_ASSERT_EQUAL(error_pattern_new("a(b", &p, &e), ERR_MALFORMED);
    CU_ASSERT_PTR_NULL(p);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "\"a(b\""));
    char large[10002];
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    CU_ASSERT_EQUAL(error_pattern_new(large, &p, NULL), ERR_LIMIT);
}

/* An expression that backtracks without end is given up and counts as no match. */
static void test_bounded(void)
{
    char subject[5000];
    memset(subject, 'a', sizeof subject - 1);
    subject[sizeof subject - 1] = '\0';
    uint64_t start = clock_ms();
    for (int i = 0; i < 10; i++)
        CU_ASSERT_FALSE(
            matches("(a+)+$|(a|aa)+b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"));
    CU_ASSERT_FALSE(matches("(x+x+)+y|(a*)*b", subject));
    CU_ASSERT_TRUE(clock_ms() - start < 5000);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"expressions match as they do in Go", test_matches},
        {"a broken or oversize expression is an error that shows it", test_malformed},
        {"a match that would take for ever is given up", test_bounded},
    };
    return run_suite("error_pattern", tests, sizeof tests / sizeof tests[0]);
}
