#include "fake_serve.h"

#include "../runner.h"

extern const struct plugin plugin_whoami;

static void test_udp_four(void)
{
    struct request *r = fake_request("Example.org", RR_MX);
    CU_ASSERT_EQUAL(plugin_whoami.query(NULL, r), VERDICT_ANSWERED);
    CU_ASSERT_EQUAL(r->reply->flags, FLAG_AA);
    CU_ASSERT_EQUAL(r->reply->count[SECTION_ANSWER], 0);
    CU_ASSERT_EQUAL(r->reply->count[SECTION_ADDITIONAL], 2);
    CU_ASSERT_STRING_EQUAL(fake_record(r, 0), "Example.org. 0 IN A 10.240.0.1");
    CU_ASSERT_STRING_EQUAL(fake_record(r, 1), "_udp.Example.org. 0 IN SRV 0 0 40212 .");
}

static void test_tcp_six(void)
{
    struct request *r = fake_request(".", RR_A);
    fake_from_six(r);
    r->transport = TRANSPORT_TCP;
    CU_ASSERT_EQUAL(plugin_whoami.query(NULL, r), VERDICT_ANSWERED);
    CU_ASSERT_STRING_EQUAL(fake_record(r, 0), ". 0 IN AAAA 2001:db8::1");
    CU_ASSERT_STRING_EQUAL(fake_record(r, 1), "_tcp. 0 IN SRV 0 0 40212 .");
}

static void test_mapped(void)
{
    struct request *r = fake_request("a", RR_A);
    fake_from_six(r);
    inet_pton(AF_INET6, "::ffff:192.0.2.7", &r->client.in6.sin6_addr);
    plugin_whoami.query(NULL, r);
    CU_ASSERT_STRING_EQUAL(fake_record(r, 0), "a. 0 IN A 192.0.2.7");
}

static void test_longest_name(void)
{
    char name[256] = "";
    for (int i = 0; i < 125; i++)
        strncat(name, "a.", sizeof name - strlen(name) - 1);
    struct request *r = fake_request(name, RR_A);
    CU_ASSERT_EQUAL(r->q.qname_len, 251);
    CU_ASSERT_EQUAL(plugin_whoami.query(NULL, r), VERDICT_ANSWERED);
    CU_ASSERT_EQUAL(r->reply->count[SECTION_ADDITIONAL], 1);
}

static void test_errors(void)
{
    CU_ASSERT_STRING_EQUAL(fake_error(&plugin_whoami, "whoami"), "");
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_whoami, "whoami x"), "Corefile:2 - plugin/whoami: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_whoami, "whoami {\n}"), "Corefile:2 - plugin/whoami: "));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a client by UDP and IPv4 learns its address and port", test_udp_four},
        {"a client by TCP and IPv6 does, at the root too", test_tcp_six},
        {"an IPv4 client of a dual-stack socket is an IPv4 client", test_mapped},
        {"a name without room for one more label gets the address alone", test_longest_name},
        {"arguments are errors", test_errors},
    };
    return run_suite("whoami", tests, sizeof tests / sizeof tests[0]);
}
