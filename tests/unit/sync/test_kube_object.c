/* sync/kube_object.h and sync/kube_time.h: addresses and times, text to binary and back. */
#include "sync/kube_object.h"

#include <stdio.h>
#include <string.h>

#include "../runner.h"
#include "sync/kube_time.h"

static void addresses_read(void)
{
    static const struct {
        const char *text;
        const char *back; /* NULL: no address */
    } cases[] = {
        {"10.0.0.1", "10.0.0.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"fe80::1", "fe80::1"},
        {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"0:0:1:0:0:0:0:0", "0:0:1::"},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"::10.0.0.1", "::a00:1"},
        {"::ffff:10.0.0.1", "10.0.0.1"},
        {"64:ff9b::10.0.0.1", "64:ff9b::a00:1"},
        {"", NULL},
        {"None", NULL},
        {"10.0.0", NULL},
        {"10.0.0.256", NULL},
        {"010.0.0.1", NULL},
        {"10.0.0.01", NULL},
        {"10.0.0.1 ", NULL},
        {" 10.0.0.1", NULL},
        {"10.0.0.1/32", NULL},
        {"0x0a.0.0.1", NULL},
        {":", NULL},
        {":::", NULL},
        {"1::2::3", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"12345::", NULL},
        {"fe80::1%eth0", NULL},
        {"::10.0.0.01", NULL},
        {"[::1]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ip ip = {.family = 99};
        bool ok = ip_from_text(cases[i].text, &ip);
        if (ok != (cases[i].back != NULL))
            printf("\n    %s\n", cases[i].text);
        CU_ASSERT_EQUAL(ok, cases[i].back != NULL);
        CU_ASSERT_EQUAL(ip.family == 99, !ok);
        char out[IP_TEXT_MAX];
        if (ok)
            CU_ASSERT_STRING_EQUAL(ip_to_text(&ip, out), cases[i].back);
    }
}

static void ipv4_leaves_the_rest_zero(void)
{
    struct ip ip;
    memset(&ip, 0xff, sizeof ip);
    CU_ASSERT_TRUE_FATAL(ip_from_text("10.0.0.1", &ip));
    static const uint8_t expected[16] = {10, 0, 0, 1};
    CU_ASSERT_EQUAL(memcmp(ip.octets, expected, sizeof expected), 0);
}

static void no_address_is_no_text(void)
{
    char out[IP_TEXT_MAX] = "x";
    CU_ASSERT_STRING_EQUAL(ip_to_text(&(struct ip){0}, out), "");
}

static void times_read(void)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:01Z", 1000},
        {"2026-03-01T12:00:00Z", 1772366400000},
        {"2026-03-01T12:00:00.5Z", 1772366400500},
        {"2026-03-01T12:00:00.123456789Z", 1772366400123},
        {"2026-03-01T14:00:00+02:00", 1772366400000},
        {"2026-03-01T04:30:00-07:30", 1772366400000},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"", 0},
        {"now", 0},
        {"2026-03-01", 0},
        {"2026-03-01T12:00:00", 0},
        {"2026-03-01T12:00:00.Z", 0},
        {"2026-03-01T12:00:00Z ", 0},
        {"2026-13-01T12:00:00Z", 0},
        {"2026-00-01T12:00:00Z", 0},
        {"2026-03-32T12:00:00Z", 0},
        {"2026-03-01T24:00:00Z", 0},
        {"2026-03-01T12:00:00+24:00", 0},
        {"2026-03-01T12:00:00+0200", 0},
        {"1969-12-31T23:59:59Z", 0},
        {"1970-01-01T00:00:00+01:00", 0},
        {"-026-03-01T12:00:00Z", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (kube_time_ms(cases[i].text) != cases[i].ms)
            printf("\n    %s: %llu\n", cases[i].text, (unsigned long long)kube_time_ms(cases[i].text));
        CU_ASSERT_EQUAL(kube_time_ms(cases[i].text), cases[i].ms);
    }
}

static void names_of_kinds(void)
{
    CU_ASSERT_STRING_EQUAL(kube_kind_name(KUBE_ENDPOINTSLICE), "EndpointSlice");
    CU_ASSERT_STRING_EQUAL(kube_kind_resource(KUBE_ENDPOINTSLICE), "endpointslices");
    CU_ASSERT_STRING_EQUAL(kube_kind_name(KUBE_NAMESPACE), "Namespace");
    CU_ASSERT_STRING_EQUAL(kube_kind_resource(KUBE_POD), "pods");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"addresses read as Go reads them and are written as RFC 5952 says", addresses_read},
        {"an IPv4 address leaves the other octets zero", ipv4_leaves_the_rest_zero},
        {"no address gives no text", no_address_is_no_text},
        {"times read as RFC 3339 with fraction and offset", times_read},
        {"kinds have the API's names", names_of_kinds},
    };
    return run_suite("kube_object", tests, sizeof tests / sizeof tests[0]);
}
