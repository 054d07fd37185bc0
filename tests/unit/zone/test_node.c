/* A node's name is kept once: in front of the data, or where a record ends in it. Nobody outside sees which.
 */
#include "zone/node_p.h"

#include "base/cursor.h"
#include "fixture.h"

static bool is_named(const struct node *n, const char *text)
{
    const uint8_t *name = name_of(text);
    size_t len = name_len(name);
    return n != NULL && n->name_len == len && memcmp(node_name(n), name, len) == 0;
}

static bool has(const struct node *n, uint16_t type, unsigned count)
{
    struct rrset set;
    return node_rrset(n, type, &set) && set.count == count;
}

static void a_record_that_ends_in_its_owner_lends_the_name(void)
{
    struct zone *z = zone_of((const char *const[]){
        "web.svc.cluster.local. 30 IN A 10.96.1.1",
        "web.svc.cluster.local. 30 IN SRV 0 100 80 web.svc.cluster.local.",
        "web.svc.cluster.local. 30 IN TXT \"behind\"",
        "_http._tcp.web.svc.cluster.local. 30 IN SRV 0 100 80 web.svc.cluster.local.", NULL});
    const struct node *n = find(z, "web.svc.cluster.local.");
    struct rrset set;
    CU_ASSERT_TRUE_FATAL(is_named(n, "web.svc.cluster.local."));
    CU_ASSERT_NOT_EQUAL(n->name_at, 0);
    CU_ASSERT_TRUE(has(n, RR_A, 1) && has(n, RR_SRV, 1));
    CU_ASSERT_TRUE_FATAL(node_rrset(n, RR_TXT, &set));
    CU_ASSERT_EQUAL(memcmp(set.data, "\0\7\6behind", 9), 0);
    CU_ASSERT_TRUE_FATAL(node_rrset(n, RR_SRV, &set));
    CU_ASSERT_EQUAL(set.data_len, 2 + 6 + 23);
    CU_ASSERT_EQUAL(memcmp(set.data + 8, "\3web\3svc\7cluster\5local", 23), 0);
    n = find(z, "_http._tcp.web.svc.cluster.local."); /* its target is less than it */
    CU_ASSERT_TRUE(is_named(n, "_http._tcp.web.svc.cluster.local."));
    CU_ASSERT_EQUAL(n->name_at, 0);
    zone_free(z);
}

static void a_target_spelt_otherwise_lends_nothing(void)
{
    struct zone *z = zone_of(
        (const char *const[]){"web.svc.cluster.local. 30 IN SRV 0 100 80 Web.svc.cluster.local.", NULL});
    const struct node *n = find(z, "web.svc.cluster.local.");
    struct rrset set;
    CU_ASSERT_TRUE_FATAL(is_named(n, "web.svc.cluster.local."));
    CU_ASSERT_TRUE_FATAL(node_rrset(n, RR_SRV, &set));
    CU_ASSERT_EQUAL(set.data[9], 'W');
    zone_free(z);
}

static int change(struct zone_txn *t, char op, const char *line)
{
    return (op == '+' ? zone_add : zone_remove)(t, record_of(line));
}

static void the_name_survives_the_record_that_lent_it(void)
{
    static const char srv[] = "web.svc.cluster.local. 30 IN SRV 0 100 80 web.svc.cluster.local.";
    struct zone *z = zone_of((const char *const[]){"web.svc.cluster.local. 30 IN A 10.96.1.1", srv, NULL});
    struct zone_txn *t = zone_begin(z);
    CU_ASSERT_EQUAL(change(t, '+', "below.web.svc.cluster.local. 30 IN A 10.96.1.1"), ERR_OK); /* copies it */
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_TRUE(is_named(find(z, "web.svc.cluster.local."), "web.svc.cluster.local."));
    CU_ASSERT_TRUE(node_has_children(find(z, "web.svc.cluster.local.")));
    t = zone_begin(z);
    CU_ASSERT_EQUAL(change(t, '-', srv), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    const struct node *n = find(z, "web.svc.cluster.local.");
    CU_ASSERT_TRUE_FATAL(is_named(n, "web.svc.cluster.local."));
    CU_ASSERT_EQUAL(n->name_at, 0);
    CU_ASSERT_TRUE(has(n, RR_A, 1) && !has(n, RR_SRV, 1));
    t = zone_begin(z);
    CU_ASSERT_EQUAL(change(t, '+', srv), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    n = find(z, "web.svc.cluster.local.");
    CU_ASSERT_TRUE_FATAL(is_named(n, "web.svc.cluster.local."));
    CU_ASSERT_NOT_EQUAL(n->name_at, 0);
    zone_free(z);
    rcu_drain();
}

/* Data in front of the record that would lend it, more than name_at can say. */
static void a_name_far_behind_is_written_in_front(void)
{
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    char line[128];
    for (unsigned i = 0; i < 11000; i++) {
        snprintf(line, sizeof line, "many.cluster.local. 30 IN A 10.%u.%u.%u", i >> 16, i >> 8 & 255,
                 i & 255);
        CU_ASSERT_EQUAL(change(t, '+', line), ERR_OK);
    }
    CU_ASSERT_EQUAL(change(t, '+', "many.cluster.local. 30 IN SRV 0 0 80 many.cluster.local."), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    const struct node *n = find(z, "many.cluster.local.");
    CU_ASSERT_TRUE_FATAL(is_named(n, "many.cluster.local."));
    CU_ASSERT_EQUAL(n->name_at, 0);
    CU_ASSERT_TRUE(has(n, RR_A, 11000) && has(n, RR_SRV, 1));
    zone_free(z);
}

static void a_name_has_a_limit_of_types(void)
{
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    char line[128];
    for (unsigned i = 0; i <= NODE_TYPES_MAX; i++) {
        snprintf(line, sizeof line, "all.cluster.local. 30 IN TYPE%u \\# 0", 1000 + i);
        CU_ASSERT_EQUAL(change(t, '+', line), i < NODE_TYPES_MAX ? ERR_OK : ERR_LIMIT);
    }
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    const struct node *n = find(z, "all.cluster.local.");
    CU_ASSERT_TRUE_FATAL(is_named(n, "all.cluster.local."));
    CU_ASSERT_EQUAL(node_rrset_count(n), NODE_TYPES_MAX);
    CU_ASSERT_TRUE(has(n, 1000 + NODE_TYPES_MAX - 1, 1));
    zone_free(z);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a record that ends in its owner lends the name", a_record_that_ends_in_its_owner_lends_the_name},
        {"a target spelt otherwise lends nothing", a_target_spelt_otherwise_lends_nothing},
        {"the name survives the record that lent it", the_name_survives_the_record_that_lent_it},
        {"a name far behind is written in front", a_name_far_behind_is_written_in_front},
        {"a name has a limit of types", a_name_has_a_limit_of_types},
    };
    return run_suite("zone/node", tests, sizeof tests / sizeof tests[0]);
}
