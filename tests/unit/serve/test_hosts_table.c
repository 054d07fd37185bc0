#include "serve/hosts_table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dns/name.h"

#include "../runner.h"

static uint8_t zones[2][255];
static struct hosts_scope scope = {.names = {.zones = zones, .count = 1}, .reverse = true}; /* the root */

static const uint8_t *wire(const char *text)
{
    static uint8_t name[NAME_MAX_LEN];
    if (name_from_text(text, strlen(text), name) < 0)
        abort();
    name_lower(name, name);
    return name;
}

static struct hosts_table *read_text(const char *text)
{
    struct hosts_table *t = NULL;
    /* On the heap and exact, so that AddressSanitizer sees a read too far. */
    char *copy = malloc(strlen(text) + 1);
    memcpy(copy, text, strlen(text));
    CU_ASSERT_EQUAL_FATAL(hosts_table_read(copy, strlen(text), &scope, &t), ERR_OK);
    free(copy);
    return t;
}

/* Addresses of a name as "1.2.3.4 5.6.7.8". */
static const char *addresses(const struct hosts_table *t, const char *name, bool six)
{
    static char out[512];
    char text[INET6_ADDRSTRLEN];
    size_t len = 0;
    struct hosts_run run = hosts_addresses(t, wire(name), six);
    out[0] = '\0';
    for (size_t i = 0; i < run.count; i++) {
        inet_ntop(six ? AF_INET6 : AF_INET, hosts_address(&run, i), text, sizeof text);
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%s", i == 0 ? "" : " ", text);
    }
    return out;
}

static const char *names(const struct hosts_table *t, const char *reverse)
{
    static char out[2048];
    char text[NAME_MAX_TEXT];
    uint8_t address[16];
    bool six;
    out[0] = '\0';
    if (!hosts_reverse_address(wire(reverse), address, &six))
        return "no address";
    size_t len = 0;
    struct hosts_run run = hosts_names(t, address, six);
    for (size_t i = 0; i < run.count; i++)
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%s", i == 0 ? "" : " ",
                                name_to_text(hosts_name(&run, i), text));
    return out;
}

static void test_names(void)
{
    struct hosts_table *t = read_text("127.0.0.1 localhost localhost.localdomain # comment 1.2.3.4 not\n"
                                      "::1\tlocalhost\r\n"
                                      "\n# 10.0.0.9 commented\n"
                                      "10.0.0.2 b.Example.ORG\n"
                                      "10.0.0.1   b.example.org.   a.example.org\n"
                                      "fe80::1%eth0 link\n"
                                      "::ffff:10.0.0.3 mapped");
    CU_ASSERT_STRING_EQUAL(addresses(t, "localhost", false), "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(addresses(t, "localhost", true), "::1");
    CU_ASSERT_STRING_EQUAL(addresses(t, "B.example.org", false), "10.0.0.2 10.0.0.1");
    CU_ASSERT_STRING_EQUAL(addresses(t, "b.example.org", true), "");
    CU_ASSERT_STRING_EQUAL(addresses(t, "link", true), "fe80::1");
    CU_ASSERT_STRING_EQUAL(addresses(t, "mapped", false), "10.0.0.3");
    CU_ASSERT_STRING_EQUAL(addresses(t, "not", false), "");
    CU_ASSERT_STRING_EQUAL(addresses(t, "commented", false), "");
    CU_ASSERT_STRING_EQUAL(names(t, "1.0.0.10.in-addr.arpa"), "b.example.org. a.example.org.");
    CU_ASSERT_STRING_EQUAL(names(t, "1.0.0.127.IN-ADDR.arpa"), "localhost. localhost.localdomain.");
    CU_ASSERT_STRING_EQUAL(
        names(t, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"), "localhost.");
    CU_ASSERT_STRING_EQUAL(names(t, "9.9.9.9.in-addr.arpa"), "");
    CU_ASSERT_EQUAL(hosts_table_entries(t), 16);
    hosts_table_free(t);
}

static bool has(const struct hosts_table *t, const char *name)
{
    const uint8_t *lname = wire(name);
    return hosts_table_has(t, lname, name_len(lname), name_hash(lname, name_len(lname)));
}

static void test_has(void)
{
    struct hosts_table *t = read_text("10.0.0.1 *.example.org A.example.org\n::2 b.example.org six\n");
    static const char *const there[] = {"a.example.org", "b.example.org", "x.example.org", "*.example.org",
                                        "SIX"};
    static const char *const missing[] = {"example.org", "x.y.example.org", "org", "a", "."};
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT_TRUE(has(t, there[i]));
        CU_ASSERT_FALSE(has(t, missing[i]));
    }
    hosts_table_free(t);
    t = read_text("");
    CU_ASSERT_FALSE(has(t, "a.example.org"));
    CU_ASSERT_FALSE(has(t, "."));
    hosts_table_free(t);
}

static void test_wildcards(void)
{
    struct hosts_table *t = read_text("10.0.0.1 *.example.org\n"
                                      "10.0.0.2 a.example.org\n"
                                      "::2 b.example.org\n");
    CU_ASSERT_STRING_EQUAL(addresses(t, "x.example.org", false), "10.0.0.1");
    CU_ASSERT_STRING_EQUAL(addresses(t, "a.example.org", false), "10.0.0.2");
    CU_ASSERT_STRING_EQUAL(addresses(t, "b.example.org", false),
                           "10.0.0.1"); /* a family at a time, as CoreDNS */
    CU_ASSERT_STRING_EQUAL(addresses(t, "x.y.example.org", false), "");
    CU_ASSERT_STRING_EQUAL(addresses(t, "example.org", false), "");
    CU_ASSERT_STRING_EQUAL(addresses(t, "*.example.org", false), "10.0.0.1");
    CU_ASSERT_STRING_EQUAL(addresses(t, "org", false), "");
    CU_ASSERT_STRING_EQUAL(addresses(t, ".", false), "");
    CU_ASSERT_STRING_EQUAL(names(t, "1.0.0.10.in-addr.arpa"), "");
    hosts_table_free(t);
}

static void test_broken_lines(void)
{
    struct hosts_table *t = read_text(
        "not-an-address name\n"
        "10.0.0.1\n"
        "10.0.0.256 a\n"
        "10.0.0.1 bad..name good a-label-that-is-longer-than-the-sixty-three-octets-which-a-label-may-have\n"
        "%eth0 x\n"
        " \t \n"
        "10.0.0.2 last");
    CU_ASSERT_STRING_EQUAL(addresses(t, "good", false), "10.0.0.1");
    CU_ASSERT_STRING_EQUAL(addresses(t, "last", false), "10.0.0.2");
    CU_ASSERT_EQUAL(hosts_table_entries(t), 4);
    hosts_table_free(t);
}

static void test_scope(void)
{
    memcpy(zones[0], wire("example.org"), 13);
    scope.reverse = false;
    struct hosts_table *t = read_text("10.0.0.1 a.example.org example.org a.example.com badexample.org\n");
    CU_ASSERT_EQUAL(hosts_table_entries(t), 2);
    CU_ASSERT_STRING_EQUAL(addresses(t, "a.example.org", false), "10.0.0.1");
    CU_ASSERT_STRING_EQUAL(addresses(t, "a.example.com", false), "");
    CU_ASSERT_STRING_EQUAL(names(t, "1.0.0.10.in-addr.arpa"), "");
    hosts_table_free(t);
    memset(zones, 0, sizeof zones);
    scope.reverse = true;
}

static void test_reverse_names(void)
{
    static const char *const bad[] = {
        "1.0.0.256.in-addr.arpa",
        "1.0.0.in-addr.arpa",
        "x.1.0.0.10.in-addr.arpa",
        "1.0.00.10.in-addr.arpa",
        "1.0.01.10.in-addr.arpa",
        "a.0.0.10.in-addr.arpa",
        "1.0.0.10.in-addr.com",
        "in-addr.arpa",
        ".",
        "g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
        "10.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"};
    uint8_t address[16];
    bool six;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(hosts_reverse_address(wire(bad[i]), address, &six));
    CU_ASSERT_TRUE(hosts_reverse_address(wire("4.3.2.1.in-addr.arpa"), address, &six));
    CU_ASSERT_FALSE(six);
    CU_ASSERT_EQUAL(memcmp(address, "\1\2\3\4", 4), 0);
    CU_ASSERT_TRUE(hosts_reverse_address(
        wire("F.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"), address, &six));
    CU_ASSERT_TRUE(six);
    CU_ASSERT_EQUAL(memcmp(address, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x0f", 16), 0);
}

static void test_many(void)
{
    enum { MANY = 50000 };
    struct bytes {
        char *data;
        size_t len;
    } text = {.data = malloc(MANY * 40)};
    for (int i = 0; i < MANY; i++)
        text.len += (size_t)snprintf(text.data + text.len, 40, "0.0.0.0 n%d.example.org\n", i);
    struct hosts_table *t = NULL;
    CU_ASSERT_EQUAL_FATAL(hosts_table_read(text.data, text.len, &scope, &t), ERR_OK);
    CU_ASSERT_EQUAL(hosts_table_entries(t), 2 * MANY);
    CU_ASSERT_STRING_EQUAL(addresses(t, "n0.example.org", false), "0.0.0.0");
    CU_ASSERT_STRING_EQUAL(addresses(t, "n49999.example.org", false), "0.0.0.0");
    CU_ASSERT_STRING_EQUAL(addresses(t, "n50000.example.org", false), "");
    hosts_table_free(t);
    free(text.data);
}

static void test_limit(void)
{
    size_t len = 8 + 2 * (HOSTS_ENTRIES_MAX + 1);
    char *text = malloc(len);
    memcpy(text, "1.2.3.4 ", 8);
    for (size_t i = 8; i < len; i += 2)
        memcpy(text + i, "a ", 2);
    struct hosts_table *t = NULL;
    CU_ASSERT_EQUAL(hosts_table_read(text, len, &scope, &t), ERR_LIMIT);
    CU_ASSERT_PTR_NULL(t);
    free(text);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"names give their addresses in the order of the file and addresses their names", test_names},
        {"a wildcard stands for one label, where the name has no address of that family", test_wildcards},
        {"a name is there with addresses of either family", test_has},
        {"lines that do not read are left out and the others stay", test_broken_lines},
        {"names outside of the zones are left out", test_scope},
        {"only whole reverse names stand for an address", test_reverse_names},
        {"fifty thousand names are found", test_many},
        {"more entries than the limit are refused", test_limit},
    };
    return run_suite("hosts_table", tests, sizeof tests / sizeof tests[0]);
}
