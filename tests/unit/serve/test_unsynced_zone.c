#include "serve/unsynced_zone.h"

#include "../zone/fixture.h"

static void assert_holds(const char *name, bool reverse, uint32_t ttl, const char *expected)
{
    struct zone *z = unsynced_zone_new(name, reverse, ttl);
    CU_ASSERT_PTR_NOT_NULL_FATAL(z);
    char *found = dump_of(z);
    CU_ASSERT_STRING_EQUAL(found, expected);
    CU_ASSERT_EQUAL(zone_serial(zone_current(z)), 0);
    free(found);
    zone_free(z);
}

static void a_forward_zone_has_its_branches_and_version(void)
{
    assert_holds("a.b.", false, 600,
                 "a.b.\t300\tIN\tSOA\tns.dns.a.b. hostmaster.a.b. 0 7200 1800 86400 600\n"
                 "dns-version.a.b.\t28800\tIN\tTXT\t\"1.1.0\"\n"
                 "pod.a.b.\t600\tIN\tTYPE65280\t\\# 0\n"
                 "svc.a.b.\t600\tIN\tTYPE65280\t\\# 0\n");
    assert_holds(".", false, 0,
                 ".\t0\tIN\tSOA\tns.dns. hostmaster. 0 7200 1800 86400 0\n"
                 "dns-version.\t28800\tIN\tTXT\t\"1.1.0\"\n"
                 "pod.\t0\tIN\tTYPE65280\t\\# 0\n"
                 "svc.\t0\tIN\tTYPE65280\t\\# 0\n");
}

static void a_reverse_zone_has_an_apex(void)
{
    assert_holds("10.in-addr.arpa.", true, 5,
                 "10.in-addr.arpa.\t5\tIN\tSOA\tns.dns.10.in-addr.arpa. hostmaster.10.in-addr.arpa. 0 7200 "
                 "1800 86400 5\n");
}

static void a_name_without_room_below_it_gives_none(void)
{
    char name[260] = "";
    for (unsigned i = 0; i < 126; i++)
        strcat(name, "a.");
    CU_ASSERT_PTR_NULL(unsynced_zone_new(name, false, 5));
    CU_ASSERT_PTR_NULL(unsynced_zone_new(name, true, 5));
    CU_ASSERT_PTR_NULL(unsynced_zone_new("a..b.", false, 5));
}

static const struct unit_test tests[] = {
    {"a forward zone has its branches and version", a_forward_zone_has_its_branches_and_version},
    {"a reverse zone has an apex", a_reverse_zone_has_an_apex},
    {"a name without room below it gives none", a_name_without_room_below_it_gives_none},
};

int main(void)
{
    rcu_reader_register();
    int status = run_suite("unsynced_zone", tests, sizeof tests / sizeof tests[0]);
    rcu_drain();
    rcu_reader_unregister();
    return status;
}
