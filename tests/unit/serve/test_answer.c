#include "serve/answer.h"

#include "../plugins/fake_serve.h"

#include "../runner.h"

/* What is foretold must be what is sent. */
static void check(struct request *r)
{
    size_t size = answer_size(r);
    uint16_t flags = answer_flags(r);
    reply_finish(r->reply, answer_room(r));
    CU_ASSERT_EQUAL(wire_u16(r->reply->wire + 2) & 0x87b0, flags & 0x87b0);
    if ((flags & FLAG_TC) == 0)
        CU_ASSERT_EQUAL(r->reply->len, size);
    CU_ASSERT_TRUE(r->reply->len <= size);
}

static void test_sizes(void)
{
    static const int records[] = {0, 1, 20, 29, 30, 31, 70, 74, 75, 300};
    static const uint16_t sizes[] = {0, 512, 900, 1232, 65535};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
        for (size_t k = 0; k < 2 * sizeof sizes / sizeof sizes[0]; k++) {
            struct request *r = fake_request("a.example.org", RR_A);
            r->q.has_edns = k % 2 == 1;
            r->q.udp_size = k % 2 == 1 ? sizes[k / 2] : 512;
            r->q.flags = FLAG_RD | FLAG_CD;
            r->reply->flags = FLAG_AA | FLAG_AD;
            r->transport = k == 4 ? TRANSPORT_TCP : TRANSPORT_UDP;
            for (int n = 0; n < records[i]; n++)
                fake_add(r, SECTION_ANSWER, "a.example.org. 5 IN A 10.0.0.1");
            check(r);
        }
}

static void test_raw_size(void)
{
    struct request *r = fake_request("a.example.org", RR_A);
    CU_ASSERT_EQUAL(answer_raw_size(r), 31);
    r->q.has_edns = true;
    fake_add(r, SECTION_ANSWER, "a.example.org. 5 IN CNAME b.example.org.");
    CU_ASSERT_EQUAL(answer_raw_size(r), 31 + 25 + 15);
    fake_add(r, SECTION_ANSWER, "b.example.org. 5 IN A 10.0.0.1");
    fake_add(r, SECTION_ANSWER, "b.example.org. 5 IN MX 5 c.example.org.");
    CU_ASSERT_EQUAL(answer_raw_size(r), 71 + 29 + 25 + 17);
    fake_add(r, SECTION_AUTHORITY, "example.org. 5 IN SOA ns.example.org. host.example.org. 1 2 3 4 5");
    CU_ASSERT_EQUAL(answer_raw_size(r), 142 + 23 + 16 + 18 + 20);
    r->q.qname_len = 0;
    reply_begin(r->reply, &r->q);
    CU_ASSERT_EQUAL(answer_raw_size(r), 12);
}

static void test_room(void)
{
    struct request *r = fake_request("a", RR_A);
    CU_ASSERT_EQUAL(answer_room(r), 512);
    r->q.udp_size = 100;
    CU_ASSERT_EQUAL(answer_room(r), 512);
    r->q.udp_size = 4096;
    CU_ASSERT_EQUAL(answer_room(r), 4096);
    r->max_udp = 1232;
    CU_ASSERT_EQUAL(answer_room(r), 1232);
    r->transport = TRANSPORT_TCP;
    CU_ASSERT_EQUAL(answer_room(r), 65535);
}

static void test_names(void)
{
    char text[16];
    CU_ASSERT_STRING_EQUAL(rcode_name(RCODE_NXDOMAIN), "NXDOMAIN");
    CU_ASSERT_STRING_EQUAL(rcode_name(RCODE_BADVERS), "BADVERS");
    for (uint16_t i = 0; i < RCODE_NAMES; i++)
        CU_ASSERT_PTR_NOT_NULL(rcode_name(i));
    CU_ASSERT_PTR_NULL(rcode_name(RCODE_NAMES));
    CU_ASSERT_STRING_EQUAL(class_to_text(CLASS_IN, text), "IN");
    CU_ASSERT_STRING_EQUAL(class_to_text(CLASS_CH, text), "CH");
    CU_ASSERT_STRING_EQUAL(class_to_text(CLASS_ANY, text), "ANY");
    CU_ASSERT_STRING_EQUAL(class_to_text(65280, text), "CLASS65280");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"size and flags foretold are those of the message that goes out", test_sizes},
        {"the raw size is that of the message without compression", test_raw_size},
        {"the room of a UDP client is at least 512 octets and at most the configuration's", test_room},
        {"codes and classes have their names", test_names},
    };
    return run_suite("answer", tests, sizeof tests / sizeof tests[0]);
}
