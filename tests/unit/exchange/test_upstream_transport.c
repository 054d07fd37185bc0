/* TOs with a scheme: tls://, https://. */
#include "../runner.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/err.h"
#include "exchange/upstream_address.h"
#include "exchange/upstream_transport.h"

/* request.c's, which upstream_address.c's neighbours want. */
uint16_t address_port(const union address *a)
{
    return ntohs(a->in.sin_port);
}

static void what_is_written_is_read(void)
{
    static const struct {
        const char *to, *host;
        unsigned port;
        const char *name, *path;
    } good[] = {
        {"tls://9.9.9.9", "9.9.9.9", 853, "", ""},
        {"tls://9.9.9.9:10853", "9.9.9.9", 10853, "", ""},
        {"tls://9.9.9.9%dns.quad9.net", "9.9.9.9", 853, "dns.quad9.net", ""},
        {"tls://9.9.9.9%dns.quad9.net:10853", "9.9.9.9", 10853, "dns.quad9.net", ""},
        {"tls://2620:fe::fe", "2620:fe::fe", 853, "", ""},
        {"tls://[2620:fe::fe]:8853", "2620:fe::fe", 8853, "", ""},
        {"tls://2620:fe::fe%dns.quad9.net", "2620:fe::fe", 853, "dns.quad9.net", ""},
        {"tls://2620:fe::fe%dns.quad9.net:8853", "2620:fe::fe", 8853, "dns.quad9.net", ""},
        {"tls://[2620:fe::fe%dns.quad9.net]", "2620:fe::fe", 853, "dns.quad9.net", ""},
        {"tls://[2620:fe::fe%dns.quad9.net]:8853", "2620:fe::fe", 8853, "dns.quad9.net", ""},
        {"https://9.9.9.9", "9.9.9.9", 443, "", "/dns-query"},
        {"https://9.9.9.9/", "9.9.9.9", 443, "", "/dns-query"},
        {"https://9.9.9.9:8443/a/b", "9.9.9.9", 8443, "", "/a/b"},
        {"https://[2620:fe::fe]/q", "2620:fe::fe", 443, "", "/q"},
        {"https://9.9.9.9%dns.quad9.net/q", "9.9.9.9", 443, "dns.quad9.net", "/q"},
        {"tls://dns.quad9.net", "dns.quad9.net", 853, "", ""},
        {"tls://dns.quad9.net%9.9.9.9:8853", "dns.quad9.net", 8853, "9.9.9.9", ""},
        {"https://dns.quad9.net%other.example:8443/q", "dns.quad9.net", 8443, "other.example", "/q"},
    };
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct upstream_transport t;
        char host[SERVER_NAME_MAX];
        uint16_t port;
        CU_ASSERT_EQUAL_FATAL(upstream_transport_parse(good[i].to, &t, host, &port), ERR_OK);
        CU_ASSERT_STRING_EQUAL(host, good[i].host);
        CU_ASSERT_EQUAL(port, good[i].port);
        CU_ASSERT_STRING_EQUAL(t.server_name, good[i].name);
        CU_ASSERT_STRING_EQUAL(t.path, good[i].path);
        CU_ASSERT_EQUAL(t.protocol, good[i].to[0] == 't' ? PROTOCOL_TLS : PROTOCOL_HTTPS);
    }
}

static void the_rest_is_not(void)
{
    static const char *const none[] = {"9.9.9.9", "dns://9.9.9.9", "tls:9.9.9.9", "TLS://9.9.9.9", ""};
    static const char *const bad[] = {"tls://",
                                      "tls://9.9.9.9%",
                                      "tls://9.9.9.9%:853",
                                      "tls://9.9.9.9:0",
                                      "tls://9.9.9.9:99999",
                                      "tls://9.9.9.9/p",
                                      "tls://[2620:fe::fe",
                                      "https://",
                                      "https:///q",
                                      "https://9.9.9.9/a b",
                                      "https://9.9.9.9/a?b",
                                      "https://9.9.9.9/#a",
                                      "tls://9.9.9.9%a.example:x"};
    struct upstream_transport t;
    char host[SERVER_NAME_MAX];
    uint16_t port;
    char longest[600];
    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++)
        CU_ASSERT_EQUAL(upstream_transport_parse(none[i], &t, host, &port), ERR_NOT_FOUND);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(upstream_transport_parse(bad[i], &t, host, &port), ERR_MALFORMED);
    for (size_t len = 240; len < sizeof longest; len++) { /* around every limit */
        memset(longest, 'a', len);
        longest[len] = '\0';
        memcpy(longest, "tls://9.9.9.9%", 14);
        int ret = upstream_transport_parse(longest, &t, host, &port);
        CU_ASSERT_EQUAL(ret, len - 14 < SERVER_NAME_MAX ? ERR_OK : ERR_MALFORMED);
        memcpy(longest, "tls://aaaaaaaa", 14);
        CU_ASSERT_EQUAL(upstream_transport_parse(longest, &t, host, &port),
                        len - 6 < SERVER_NAME_MAX ? ERR_OK : ERR_MALFORMED);
        memcpy(longest, "https://9.9.9.9/", 16);
        CU_ASSERT_EQUAL(upstream_transport_parse(longest, &t, host, &port), ERR_MALFORMED);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"what is written is read", what_is_written_is_read},
        {"the rest is not", the_rest_is_not},
    };
    return run_suite("upstream_transport", tests, sizeof tests / sizeof tests[0]);
}
