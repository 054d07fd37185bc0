#include "../runner.h"
#include "base/err.h"
#include "conf/duration_p.h"

static const struct {
    const char *text;
    int64_t ms;
} good[] = {
    {"0", 0},
    {"-0", 0},
    {"0s", 0},
    {"5s", 5000},
    {"+5s", 5000},
    {"1m30s", 90000},
    {"1.5h", 5400000},
    {".5s", 500},
    {"1.s", 1000},
    {"300ms", 300},
    {"-1s", -1000},
    {"-1.5s", -1500},
    {"1us", 1},
    {"1500us", 2},
    {"-1us", -1},
    {"1ns", 1},
    {"1\xC2\xB5s", 1},
    {"1\xCE\xBCs", 1},
    {"1h1m1s1ms", 3661001},
    {"0.0001s", 1},
    {"0.000000000000000001s", 0},
    {"1s1s", 2000},
    {"2562047h", 2562047 * (int64_t)3600000},
};

static const char *const bad[] = {
    "",    "s",   "5",   "-",        "+",     ".",    ".s",       "5x",
    "5 s", " 5s", "5s ", "--5s",     "1..5s", "1e3s", "3000000h", "99999999999999999999s",
    "1d",  "5S",  "s5",  "2562048h",
};

static void test_good(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t ms = -42;
        CU_ASSERT_EQUAL(duration_read(good[i].text, &ms), ERR_OK);
        CU_ASSERT_EQUAL(ms, good[i].ms);
    }
}

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ms = -42;
        CU_ASSERT_EQUAL(duration_read(bad[i], &ms), ERR_MALFORMED);
        CU_ASSERT_EQUAL(ms, -42);
    }
}

static const struct unit_test tests[] = {
    {"durations are read as Go reads them, in milliseconds", test_good},
    {"what Go refuses is refused", test_bad},
};

int main(void)
{
    return run_suite("duration", tests, sizeof tests / sizeof *tests);
}
