/* An upstream's message made the reply to a client. */
#include "../runner.h"

#include "../serve/message.h"
#include "base/cursor.h"
#include "base/err.h"
#include "upstream/upstream_answer.h"

static const char *const lines[] = {
    "www.example.org. 100 IN A 10.0.0.1",
    "www.example.org. 100 IN RRSIG A 13 3 100 20361201000000 20231101000000 1 example.org. AAAA",
    "a.example.org. 100 IN NSEC b.example.org. A",
    NULL,
};

/* The upstream's message: the question in its own case, three records, OPT; returns its length. */
static size_t upstream_message(const struct query *asked, uint16_t flags, uint8_t *out)
{
    struct query q = *asked;
    memcpy(q.qname, q.lname, sizeof q.qname);
    q.has_edns = true;
    q.udp_size = 1232;
    struct reply *r = make_reply(&q, lines);
    r->flags = flags;
    r->rcode = RCODE_NXDOMAIN;
    reply_finish(r, REPLY_CAP);
    size_t len = r->len;
    memcpy(out, r->wire, len);
    free(r);
    return len;
}

static uint8_t wire[1024];

static int fill(const struct query *q, size_t len, struct reply **out)
{
    *out = make_reply(q, NULL);
    return upstream_answer_fill(*out, wire, len);
}

static void what_was_not_asked_for_is_left_out(void)
{
    struct query q = make_query("WWW.example.org.", RR_A);
    struct reply *r;
    size_t len = upstream_message(&q, FLAG_RA | FLAG_AA | FLAG_AD, wire);
    CU_ASSERT_EQUAL(fill(&q, len, &r), ERR_OK);
    CU_ASSERT_EQUAL(r->rcode, RCODE_NXDOMAIN);
    CU_ASSERT_EQUAL(r->flags, FLAG_RA | FLAG_AA | FLAG_AD);
    CU_ASSERT_TRUE(r->nrecords == 1 && r->rr[0].type == RR_A);
    CU_ASSERT_EQUAL(memcmp(r->wire + DNS_HEADER_LEN, "\3WWW", 4), 0);
    free(r);
}

static void dnssec_records_are_for_do_and_for_who_asks_them(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    struct reply *r;
    q.dnssec_ok = true;
    CU_ASSERT_EQUAL(fill(&q, upstream_message(&q, 0, wire), &r), ERR_OK);
    CU_ASSERT_EQUAL(r->nrecords, 3);
    free(r);
    static const struct {
        uint16_t type;
        unsigned records;
    } asked[] = {{RR_RRSIG, 2}, {RR_NSEC, 2}, {RR_ANY, 3}, {RR_TXT, 1}};
    for (unsigned i = 0; i < 4; i++) {
        q = make_query("www.example.org.", asked[i].type);
        CU_ASSERT_EQUAL(fill(&q, upstream_message(&q, 0, wire), &r), ERR_OK);
        CU_ASSERT_EQUAL(r->nrecords, asked[i].records);
        free(r);
    }
}

static void what_is_no_answer_to_the_question_is_refused(void)
{
    struct query q = make_query("www.example.org.", RR_A), other = make_query("ww2.example.org.", RR_A);
    struct reply *r;
    size_t len = upstream_message(&other, 0, wire);
    CU_ASSERT_EQUAL(fill(&q, len, &r), ERR_MISMATCH);
    free(r);
    other = make_query("www.example.org.", RR_AAAA);
    CU_ASSERT_EQUAL(fill(&q, upstream_message(&other, 0, wire), &r), ERR_MISMATCH);
    free(r);
    len = upstream_message(&q, 0, wire);
    wire[2] &= 0x7f; /* a question */
    CU_ASSERT_EQUAL(fill(&q, len, &r), ERR_MISMATCH);
    free(r);
    upstream_message(&q, 0, wire);
    wire[5] = 2; /* two questions */
    CU_ASSERT_EQUAL(fill(&q, len, &r), ERR_MISMATCH);
    free(r);
}

static void every_cut_of_a_message_is_malformed_and_leaves_nothing(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    size_t len = upstream_message(&q, 0, wire);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1); /* so that a sanitizer sees a step too far */
        memcpy(exact, wire, cut);
        struct reply *r = make_reply(&q, NULL);
        CU_ASSERT_EQUAL(upstream_answer_fill(r, exact, cut), ERR_MALFORMED);
        CU_ASSERT_EQUAL(r->nrecords, 0);
        free(r);
        free(exact);
    }
}

static void an_rcode_has_its_upper_bits_in_opt(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    size_t len = upstream_message(&q, 0, wire);
    CU_ASSERT_EQUAL(upstream_answer_rcode(wire, len), RCODE_NXDOMAIN);
    wire[len - 6] = 1; /* OPT stands last: the first octet of its TTL */
    CU_ASSERT_EQUAL(upstream_answer_rcode(wire, len), 16 + RCODE_NXDOMAIN);
    for (size_t cut = DNS_HEADER_LEN; cut < len; cut++) {
        uint8_t *exact = malloc(cut);
        memcpy(exact, wire, cut);
        CU_ASSERT_EQUAL(upstream_answer_rcode(exact, cut), RCODE_NXDOMAIN);
        free(exact);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"flags, rcode and records pass; the client's case and what it did not ask for do not",
         what_was_not_asked_for_is_left_out},
        {"DNSSEC records are for DO and for who asks for them",
         dnssec_records_are_for_do_and_for_who_asks_them},
        {"what is no answer to the question is refused", what_is_no_answer_to_the_question_is_refused},
        {"every cut of a message is malformed and leaves nothing",
         every_cut_of_a_message_is_malformed_and_leaves_nothing},
        {"an rcode has its upper bits in OPT", an_rcode_has_its_upper_bits_in_opt},
    };
    return run_suite("upstream_answer", tests, sizeof tests / sizeof tests[0]);
}
