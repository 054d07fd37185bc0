#include "zone/zone_answer.h"

#include "fixture.h"

static struct zone *zone, *large;
static struct query q;
static struct reply reply;
static struct zone_question question;

static enum zone_outcome ask_up_to(const char *name, uint16_t type, size_t enough, uint64_t rotate)
{
    query_make(&q, name_of(name), type);
    reply_begin(&reply, &q);
    question = (struct zone_question){.lname = q.lname,
                                      .len = q.qname_len,
                                      .hash = q.hash,
                                      .qtype = type,
                                      .enough = enough,
                                      .rotate = rotate};
    return zone_answer(zone_current(zone), &question, &reply);
}

static enum zone_outcome ask(const char *name, uint16_t type)
{
    return ask_up_to(name, type, REPLY_CAP, 0);
}

/* The records of a section as lines, in order. */
static const char *section(enum reply_section wanted)
{
    static struct bytes out;
    static uint8_t rdata[RDATA_MAX];
    if (out.max == 0)
        bytes_init(&out, 16 << 20);
    bytes_reset(&out);
    for (unsigned i = 0; i < reply.nrecords; i++) {
        uint8_t owner[NAME_MAX_LEN];
        if (reply_section_of(&reply, i) != wanted)
            continue;
        reply_owner(&reply, i, owner);
        int len = rdata_unpack(reply.wire, reply.len, reply.rr[i].rdata, reply_rdlen(&reply, i),
                               reply.rr[i].type, rdata);
        struct rr rr = {.owner = owner,
                        .type = reply.rr[i].type,
                        .class = CLASS_IN,
                        .ttl = reply_ttl(&reply, i),
                        .rdlen = (uint16_t)len,
                        .rdata = rdata};
        CU_ASSERT(len >= 0);
        CU_ASSERT_EQUAL(rr_to_text(&rr, &out), ERR_OK);
        bytes_append_str(&out, "\n");
    }
    bytes_append_str(&out, "");
    return out.data;
}

#define SOA_TEXT                                                                                             \
    "cluster.local.\t30\tIN\tSOA\tns.dns.cluster.local. hostmaster.cluster.local. 100 7200 1800 86400 30\n"

static void assert_negative(void)
{
    CU_ASSERT_STRING_EQUAL(section(SECTION_ANSWER), "");
    CU_ASSERT_STRING_EQUAL(section(SECTION_AUTHORITY), SOA_TEXT);
    CU_ASSERT_STRING_EQUAL(section(SECTION_ADDITIONAL), "");
}

static const char *const records[] = {
    "cluster.local. 5 IN NS ns.dns.cluster.local.",
    "ns.dns.cluster.local. 5 IN A 10.96.0.10",
    "web.default.svc.cluster.local. 5 IN A 10.96.1.1",
    "web.default.svc.cluster.local. 5 IN A 10.96.1.2",
    "web.default.svc.cluster.local. 5 IN AAAA 2001:db8::1",
    "_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 50 80 web.default.svc.cluster.local.",
    "_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 50 81 web.default.svc.cluster.local.",
    "_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 50 82 nowhere.default.svc.cluster.local.",
    "_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 50 83 elsewhere.example.",
    "in.default.svc.cluster.local. 5 IN CNAME in2.default.svc.cluster.local.",
    "in2.default.svc.cluster.local. 5 IN CNAME Web.Default.svc.cluster.local.",
    "out.default.svc.cluster.local. 5 IN CNAME www.Example.org.",
    "in-out.default.svc.cluster.local. 5 IN CNAME out.default.svc.cluster.local.",
    "broken.default.svc.cluster.local. 5 IN CNAME missing.default.svc.cluster.local.",
    "self.default.svc.cluster.local. 5 IN CNAME self.default.svc.cluster.local.",
    "loop1.default.svc.cluster.local. 5 IN CNAME loop2.default.svc.cluster.local.",
    "loop2.default.svc.cluster.local. 5 IN CNAME loop1.default.svc.cluster.local.",
    "empty.svc.cluster.local. 5 IN TYPE65280 \\# 0",
    NULL,
};

static void a_name_with_the_type_is_a_hit(void)
{
    CU_ASSERT_EQUAL(ask("Web.Default.svc.cluster.local.", RR_A), ZONE_HIT);
    CU_ASSERT_STRING_EQUAL(section(SECTION_ANSWER), "Web.Default.svc.cluster.local.\t5\tIN\tA\t10.96.1.1\n"
                                                    "Web.Default.svc.cluster.local.\t5\tIN\tA\t10.96.1.2\n");
    CU_ASSERT_STRING_EQUAL(section(SECTION_AUTHORITY), "");
    CU_ASSERT_EQUAL(ask("cluster.local.", RR_SOA), ZONE_HIT);
    CU_ASSERT_STRING_EQUAL(section(SECTION_ANSWER), SOA_TEXT);
    CU_ASSERT_EQUAL(ask("empty.svc.cluster.local.", RR_NAMESPACE), ZONE_HIT);
    CU_ASSERT_STRING_EQUAL(section(SECTION_ANSWER), "empty.svc.cluster.local.\t5\tIN\tTYPE65280\t\\# 0\n");
}

static void a_name_without_the_type_has_no_data(void)
{
    static const struct {
        const char *name;
        uint16_t type;
    } cases[] = {
        {"web.default.svc.cluster.local.", RR_TXT},
        {"cluster.local.", RR_A},
        {"web.default.svc.cluster.local.", RR_CNAME},
        {"web.default.svc.cluster.local.", 65400},
        {"web.default.svc.cluster.local.", 0},
        {"empty.svc.cluster.local.", RR_A},
        {"svc.cluster.local.", RR_A}, /* an empty non-terminal: RFC 8020 */
        {"_tcp.web.default.svc.cluster.local.", RR_SRV},
        {"dns.cluster.local.", RR_A},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(ask(cases[i].name, cases[i].type), ZONE_NODATA);
        assert_negative();
    }
}

static void a_name_that_is_not_there_adds_nothing(void)
{
    static const char *const names[] = {"no.default.svc.cluster.local.", "default.cluster.local.",
                                        "below.web.default.svc.cluster.local.",
                                        "*.default.svc.cluster.local."};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CU_ASSERT_EQUAL(ask(names[i], RR_A), ZONE_NXDOMAIN);
        CU_ASSERT_EQUAL(reply.nrecords, 0); /* the caller may fall through */
        CU_ASSERT_PTR_NULL(question.target);
    }
}

static void any_says_only_whether_the_name_exists(void)
{
    CU_ASSERT_EQUAL(ask("web.default.svc.cluster.local.", RR_ANY), ZONE_NODATA);
    assert_negative();
    CU_ASSERT_EQUAL(ask("out.default.svc.cluster.local.", RR_ANY), ZONE_NODATA);
    assert_negative();
    CU_ASSERT_EQUAL(ask("no.default.svc.cluster.local.", RR_ANY), ZONE_NXDOMAIN);
}

static void a_cname_is_an_answer_to_its_own_type(void)
{
    CU_ASSERT_EQUAL(ask("in.default.svc.cluster.local.", RR_CNAME), ZONE_HIT);
    CU_ASSERT_STRING_EQUAL(section(SECTION_ANSWER),
                           "in.default.svc.cluster.local.\t5\tIN\tCNAME\tin2.default.svc.cluster.local.\n");
}

static void cnames_are_followed_inside_the_zone(void)
{
    CU_ASSERT_EQUAL(ask("in.default.svc.cluster.local.", RR_AAAA), ZONE_HIT);
    CU_ASSERT_STRING_EQUAL(section(SECTION_ANSWER),
                           "in.default.svc.cluster.local.\t5\tIN\tCNAME\tin2.default.svc.cluster.local.\n"
                           "in2.default.svc.cluster.local.\t5\tIN\tCNAME\tWeb.Default.svc.cluster.local.\n"
                           "Web.Default.svc.cluster.local.\t5\tIN\tAAAA\t2001:db8::1\n");
    CU_ASSERT_EQUAL(ask("in.default.svc.cluster.local.", RR_TXT), ZONE_NODATA);
    CU_ASSERT_STRING_EQUAL(section(SECTION_AUTHORITY), SOA_TEXT);
}

static void a_cname_that_leads_out_ends_the_answer_and_says_where_to(void)
{
    CU_ASSERT_EQUAL(ask("in-out.default.svc.cluster.local.", RR_A), ZONE_CNAME_OUT);
    CU_ASSERT_STRING_EQUAL(section(SECTION_ANSWER),
                           "in-out.default.svc.cluster.local.\t5\tIN\tCNAME\tout.default.svc.cluster.local.\n"
                           "out.default.svc.cluster.local.\t5\tIN\tCNAME\twww.Example.org.\n");
    CU_ASSERT_STRING_EQUAL(section(SECTION_AUTHORITY), "");
    char text[NAME_MAX_TEXT];
    CU_ASSERT_PTR_NOT_NULL_FATAL(question.target);
    CU_ASSERT_STRING_EQUAL(name_to_text(question.target, text), "www.Example.org."); /* its case is kept */
}

static void a_cname_that_leads_nowhere_is_a_denial_with_the_cname(void)
{
    CU_ASSERT_EQUAL(ask("broken.default.svc.cluster.local.", RR_A), ZONE_NXDOMAIN);
    CU_ASSERT_STRING_EQUAL(
        section(SECTION_ANSWER),
        "broken.default.svc.cluster.local.\t5\tIN\tCNAME\tmissing.default.svc.cluster.local.\n");
    CU_ASSERT_TRUE(name_equal(question.target, name_of("missing.default.svc.cluster.local.")));
}

static void loops_of_cnames_come_to_an_end(void)
{
    CU_ASSERT_EQUAL(ask("self.default.svc.cluster.local.", RR_A), ZONE_NODATA);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 1);
    CU_ASSERT_EQUAL(ask("loop1.default.svc.cluster.local.", RR_A), ZONE_NODATA);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 2); /* each link once */
    CU_ASSERT_STRING_EQUAL(section(SECTION_AUTHORITY), SOA_TEXT);
}

static void a_chain_has_a_greatest_length(void)
{
    char lines[20][128];
    const char *all[22] = {[20] = "end.cluster.local. 5 IN A 10.0.0.1"};
    for (unsigned i = 0; i < 20; i++) {
        snprintf(lines[i], sizeof lines[i], "c%u.cluster.local. 5 IN CNAME c%u.cluster.local.", i, i + 1);
        all[i] = lines[i];
    }
    struct zone *kept = zone;
    zone = zone_of(all);
    CU_ASSERT_EQUAL(ask("c0.cluster.local.", RR_A), ZONE_NODATA);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], ZONE_CNAME_MAX);
    CU_ASSERT_EQUAL(ask("c12.cluster.local.", RR_A), ZONE_NXDOMAIN);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 8);
    zone_free(zone);
    snprintf(lines[19], sizeof lines[19], "c19.cluster.local. 5 IN CNAME end.cluster.local.");
    zone = zone_of(all);
    CU_ASSERT_EQUAL(ask("c9.cluster.local.", RR_A), ZONE_HIT);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], ZONE_CNAME_MAX + 1);
    CU_ASSERT_EQUAL(ask("c8.cluster.local.", RR_A), ZONE_NODATA);
    zone_free(zone);
    zone = kept;
}

static void addresses_of_targets_are_added_once(void)
{
    CU_ASSERT_EQUAL(ask("_http._tcp.web.default.svc.cluster.local.", RR_SRV), ZONE_HIT);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 4);
    CU_ASSERT_STRING_EQUAL(section(SECTION_ADDITIONAL),
                           "web.default.svc.cluster.local.\t5\tIN\tA\t10.96.1.1\n"
                           "web.default.svc.cluster.local.\t5\tIN\tA\t10.96.1.2\n"
                           "web.default.svc.cluster.local.\t5\tIN\tAAAA\t2001:db8::1\n");
    CU_ASSERT_EQUAL(ask("cluster.local.", RR_NS), ZONE_HIT);
    CU_ASSERT_STRING_EQUAL(section(SECTION_ADDITIONAL), "ns.dns.cluster.local.\t5\tIN\tA\t10.96.0.10\n");
}

static void the_soa_is_written_as_the_question_wrote_the_zone(void)
{
    CU_ASSERT_EQUAL(ask("no.default.svc.Cluster.LOCAL.", RR_A), ZONE_NXDOMAIN);
    zone_answer_soa(zone_current(zone), &reply);
    CU_ASSERT_EQUAL(strncmp(section(SECTION_AUTHORITY), "Cluster.LOCAL.\t30\tIN\tSOA\t", 24), 0);
    /* An answer to a question from elsewhere: its labels are no part of this zone's name. */
    query_make(&q, name_of("example."), RR_A);
    reply_begin(&reply, &q);
    zone_answer_soa(zone_current(zone), &reply);
    CU_ASSERT_STRING_EQUAL(section(SECTION_AUTHORITY), SOA_TEXT);
}

/* ---- large sets ---- */

#define MANY 5000

static struct zone *large_zone(void)
{
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    char line[256];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(line, sizeof line, "big.cluster.local. 5 IN A 10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        CU_ASSERT_EQUAL_FATAL(zone_add(t, record_of(line)), ERR_OK);
        snprintf(line, sizeof line, "_x._tcp.cluster.local. 5 IN SRV 0 1 80 p%u.cluster.local.", i);
        CU_ASSERT_EQUAL_FATAL(zone_add(t, record_of(line)), ERR_OK);
        snprintf(line, sizeof line, "p%u.cluster.local. 5 IN A 10.0.0.1", i);
        CU_ASSERT_EQUAL_FATAL(zone_add(t, record_of(line)), ERR_OK);
    }
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    return z;
}

static void an_answer_grows_no_further_than_there_is_use_for(void)
{
    struct zone *kept = zone;
    zone = large;
    for (size_t enough = 100; enough < 5000; enough += 777) {
        CU_ASSERT_EQUAL(ask_up_to("big.cluster.local.", RR_A, enough, 0), ZONE_HIT);
        CU_ASSERT(reply.len > enough && reply.len <= enough + 16);
        CU_ASSERT_EQUAL(ask_up_to("_x._tcp.cluster.local.", RR_SRV, enough, 0), ZONE_HIT);
        CU_ASSERT(reply.len > enough && reply.len <= enough + 64);
        CU_ASSERT_EQUAL(reply.count[SECTION_ADDITIONAL], 0);
        reply_finish(&reply, enough < 512 ? 512 : enough);
        CU_ASSERT_EQUAL((reply.flags & FLAG_TC) != 0, enough >= 512);
    }
    CU_ASSERT_EQUAL(ask_up_to("_x._tcp.cluster.local.", RR_SRV, REPLY_CAP, 0), ZONE_HIT);
    CU_ASSERT(reply.overflow);
    reply_finish(&reply, REPLY_CAP);
    CU_ASSERT(reply.len <= REPLY_CAP && (reply.flags & FLAG_TC));
    zone = kept;
}

static void work_for_the_additional_section_is_bounded(void)
{
    /* Few enough octets that the answer does not end it: 1,200 targets of one letter below the root of the
     * zone. */
    struct zone *kept = zone;
    struct zone_txn *t;
    char line[256];
    zone = zone_of(NULL);
    t = zone_begin(zone);
    for (unsigned i = 0; i < 1200; i++) {
        snprintf(line, sizeof line, "s.cluster.local. 5 IN NS n%u.cluster.local.", i);
        CU_ASSERT_EQUAL_FATAL(zone_add(t, record_of(line)), ERR_OK);
        snprintf(line, sizeof line, "n%u.cluster.local. 5 IN A 10.0.0.1", i);
        CU_ASSERT_EQUAL_FATAL(zone_add(t, record_of(line)), ERR_OK);
    }
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_EQUAL(ask("s.cluster.local.", RR_NS), ZONE_HIT);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 1200);
    CU_ASSERT_EQUAL(reply.count[SECTION_ADDITIONAL], 1024);
    zone_free(zone);
    zone = kept;
}

static void a_set_begins_where_it_is_rotated_to_and_stays_whole(void)
{
    static const struct {
        uint64_t rotate;
        const char *answer;
    } cases[] = {
        {0, "1 2 3 "}, {1, "2 3 1 "}, {2, "3 1 2 "}, {3, "1 2 3 "}, {UINT64_MAX, "1 2 3 "},
    };
    static const char *const three[] = {"r.cluster.local. 5 IN A 10.0.0.1",
                                        "r.cluster.local. 5 IN A 10.0.0.2",
                                        "r.cluster.local. 5 IN A 10.0.0.3", NULL};
    struct zone *kept = zone;
    zone = zone_of(three);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char seen[16] = "";
        CU_ASSERT_EQUAL(ask_up_to("r.cluster.local.", RR_A, REPLY_CAP, cases[i].rotate), ZONE_HIT);
        for (unsigned k = 0; k < reply.nrecords; k++)
            snprintf(seen + 2 * k, sizeof seen - 2 * k, "%u ", reply.wire[reply.rr[k].rdata + 3]);
        CU_ASSERT_STRING_EQUAL(seen, cases[i].answer);
    }
    zone_free(zone);
    zone = kept;
}

static void rotation_gives_every_part_of_a_set_its_turn(void)
{
    struct zone *kept = zone;
    zone = large;
    bool seen[MANY] = {false};
    unsigned count = 0;
    for (uint64_t rotate = 0; rotate < MANY; rotate += 20) {
        CU_ASSERT_EQUAL(ask_up_to("big.cluster.local.", RR_A, 512, rotate), ZONE_HIT);
        for (unsigned i = 0; i < reply.nrecords; i++) {
            const uint8_t *a = reply.wire + reply.rr[i].rdata;
            unsigned number = (unsigned)a[1] << 16 | (unsigned)a[2] << 8 | a[3];
            CU_ASSERT_FATAL(number < MANY);
            count += !seen[number];
            seen[number] = true;
        }
    }
    CU_ASSERT_EQUAL(count, MANY);
    zone = kept;
}

/* First, since only a test may check what it builds. */
static void zones_are_built(void)
{
    zone = zone_of(records);
    large = large_zone();
}

static const struct unit_test tests[] = {
    {"the zones of these tests are built", zones_are_built},
    {"a name with the type is a hit", a_name_with_the_type_is_a_hit},
    {"a name without the type has no data", a_name_without_the_type_has_no_data},
    {"a name that is not there adds nothing", a_name_that_is_not_there_adds_nothing},
    {"ANY says only whether the name exists", any_says_only_whether_the_name_exists},
    {"a CNAME is an answer to its own type", a_cname_is_an_answer_to_its_own_type},
    {"CNAMEs are followed inside the zone", cnames_are_followed_inside_the_zone},
    {"a CNAME that leads out ends the answer and says where to",
     a_cname_that_leads_out_ends_the_answer_and_says_where_to},
    {"a CNAME that leads nowhere is a denial with the CNAME",
     a_cname_that_leads_nowhere_is_a_denial_with_the_cname},
    {"loops of CNAMEs come to an end", loops_of_cnames_come_to_an_end},
    {"a chain has a greatest length", a_chain_has_a_greatest_length},
    {"addresses of targets are added once", addresses_of_targets_are_added_once},
    {"the SOA is written as the question wrote the zone", the_soa_is_written_as_the_question_wrote_the_zone},
    {"a set begins where it is rotated to and stays whole",
     a_set_begins_where_it_is_rotated_to_and_stays_whole},
    {"work for the additional section is bounded", work_for_the_additional_section_is_bounded},
    {"an answer grows no further than there is use for", an_answer_grows_no_further_than_there_is_use_for},
    {"rotation gives every part of a set its turn", rotation_gives_every_part_of_a_set_its_turn},
};

int main(void)
{
    rcu_reader_register();
    int status = run_suite("zone_answer", tests, sizeof tests / sizeof tests[0]);
    zone_free(zone);
    zone_free(large);
    rcu_drain();
    rcu_reader_unregister();
    return status;
}
