#include <string.h>

#include "../runner.h"
#include "base/err.h"
#include "conf/zone_word_p.h"
#include "same_text.h"

static const struct {
    const char *word;
    enum key_scheme scheme;
    const char *zone;
    uint16_t port;
    bool is_cidr;
} good[] = {
    {".", KEY_DNS, ".", 0, false},
    {".:53", KEY_DNS, ".", 53, false},
    {"dns://.:1053", KEY_DNS, ".", 1053, false},
    {"Example.ORG", KEY_DNS, "example.org.", 0, false},
    {"example.org.", KEY_DNS, "example.org.", 0, false},
    {"tls://example.org", KEY_TLS, "example.org.", 0, false},
    {"quic://example.org:853", KEY_QUIC, "example.org.", 853, false},
    {"grpc://.", KEY_GRPC, ".", 0, false},
    {"https://.:443", KEY_HTTPS, ".", 443, false},
    {"https3://.:65535", KEY_HTTPS3, ".", 65535, false},
    {"10.0.0.0/24", KEY_DNS, "0.0.10.in-addr.arpa.", 0, true},
    {"tls://10.0.0.0/24:853", KEY_TLS, "0.0.10.in-addr.arpa.", 853, true},
    {"2001:db8::/32", KEY_DNS, "8.b.d.0.1.0.0.2.ip6.arpa.", 0, true},
    {"2001:db8::/32:53", KEY_DNS, "8.b.d.0.1.0.0.2.ip6.arpa.", 53, true},
    {"0/25.2.0.192.in-addr.arpa", KEY_DNS, "0/25.2.0.192.in-addr.arpa.", 0, false},
    {"_tcp.example.org", KEY_DNS, "_tcp.example.org.", 0, false},
};

static const struct {
    const char *word, *why;
} bad[] = {
    {"", "the zone is empty; the root is a dot"},
    {":53", "the zone is empty; the root is a dot"},
    {"tls://", "the zone is empty; the root is a dot"},
    {"udp://.", "the schemes are dns, tls, quic, grpc, https and https3"},
    {"TLS://.", "the schemes are dns, tls, quic, grpc, https and https3"},
    {"unix://.", "the schemes are dns, tls, quic, grpc, https and https3"},
    {".:", "a port stands behind the last colon"},
    {".:dns", "a port stands behind the last colon"},
    {".:53x", "a port stands behind the last colon"},
    {".:-1", "a port stands behind the last colon"},
    {".:0", "a port is a number from 1 to 65535"},
    {".:65536", "a port is a number from 1 to 65535"},
    {".:999999", "a port stands behind the last colon"},
    {"fd00::53", "a zone's name has no colon"},
    {"10.0.0.0/33", "a prefix is at most 32 for IPv4 and 128 for IPv6"},
    {".:53{", "a brace stands by itself, with white space before it"},
    {"}}", "a brace stands by itself, with white space before it"},
    {"(a", "a zone's name has no parentheses; a snippet is one word, (name), and nothing else"},
    {"a..b", "not a domain name"},
    {"a b", "not a domain name"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org", "not a domain name"},
};

static void test_good(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct zone_word w;
        const char *why = NULL;
        char zone[NAME_MAX_TEXT];
        CU_ASSERT_EQUAL_FATAL(zone_word_read(good[i].word, &w, &why), ERR_OK);
        CU_ASSERT_EQUAL(w.scheme, good[i].scheme);
        CU_ASSERT_EQUAL(w.port, good[i].port);
        CU_ASSERT_EQUAL(w.is_cidr, good[i].is_cidr);
        ASSERT_TEXT(zone_word_zone(&w, 0, zone), good[i].zone);
    }
}

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct zone_word w;
        const char *why = "";
        CU_ASSERT_EQUAL(zone_word_read(bad[i].word, &w, &why), ERR_MALFORMED);
        ASSERT_TEXT(why, bad[i].why);
    }
}

static void test_long(void)
{
    char word[3000];
    struct zone_word w;
    const char *why = "";
    memset(word, 'a', sizeof word);
    word[sizeof word - 1] = '\0';
    CU_ASSERT_EQUAL(zone_word_read(word, &w, &why), ERR_MALFORMED);
    ASSERT_TEXT(why, "longer than a domain name can be");
}

static const struct unit_test tests[] = {
    {"a word gives scheme, zone and port", test_good},
    {"what is wrong with a word is said", test_bad},
    {"a word longer than any name is refused", test_long},
};

int main(void)
{
    return run_suite("zone_word", tests, sizeof tests / sizeof *tests);
}
