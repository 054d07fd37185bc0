/* What kind of answer a reply is: a table of replies. */
#include "../runner.h"

#include "../serve/message.h"
#include "cache/answer_class.h"

#define MAX 4
#define SOA "example.org. 300 IN SOA ns.example.org. root.example.org. 1 2 3 4 60"
#define NS  "example.org. 300 IN NS ns.example.org."

static const struct {
    const char *what;
    uint16_t qtype;
    uint16_t rcode;
    const char *answer[MAX + 1];
    const char *authority[MAX + 1];
    enum answer_class class;
    bool keepable;
    uint32_t ttl;
} cases[] = {
    {"an address", RR_A, 0, {"q.example.org. 100 IN A 10.0.0.1"}, {0}, ANSWER_POSITIVE, true, 100},
    {"the least TTL of all sections counts",
     RR_A,
     0,
     {"q.example.org. 100 IN A 10.0.0.1", "q.example.org. 90 IN A 10.0.0.2"},
     {"example.org. 80 IN NS ns.x."},
     ANSWER_POSITIVE,
     true,
     80},
    {"a chain to the type",
     RR_A,
     0,
     {"q.example.org. 100 IN CNAME a.x.", "A.X. 50 IN CNAME b.x.", "b.x. 60 IN A 10.0.0.1"},
     {0},
     ANSWER_POSITIVE,
     true,
     50},
    {"a chain in another order",
     RR_A,
     0,
     {"b.x. 60 IN A 10.0.0.1", "a.x. 50 IN CNAME b.x.", "q.example.org. 100 IN CNAME a.x."},
     {0},
     ANSWER_POSITIVE,
     true,
     50},
    {"a chain that leads nowhere",
     RR_A,
     0,
     {"q.example.org. 100 IN CNAME a.x."},
     {0},
     ANSWER_POSITIVE,
     false,
     100},
    {"a chain that leads nowhere, with a SOA",
     RR_A,
     0,
     {"q.example.org. 100 IN CNAME a.x."},
     {SOA},
     ANSWER_NODATA,
     true,
     60},
    {"a chain that is a loop",
     RR_A,
     0,
     {"q.example.org. 100 IN CNAME a.x.", "a.x. 100 IN CNAME q.example.org.", "a.x. 9 IN A 10.0.0.1"},
     {0},
     ANSWER_POSITIVE,
     false,
     9},
    {"a name with two targets",
     RR_A,
     0,
     {"q.example.org. 100 IN CNAME a.x.", "q.example.org. 100 IN CNAME b.x.", "b.x. 9 IN A 10.0.0.1"},
     {0},
     ANSWER_POSITIVE,
     false,
     9},
    {"the same CNAME twice",
     RR_A,
     0,
     {"q.example.org. 100 IN CNAME a.x.", "q.example.org. 100 IN CNAME A.X.", "a.x. 9 IN A 10.0.0.1"},
     {0},
     ANSWER_POSITIVE,
     true,
     9},
    {"an address of another name",
     RR_A,
     0,
     {"other.example.org. 100 IN A 10.0.0.1"},
     {0},
     ANSWER_POSITIVE,
     false,
     100},
    {"a CNAME asked for", RR_CNAME, 0, {"q.example.org. 100 IN CNAME a.x."}, {0}, ANSWER_POSITIVE, true, 100},
    {"ANY",
     RR_ANY,
     0,
     {"q.example.org. 100 IN TXT t", "q.example.org. 100 IN A 10.0.0.1"},
     {0},
     ANSWER_POSITIVE,
     true,
     100},
    {"no data", RR_A, 0, {0}, {SOA}, ANSWER_NODATA, true, 60},
    {"no data, a SOA with a small TTL",
     RR_A,
     0,
     {0},
     {"example.org. 7 IN SOA ns.x. root.x. 1 2 3 4 60"},
     ANSWER_NODATA,
     true,
     7},
    {"no such name", RR_A, RCODE_NXDOMAIN, {0}, {SOA}, ANSWER_NXDOMAIN, true, 60},
    {"no such name without a SOA", RR_A, RCODE_NXDOMAIN, {0}, {0}, ANSWER_NXDOMAIN, false, 5},
    {"no such name with records",
     RR_A,
     RCODE_NXDOMAIN,
     {"q.example.org. 100 IN CNAME a.x."},
     {SOA},
     ANSWER_OTHER,
     false,
     5},
    {"nothing at all", RR_A, 0, {0}, {0}, ANSWER_POSITIVE, true, 5},
    {"a delegation", RR_A, 0, {0}, {NS}, ANSWER_DELEGATION, true, 5},
    {"SERVFAIL", RR_A, RCODE_SERVFAIL, {0}, {0}, ANSWER_SERVER_ERROR, true, 5},
    {"NOTIMP", RR_A, RCODE_NOTIMP, {0}, {0}, ANSWER_SERVER_ERROR, true, 5},
    {"REFUSED", RR_A, RCODE_REFUSED, {0}, {SOA}, ANSWER_OTHER, false, 5},
    {"a transfer", RR_AXFR, 0, {"q.example.org. 100 IN A 10.0.0.1"}, {0}, ANSWER_TRANSFER, false, 5},
};

static struct reply *build(size_t i, const struct query *q)
{
    struct reply *r = make_reply(q, cases[i].answer);
    for (const char *const *line = cases[i].authority; *line != NULL; line++)
        add_record(r, SECTION_AUTHORITY, *line);
    r->rcode = cases[i].rcode;
    return r;
}

static void the_table(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query q = make_query("q.example.org.", cases[i].qtype);
        struct reply *r = build(i, &q);
        struct answer_facts facts;
        answer_classify(r, 1700000000, &facts);
        bool ok = facts.class == cases[i].class && facts.keepable == cases[i].keepable &&
                  facts.ttl == cases[i].ttl &&
                  facts.negative == (facts.class == ANSWER_NODATA || facts.class == ANSWER_NXDOMAIN);
        if (!ok)
            printf("%s: class %d, keepable %d, ttl %u\n", cases[i].what, facts.class, facts.keepable,
                   facts.ttl);
        CU_ASSERT_TRUE(ok);
        free(r);
    }
}

static void what_is_truncated_is_not_kept(void)
{
    struct query q = make_query("q.example.org.", RR_A);
    struct reply *r = build(0, &q);
    struct answer_facts facts;
    r->flags |= FLAG_TC;
    answer_classify(r, 0, &facts);
    CU_ASSERT_FALSE(facts.keepable);
    r->flags = 0;
    r->overflow = true;
    answer_classify(r, 0, &facts);
    CU_ASSERT_FALSE(facts.keepable);
    free(r);
}

static void signatures_hold_between_their_two_times(void)
{
    static const char *const lines[] = {
        "q.example.org. 100 IN A 10.0.0.1",
        "q.example.org. 100 IN RRSIG A 13 3 100 20231201000000 20231101000000 1 example.org. AAAA", NULL};
    struct query q = make_query("q.example.org.", RR_A);
    struct answer_facts facts;
    q.dnssec_ok = true;
    struct reply *r = make_reply(&q, lines);
    static const struct {
        uint64_t now;
        bool keepable;
    } times[] = {{1698796799, false}, {1698796800, true}, {1701388800, true}, {1701388801, false}};
    for (unsigned i = 0; i < 4; i++) {
        answer_classify(r, times[i].now, &facts);
        CU_ASSERT_EQUAL(facts.keepable, times[i].keepable);
    }
    q.dnssec_ok = false; /* nobody looks at them */
    answer_classify(r, times[0].now, &facts);
    CU_ASSERT_TRUE(facts.keepable);
    free(r);
}

static void a_chain_of_very_many_links_is_not_followed(void)
{
    struct query q = make_query("n0.x.", RR_A);
    struct reply *r = make_reply(&q, NULL);
    char line[64];
    for (unsigned i = 0; i < 31; i++) {
        snprintf(line, sizeof line, "n%u.x. 100 IN CNAME n%u.x.", i, i + 1);
        add_record(r, SECTION_ANSWER, line);
    }
    add_record(r, SECTION_ANSWER, "n31.x. 100 IN A 10.0.0.1");
    CU_ASSERT_TRUE(answer_answers(r));
    add_record(r, SECTION_ANSWER, "n32.x. 100 IN CNAME n33.x.");
    CU_ASSERT_TRUE(answer_answers(r));
    add_record(r, SECTION_ANSWER, "n33.x. 100 IN CNAME n34.x.");
    CU_ASSERT_FALSE(answer_answers(r));
    free(r);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the kinds of answers, whether they may be kept, and for how long", the_table},
        {"what is truncated is not kept", what_is_truncated_is_not_kept},
        {"signatures hold between their two times", signatures_hold_between_their_two_times},
        {"a chain of very many links is not followed", a_chain_of_very_many_links_is_not_followed},
    };
    return run_suite("answer_class", tests, sizeof tests / sizeof tests[0]);
}
