#include <string.h>

#include "../runner.h"
#include "base/err.h"
#include "conf/cidr_p.h"
#include "same_text.h"

static const struct {
    const char *text;
    unsigned count;
    const char *first, *last;
} good[] = {
    {"10.0.0.0/8", 1, "10.in-addr.arpa.", "10.in-addr.arpa."},
    {"10.0.0.0/24", 1, "0.0.10.in-addr.arpa.", "0.0.10.in-addr.arpa."},
    {"10.1.2.3/16", 1, "1.10.in-addr.arpa.", "1.10.in-addr.arpa."}, /* host bits do not count */
    {"10.0.0.0/23", 2, "0.0.10.in-addr.arpa.", "1.0.10.in-addr.arpa."},
    {"10.96.0.0/12", 16, "96.10.in-addr.arpa.", "111.10.in-addr.arpa."},
    {"192.168.1.128/25", 128, "128.1.168.192.in-addr.arpa.", "255.1.168.192.in-addr.arpa."},
    {"192.168.1.1/32", 1, "1.1.168.192.in-addr.arpa.", "1.1.168.192.in-addr.arpa."},
    {"192.168.1.2/31", 2, "2.1.168.192.in-addr.arpa.", "3.1.168.192.in-addr.arpa."},
    {"0.0.0.0/0", 1, "in-addr.arpa.", "in-addr.arpa."},
    {"128.0.0.0/1", 128, "128.in-addr.arpa.", "255.in-addr.arpa."},
    {"2001:db8::/32", 1, "8.b.d.0.1.0.0.2.ip6.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa."},
    {"2001:db8::/31", 2, "8.b.d.0.1.0.0.2.ip6.arpa.", "9.b.d.0.1.0.0.2.ip6.arpa."},
    {"fd00:10:96::/112", 1, "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa.",
     "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa."},
    {"fc00::/7", 2, "c.f.ip6.arpa.", "d.f.ip6.arpa."},
    {"8000::/1", 8, "8.ip6.arpa.", "f.ip6.arpa."},
    {"::1/128", 1, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
     "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."},
    {"::/0", 1, "ip6.arpa.", "ip6.arpa."},
};

static const struct {
    const char *text;
    int error;
} bad[] = {
    {"10.0.0.0", ERR_NOT_FOUND},    {"10.0.0/24", ERR_NOT_FOUND},
    {"example.org", ERR_NOT_FOUND}, {"0/25.2.0.192.in-addr.arpa", ERR_NOT_FOUND},
    {"/24", ERR_NOT_FOUND},         {"", ERR_NOT_FOUND},
    {"010.0.0.0/8", ERR_NOT_FOUND}, {"10.0.0.0/33", ERR_MALFORMED},
    {"10.0.0.0/", ERR_MALFORMED},   {"10.0.0.0/-1", ERR_MALFORMED},
    {"10.0.0.0/8x", ERR_MALFORMED}, {"10.0.0.0/8/8", ERR_MALFORMED},
    {"fd00::/129", ERR_MALFORMED},  {"fd00::/0000", ERR_MALFORMED},
};

static void test_good(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct cidr c;
        char zone[CIDR_ZONE_MAX];
        CU_ASSERT_EQUAL_FATAL(cidr_read(good[i].text, &c), ERR_OK);
        CU_ASSERT_EQUAL(cidr_zone_count(&c), good[i].count);
        ASSERT_TEXT(cidr_zone(&c, 0, zone), good[i].first);
        ASSERT_TEXT(cidr_zone(&c, good[i].count - 1, zone), good[i].last);
    }
}

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cidr c;
        CU_ASSERT_EQUAL(cidr_read(bad[i].text, &c), bad[i].error);
    }
}

/* Zones times addresses a zone: the size of the prefix. */
static void test_every_v4_boundary(void)
{
    for (unsigned prefix = 0; prefix <= 32; prefix++) {
        char text[32];
        struct cidr c;
        snprintf(text, sizeof text, "203.0.113.77/%u", prefix);
        CU_ASSERT_EQUAL_FATAL(cidr_read(text, &c), ERR_OK);
        unsigned labels = (prefix + 7) / 8;
        char zone[CIDR_ZONE_MAX];
        unsigned dots = 0;
        for (const char *p = cidr_zone(&c, 0, zone); *p != '\0'; p++)
            dots += *p == '.';
        CU_ASSERT_EQUAL(dots, labels + 2);
        CU_ASSERT_EQUAL((uint64_t)cidr_zone_count(&c) << (32 - labels * 8), (uint64_t)1 << (32 - prefix));
    }
}

static const struct unit_test tests[] = {
    {"a prefix gives the reverse zones it stands for", test_good},
    {"what is no prefix is told from a wrong one", test_bad},
    {"the zones of every IPv4 prefix have as many addresses as the prefix", test_every_v4_boundary},
};

int main(void)
{
    return run_suite("cidr", tests, sizeof tests / sizeof *tests);
}
