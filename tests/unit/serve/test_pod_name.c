#include "serve/pod_name.h"

#include <arpa/inet.h>

#include "../zone/fixture.h"
#include "dns/reply.h"
#include "zone/zone_answer.h"

static void a_label_spells_an_address_with_dashes(void)
{
    static const struct {
        const char *label, *address; /* NULL: none */
    } cases[] = {
        {"10-1-2-3", "10.1.2.3"},
        {"0-0-0-0", "0.0.0.0"},
        {"255-255-255-255", "255.255.255.255"},
        {"256-1-1-1", NULL},
        {"10-1-2", NULL},
        {"10-1-2-3-4", NULL},
        {"010-1-2-3", NULL},    /* leading zeros are no address */
        {"10--1-2", "10::1:2"}, /* three dashes, two of them doubled: IPv6 */
        {"2001-db8--1", "2001:db8::1"},
        {"2001-DB8--1", "2001:db8::1"},
        {"2001-db8-0-0-0-0-0-1", "2001:db8::1"},
        {"--1", "::1"},
        {"--", "::"},
        {"2001-db8--0", "2001:db8::"},
        {"1-2-3-4-5-6-7-8", "1:2:3:4:5:6:7:8"},
        {"1-2-3-4-5-6-7-8-9", NULL},
        {"1---2", NULL},
        {"--ffff-10-0-0-1", "::ffff:10:0:0:1"},
        {"--ffff-a01-203", "10.1.2.3"}, /* IPv4 in another spelling */
        {"0-0-0-0-0-FFFF-a01-203", "10.1.2.3"},
        {"--a01-203", "::a01:203"},
        {"1-2-3-4-5-6-7--", "1:2:3:4:5:6:7::"},
        {"1-2-3-4-5-6-7--8", NULL}, /* nothing left out */
        {"12345--1", NULL},
        {"web", NULL},
        {"abcd", NULL},
        {"-", NULL},
        {"-1-2-3", NULL},
        {"1-2-3-", NULL},
        {"10\\.1\\.2\\.3", NULL}, /* dots inside of a label are no dashes; colons are as good as them */
        {"1\\0582\\058\\0583", "1:2::3"},
        {"fe80--1%eth0", NULL},
        {"10-1-2-3\\000", NULL},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
        {"---------------------------------------------------------------", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t octets[16] = {0};
        char text[INET6_ADDRSTRLEN] = "", expected[INET6_ADDRSTRLEN] = "";
        uint8_t wanted[16] = {0};
        int family = pod_name_address(name_of(cases[i].label), octets);
        if (cases[i].address == NULL) {
            CU_ASSERT_EQUAL(family, AF_UNSPEC);
            continue;
        }
        int wanted_family = strchr(cases[i].address, ':') == NULL ? AF_INET : AF_INET6;
        CU_ASSERT_EQUAL_FATAL(family, wanted_family);
        CU_ASSERT_EQUAL(inet_pton(wanted_family, cases[i].address, wanted), 1);
        inet_ntop(family, octets, text, sizeof text);
        inet_ntop(family, wanted, expected, sizeof expected);
        CU_ASSERT_STRING_EQUAL(text, expected);
    }
}

static struct zone *zone;
static struct request r;
static struct reply reply;

static bool ask(const char *name, uint16_t type)
{
    query_make(&r.q, name_of(name), type);
    r.reply = &reply;
    reply_begin(&reply, &r.q);
    return pod_name_answer(zone_current(zone), name_len(zone_apex(zone)), r.q.qname, 7, &r);
}

static void a_pod_of_a_namespace_that_exists_has_the_address_it_spells(void)
{
    static const char *const records[] = {"default.pod.cluster.local. 5 IN TYPE65280 \\# 0", NULL};
    zone = zone_of(records);
    CU_ASSERT_TRUE(ask("10-1-2-3.Default.pod.cluster.local.", RR_A));
    CU_ASSERT_EQUAL(reply.nrecords, 1);
    CU_ASSERT_EQUAL(memcmp(reply.wire + reply.rr[0].rdata, "\12\1\2\3", 4), 0);
    CU_ASSERT_EQUAL(reply_ttl(&reply, 0), 7);
    CU_ASSERT_TRUE(ask("2001-db8--1.default.pod.cluster.local.", RR_AAAA));
    CU_ASSERT_EQUAL(reply_rdlen(&reply, 0), 16);
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 1);
}

static void other_types_of_a_pod_have_no_data(void)
{
    static const uint16_t types[] = {RR_AAAA, RR_TXT, RR_ANY, RR_CNAME};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        CU_ASSERT_TRUE(ask("10-1-2-3.default.pod.cluster.local.", types[i]));
        CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 0);
        CU_ASSERT_EQUAL(reply.count[SECTION_AUTHORITY], 1);
    }
    CU_ASSERT_TRUE(ask("2001-db8--1.default.pod.cluster.local.", RR_A));
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 0);
}

static void labels_in_front_say_nothing_and_a_service_names_the_pod(void)
{
    CU_ASSERT_TRUE(ask("x.10-1-2-3.default.pod.cluster.local.", RR_A));
    CU_ASSERT_EQUAL(reply.nrecords, 1);
    CU_ASSERT_TRUE(ask("X.y.10-1-2-3.default.pod.cluster.local.", RR_SRV));
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 1);
    CU_ASSERT_EQUAL(reply.count[SECTION_ADDITIONAL], 1);
    uint8_t owner[NAME_MAX_LEN];
    reply_owner(&reply, 0, owner);
    CU_ASSERT_TRUE(name_equal(owner, r.q.qname));
    reply_owner(&reply, 1, owner);
    CU_ASSERT_TRUE(name_equal(owner, name_of("10-1-2-3.default.pod.cluster.local.")));
    CU_ASSERT_EQUAL(memcmp(reply.wire + reply.rr[0].rdata, "\0\0\0\144\0\0\01010-1-2-3\7default", 23), 0);
    CU_ASSERT_FALSE(ask("x.y.z.10-1-2-3.default.pod.cluster.local.", RR_A));
}

/* As zone_answer() leaves the reply: the pod is there, and has no SRV. */
static void verify(const char *name)
{
    query_make(&r.q, name_of(name), RR_SRV);
    reply_begin(&reply, &r.q);
    zone_answer_soa(zone_current(zone), &reply);
    pod_name_service(zone_current(zone), name_len(zone_apex(zone)), r.q.qname, &r);
}

static void a_pod_that_is_known_has_a_service_for_no_port(void)
{
    static const char *const records[] = {"10-1-2-3.default.pod.cluster.local. 9 IN A 10.1.2.3",
                                          "fd00--1.default.pod.cluster.local. 9 IN AAAA fd00::1",
                                          "web.default.svc.cluster.local. 9 IN A 10.96.0.1", NULL};
    struct zone *insecure = zone;
    zone = zone_of(records);
    verify("x.10-1-2-3.Default.pod.cluster.local.");
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 1);
    CU_ASSERT_EQUAL(reply.count[SECTION_AUTHORITY], 0);
    CU_ASSERT_EQUAL(reply.count[SECTION_ADDITIONAL], 1);
    CU_ASSERT_EQUAL(reply_ttl(&reply, 0), 9);
    CU_ASSERT_EQUAL(reply.rr[1].type, RR_A);
    verify("fd00--1.default.pod.cluster.local.");
    CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 1);
    CU_ASSERT_EQUAL(reply.rr[1].type, RR_AAAA);
    static const char *const others[] = {"default.pod.cluster.local.", "web.default.svc.cluster.local.",
                                         "pod.cluster.local.", "cluster.local.", "example."};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        verify(others[i]);
        CU_ASSERT_EQUAL(reply.count[SECTION_ANSWER], 0);
        CU_ASSERT_EQUAL(reply.count[SECTION_AUTHORITY], 1);
    }
    zone_free(zone);
    zone = insecure;
}

static void what_is_no_name_of_a_pod_is_left_alone(void)
{
    static const char *const names[] = {
        "10-1-2-3.other.pod.cluster.local.", /* no such namespace */
        "web.default.pod.cluster.local.",
        "10-1-2-3.default.svc.cluster.local.",
        "10-1-2-3.default.pod.example.org.",
        "default.pod.cluster.local.",
        "pod.cluster.local.",
        "10-1-2-3.pod.cluster.local.",
        "cluster.local.",
        "local.",
        ".",
        "10-1-2-3.default.pod.",
        "10-1-2-3.default.",
        "10-1-2-3.default.podx.cluster.local.",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CU_ASSERT_FALSE(ask(names[i], RR_A));
        CU_ASSERT_EQUAL(reply.nrecords, 0);
    }
}

/* Names as long as can be, so that AddressSanitizer sees a look beyond their end. */
static void the_longest_names_are_read_to_their_end_and_no_further(void)
{
    char text[NAME_MAX_TEXT];
    for (unsigned first = 1; first <= 63; first++) {
        size_t used = 0;
        for (unsigned i = 0; i < first; i++)
            text[used++] = 'x';
        text[used++] = '.';
        for (unsigned left = 255 - 1 - (first + 1);
             left > 1;) { /* the rest of 255 octets in one or two labels or more */
            unsigned label = left - 1 > 63 ? 63 : left - 1;
            if (left - 1 - label == 1) /* no room for a label behind it */
                label--;
            for (unsigned i = 0; i < label; i++)
                text[used++] = 'y';
            text[used++] = '.';
            left -= label + 1;
        }
        text[used] = '\0';
        CU_ASSERT_EQUAL(name_len(name_of(text)), 255);
        CU_ASSERT_FALSE(ask(text, RR_A));
    }
    CU_ASSERT_FALSE(ask("x.", RR_A));
    zone_free(zone);
}

static const struct unit_test tests[] = {
    {"a label spells an address with dashes", a_label_spells_an_address_with_dashes},
    {"a pod of a namespace that exists has the address it spells",
     a_pod_of_a_namespace_that_exists_has_the_address_it_spells},
    {"other types of a pod have no data", other_types_of_a_pod_have_no_data},
    {"labels in front say nothing and a service names the pod",
     labels_in_front_say_nothing_and_a_service_names_the_pod},
    {"a pod that is known has a service for no port", a_pod_that_is_known_has_a_service_for_no_port},
    {"what is no name of a pod is left alone", what_is_no_name_of_a_pod_is_left_alone},
    {"the longest names are read to their end and no further",
     the_longest_names_are_read_to_their_end_and_no_further},
};

int main(void)
{
    rcu_reader_register();
    int status = run_suite("pod_name", tests, sizeof tests / sizeof tests[0]);
    rcu_drain();
    rcu_reader_unregister();
    return status;
}
