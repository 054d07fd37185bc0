#include "zone/zone_wildcard.h"

#include "fixture.h"
#include "zone/zone_answer.h"

static struct zone *zone;
static struct query q;
static struct reply reply;

static enum zone_outcome ask(const char *name, uint16_t type)
{
    query_make(&q, name_of(name), type);
    reply_begin(&reply, &q);
    struct zone_question question = {
        .lname = q.lname, .len = q.qname_len, .hash = q.hash, .qtype = type, .enough = REPLY_CAP};
    return zone_answer(zone_current(zone), &question, &reply);
}

/* The owner and the last octet of the record at `index`. */
static void assert_record(unsigned index, const char *owner, uint8_t last)
{
    uint8_t name[NAME_MAX_LEN];
    char text[NAME_MAX_TEXT];
    CU_ASSERT_TRUE_FATAL(index < reply.nrecords);
    reply_owner(&reply, index, name);
    CU_ASSERT_STRING_EQUAL(name_to_text(name, text), owner);
    CU_ASSERT_EQUAL(reply.wire[reply.rr[index].rdata + reply_rdlen(&reply, index) - 1], last);
}

/* RFC 4592 section 2.2.1, and what it leaves to section 4. */
static const char *const records[] = {
    "*.cluster.local. 5 IN TXT \"this is a wildcard\"",
    "*.cluster.local. 5 IN A 10.0.0.1",
    "sub.*.cluster.local. 5 IN TXT \"this is not a wildcard\"",
    "host1.cluster.local. 5 IN A 10.0.0.2",
    "_ssh._tcp.host1.cluster.local. 5 IN SRV 0 1 22 nowhere.cluster.local.",
    "*.alias.cluster.local. 5 IN CNAME Any.Cluster.local.",
    "*.loop.cluster.local. 5 IN CNAME x.loop.cluster.local.",
    "a.*.hollow.cluster.local. 5 IN A 10.0.0.3",
    "*.port.cluster.local. 5 IN SRV 0 1 22 any.cluster.local.",
    NULL,
};

static void a_wildcard_answers_for_names_that_do_not_exist(void)
{
    CU_ASSERT_EQUAL(ask("Host3.Cluster.local.", RR_A), ZONE_HIT);
    assert_record(0, "Host3.Cluster.local.", 1);
    CU_ASSERT_EQUAL(ask("foo.bar.cluster.local.", RR_A), ZONE_HIT);
    assert_record(0, "foo.bar.cluster.local.", 1);
    CU_ASSERT_EQUAL(ask("*.cluster.local.", RR_A), ZONE_HIT);
    assert_record(0, "*.cluster.local.", 1);
    CU_ASSERT_EQUAL(ask("host3.cluster.local.", RR_AAAA), ZONE_NODATA);
    CU_ASSERT_EQUAL(reply.count[SECTION_AUTHORITY], 1);
    CU_ASSERT_EQUAL(ask("host3.cluster.local.", RR_ANY), ZONE_NODATA);
}

static void a_name_that_exists_blocks_it_and_so_does_one_above(void)
{
    CU_ASSERT_EQUAL(ask("host1.cluster.local.", RR_TXT), ZONE_NODATA);
    CU_ASSERT_EQUAL(ask("sub.*.cluster.local.", RR_A), ZONE_NODATA);
    CU_ASSERT_EQUAL(ask("_telnet._tcp.host1.cluster.local.", RR_SRV), ZONE_NXDOMAIN);
    CU_ASSERT_EQUAL(ask("x.host1.cluster.local.", RR_A), ZONE_NXDOMAIN);
    CU_ASSERT_EQUAL(ask("ghost.*.cluster.local.", RR_A), ZONE_NXDOMAIN);
    CU_ASSERT_EQUAL(ask("_tcp.host1.cluster.local.", RR_A), ZONE_NODATA);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 0);
}

static void a_wildcard_without_records_of_its_own_has_no_data(void)
{
    CU_ASSERT_EQUAL(ask("b.hollow.cluster.local.", RR_A), ZONE_NODATA);
    CU_ASSERT_EQUAL(ask("a.b.hollow.cluster.local.", RR_A), ZONE_NODATA); /* the closest one is hollow. */
}

static void cnames_come_from_wildcards_and_lead_to_them(void)
{
    CU_ASSERT_EQUAL(ask("This.alias.cluster.local.", RR_A), ZONE_HIT);
    CU_ASSERT_EQUAL(reply.nrecords, 2);
    assert_record(1, "Any.Cluster.local.", 1);
    CU_ASSERT_EQUAL(ask("y.loop.cluster.local.", RR_A), ZONE_NODATA);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 1);
}

static void additional_addresses_are_those_of_names_that_exist(void)
{
    CU_ASSERT_EQUAL(ask("x.port.cluster.local.", RR_SRV), ZONE_HIT);
    CU_ASSERT_EQUAL(reply.nrecords, 1);
}

static void longest_names_are_looked_for(void)
{
    char name[256] = "";
    for (unsigned i = 0; i < 120; i++)
        strcat(name, "a.");
    strcat(name, "cluster.local.");
    CU_ASSERT_EQUAL(ask(name, RR_A), ZONE_HIT);
    assert_record(0, name, 1);
}

static void change(const char *line, bool add)
{
    struct zone_txn *t = zone_begin(zone);
    CU_ASSERT_EQUAL(add ? zone_add(t, record_of(line)) : zone_remove(t, record_of(line)), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
}

static void wildcards_come_and_go_with_transactions(void)
{
    struct zone *kept = zone;
    zone = zone_of(NULL);
    CU_ASSERT_FALSE(zone_has_wildcards(zone_current(zone)));
    CU_ASSERT_EQUAL(ask("a.b.cluster.local.", RR_A), ZONE_NXDOMAIN);
    change("*.b.cluster.local. 5 IN A 10.0.0.9", true);
    CU_ASSERT_TRUE(zone_has_wildcards(zone_current(zone)));
    CU_ASSERT_EQUAL(ask("a.b.cluster.local.", RR_A), ZONE_HIT);
    assert_record(0, "a.b.cluster.local.", 9);
    CU_ASSERT_EQUAL(ask("a.c.cluster.local.", RR_A), ZONE_NXDOMAIN);
    change("*.b.cluster.local. 5 IN A 10.0.0.9", false);
    CU_ASSERT_FALSE(zone_has_wildcards(zone_current(zone)));
    CU_ASSERT_EQUAL(ask("a.b.cluster.local.", RR_A), ZONE_NXDOMAIN);
    zone_free(zone);
    zone = kept;
}

static void the_zone_of_these_tests_is_built(void)
{
    zone = zone_of(records);
}

static const struct unit_test tests[] = {
    {"the zone of these tests is built", the_zone_of_these_tests_is_built},
    {"a wildcard answers for names that do not exist", a_wildcard_answers_for_names_that_do_not_exist},
    {"a name that exists blocks it and so does one above",
     a_name_that_exists_blocks_it_and_so_does_one_above},
    {"a wildcard without records of its own has no data", a_wildcard_without_records_of_its_own_has_no_data},
    {"CNAMEs come from wildcards and lead to them", cnames_come_from_wildcards_and_lead_to_them},
    {"additional addresses are those of names that exist",
     additional_addresses_are_those_of_names_that_exist},
    {"the longest names are looked for", longest_names_are_looked_for},
    {"wildcards come and go with transactions", wildcards_come_and_go_with_transactions},
};

int main(void)
{
    rcu_reader_register();
    int status = run_suite("zone_wildcard", tests, sizeof tests / sizeof tests[0]);
    zone_free(zone);
    rcu_drain();
    rcu_reader_unregister();
    return status;
}
