#include "zone/zonedb.h"

#include "fixture.h"

static struct zonedb *table_of(const char *const *apexes)
{
    struct zonedb *db = zonedb_new();
    for (; *apexes != NULL; apexes++)
        CU_ASSERT_EQUAL(zonedb_put(db, zone_new(name_of(*apexes))), ERR_OK);
    return db;
}

static bool leads_to(const struct zonedb *db, const char *name, const char *apex)
{
    struct zone *z = zonedb_lookup(db, name_of(name));
    return apex == NULL ? z == NULL : z != NULL && name_equal(zone_apex(z), name_of(apex));
}

static void the_longest_suffix_wins(void)
{
    static const char *const apexes[] = {
        "local.", "10.in-addr.arpa.", "a.cluster.local.", "cluster.local.", "ip6.arpa.", "1.10.in-addr.arpa.",
        NULL};
    struct zonedb *db = table_of(apexes);
    CU_ASSERT_TRUE(leads_to(db, "web.default.svc.cluster.local.", "cluster.local."));
    CU_ASSERT_TRUE(leads_to(db, "cluster.local.", "cluster.local."));
    CU_ASSERT_TRUE(leads_to(db, "x.a.cluster.local.", "a.cluster.local."));
    CU_ASSERT_TRUE(leads_to(db, "a.cluster.local.", "a.cluster.local."));
    CU_ASSERT_TRUE(leads_to(db, "xa.cluster.local.", "cluster.local."));
    CU_ASSERT_TRUE(leads_to(db, "other.local.", "local."));
    CU_ASSERT_TRUE(leads_to(db, "9.2.1.10.in-addr.arpa.", "1.10.in-addr.arpa."));
    CU_ASSERT_TRUE(leads_to(db, "9.2.2.10.in-addr.arpa.", "10.in-addr.arpa."));
    CU_ASSERT_TRUE(leads_to(db, "arpa.", NULL));
    CU_ASSERT_TRUE(leads_to(db, "example.", NULL));
    CU_ASSERT_TRUE(leads_to(db, ".", NULL));
    CU_ASSERT_PTR_NULL(zonedb_get(db, name_of("web.cluster.local.")));
    CU_ASSERT_PTR_NOT_NULL(zonedb_get(db, name_of("CLUSTER.local.")));
    CU_ASSERT_EQUAL(zonedb_put(db, zone_new(name_of("."))), ERR_OK);
    CU_ASSERT_TRUE(leads_to(db, "example.", "."));
    CU_ASSERT_TRUE(leads_to(db, ".", "."));
    CU_ASSERT_TRUE(leads_to(db, "cluster.local.", "cluster.local."));
    rcu_drain();
    zonedb_free(db);
}

static void a_zone_is_replaced_and_dropped(void)
{
    struct zonedb *db = table_of((const char *const[]){"cluster.local.", "a.cluster.local.", NULL});
    struct zone *another = zone_new(name_of("Cluster.LOCAL."));
    CU_ASSERT_EQUAL(zonedb_put(db, another), ERR_OK);
    CU_ASSERT_PTR_EQUAL(zonedb_lookup(db, name_of("web.cluster.local.")), another);
    CU_ASSERT_TRUE(leads_to(db, "x.a.cluster.local.", "a.cluster.local."));
    CU_ASSERT_EQUAL(zonedb_drop(db, name_of("b.cluster.local.")), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(zonedb_drop(db, name_of("a.cluster.local.")), ERR_OK);
    CU_ASSERT_TRUE(leads_to(db, "x.a.cluster.local.", "cluster.local."));
    CU_ASSERT_EQUAL(zonedb_drop(db, name_of("cluster.local.")), ERR_OK);
    CU_ASSERT_TRUE(leads_to(db, "x.a.cluster.local.", NULL));
    rcu_drain();
    zonedb_free(db);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the longest suffix wins", the_longest_suffix_wins},
        {"a zone is replaced and dropped", a_zone_is_replaced_and_dropped},
    };
    return run_suite("zone/zonedb", tests, sizeof tests / sizeof tests[0]);
}
