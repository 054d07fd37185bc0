#include "zone/zone.h"

#include "fixture.h"

static int add(struct zone_txn *t, const char *line)
{
    return zone_add(t, record_of(line));
}

static int take(struct zone_txn *t, const char *line)
{
    return zone_remove(t, record_of(line));
}

static void a_record_added_is_found_by_its_lower_case_name(void)
{
    static const char *const lines[] = {"Web.Default.svc.cluster.local. 30 IN A 10.96.1.1",
                                        "web.default.svc.cluster.local. 30 IN A 10.96.0.9",
                                        "web.default.svc.cluster.local. 30 IN CNAME Mixed.Case.Example.",
                                        NULL};
    struct zone *z = zone_of(lines);
    const struct node *n = find(z, "WEB.default.svc.cluster.local.");
    CU_ASSERT_PTR_NOT_NULL_FATAL(n);
    CU_ASSERT_TRUE(name_equal(node_name(n), name_of("web.default.svc.cluster.local.")));
    CU_ASSERT_EQUAL(node_name(n)[1], 'w');
    CU_ASSERT_EQUAL(node_rrset_count(n), 2);
    struct rrset set;
    CU_ASSERT_TRUE(node_rrset(n, RR_A, &set));
    CU_ASSERT_EQUAL(set.count, 2);
    CU_ASSERT_EQUAL(set.ttl, 30);
    CU_ASSERT_EQUAL(set.data_len, 12);
    CU_ASSERT_EQUAL(memcmp(set.data, "\0\4\12\140\0\11\0\4\12\140\1\1", 12), 0); /* in canonical order */
    CU_ASSERT_TRUE(node_rrset(n, RR_CNAME, &set));
    CU_ASSERT_EQUAL(memcmp(set.data + 2, "\5Mixed\4Case\7Example", 20), 0); /* rdata keeps its case */
    CU_ASSERT_FALSE(node_rrset(n, RR_AAAA, &set));
    CU_ASSERT_TRUE(node_rrset_or_alias(n, RR_A, &set));
    CU_ASSERT_EQUAL(set.type, RR_A);
    CU_ASSERT_EQUAL(set.count, 2);
    CU_ASSERT_TRUE(node_rrset_or_alias(n, RR_AAAA, &set));
    CU_ASSERT_EQUAL(set.type, RR_CNAME);
    CU_ASSERT_EQUAL(memcmp(set.data + 2, "\5Mixed\4Case\7Example", 20), 0);
    CU_ASSERT_FALSE(node_rrset_or_alias(find(z, "default.svc.cluster.local."), RR_A, &set));
    CU_ASSERT_PTR_NULL(find(z, "web2.default.svc.cluster.local."));
    CU_ASSERT_EQUAL(zone_record_count(zone_current(z)), 4);
    CU_ASSERT_EQUAL(zone_serial(zone_current(z)), 100);
    CU_ASSERT_PTR_EQUAL(zone_apex_node(zone_current(z)), find(z, "cluster.local."));
    CU_ASSERT_TRUE(name_equal(zone_apex(z), name_of("cluster.local.")));
    zone_free(z);
}

static void empty_non_terminals_come_and_go_with_the_names_below(void)
{
    struct zone *z = zone_of((const char *const[]){"a.b.c.cluster.local. 5 IN A 1.2.3.4", NULL});
    CU_ASSERT_PTR_NOT_NULL_FATAL(find(z, "b.c.cluster.local."));
    CU_ASSERT_EQUAL(node_rrset_count(find(z, "b.c.cluster.local.")), 0);
    CU_ASSERT_PTR_NOT_NULL(find(z, "c.cluster.local."));
    CU_ASSERT_PTR_NULL(find(z, "local."));

    struct zone_txn *t = zone_begin(z);
    CU_ASSERT_EQUAL(add(t, "x.c.cluster.local. 5 IN A 1.2.3.4"), ERR_OK);
    CU_ASSERT_EQUAL(take(t, "a.b.c.cluster.local. 5 IN A 1.2.3.4"), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_PTR_NULL(find(z, "a.b.c.cluster.local."));
    CU_ASSERT_PTR_NULL(find(z, "b.c.cluster.local."));
    CU_ASSERT_PTR_NOT_NULL(find(z, "c.cluster.local."));

    t = zone_begin(z); /* a name that gets records of its own stays when what was below it goes */
    CU_ASSERT_EQUAL(add(t, "c.cluster.local. 5 IN TYPE65280 \\# 0"), ERR_OK);
    CU_ASSERT_EQUAL(take(t, "x.c.cluster.local. 5 IN A 1.2.3.4"), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_PTR_NULL(find(z, "x.c.cluster.local."));
    CU_ASSERT_PTR_NOT_NULL_FATAL(find(z, "c.cluster.local."));
    CU_ASSERT_EQUAL(node_rrset_count(find(z, "c.cluster.local.")), 1);

    t = zone_begin(z);
    CU_ASSERT_EQUAL(take(t, "c.cluster.local. 5 IN TYPE65280 \\# 0"), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_PTR_NULL(find(z, "c.cluster.local."));
    CU_ASSERT_PTR_NOT_NULL(find(z, "cluster.local."));
    CU_ASSERT_EQUAL(zone_record_count(zone_current(z)), 1);
    zone_free(z);
}

static void adding_twice_changes_the_ttl_alone(void)
{
    struct zone *z = zone_of((const char *const[]){"a.cluster.local. 5 IN A 1.2.3.4", NULL});
    struct zone_txn *t = zone_begin(z);
    CU_ASSERT_EQUAL(add(t, "a.cluster.local. 7 IN A 1.2.3.4"), ERR_EXISTS);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    struct rrset set;
    CU_ASSERT_TRUE(node_rrset(find(z, "a.cluster.local."), RR_A, &set));
    CU_ASSERT_EQUAL(set.ttl, 7);
    CU_ASSERT_EQUAL(set.count, 1);
    CU_ASSERT_EQUAL(zone_record_count(zone_current(z)), 2);
    t = zone_begin(z); /* the last TTL is that of the whole rrset */
    CU_ASSERT_EQUAL(add(t, "a.cluster.local. 9 IN A 1.2.3.5"), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_TRUE(node_rrset(find(z, "a.cluster.local."), RR_A, &set));
    CU_ASSERT_EQUAL(set.ttl, 9);
    CU_ASSERT_EQUAL(set.count, 2);
    zone_free(z);
}

static void what_is_not_there_cannot_be_removed(void)
{
    struct zone *z = zone_of((const char *const[]){"a.cluster.local. 5 IN A 1.2.3.4", NULL});
    struct zone_txn *t = zone_begin(z);
    CU_ASSERT_EQUAL(take(t, "a.cluster.local. 5 IN A 1.2.3.5"), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(take(t, "a.cluster.local. 5 IN AAAA ::1"), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(take(t, "b.cluster.local. 5 IN A 1.2.3.4"), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(take(t, "a.example. 5 IN A 1.2.3.4"), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(take(t, "a.cluster.local. 99 IN A 1.2.3.4"), ERR_OK); /* the TTL does not matter */
    CU_ASSERT_EQUAL(take(t, "a.cluster.local. 5 IN A 1.2.3.4"), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_PTR_NULL(find(z, "a.cluster.local."));
    zone_free(z);
}

static void records_that_do_not_belong_into_the_zone_are_refused(void)
{
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    CU_ASSERT_EQUAL(add(t, "a.example. 5 IN A 1.2.3.4"), ERR_MALFORMED);
    CU_ASSERT_EQUAL(add(t, "local. 5 IN A 1.2.3.4"), ERR_MALFORMED);
    CU_ASSERT_EQUAL(add(t, "xcluster.local. 5 IN A 1.2.3.4"), ERR_MALFORMED);
    CU_ASSERT_EQUAL(add(t, "x\\.cluster.local. 5 IN A 1.2.3.4"), ERR_MALFORMED);
    CU_ASSERT_EQUAL(add(t, "a.cluster.local. 5 CH TXT x"), ERR_MALFORMED);
    CU_ASSERT_EQUAL(add(t, "a.cluster.local. 5 IN OPT \\# 0"), ERR_MALFORMED);
    CU_ASSERT_EQUAL(add(t, "a.cluster.local. 5 IN ANY \\# 0"), ERR_MALFORMED);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_EQUAL(zone_record_count(zone_current(z)), 1);
    zone_free(z);
}

static void a_zone_has_exactly_one_soa(void)
{
    struct zone *z = zone_new(name_of("cluster.local."));
    CU_ASSERT_PTR_NULL(zone_apex_node(zone_current(z)));
    struct zone_txn *t = zone_begin(z);
    CU_ASSERT_EQUAL(add(t, "a.cluster.local. 5 IN A 1.2.3.4"), ERR_OK);
    CU_ASSERT_EQUAL(zone_set_serial(t, 5), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_MALFORMED);
    CU_ASSERT_PTR_NULL(find(z, "a.cluster.local."));
    t = zone_begin(z);
    CU_ASSERT_EQUAL(add(t, SOA_LINE), ERR_OK);
    CU_ASSERT_EQUAL(add(t, "cluster.local. 5 IN SOA . . 1 2 3 4 5"), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_MALFORMED);
    CU_ASSERT_PTR_NULL(find(z, "cluster.local."));
    t = zone_begin(z); /* one that is not at the apex does not count */
    CU_ASSERT_EQUAL(add(t, "a.cluster.local. 5 IN SOA . . 1 2 3 4 5"), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_MALFORMED);
    zone_free(z);
}

static void the_serial_is_set_in_the_soa(void)
{
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    CU_ASSERT_EQUAL(zone_set_serial(t, 4294967295u), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_EQUAL(zone_serial(zone_current(z)), 4294967295u);
    CU_ASSERT_EQUAL(zone_record_count(zone_current(z)), 1);
    char *dump = dump_of(z);
    CU_ASSERT_STRING_EQUAL(dump,
                           "cluster.local.\t30\tIN\tSOA\tns.dns.cluster.local. hostmaster.cluster.local. "
                           "4294967295 7200 1800 86400 30\n");
    free(dump);
    zone_free(z);
}

static void an_aborted_transaction_leaves_no_trace(void)
{
    static const char *const lines[] = {"a.b.cluster.local. 5 IN A 1.2.3.4",
                                        "c.cluster.local. 5 IN A 1.2.3.4", NULL};
    struct zone *z = zone_of(lines);
    char *before = dump_of(z);
    const struct zone_version *version = zone_current(z);
    struct zone_txn *t = zone_begin(z);
    CU_ASSERT_PTR_NULL(zone_begin(z)); /* one at a time */
    for (int i = 0; i < 300; i++) {
        char line[64];
        snprintf(line, sizeof line, "n%d.d.cluster.local. 5 IN A 1.2.3.4", i);
        CU_ASSERT_EQUAL(add(t, line), ERR_OK);
    }
    CU_ASSERT_EQUAL(take(t, lines[0]), ERR_OK);
    CU_ASSERT_EQUAL(take(t, "n7.d.cluster.local. 5 IN A 1.2.3.4"), ERR_OK);
    CU_ASSERT_EQUAL(zone_set_serial(t, 200), ERR_OK);
    zone_abort(t);
    CU_ASSERT_PTR_EQUAL(zone_current(z), version);
    char *after = dump_of(z);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT_PTR_NOT_NULL(find(z, "b.cluster.local."));
    CU_ASSERT_PTR_NULL(find(z, "d.cluster.local."));
    free(before);
    free(after);
    zone_free(z);
}

static void a_reader_keeps_its_version_while_others_are_committed(void)
{
    struct zone *z = zone_of((const char *const[]){"a.cluster.local. 5 IN A 1.2.3.4", NULL});
    rcu_reader_register();
    rcu_reader_begin();
    const struct zone_version *old = zone_current(z);
    struct zone_txn *t = zone_begin(z);
    CU_ASSERT_EQUAL(take(t, "a.cluster.local. 5 IN A 1.2.3.4"), ERR_OK);
    CU_ASSERT_EQUAL(add(t, "b.cluster.local. 5 IN A 1.2.3.4"), ERR_OK);
    CU_ASSERT_EQUAL(zone_set_serial(t, 101), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    const uint8_t *a = name_of("a.cluster.local."), *b = name_of("b.cluster.local.");
    CU_ASSERT_PTR_NOT_NULL(zone_find(old, a, name_len(a), name_hash(a, name_len(a))));
    CU_ASSERT_PTR_NULL(zone_find(old, b, name_len(b), name_hash(b, name_len(b))));
    CU_ASSERT_EQUAL(zone_serial(old), 100);
    CU_ASSERT_PTR_NULL(find(z, "a.cluster.local."));
    CU_ASSERT_PTR_NOT_NULL(find(z, "b.cluster.local."));
    rcu_reader_end();
    rcu_reader_unregister();
    rcu_drain();
    zone_free(z);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a record added is found by its lower-case name", a_record_added_is_found_by_its_lower_case_name},
        {"empty non-terminals come and go with the names below",
         empty_non_terminals_come_and_go_with_the_names_below},
        {"adding twice changes the TTL alone", adding_twice_changes_the_ttl_alone},
        {"what is not there cannot be removed", what_is_not_there_cannot_be_removed},
        {"records that do not belong into the zone are refused",
         records_that_do_not_belong_into_the_zone_are_refused},
        {"a zone has exactly one SOA", a_zone_has_exactly_one_soa},
        {"the serial is set in the SOA", the_serial_is_set_in_the_soa},
        {"an aborted transaction leaves no trace", an_aborted_transaction_leaves_no_trace},
        {"a reader keeps its version while others are committed",
         a_reader_keeps_its_version_while_others_are_committed},
    };
    return run_suite("zone/zone", tests, sizeof tests / sizeof tests[0]);
}
