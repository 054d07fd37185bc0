/* An upstream's message made the reply to a client. */
#include "../runner.h"

#include "../serve/message.h"

#include <arpa/inet.h>

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

static void the_opt_record_is_found_and_adds_to_the_rcode(void)
{
    static const uint8_t options[] = {0, 3, 0, 2, 'u', 'p'};
    struct query q = make_query("www.example.org.", RR_A);
    struct upstream_opt opt;
    struct reply *r;
    size_t len = upstream_message(&q, 0, wire);
    upstream_answer_opt(wire, len, &opt);
    CU_ASSERT_TRUE(opt.rcode == 0 && opt.options_len == 0);
    wire[len - 6] = 1; /* BADVERS and up */
    wire_put_u16(wire + len - 2, sizeof options);
    memcpy(wire + len, options, sizeof options);
    upstream_answer_opt(wire, len + sizeof options, &opt);
    CU_ASSERT_TRUE(opt.rcode == 1 && opt.options_len == sizeof options);
    CU_ASSERT_EQUAL(memcmp(opt.options, options, sizeof options), 0);
    for (size_t cut = 0; cut < len + sizeof options; cut++) {
        upstream_answer_opt(wire, cut, &opt);
        CU_ASSERT_TRUE(opt.rcode == 0 && opt.options == NULL);
    }
    CU_ASSERT_EQUAL(fill(&q, len + sizeof options, &r), ERR_OK);
    CU_ASSERT_EQUAL(r->rcode, 16 + RCODE_NXDOMAIN);
    free(r);
}

static void addresses_are_read_as_far_as_they_go(void)
{
    static const char *const several[] = {
        "www.example.org. 100 IN CNAME real.example.org.",
        "real.example.org. 100 IN A 10.0.0.1",
        "real.example.org. 100 IN AAAA 2001:db8::1",
        "real.example.org. 100 IN A 10.0.0.2",
        NULL,
    };
    struct query q = make_query("www.example.org.", RR_A);
    struct reply *r = make_reply(&q, several);
    union address found[4];
    char text[64];
    r->flags = FLAG_RA;
    reply_finish(r, REPLY_CAP);
    CU_ASSERT_TRUE(upstream_answer_is_to(&q, r->wire, r->len));
    CU_ASSERT_EQUAL_FATAL(upstream_answer_addresses(r->wire, r->len, RR_A, found, 4), 2);
    CU_ASSERT_STRING_EQUAL(inet_ntop(AF_INET, &found[1].in.sin_addr, text, sizeof text), "10.0.0.2");
    CU_ASSERT_EQUAL(upstream_answer_addresses(r->wire, r->len, RR_A, found, 1), 1);
    CU_ASSERT_EQUAL(upstream_answer_addresses(r->wire, r->len, RR_AAAA, found, 4), 1);
    for (size_t cut = DNS_HEADER_LEN; cut < r->len; cut++) {
        uint8_t *exact = malloc(cut);
        memcpy(exact, r->wire, cut);
        CU_ASSERT_TRUE(upstream_answer_addresses(exact, cut, RR_A, found, 4) < 3);
        free(exact);
    }
    free(r);
}

/* All that a client would see. */
static bool same_reply(struct reply *a, struct reply *b)
{
    reply_finish(a, 512);
    reply_finish(b, 512);
    bool same = a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0 && a->nrecords == b->nrecords &&
                memcmp(a->rr, b->rr, a->nrecords * sizeof a->rr[0]) == 0;
    free(a);
    free(b);
    return same;
}

/* Each of them gets of the answer what it would get of the message. */
static bool shares(struct exchange_answer *a, const struct query *q)
{
    struct reply *shared = make_reply(q, NULL), *filled = make_reply(q, NULL);
    bool same_result = upstream_answer_share(shared, a) == upstream_answer_fill(filled, a->wire, a->len);
    return same_reply(shared, filled) && same_result;
}

static void who_waited_for_one_answer_gets_what_it_would_get_alone(void)
{
    struct query q = make_query("www.example.org.", RR_A), shout = make_query("WWW.EXAMPLE.ORG.", RR_A);
    struct query other = make_query("ww2.example.org.", RR_A), signed_ = q;
    signed_.dnssec_ok = signed_.has_edns = true;
    size_t len = upstream_message(&q, FLAG_RA | FLAG_AD, wire);
    struct exchange_answer *first = exchange_answer_new(wire, len);
    len = upstream_message(&other, FLAG_AA, wire);
    struct exchange_answer *second = exchange_answer_new(wire, len);
    CU_ASSERT_NOT_EQUAL(first->serial, second->serial);
    for (unsigned i = 0; i < 5; i++) {
        q.id = (uint16_t)(100 + i);
        CU_ASSERT_TRUE(shares(first, &q));
        CU_ASSERT_TRUE(i < 2 || (shares(first, &shout) && shares(first, &signed_) && shares(first, &other)));
    }
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_TRUE(shares(second, &other) && shares(second, &q));
    CU_ASSERT_TRUE(shares(first, &q) && shares(second, &other) && shares(first, &q));
    exchange_answer_unref(first);
    exchange_answer_unref(second);
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
        {"the OPT record is found, and adds to the rcode", the_opt_record_is_found_and_adds_to_the_rcode},
        {"who waited for one answer gets what it would get alone",
         who_waited_for_one_answer_gets_what_it_would_get_alone},
        {"addresses are read as far as they go", addresses_are_read_as_far_as_they_go},
    };
    return run_suite("upstream_answer", tests, sizeof tests / sizeof tests[0]);
}
