#include "serve/cluster_spelling.h"

#include "../zone/fixture.h"

static struct zone *zone;

/* web: two TCP ports; dns: UDP and TCP, for which the file has the name with the empty part; plain: a port
 * without a name; odd: the same, UDP; chat: UDP alone; call: a name in two protocols. */
static const char *const records[] = {
    "web.shop.svc.cluster.local. 5 IN A 10.96.0.1",
    "web.shop.svc.cluster.local. 5 IN SRV 0 50 80 web.shop.svc.cluster.local.",
    "_http._tcp.web.shop.svc.cluster.local. 5 IN A 10.96.0.1",
    "_https._tcp.web.shop.svc.cluster.local. 5 IN A 10.96.0.1",
    "dns.shop.svc.cluster.local. 5 IN A 10.96.0.2",
    "_dns._udp.dns.shop.svc.cluster.local. 5 IN A 10.96.0.2",
    "_dns-tcp._tcp.dns.shop.svc.cluster.local. 5 IN A 10.96.0.2",
    "_._udp.dns.shop.svc.cluster.local. 5 IN A 10.96.0.2",
    "mixed.shop.svc.cluster.local. 5 IN A 10.96.0.3",
    "_a._udp.mixed.shop.svc.cluster.local. 5 IN A 10.96.0.3",
    "_b._tcp.mixed.shop.svc.cluster.local. 5 IN A 10.96.0.3",
    "plain.shop.svc.cluster.local. 5 IN SRV 0 100 80 plain.shop.svc.cluster.local.",
    "odd.shop.svc.cluster.local. 5 IN SRV 0 100 80 odd.shop.svc.cluster.local.",
    "_._udp.odd.shop.svc.cluster.local. 5 IN SRV 0 100 80 odd.shop.svc.cluster.local.",
    "chat.shop.svc.cluster.local. 5 IN SRV 0 100 80 chat.shop.svc.cluster.local.",
    "_chat._udp.chat.shop.svc.cluster.local. 5 IN SRV 0 100 80 chat.shop.svc.cluster.local.",
    "no-ports.shop.svc.cluster.local. 5 IN A 10.96.0.4",
    "out.shop.svc.cluster.local. 5 IN CNAME www.example.org.",
    "1-2-3-4.shop.pod.cluster.local. 5 IN A 1.2.3.4",
    "ep.abroad.far.shop.svc.cluster.local. 5 IN A 10.1.1.1",
    "_http._tcp.far.shop.svc.cluster.local. 5 IN A 10.1.1.1",
    NULL,
};

struct expected {
    const char *asked, *found; /* below cluster.local.; NULL: nothing */
};

static void check(const struct expected *cases, size_t count, struct cluster_name_rules rules)
{
    uint8_t apex[NAME_MAX_LEN];
    size_t apex_len = name_lower(apex, name_of("cluster.local."));
    const struct cluster_spelling spelling = {.apex = apex, .apex_len = apex_len, .rules = rules};
    for (size_t i = 0; i < count; i++) {
        char text[NAME_MAX_TEXT], wanted[NAME_MAX_TEXT];
        uint8_t lname[NAME_MAX_LEN];
        snprintf(text, sizeof text, "%s.cluster.local.", cases[i].asked);
        size_t len = name_lower(lname, name_of(text));
        const struct node *n = cluster_spelling_find(&spelling, zone_current(zone), lname, len);
        CU_ASSERT_EQUAL(n == NULL, cases[i].found == NULL);
        if ((n == NULL) != (cases[i].found == NULL))
            fprintf(stderr, "%s\n", text);
        if (n == NULL || cases[i].found == NULL)
            continue;
        snprintf(wanted, sizeof wanted, "%s.cluster.local.", cases[i].found);
        CU_ASSERT_STRING_EQUAL(name_to_text(node_name(n), text), wanted);
    }
}

#define CHECK(cases, ...)                                                                                    \
    check(cases, sizeof(cases) / sizeof(cases)[0], (struct cluster_name_rules){__VA_ARGS__})

static void underscores_may_be_left_out(void)
{
    static const struct expected cases[] = {
        {"http.tcp.web.shop.svc", "_http._tcp.web.shop.svc"},
        {"_http.tcp.web.shop.svc", "_http._tcp.web.shop.svc"},
        {"http._tcp.web.shop.svc", "_http._tcp.web.shop.svc"},
        {"http.udp.web.shop.svc", NULL},
        {"no.tcp.web.shop.svc", NULL},
        {"http.tcp.none.shop.svc", NULL},
        {"http.tcp.web.none.svc", NULL},
        {"__http._tcp.web.shop.svc", NULL},
        {"http.__tcp.web.shop.svc", NULL},
        {"tcp.web.shop.svc", NULL},
        {"a.http.tcp.web.shop.svc", NULL},
        {"www.example.shop.svc", NULL},
        {"www.example.com.shop.svc", NULL},
        {"http.tcp.web.shop.pod", NULL},
        {"http.tcp.web.shop", NULL},
        {"http.tcp.svc", NULL},
        {"svc", NULL},
    };
    CHECK(cases, 0);
}

static void an_empty_part_fits_any(void)
{
    static const struct expected cases[] = {
        {"_._.web.shop.svc", "web.shop.svc"},
        {"_._.out.shop.svc", "out.shop.svc"},
        {"_._.no-ports.shop.svc", "no-ports.shop.svc"},
        {"_._.none.shop.svc", NULL},
        {"_http._.web.shop.svc", "_http._tcp.web.shop.svc"},
        {"http._.web.shop.svc", "_http._tcp.web.shop.svc"},
        {"dns._.dns.shop.svc", "_dns._udp.dns.shop.svc"},
        {"no._.web.shop.svc", NULL},
        {"_._tcp.web.shop.svc", "web.shop.svc"}, /* all its ports are TCP */
        {"_.tcp.web.shop.svc", "web.shop.svc"},
        {"_._udp.web.shop.svc", NULL},
        {"_.udp.dns.shop.svc", "_._udp.dns.shop.svc"},
        {"_._tcp.mixed.shop.svc", NULL}, /* the file would say */
        {"_._tcp.plain.shop.svc", "plain.shop.svc"},
        {"_._udp.plain.shop.svc", NULL},
        {"_.udp.odd.shop.svc", "_._udp.odd.shop.svc"},
        {"_._tcp.odd.shop.svc", NULL},
        {"_._udp.chat.shop.svc", "chat.shop.svc"},
        {"_._tcp.chat.shop.svc", NULL},
        {"_._tcp.no-ports.shop.svc", NULL},
        {"_._tcp.out.shop.svc", NULL},
        {"_._other.web.shop.svc", NULL},
    };
    CHECK(cases, 0);
}

static void labels_in_front_of_a_pod_say_nothing(void)
{
    static const struct expected cases[] = {
        {"x.1-2-3-4.shop.pod", "1-2-3-4.shop.pod"},
        {"x.y.1-2-3-4.shop.pod", "1-2-3-4.shop.pod"},
        {"_x._tcp.1-2-3-4.shop.pod", "1-2-3-4.shop.pod"},
        {"x.y.z.1-2-3-4.shop.pod", NULL},
        {"x.1-2-3-5.shop.pod", NULL},
        {"x.shop.pod", NULL},
        {"x.pod", NULL},
    };
    CHECK(cases, 0);
}

/* There one of the two needs its underscore: else it is an endpoint of a cluster. */
static void a_multicluster_zone_wants_an_underscore(void)
{
    static const struct expected cases[] = {
        {"http.tcp.far.shop.svc", NULL},
        {"_http.tcp.far.shop.svc", "_http._tcp.far.shop.svc"},
        {"http._tcp.far.shop.svc", "_http._tcp.far.shop.svc"},
        {"_.tcp.far.shop.svc", "far.shop.svc"},
        {"x.1-2-3-4.shop.pod", "1-2-3-4.shop.pod"},
        {"x.y.1-2-3-4.shop.pod", "1-2-3-4.shop.pod"},
    };
    CHECK(cases, .multicluster = true);
}

/* For AddressSanitizer. */
static void labels_and_names_as_long_as_can_be_are_read(void)
{
    char label[64], name[300];
    memset(label, 'a', 63);
    label[63] = '\0';
    snprintf(name, sizeof name, "%s.tcp.web.shop.svc", label);
    const struct expected cases[] = {{name, NULL}};
    CHECK(cases, 0);
    snprintf(name, sizeof name, "%.62s.tcp.%s.%s.svc", label, label, label);
    CHECK(cases, 0);
    snprintf(name, sizeof name, "%.30s.tcp.%s.%s.svc", label, label, label);
    CHECK(cases, 0);
}

static void the_zone_of_these_tests_is_built(void)
{
    zone = zone_of(records);
}

static const struct unit_test tests[] = {
    {"the zone of these tests is built", the_zone_of_these_tests_is_built},
    {"underscores may be left out", underscores_may_be_left_out},
    {"an empty part fits any", an_empty_part_fits_any},
    {"labels in front of a pod say nothing", labels_in_front_of_a_pod_say_nothing},
    {"a multicluster zone wants an underscore", a_multicluster_zone_wants_an_underscore},
    {"labels and names as long as can be are read", labels_and_names_as_long_as_can_be_are_read},
};

int main(void)
{
    rcu_reader_register();
    int status = run_suite("cluster_spelling", tests, sizeof tests / sizeof tests[0]);
    zone_free(zone);
    rcu_drain();
    rcu_reader_unregister();
    return status;
}
