#include "fake_serve.h"

#include "../runner.h"

extern const struct plugin plugin_loadbalance;

#define ROUNDS 3000

static struct request *make(uint16_t type, const char *const *lines, unsigned n)
{
    struct request *r = fake_request("a.example.org", type);
    for (unsigned i = 0; i < n; i++)
        fake_add(r, SECTION_ANSWER, lines[i]);
    return r;
}

/* Every order of three addresses comes up about as often as any other. */
static void test_uniform(void)
{
    static const char *const lines[] = {"A.example.org. 30 IN A 10.0.0.1", "a.example.org. 30 IN A 10.0.0.2",
                                        "a.example.org. 30 IN A 10.0.0.3"};
    unsigned seen[3][3] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct request *r = make(RR_A, lines, 3);
        plugin_loadbalance.answer(NULL, r);
        CU_ASSERT_EQUAL(r->reply->nrecords, 3);
        for (unsigned i = 0; i < 3; i++)
            seen[i][r->reply->wire[r->reply->rr[i].rdata + 3] - 1]++;
    }
    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 0; k < 3; k++)
            CU_ASSERT_TRUE(seen[i][k] > ROUNDS / 3 - 150 && seen[i][k] < ROUNDS / 3 + 150);
}

static void test_cname_first(void)
{
    static const char *const lines[] = {"b.example.org. 7 IN A 10.0.0.1", "b.example.org. 7 IN A 10.0.0.2",
                                        "a.example.org. 30 IN CNAME b.example.org.",
                                        "a.example.org. 30 IN TXT \"text\""};
    unsigned first[2] = {0};
    for (int round = 0; round < 200; round++) {
        struct request *r = make(RR_A, lines, 4);
        fake_add(r, SECTION_ADDITIONAL, "c.example.org. 5 IN A 10.0.0.9");
        plugin_loadbalance.answer(NULL, r);
        CU_ASSERT_STRING_EQUAL(fake_record(r, 0), "a.example.org. 30 IN CNAME b.example.org.");
        CU_ASSERT_STRING_EQUAL(fake_record(r, 1), "a.example.org. 30 IN TXT \"text\"");
        CU_ASSERT_STRING_EQUAL(fake_record(r, 4), "c.example.org. 5 IN A 10.0.0.9");
        CU_ASSERT_EQUAL(r->reply->count[SECTION_ANSWER], 4);
        CU_ASSERT_EQUAL(r->reply->count[SECTION_ADDITIONAL], 1);
        first[strcmp(fake_record(r, 2), "b.example.org. 7 IN A 10.0.0.1") == 0]++;
        CU_ASSERT_STRING_NOT_EQUAL(fake_record(r, 2), fake_record(r, 3));
    }
    CU_ASSERT_TRUE(first[0] > 50 && first[1] > 50);
}

static void test_exchangers(void)
{
    static const char *const lines[] = {"a.example.org. 30 IN MX 10 short.example.org.",
                                        "a.example.org. 30 IN MX 20 much-longer-than-the-other.example.com.",
                                        "a.example.org. 30 IN MX 20 c."};
    unsigned first[3] = {0};
    for (int round = 0; round < 300; round++) {
        struct request *r = make(RR_MX, lines, 3);
        plugin_loadbalance.answer(NULL, r);
        CU_ASSERT_EQUAL(r->reply->nrecords, 3);
        for (unsigned i = 0; i < 3; i++)
            first[i] += strcmp(fake_record(r, 0), lines[i]) == 0;
    }
    CU_ASSERT_EQUAL(first[0] + first[1] + first[2], 300);
    CU_ASSERT_TRUE(first[0] > 60 && first[1] > 60 && first[2] > 60);
}

/* Addresses of different names keep to their names. */
static void test_names_apart(void)
{
    for (int round = 0; round < 100; round++) {
        struct request *r = fake_request("_http._tcp.a.example.org", RR_SRV);
        fake_add(r, SECTION_ANSWER, "_http._tcp.a.example.org. 5 IN SRV 0 50 80 x.example.org.");
        fake_add(r, SECTION_ANSWER, "_http._tcp.a.example.org. 5 IN SRV 0 50 80 y.example.org.");
        fake_add(r, SECTION_ADDITIONAL, "x.example.org. 5 IN A 10.0.0.1");
        fake_add(r, SECTION_ADDITIONAL, "y.example.org. 5 IN A 10.0.0.2");
        fake_add(r, SECTION_ADDITIONAL, "y.example.org. 5 IN AAAA 2001:db8::2");
        plugin_loadbalance.answer(NULL, r);
        CU_ASSERT_STRING_EQUAL(fake_record(r, 0),
                               "_http._tcp.a.example.org. 5 IN SRV 0 50 80 x.example.org.");
        CU_ASSERT_STRING_EQUAL(fake_record(r, 2), "x.example.org. 5 IN A 10.0.0.1");
        CU_ASSERT_STRING_EQUAL(fake_record(r, 3), "y.example.org. 5 IN A 10.0.0.2");
        CU_ASSERT_STRING_EQUAL(fake_record(r, 4), "y.example.org. 5 IN AAAA 2001:db8::2");
    }
}

static void test_left_alone(void)
{
    static const char *const lines[] = {"a.example.org. 30 IN A 10.0.0.1", "a.example.org. 30 IN A 10.0.0.2"};
    for (int round = 0; round < 50; round++) {
        struct request *r = make(RR_AXFR, lines, 2);
        plugin_loadbalance.answer(NULL, r);
        CU_ASSERT_STRING_EQUAL(fake_record(r, 0), lines[0]);
        r = make(RR_A, lines, 2);
        r->reply->rcode = RCODE_SERVFAIL;
        plugin_loadbalance.answer(NULL, r);
        CU_ASSERT_STRING_EQUAL(fake_record(r, 0), lines[0]);
    }
}

static void test_large(void)
{
    struct request *r = fake_request("a.example.org", RR_MX);
    for (int i = 0; i < 6000; i++) {
        char line[80];
        snprintf(line, sizeof line, "a.example.org. 5 IN MX %d m%d.example.org.", i, i);
        fake_add(r, SECTION_ANSWER, line);
    }
    CU_ASSERT_TRUE(r->reply->overflow);
    unsigned before = r->reply->nrecords;
    plugin_loadbalance.answer(NULL, r);
    CU_ASSERT_EQUAL(r->reply->nrecords, before);
    CU_ASSERT_TRUE(r->reply->overflow);
}

static void test_setup(void)
{
    CU_ASSERT_STRING_EQUAL(fake_error(&plugin_loadbalance, "loadbalance"), "");
    CU_ASSERT_STRING_EQUAL(fake_error(&plugin_loadbalance, "loadbalance round_robin {\n}"), "");
    static const char *const bad[] = {"loadbalance weighted file", "loadbalance random",
                                      "loadbalance round_robin x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_PTR_NOT_NULL(
            strstr(fake_error(&plugin_loadbalance, bad[i]), "Corefile:2 - plugin/loadbalance: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_loadbalance, "loadbalance {\nprefer 10.0.0.0/8\n}"),
                                  "Corefile:3 - plugin/loadbalance: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_loadbalance, "loadbalance {\nother\n}"),
                                  "Corefile:3 - plugin/loadbalance: "));
    struct request *r = fake_request("a", RR_A);
    CU_ASSERT_EQUAL(plugin_loadbalance.query(NULL, r), VERDICT_NEXT);
    CU_ASSERT_TRUE(r->shuffle);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"every address comes first about as often as any other", test_uniform},
        {"CNAMEs come first, then other records, then addresses", test_cname_first},
        {"mail exchangers change places whole", test_exchangers},
        {"addresses of different names are not mixed", test_names_apart},
        {"transfers and errors stay as they are", test_left_alone},
        {"an answer that is too large stays so and loses nothing", test_large},
        {"policies that are not built and unknown words are errors", test_setup},
    };
    return run_suite("loadbalance", tests, sizeof tests / sizeof tests[0]);
}
