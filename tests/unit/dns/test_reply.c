#include "dns/reply.h"

#include <stdlib.h>

#include "../runner.h"
#include "base/err.h"
#include "message.h"

static struct query q;
static struct reply r;
static struct rr_storage storage;

static void ask(const char *text, uint16_t type)
{
    uint8_t name[NAME_MAX_LEN];
    CU_ASSERT_FATAL(name_from_text(text, strlen(text), name) > 0);
    query_make(&q, name, type);
    q.id = 0xabcd;
    reply_begin(&r, &q);
}

static void with_edns(uint16_t size)
{
    q.has_edns = true;
    q.udp_size = size;
}

static int add(enum reply_section s, const char *line)
{
    struct rr rr;
    CU_ASSERT_EQUAL_FATAL(rr_from_text(line, strlen(line), &storage, &rr), ERR_OK);
    return reply_add(&r, s, &rr);
}

static struct message_seen seen;
static char seen_text[1 << 20];

static void note(unsigned section, const struct rr *rr)
{
    struct bytes line;
    bytes_init(&line, 1 << 20);
    CU_ASSERT_EQUAL(rr_to_text(rr, &line), ERR_OK);
    size_t used = strlen(seen_text);
    snprintf(seen_text + used, sizeof seen_text - used, "%u %s\n", section, line.data);
    bytes_free(&line);
}

/* Reads the finished message back; what it says is in `seen`, its records as lines in seen_text. */
static void read_back(void)
{
    seen_text[0] = '\0';
    /* in a block of its own length, so that AddressSanitizer sees a pointer beyond it */
    uint8_t *copy = malloc(r.len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, r.wire, r.len);
    CU_ASSERT_TRUE(message_read(copy, r.len, &seen, note));
    CU_ASSERT_EQUAL(seen.id, q.id);
    CU_ASSERT_EQUAL(seen.count[0], q.qname_len > 0);
    if (q.qname_len > 0) {
        CU_ASSERT_EQUAL(memcmp(seen.qname, q.qname, q.qname_len), 0);
        CU_ASSERT_EQUAL(seen.qtype, q.qtype);
        CU_ASSERT_EQUAL(seen.qclass, q.qclass);
    }
    CU_ASSERT_EQUAL(seen.opts, q.has_edns);
    CU_ASSERT_EQUAL(seen.records, r.nrecords);
    free(copy);
}

static void an_answer_reads_back_as_it_was_built(void)
{
    ask("web.default.svc.cluster.local.", RR_A);
    CU_ASSERT_EQUAL(
        add(SECTION_ANSWER, "web.default.svc.cluster.local. 5 IN CNAME db.default.svc.cluster.local."),
        ERR_OK);
    add(SECTION_ANSWER, "db.default.svc.cluster.local. 7 IN A 10.0.0.1");
    add(SECTION_AUTHORITY,
        "cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 2 3 4 5");
    add(SECTION_ADDITIONAL, "ns.dns.cluster.local. 9 IN AAAA 2001:db8::1");
    r.flags = FLAG_AA | FLAG_RA;
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_STRING_EQUAL(
        seen_text,
        "1 web.default.svc.cluster.local.\t5\tIN\tCNAME\tdb.default.svc.cluster.local.\n"
        "1 db.default.svc.cluster.local.\t7\tIN\tA\t10.0.0.1\n"
        "2 cluster.local.\t30\tIN\tSOA\tns.dns.cluster.local. hostmaster.cluster.local. 1 2 3 4 5\n"
        "3 ns.dns.cluster.local.\t9\tIN\tAAAA\t2001:db8::1\n");
    CU_ASSERT_EQUAL(seen.flags, FLAG_QR | FLAG_AA | FLAG_RD | FLAG_RA);
}

static void flags_of_the_query_and_of_the_answer_meet_in_the_header(void)
{
    ask("a.b", RR_A);
    q.flags = FLAG_CD | FLAG_AD | FLAG_TC | FLAG_AA | 2 << 11;
    r.flags = FLAG_AD | FLAG_RD | FLAG_QR;
    r.rcode = RCODE_NXDOMAIN;
    reply_finish(&r, 512);
    read_back();
    /* AA and TC of the query say nothing; RD is the query's and not the answer's */
    CU_ASSERT_EQUAL(seen.flags, FLAG_QR | FLAG_AD | FLAG_CD | 2 << 11 | RCODE_NXDOMAIN);
}

static void an_error_without_question_is_a_header(void)
{
    ask("a.b", RR_A);
    q.qname_len = 0;
    reply_error(&r, &q, RCODE_FORMERR);
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_EQUAL(r.len, DNS_HEADER_LEN);
    CU_ASSERT_EQUAL(seen.flags & 15, RCODE_FORMERR);
}

/* ---- compression ---- */

static void names_are_compressed_where_they_may_be(void)
{
    static const struct {
        const char *line;
        size_t octets; /* the record in the message, after one like it */
    } cases[] = {
        {"n.x.example. 1 IN NS ns1.n.x.example.", 2 + 10 + 4 + 2},
        {"n.x.example. 1 IN CNAME n.x.example.", 2 + 10 + 2},
        {"n.x.example. 1 IN PTR a.b.n.x.example.", 2 + 10 + 4 + 2},
        {"n.x.example. 1 IN MX 10 mail.n.x.example.", 2 + 10 + 2 + 5 + 2},
        {"n.x.example. 1 IN SOA a.n.x.example. b.n.x.example. 1 2 3 4 5", 2 + 10 + 4 + 4 + 20},
        {"n.x.example. 1 IN SRV 0 1 2 n.x.example.", 2 + 10 + 6 + 13}, /* RFC 2782: not compressed */
        {"n.x.example. 1 IN DNAME n.x.example.", 2 + 10 + 13},         /* RFC 6672 section 2.5 */
        {"n.x.example. 1 IN TXT \"n.x.example\"", 2 + 10 + 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask("n.x.example", RR_A);
        size_t before = r.len;
        CU_ASSERT_EQUAL(add(SECTION_ANSWER, cases[i].line), ERR_OK);
        CU_ASSERT_EQUAL(r.len - before, cases[i].octets);
        reply_finish(&r, 512);
        read_back();
    }
}

static void the_target_of_a_service_is_written_out_and_pointed_to(void)
{
    ask("_http._tcp.web.example.", RR_SRV);
    add(SECTION_ANSWER, "_http._tcp.web.example. 1 IN SRV 0 50 80 pod-1.web.example.");
    add(SECTION_ANSWER, "_http._tcp.web.example. 1 IN SRV 0 50 80 pod-2.web.example.");
    size_t before = r.len;
    add(SECTION_ADDITIONAL, "pod-2.web.example. 1 IN A 10.0.0.2");
    CU_ASSERT_EQUAL(r.len - before, 2 + 10 + 4);
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_STRING_EQUAL(seen_text, "1 _http._tcp.web.example.\t1\tIN\tSRV\t0 50 80 pod-1.web.example.\n"
                                      "1 _http._tcp.web.example.\t1\tIN\tSRV\t0 50 80 pod-2.web.example.\n"
                                      "3 pod-2.web.example.\t1\tIN\tA\t10.0.0.2\n");
}

static void the_question_gives_its_case_to_its_owner_and_to_nothing_else(void)
{
    ask("WeB.ExAmPlE.", RR_CNAME);
    add(SECTION_ANSWER, "web.example. 1 IN CNAME other.example.");
    add(SECTION_ANSWER, "other.example. 1 IN CNAME WeB.ExAmPlE.");
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_STRING_EQUAL(seen_text, "1 WeB.ExAmPlE.\t1\tIN\tCNAME\tother.example.\n"
                                      "1 other.example.\t1\tIN\tCNAME\tWeB.ExAmPlE.\n");
}

static void a_name_that_differs_in_case_is_not_compressed_against_another(void)
{
    ask("x.test", RR_NS);
    add(SECTION_ANSWER, "x.test. 1 IN NS a.EXAMPLE.");
    add(SECTION_ANSWER, "x.test. 1 IN NS a.example.");
    add(SECTION_ANSWER, "x.test. 1 IN NS a.EXAMPLE.");
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_STRING_EQUAL(seen_text, "1 x.test.\t1\tIN\tNS\ta.EXAMPLE.\n1 x.test.\t1\tIN\tNS\ta.example.\n"
                                      "1 x.test.\t1\tIN\tNS\ta.EXAMPLE.\n");
}

static void names_beyond_the_reach_of_pointers_are_written_out(void)
{
    char line[8192];
    ask("x.test", RR_PTR);
    for (unsigned i = 0; i < 200; i++) { /* more names than are remembered, and more than 16 KiB */
        snprintf(line, sizeof line, "x.test. 1 IN TXT \"%0200u\"", i);
        CU_ASSERT_EQUAL_FATAL(add(SECTION_ANSWER, line), ERR_OK);
        snprintf(line, sizeof line, "host-%u.zone-%u.test. 1 IN PTR target-%u.host-%u.zone-%u.test.", i,
                 i % 7, i, i, i % 7);
        CU_ASSERT_EQUAL_FATAL(add(SECTION_ANSWER, line), ERR_OK);
    }
    reply_finish(&r, REPLY_CAP);
    read_back();
    CU_ASSERT(r.len > 0x4000);
    CU_ASSERT_EQUAL(r.nnames, REPLY_NAMES_MAX);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "1 host-%u.zone-%u.test.\t1\tIN\tPTR\ttarget-%u.host-%u.zone-%u.test.\n",
                 i, i % 7, i, i, i % 7);
        CU_ASSERT_PTR_NOT_NULL(strstr(seen_text, line));
    }
}

static void rdata_that_is_not_what_its_type_says_is_copied(void)
{
    static const uint8_t odd[] = {63, 'x', 0xc0, 0x0c};
    static const uint16_t types[] = {RR_NS, RR_CNAME, RR_SOA, RR_PTR, RR_MX};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (uint16_t len = 0; len <= sizeof odd; len++) {
            ask("a.b", types[i]);
            struct rr rr = {
                .owner = q.qname, .type = types[i], .class = CLASS_IN, .rdata = odd, .rdlen = len};
            CU_ASSERT_EQUAL(reply_add(&r, SECTION_ANSWER, &rr), ERR_OK);
            CU_ASSERT_EQUAL(reply_rdlen(&r, 0), len);
            CU_ASSERT_EQUAL(memcmp(r.wire + r.rr[0].rdata, odd, len), 0);
        }
}

static void the_root_may_be_asked_for_and_may_own(void)
{
    ask(".", RR_NS);
    add(SECTION_ANSWER, ". 1 IN NS a.root.");
    add(SECTION_ADDITIONAL, "a.root. 1 IN A 10.0.0.1");
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_STRING_EQUAL(seen_text, "1 .\t1\tIN\tNS\ta.root.\n3 a.root.\t1\tIN\tA\t10.0.0.1\n");
}

/* ---- size ---- */

/* A reply of many kinds of records, with names that point into one another. */
static void fill(void)
{
    char line[512];
    for (unsigned i = 0; i < 30; i++) {
        snprintf(line, sizeof line, "_http._tcp.web.example. 5 IN SRV 0 50 80 pod-%u.web.example.", i);
        add(SECTION_ANSWER, line);
    }
    for (unsigned i = 0; i < 10; i++) {
        snprintf(line, sizeof line, "web.example. 5 IN NS ns%u.dns%u.example.", i, i % 3);
        add(SECTION_AUTHORITY, line);
    }
    for (unsigned i = 0; i < 30; i++) {
        snprintf(line, sizeof line, "pod-%u.web.example. 5 IN %s", i,
                 i % 2 ? "A 10.0.0.1" : "AAAA 2001:db8::1");
        add(SECTION_ADDITIONAL, line);
    }
}

static void every_size_cuts_at_a_record_and_wastes_no_room(void)
{
    static size_t ends[128];
    for (unsigned edns = 0; edns < 2; edns++)
        for (size_t max = 512; max < 4200; max++) {
            ask("_HTTP._tcp.web.example", RR_SRV);
            if (edns)
                with_edns((uint16_t)max);
            fill();
            size_t whole = r.len, opt = edns ? 11 : 0;
            unsigned records = r.nrecords;
            for (unsigned i = 0; i < records; i++)
                ends[i] = i + 1 < records ? r.rr[i + 1].at : whole;
            reply_finish(&r, max);
            read_back();
            CU_ASSERT(r.len <= max);
            CU_ASSERT_EQUAL((seen.flags & FLAG_TC) != 0, whole + opt > max);
            CU_ASSERT_EQUAL(seen.records == records, whole + opt <= max);
            CU_ASSERT(seen.records == records || ends[seen.records] + opt > max); /* the next did not fit */
            CU_ASSERT_EQUAL(seen.count[1] + seen.count[2] + seen.count[3], seen.records + edns);
            if (edns)
                CU_ASSERT_EQUAL(seen.opt_rdlen, 0);
        }
}

static void even_the_longest_question_with_all_that_opt_may_hold_keeps_to_512_octets(void)
{
    char text[NAME_MAX_TEXT] = "";
    static const char reason[] =
        "a reason that is told at great length, far beyond what anybody would want to read "
        "in an answer, with an address and with a port and with the name of the upstream, and "
        "then some more of it so that it is cut";
    for (unsigned i = 0; i < 127; i++)
        memcpy(text + strlen(text), "x.", 3);
    for (unsigned with_text = 0; with_text < 2; with_text++) {
        ask(text, RR_A);
        with_edns(512);
        r.rcode = RCODE_SERVFAIL;
        r.ede = 23;
        r.ede_text = with_text ? reason : NULL;
        reply_finish(&r, 512);
        read_back();
        CU_ASSERT(r.len <= 512);
        CU_ASSERT_EQUAL(seen.flags, FLAG_QR | FLAG_RD | RCODE_SERVFAIL);
        CU_ASSERT(seen.opt_rdlen >= 6); /* the code always fits, the words not always */
    }
}

static void a_message_ends_at_64_kib(void)
{
    ask("many.example", RR_A);
    with_edns(1232);
    uint8_t address[4] = {10};
    struct rr rr = {
        .owner = q.qname, .type = RR_A, .class = CLASS_IN, .ttl = 5, .rdlen = 4, .rdata = address};
    unsigned added = 0;
    while (reply_add(&r, SECTION_ANSWER, &rr) == ERR_OK)
        added++;
    CU_ASSERT_EQUAL(added, (REPLY_CAP - 12 - 18) / 16);
    CU_ASSERT_TRUE(r.overflow);
    uint8_t none = 0;
    struct rr tiny = {.owner = &none, .type = RR_A, .class = CLASS_IN, .rdata = address};
    CU_ASSERT_EQUAL(reply_add(&r, SECTION_ANSWER, &tiny), ERR_SPACE); /* no gaps: nothing comes after it */
    reply_finish(&r, REPLY_CAP);
    read_back();
    CU_ASSERT(r.len <= REPLY_CAP);
    CU_ASSERT(seen.flags & FLAG_TC);
}

static void a_record_of_64_kib_does_not_fit_and_harms_nothing(void)
{
    static uint8_t rdata[RDATA_MAX];
    ask("large.example", 65400);
    add(SECTION_ANSWER, "other.example. 1 IN NS a.example.");
    size_t len = r.len;
    struct rr rr = {.owner = q.qname, .type = 65400, .class = CLASS_IN, .rdlen = RDATA_MAX, .rdata = rdata};
    CU_ASSERT_EQUAL(reply_add(&r, SECTION_ANSWER, &rr), ERR_SPACE);
    CU_ASSERT_EQUAL(r.len, len);
    reply_finish(&r, REPLY_CAP);
    read_back();
    CU_ASSERT_EQUAL(seen.records, 1);
    CU_ASSERT(seen.flags & FLAG_TC);
}

static void the_index_has_an_end_too(void)
{
    uint8_t root = 0;
    ask(".", RR_A);
    struct rr rr = {.owner = &root, .type = 65400, .class = CLASS_IN};
    for (unsigned i = 0; i < REPLY_RECORDS_MAX; i++)
        CU_ASSERT_EQUAL_FATAL(reply_add(&r, SECTION_ANSWER, &rr), ERR_OK);
    CU_ASSERT_EQUAL(reply_add(&r, SECTION_ANSWER, &rr), ERR_SPACE);
    reply_finish(&r, REPLY_CAP);
    read_back();
    CU_ASSERT(seen.flags & FLAG_TC);
}

/* ---- OPT ---- */

static void opt_is_there_where_the_client_had_one(void)
{
    ask("a.b", RR_A);
    with_edns(4096);
    q.dnssec_ok = true;
    add(SECTION_ADDITIONAL, "a.b. 1 IN A 10.0.0.1");
    reply_finish(&r, 4096);
    read_back();
    CU_ASSERT_EQUAL(seen.udp_size, 4096);
    CU_ASSERT_EQUAL(seen.opt_ttl, 0x8000);
    CU_ASSERT_EQUAL(seen.opt_rdlen, 0);
    CU_ASSERT_EQUAL(seen.count[3], 2);
}

static void an_extended_rcode_has_its_upper_bits_in_opt(void)
{
    ask("a.b", RR_A);
    with_edns(1232);
    q.edns_version = 1;
    reply_error(&r, &q, RCODE_BADVERS);
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_EQUAL(seen.flags & 15, 0);
    CU_ASSERT_EQUAL(seen.opt_ttl, 0x01000000); /* and the version is ours, 0 */
}

static void an_extended_rcode_without_opt_is_servfail(void)
{
    ask("a.b", RR_A);
    r.rcode = 23; /* BADCOOKIE from an upstream: its lower four bits would be YXRRSET */
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_EQUAL(seen.flags & 15, RCODE_SERVFAIL);
}

static void an_extended_error_tells_code_and_words(void)
{
    ask("a.b", RR_A);
    with_edns(1232);
    r.ede = 22;
    r.ede_text = "no upstream answers";
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_EQUAL(seen.opt_rdlen, 6 + 19);
    CU_ASSERT_EQUAL(memcmp(r.wire + r.len - 25, "\0\17\0\25\0\26no upstream answers", 25), 0);
}

/* ---- changes on the way back ---- */

static void ttls_can_be_read_and_set(void)
{
    ask("a.b", RR_A);
    add(SECTION_ANSWER, "a.b. 100 IN A 10.0.0.1");
    add(SECTION_ADDITIONAL, "c.b. 200 IN TXT \"x\"");
    CU_ASSERT_EQUAL(reply_ttl(&r, 0), 100);
    CU_ASSERT_EQUAL(reply_ttl(&r, 1), 200);
    reply_set_ttl(&r, 1, 0xfffffff0);
    CU_ASSERT_EQUAL(reply_ttl(&r, 0), 100);
    CU_ASSERT_EQUAL(reply_ttl(&r, 1), 0xfffffff0);
    reply_set_ttl(&r, 1, 7);
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_STRING_EQUAL(seen_text, "1 a.b.\t100\tIN\tA\t10.0.0.1\n3 c.b.\t7\tIN\tTXT\t\"x\"\n");
}

static void records_know_their_section_and_owner(void)
{
    uint8_t owner[NAME_MAX_LEN];
    char text[NAME_MAX_TEXT];
    ask("A.b", RR_A);
    add(SECTION_ANSWER, "a.b. 1 IN A 10.0.0.1");
    add(SECTION_AUTHORITY, "b. 1 IN NS c.b.");
    add(SECTION_ADDITIONAL, "c.b. 1 IN A 10.0.0.2");
    static const char *const owners[] = {"A.b.", "b.", "c.b."};
    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(reply_section_of(&r, i), i);
        CU_ASSERT_EQUAL(reply_owner(&r, i, owner), name_len(owner));
        CU_ASSERT_STRING_EQUAL(name_to_text(owner, text), owners[i]);
    }
}

static void addresses_swap_places(void)
{
    ask("a.b", RR_A);
    add(SECTION_ANSWER, "a.b. 1 IN A 10.0.0.1");
    add(SECTION_ANSWER, "a.b. 1 IN A 10.0.0.2");
    add(SECTION_ANSWER, "a.b. 1 IN AAAA 2001:db8::1");
    reply_swap_rdata(&r, 0, 1);
    reply_swap_rdata(&r, 1, 1);
    reply_swap_rdata(&r, 0, 2); /* of another length: nothing happens */
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_STRING_EQUAL(seen_text, "1 a.b.\t1\tIN\tA\t10.0.0.2\n1 a.b.\t1\tIN\tA\t10.0.0.1\n"
                                      "1 a.b.\t1\tIN\tAAAA\t2001:db8::1\n");
}

static void rdata_with_compressed_names_stays_where_it_is(void)
{
    ask("a.b", RR_MX);
    add(SECTION_ANSWER, "a.b. 1 IN MX 10 x.mail.example."); /* the second points into the first */
    add(SECTION_ANSWER, "a.b. 1 IN MX 20 mail.example.");
    add(SECTION_ANSWER, "a.b. 1 IN MX 30 mail.example.");
    reply_swap_rdata(&r, 0, 1);
    reply_swap_rdata(&r, 1, 2);
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_STRING_EQUAL(seen_text,
                           "1 a.b.\t1\tIN\tMX\t10 x.mail.example.\n1 a.b.\t1\tIN\tMX\t20 mail.example.\n"
                           "1 a.b.\t1\tIN\tMX\t30 mail.example.\n");
}

static void what_is_cut_is_gone_and_its_names_with_it(void)
{
    for (unsigned from = 0; from < 3; from++) {
        ask("a.b", RR_A);
        add(SECTION_ANSWER, "a.b. 1 IN CNAME x.example.");
        add(SECTION_AUTHORITY, "example. 1 IN NS ns.other.test.");
        add(SECTION_ADDITIONAL, "ns.other.test. 1 IN A 10.0.0.1");
        reply_cut(&r, (enum reply_section)from);
        CU_ASSERT_EQUAL(r.nrecords, from);
        add(SECTION_ADDITIONAL, "y.other.test. 1 IN NS ns.other.test.");
        add(SECTION_ADDITIONAL, "x.example. 1 IN NS ns.other.test.");
        reply_finish(&r, 512);
        read_back();
        CU_ASSERT_PTR_NOT_NULL(strstr(seen_text, "3 y.other.test.\t1\tIN\tNS\tns.other.test.\n"
                                                 "3 x.example.\t1\tIN\tNS\tns.other.test.\n"));
        CU_ASSERT_EQUAL(seen.count[1], from > 0);
        CU_ASSERT_EQUAL(seen.count[2], from > 1);
        CU_ASSERT_EQUAL(seen.count[3], 2);
    }
}

static void an_overflow_is_forgotten_only_with_the_section_it_was_in(void)
{
    static uint8_t rdata[60000];
    struct rr large = {.type = 65400, .class = CLASS_IN, .rdlen = sizeof rdata, .rdata = rdata};
    for (unsigned section = 0; section < 3; section++)
        for (unsigned cut = 0; cut < 3; cut++) {
            ask("a.b", RR_A);
            large.owner = q.qname;
            CU_ASSERT_EQUAL(reply_add(&r, SECTION_ANSWER, &large), ERR_OK);
            CU_ASSERT_EQUAL(reply_add(&r, (enum reply_section)section, &large), ERR_SPACE);
            reply_cut(&r, (enum reply_section)cut);
            CU_ASSERT_EQUAL(r.overflow, section < cut);
        }
}

/* ---- messages from elsewhere ---- */

static struct message m;

static void a_message_is_copied_section_by_section(void)
{
    message_header(&m, 1, FLAG_QR, 1, 1, 1, 3);
    message_question(&m, "a.b", RR_MX, CLASS_IN);
    message_octets(&m, "\xc0\x0c\0\17\0\1\0\0\0\7\0\6\0\12\1m\xc0\x0c", 18); /* MX 10 m.a.b. */
    message_octets(&m, "\xc0\x0e\0\2\0\1\0\0\0\10\0\5\2ns\xc0\x0e", 17);     /* b. NS ns.b. */
    message_octets(&m, "\xc0\x23\0\1\0\1\0\0\0\11\0\4\12\0\0\1", 16);        /* m.a.b. A */
    message_record(&m, ".", RR_OPT, 1232, 0, 0);
    message_record(&m, "k", 250, CLASS_ANY, 0, 0);
    static const char *const expected[] = {"1 a.b.\t7\tIN\tMX\t10 m.a.b.\n", "2 b.\t8\tIN\tNS\tns.b.\n",
                                           "3 m.a.b.\t9\tIN\tA\t10.0.0.1\n"};
    for (unsigned first = 0; first < 3; first++)
        for (unsigned last = first; last < 3; last++) {
            char text[256] = "";
            for (unsigned s = first; s <= last; s++)
                memcpy(text + strlen(text), expected[s], strlen(expected[s]) + 1);
            ask("a.b", RR_MX);
            CU_ASSERT_EQUAL(
                reply_copy(&r, m.data, m.len, (enum reply_section)first, (enum reply_section)last), ERR_OK);
            reply_finish(&r, 512);
            read_back();
            CU_ASSERT_STRING_EQUAL(seen_text, text);
        }
}

static void a_copy_goes_behind_what_is_there(void)
{
    message_header(&m, 1, FLAG_QR, 1, 1, 0, 0);
    message_question(&m, "c.d", RR_A, CLASS_IN);
    message_octets(&m, "\xc0\x0c\0\1\0\1\0\0\0\11\0\4\12\0\0\1", 16);
    ask("a.b", RR_A);
    add(SECTION_ANSWER, "a.b. 1 IN CNAME c.d.");
    CU_ASSERT_EQUAL(reply_copy(&r, m.data, m.len, SECTION_ANSWER, SECTION_ANSWER), ERR_OK);
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_STRING_EQUAL(seen_text, "1 a.b.\t1\tIN\tCNAME\tc.d.\n1 c.d.\t9\tIN\tA\t10.0.0.1\n");
}

/* Copies m from a block that ends where it ends. */
static int copy_exactly(size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, m.data, len);
    int ret = reply_copy(&r, copy, len, SECTION_ANSWER, SECTION_ADDITIONAL);
    free(copy);
    return ret;
}

static void a_message_that_is_cut_anywhere_leaves_the_reply_as_it_was(void)
{
    message_header(&m, 1, FLAG_QR, 1, 2, 0, 0);
    message_question(&m, "a.b", RR_MX, CLASS_IN);
    message_octets(&m, "\xc0\x0c\0\1\0\1\0\0\0\11\0\4\12\0\0\1", 16);
    message_octets(&m, "\xc0\x0c\0\17\0\1\0\0\0\7\0\6\0\12\1m\xc0\x0c", 18);
    for (size_t len = 0; len < m.len; len++) {
        ask("a.b", RR_MX);
        add(SECTION_ANSWER, "a.b. 1 IN CNAME c.d.");
        struct reply *before = malloc(sizeof *before);
        CU_ASSERT_PTR_NOT_NULL_FATAL(before);
        memcpy(before, &r, sizeof r);
        CU_ASSERT_EQUAL(copy_exactly(len), ERR_MALFORMED);
        CU_ASSERT_EQUAL(r.len, before->len);
        CU_ASSERT_EQUAL(r.nrecords, before->nrecords);
        CU_ASSERT_EQUAL(r.nnames, before->nnames);
        CU_ASSERT_EQUAL(memcmp(r.count, before->count, sizeof r.count), 0);
        CU_ASSERT_EQUAL(memcmp(r.wire, before->wire, r.len), 0);
        free(before);
    }
    ask("a.b", RR_MX);
    CU_ASSERT_EQUAL(copy_exactly(m.len), ERR_OK);
}

static void hostile_records_are_refused(void)
{
    static const struct {
        const char *octets;
        size_t len;
    } cases[] = {
        {"\xc0\x13\0\1\0\1\0\0\0\11\0\4\12\0\0\1", 16},        /* an owner that points at itself */
        {"\xc0\x20\0\1\0\1\0\0\0\11\0\4\12\0\0\1", 16},        /* forward */
        {"\xff\xff\0\1\0\1\0\0\0\11\0\4\12\0\0\1", 16},        /* beyond the end */
        {"\x80\0\0\1\0\1\0\0\0\11\0\4\12\0\0\1", 16},          /* a label type that does not exist */
        {"\xc0\x0c\0\1\0\1\0\0\0\11\0\5\12\0\0\1", 16},        /* an address of five octets */
        {"\xc0\x0c\0\1\0\1\0\0\0\11\0\3\12\0\0\1", 16},        /* of three */
        {"\xc0\x0c\0\5\0\1\0\0\0\11\0\2\xc0\x1f", 14},         /* rdata that points at itself */
        {"\xc0\x0c\0\5\0\1\0\0\0\11\0\1\xc0\x0c", 14},         /* a pointer that reaches beyond its rdata */
        {"\xc0\x0c\0\5\0\1\0\0\0\11\0\0", 12},                 /* no name where one must be */
        {"\xc0\x0c\0\6\0\1\0\0\0\11\0\4\xc0\x0c\xc0\x0c", 16}, /* SOA without its numbers */
        {"\xc0\x0c\0\17\0\1\0\0\0\11\0\2\0\12", 14},           /* MX without its name */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        message_header(&m, 1, FLAG_QR, 1, 1, 0, 0);
        message_question(&m, "a", RR_A, CLASS_IN); /* 7 octets: records begin at 19 */
        message_octets(&m, cases[i].octets, cases[i].len);
        ask("a", RR_A);
        CU_ASSERT_EQUAL(copy_exactly(m.len), ERR_MALFORMED);
        CU_ASSERT_EQUAL(r.nrecords, 0);
    }
}

static void damaged_messages_never_make_a_damaged_reply(void)
{
    uint64_t x = 88172645463325252u; /* the same sequence each time */
    ask("_HTTP._tcp.web.example", RR_SRV);
    fill();
    reply_finish(&r, REPLY_CAP);
    struct message *good = malloc(sizeof *good);
    CU_ASSERT_PTR_NOT_NULL_FATAL(good);
    good->len = r.len;
    memcpy(good->data, r.wire, r.len);
    unsigned copied = 0;
    for (unsigned round = 0; round < 20000; round++) {
        m.len = good->len;
        memcpy(m.data, good->data, m.len);
        for (unsigned hits = 1 + round % 4; hits > 0; hits--) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            m.data[x % m.len] = (uint8_t)(x >> 32);
        }
        ask("_HTTP._tcp.web.example", RR_SRV);
        int ret = copy_exactly(m.len - round % 7);
        copied += ret == ERR_OK;
        CU_ASSERT(ret == ERR_OK || ret == ERR_MALFORMED);
        reply_finish(&r, 512 + round % 4000);
        CU_ASSERT(r.len <= 512 + round % 4000);
        CU_ASSERT_TRUE(message_read(r.wire, r.len, &seen, NULL));
    }
    CU_ASSERT(copied > 100 && copied < 20000);
    free(good);
}

static void a_message_that_grows_beyond_64_kib_when_it_is_unpacked_is_cut(void)
{
    /* 3,000 SRV records whose targets are pointers: we write them out, 255 octets each. */
    message_header(&m, 1, FLAG_QR, 1, 3000, 0, 0);
    for (unsigned i = 0; i < 127; i++)
        message_octets(&m, "\1x", 2);
    message_u8(&m, 0);
    message_u32(&m, RR_SRV << 16 | CLASS_IN);
    for (unsigned i = 0; i < 3000; i++)
        message_octets(&m, "\xc0\x0c\0\41\0\1\0\0\0\1\0\10\0\0\0\1\0\120\xc0\x0c", 20);
    ask("x.x", RR_SRV);
    CU_ASSERT_EQUAL(copy_exactly(m.len), ERR_SPACE);
    CU_ASSERT(r.nrecords > 100);
    reply_finish(&r, REPLY_CAP);
    read_back();
    CU_ASSERT(seen.flags & FLAG_TC);
}

static bool only_addresses(uint16_t type, const void *ctx)
{
    return type == *(const uint16_t *)ctx;
}

static void a_copy_may_choose_by_type(void)
{
    static const uint16_t wanted = RR_A;
    message_header(&m, 1, FLAG_QR, 0, 2, 0, 0);
    message_record(&m, "a.b", RR_TXT, CLASS_IN, 1, 2);
    message_octets(&m, "\1x", 2);
    message_record(&m, "a.b", RR_A, CLASS_IN, 1, 4);
    message_octets(&m, "\12\0\0\1", 4);
    ask("a.b", RR_A);
    CU_ASSERT_EQUAL(
        reply_copy_if(&r, m.data, m.len, SECTION_ANSWER, SECTION_ADDITIONAL, only_addresses, &wanted),
        ERR_OK);
    reply_finish(&r, 512);
    read_back();
    CU_ASSERT_STRING_EQUAL(seen_text, "1 a.b.\t1\tIN\tA\t10.0.0.1\n");
}

static const struct unit_test tests[] = {
    {"an answer reads back as it was built", an_answer_reads_back_as_it_was_built},
    {"flags of the query and of the answer meet in the header",
     flags_of_the_query_and_of_the_answer_meet_in_the_header},
    {"an error without question is a header", an_error_without_question_is_a_header},
    {"names are compressed where they may be", names_are_compressed_where_they_may_be},
    {"the target of a service is written out, and pointed to",
     the_target_of_a_service_is_written_out_and_pointed_to},
    {"the question gives its case to its owner and to nothing else",
     the_question_gives_its_case_to_its_owner_and_to_nothing_else},
    {"a name that differs in case is not compressed against another",
     a_name_that_differs_in_case_is_not_compressed_against_another},
    {"names beyond the reach of pointers are written out",
     names_beyond_the_reach_of_pointers_are_written_out},
    {"rdata that is not what its type says is copied", rdata_that_is_not_what_its_type_says_is_copied},
    {"the root may be asked for and may own", the_root_may_be_asked_for_and_may_own},
    {"every size cuts at a record and wastes no room", every_size_cuts_at_a_record_and_wastes_no_room},
    {"even the longest question with all that OPT may hold keeps to 512 octets",
     even_the_longest_question_with_all_that_opt_may_hold_keeps_to_512_octets},
    {"a message ends at 64 KiB", a_message_ends_at_64_kib},
    {"a record of 64 KiB does not fit and harms nothing", a_record_of_64_kib_does_not_fit_and_harms_nothing},
    {"the index has an end too", the_index_has_an_end_too},
    {"OPT is there where the client had one", opt_is_there_where_the_client_had_one},
    {"an extended rcode has its upper bits in OPT", an_extended_rcode_has_its_upper_bits_in_opt},
    {"an extended rcode without OPT is SERVFAIL", an_extended_rcode_without_opt_is_servfail},
    {"an extended error tells code and words", an_extended_error_tells_code_and_words},
    {"TTLs can be read and set", ttls_can_be_read_and_set},
    {"records know their section and owner", records_know_their_section_and_owner},
    {"addresses swap places", addresses_swap_places},
    {"rdata with compressed names stays where it is", rdata_with_compressed_names_stays_where_it_is},
    {"what is cut is gone, and its names with it", what_is_cut_is_gone_and_its_names_with_it},
    {"an overflow is forgotten only with the section it was in",
     an_overflow_is_forgotten_only_with_the_section_it_was_in},
    {"a message is copied section by section", a_message_is_copied_section_by_section},
    {"a copy goes behind what is there", a_copy_goes_behind_what_is_there},
    {"a message that is cut anywhere leaves the reply as it was",
     a_message_that_is_cut_anywhere_leaves_the_reply_as_it_was},
    {"hostile records are refused", hostile_records_are_refused},
    {"damaged messages never make a damaged reply", damaged_messages_never_make_a_damaged_reply},
    {"a message that grows beyond 64 KiB when it is unpacked is cut",
     a_message_that_grows_beyond_64_kib_when_it_is_unpacked_is_cut},
    {"a copy may choose by type", a_copy_may_choose_by_type},
};

int main(void)
{
    return run_suite("reply", tests, sizeof tests / sizeof tests[0]);
}
