#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "../runner.h"

static void the_units_are_what_they_say(void)
{
    uint64_t ns = clock_ns(), ms = clock_ms();
    uint32_t s = clock_coarse_s();
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    uint64_t ns_later = clock_ns(), ms_later = clock_ms();
    CU_ASSERT(ns_later - ns >= 30000000u);
    CU_ASSERT(ms_later - ms >= 29u && ms_later - ms <= (ns_later - ns) / 1000000 + 2);
    CU_ASSERT(ns / 1000000000u - s <= 1 || s - ns / 1000000000u <= 1); /* the same clock */
    CU_ASSERT((uint64_t)time(NULL) * 1000 - clock_wall_ms() + 2000 < 4000);
}

static void unix_time_is_written_as_rfc_3339(void)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1763878824123, "2025-11-23T06:20:24.123Z"},
        {951827696007, "2000-02-29T12:34:56.007Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "1970-01-01T00:00:00.000Z"}, /* five digits of year: no such form */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[CLOCK_RFC3339_MAX];
        CU_ASSERT_PTR_EQUAL(clock_rfc3339(cases[i].ms, out), out);
        CU_ASSERT_STRING_EQUAL(out, cases[i].text);
    }
}

static void a_time_beyond_any_calendar_has_the_form_of_a_time(void)
{
    char out[CLOCK_RFC3339_MAX];
    CU_ASSERT_EQUAL(strlen(clock_rfc3339(UINT64_MAX, out)), 24);
    CU_ASSERT_EQUAL(strncmp(out, "1970-01-01T00:00:00.", 20), 0);
}

static const struct unit_test tests[] = {
    {"the units are what they say", the_units_are_what_they_say},
    {"Unix time is written as RFC 3339", unix_time_is_written_as_rfc_3339},
    {"a time beyond any calendar has the form of a time", a_time_beyond_any_calendar_has_the_form_of_a_time},
};

int main(void)
{
    return run_suite("clock", tests, sizeof tests / sizeof tests[0]);
}
