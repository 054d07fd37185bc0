/* Addresses of upstreams, and the files that hold them. */
#include "../runner.h"

#include <string.h>

#include "base/err.h"
#include "exchange/upstream_address.h"
#include "upstream/resolv_conf.h"

static void check(const char *text, const char *expected)
{
    union address a;
    char out[UPSTREAM_TEXT_MAX];
    int ret = upstream_address_parse(text, &a);
    if (expected == NULL) {
        CU_ASSERT_EQUAL(ret, ERR_MALFORMED);
        return;
    }
    CU_ASSERT_EQUAL_FATAL(ret, ERR_OK);
    CU_ASSERT_STRING_EQUAL(upstream_address_text(&a, out), expected);
}

static void addresses_with_and_without_port(void)
{
    check("10.0.0.1", "10.0.0.1:53");
    check("10.0.0.1:5353", "10.0.0.1:5353");
    check("2001:db8::1", "[2001:db8::1]:53");
    check("[2001:db8::1]", "[2001:db8::1]:53");
    check("[2001:DB8:0::1]:65535", "[2001:db8::1]:65535");
    check("fe80::1%1", "[fe80::1%1]:53");
    check("[fe80::1%lo]:54", "[fe80::1%1]:54");
}

static void what_is_no_address(void)
{
    static const char *const bad[] = {"",
                                      "example.org",
                                      "10.0.0",
                                      "10.0.0.1:",
                                      "10.0.0.1:0",
                                      "10.0.0.1:x",
                                      "10.0.0.1:65536",
                                      "[10.0.0.1",
                                      "[::1]53",
                                      "::1]",
                                      "/etc/resolv.conf",
                                      "10.0.0.1%1",
                                      "fe80::1%",
                                      "fe80::1%nosuchif",
                                      ":53",
                                      "10.0.0.1:+53",
                                      "10.0.0.1: 53"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check(bad[i], NULL);
}

static size_t parse(const char *text, union address *out, size_t max)
{
    return resolv_conf_parse("test", text, strlen(text), out, max);
}

static void name_servers_of_a_resolv_conf(void)
{
    union address found[3];
    char out[UPSTREAM_TEXT_MAX];
    CU_ASSERT_EQUAL(parse("# nameserver 10.0.0.9\n;nameserver 10.0.0.8\nsearch a b\noptions ndots:5\n"
                          "nameserver 10.0.0.1\n  nameserver\t2001:db8::1   # here\r\nNAMESERVER 10.0.0.7\n"
                          "nameservers 10.0.0.6\nnameserver\nnameserver x\nnameserver 10.0.0.2",
                          found, 3),
                    3);
    CU_ASSERT_STRING_EQUAL(upstream_address_text(&found[0], out), "10.0.0.1:53");
    CU_ASSERT_STRING_EQUAL(upstream_address_text(&found[1], out), "[2001:db8::1]:53");
    CU_ASSERT_STRING_EQUAL(upstream_address_text(&found[2], out), "10.0.0.2:53");
}

static void a_resolv_conf_with_more_than_fit_or_none(void)
{
    union address found[2];
    CU_ASSERT_EQUAL(parse("nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n", found, 2), 2);
    CU_ASSERT_EQUAL(parse("", found, 2), 0);
    CU_ASSERT_EQUAL(resolv_conf_parse("test", "nameserver 10.0.0.1\0\n", 21, found, 2), 0);
    size_t n;
    CU_ASSERT_TRUE(resolv_conf_read("/nonexistent", found, 2, &n) < 0);
    CU_ASSERT_TRUE(resolv_conf_read("/", found, 2, &n) < 0);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"addresses are read with and without a port", addresses_with_and_without_port},
        {"what is no address is refused", what_is_no_address},
        {"the name servers of a resolv.conf are read, and nothing else", name_servers_of_a_resolv_conf},
        {"a resolv.conf may have more servers than fit, or none", a_resolv_conf_with_more_than_fit_or_none},
    };
    return run_suite("upstream_address", tests, sizeof tests / sizeof tests[0]);
}
