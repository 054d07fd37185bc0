/* Objects as clusters really hold them: odd, incomplete, changing their kind; and the TTL of everything. */
#include "../runner.h"
#include "cluster.h"

#define NAMESPACE "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n"
#define SERVICE(name, spec)                                                                                  \
    "apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: a}\nspec: " spec "\n---\n"
#define SLICE(name, service, type, endpoints, ports)                                                         \
    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " name                           \
    ", namespace: a, labels: {kubernetes.io/service-name: " service "}}\naddressType: " type                 \
    "\nendpoints: " endpoints "\nports: " ports "\n---\n"
#define HTTP "[{name: http, port: 80, protocol: TCP}]"
#define BASE "web.a.svc.cluster.local."

static char *below(const struct cluster *c, const char *suffix)
{
    char *all = cluster_records(c, "cluster.local.");
    char *found = cluster_below(all, suffix);
    free(all);
    return found;
}

static void expect_now(const struct cluster *c, const char *suffix, const char *expected)
{
    char *found = below(c, suffix);
    if (strcmp(found, expected) != 0)
        fprintf(stderr, "\n--- expected\n%s--- found\n%s---\n", expected, found);
    CU_ASSERT_STRING_EQUAL(found, expected);
    free(found);
}

static void expect(const char *yaml, const char *expected)
{
    struct cluster c;
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, yaml);
    expect_now(&c, BASE, expected);
    cluster_close(&c);
}

/* ---- TTL ---- */

static void expect_ttls(const char *options, uint32_t all, uint32_t soa)
{
    struct cluster c;
    struct rr rr;
    unsigned seen = 0;
    cluster_open(&c, "cluster.local 10.0.0.0/8", options);
    cluster_put(&c, NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}")
                        SERVICE("out", "{type: ExternalName, externalName: www.example.com}")
                            SLICE("s", "web", "IPv6", "[{addresses: ['fd00::1']}]",
                                  HTTP) "apiVersion: v1\nkind: Pod\n"
                                        "metadata: {name: p, namespace: a}\nstatus: {podIP: 10.1.0.1}\n");
    for (size_t zone = 0; zone < 2; zone++) {
        struct record_stream *stream = record_stream_open(&c.rules, &c.rules.zones[zone], c.store, 1);
        while (record_stream_next(stream, &rr) == 1) {
            CU_ASSERT_EQUAL(rr.ttl, rr.type == RR_SOA ? soa : rr.type == RR_TXT ? 28800 : all);
            if (rr.type == RR_SOA) /* the last field: for how long a denial is kept */
                CU_ASSERT_EQUAL((uint32_t)rr.rdata[rr.rdlen - 2] << 8 | rr.rdata[rr.rdlen - 1], all);
            seen |= rr.type == RR_A       ? 1
                    : rr.type == RR_AAAA  ? 2
                    : rr.type == RR_SRV   ? 4
                    : rr.type == RR_CNAME ? 8
                    : rr.type == RR_PTR   ? 16
                    : rr.type == RR_NS    ? 32
                    : rr.type == RR_TXT   ? 64
                                          : 0;
        }
        record_stream_close(stream);
    }
    CU_ASSERT_EQUAL(seen, 127);
    cluster_close(&c);
}

static void times_to_live(void)
{
    expect_ttls("pods verified", 5, 5);
    expect_ttls("pods verified\nttl 0", 0, 0);
    expect_ttls("pods verified\nttl 300", 300, 300);
    expect_ttls("pods verified\nttl 3600", 3600, 300);
}

/* ---- services ---- */

static void addresses_from_outside_are_not_in_the_zone(void)
{
    static const char *const types[] = {"NodePort", "LoadBalancer", "ClusterIP", "SomethingNew"};
    for (size_t i = 0; i < 4; i++) {
        char yaml[1024];
        snprintf(yaml, sizeof yaml,
                 NAMESPACE SERVICE("web", "{type: %s, clusterIP: 10.0.0.1, externalIPs: [192.0.2.1], "
                                          "ports: [{port: 80, nodePort: 30080}]}") "",
                 types[i]);
        expect(yaml, BASE " A 10.0.0.1\n" BASE " SRV 0 100 80 " BASE "\n");
    }
}

static void dual_stack_in_either_order(void)
{
    static const char expected[] = BASE " A 10.0.0.1\n" BASE " AAAA fd00::1\n";
    expect(NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, 'fd00::1']}"), expected);
    expect(NAMESPACE SERVICE("web", "{clusterIP: 'fd00::1', clusterIPs: ['fd00::1', 10.0.0.1]}"), expected);
    expect(NAMESPACE SERVICE("web", "{clusterIP: 'fd00::1', clusterIPs: ['fd00::1']}"),
           BASE " AAAA fd00::1\n");
    expect(NAMESPACE SERVICE("web", "{clusterIP: 'fd00::1'}"), BASE " AAAA fd00::1\n");
    expect(NAMESPACE SERVICE("web", "{clusterIPs: [10.0.0.1, 10.0.0.1]}"), BASE " A 10.0.0.1\n");
}

static void ports_of_all_sorts(void)
{
    /* one number for two protocols, without names: one SRV record, which both ports share in weight */
    expect(NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1, ports: [{port: 53, protocol: UDP}, {port: 53}]}"),
           BASE " A 10.0.0.1\n" BASE " SRV 0 50 53 " BASE "\n"
                "_._tcp." BASE " A 10.0.0.1\n_._tcp." BASE " SRV 0 100 53 " BASE "\n"
                "_._udp." BASE " A 10.0.0.1\n_._udp." BASE " SRV 0 100 53 " BASE "\n");
    /* one name for two protocols */
    expect(NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1, ports: [{name: dns, port: 53, protocol: UDP}, "
                                    "{name: dns, port: 53, protocol: TCP}]}"),
           BASE " A 10.0.0.1\n" BASE " SRV 0 50 53 " BASE "\n"
                "_dns._." BASE " A 10.0.0.1\n_dns._." BASE " SRV 0 50 53 " BASE "\n"
                "_._tcp." BASE " A 10.0.0.1\n_._tcp." BASE " SRV 0 100 53 " BASE "\n"
                "_dns._tcp." BASE " A 10.0.0.1\n_dns._tcp." BASE " SRV 0 100 53 " BASE "\n"
                "_._udp." BASE " A 10.0.0.1\n_._udp." BASE " SRV 0 100 53 " BASE "\n"
                "_dns._udp." BASE " A 10.0.0.1\n_dns._udp." BASE " SRV 0 100 53 " BASE "\n");
}

static void external_names(void)
{
    static const struct {
        const char *name, *expected;
    } cases[] = {
        {"www.example.com", BASE " CNAME www.example.com.\n"},
        {"WWW.Example.com.", BASE " CNAME WWW.Example.com.\n"},
        {"single", BASE " CNAME single.\n"},
        {"''", ""},
        {"'.'", ""},
        {"a..b", ""},
        {"192.0.2.1", ""},
        {"192.0.2.1.", BASE " CNAME 192.0.2.1.\n"}, /* a name, by its final dot */
        {"'2001:db8::1'", ""},
        {"'::ffff:10.0.0.1'", ""},
        {"web.a.svc.cluster.local", ""},
        {"Web.A.svc.cluster.LOCAL.", ""},
        {"null", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[1024];
        snprintf(yaml, sizeof yaml,
                 NAMESPACE SERVICE("web", "{type: ExternalName, externalName: %s, clusterIP: None}"),
                 cases[i].name);
        expect(yaml, cases[i].expected);
    }
    char name[900] = "", yaml[2048];
    for (int i = 0; i < 52; i++)
        strcat(name, "abcd.");
    snprintf(yaml, sizeof yaml, NAMESPACE SERVICE("web", "{type: ExternalName, externalName: %scom}"), name);
    expect(yaml, "");
}

/* ---- endpoints ---- */

static void what_ready_means(void)
{
    expect(NAMESPACE SERVICE("web", "{clusterIP: None}") SLICE(
               "s", "web", "IPv4",
               "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.2], conditions: null}, "
               "{addresses: [10.1.0.3], conditions: {}}, {addresses: [10.1.0.4], conditions: {ready: null}}, "
               "{addresses: [10.1.0.5], conditions: {ready: true, serving: false, terminating: true}}, "
               "{addresses: [10.1.0.6], conditions: {ready: false, serving: true}}, "
               "{addresses: [10.1.0.7], conditions: {serving: false, terminating: true}}]",
               "null"),
           BASE " A 10.1.0.1\n" BASE " A 10.1.0.2\n" BASE " A 10.1.0.3\n" BASE " A 10.1.0.4\n" BASE
                " A 10.1.0.5\n" BASE " A 10.1.0.7\n10-1-0-1." BASE " A 10.1.0.1\n10-1-0-2." BASE
                " A 10.1.0.2\n10-1-0-3." BASE " A 10.1.0.3\n10-1-0-4." BASE " A 10.1.0.4\n10-1-0-5." BASE
                " A 10.1.0.5\n10-1-0-7." BASE " A 10.1.0.7\n");
}

/* Weights: floor(100 / matches), before what is there twice goes, and at least 1. */
static void weights(void)
{
    static const struct {
        unsigned endpoints, ports, weight;
    } cases[] = {{1, 1, 100}, {2, 1, 50}, {3, 1, 33}, {6, 1, 16},  {7, 1, 14},  {3, 2, 16},
                 {50, 2, 1},  {34, 3, 1}, {99, 1, 1}, {100, 1, 1}, {101, 1, 1}, {250, 2, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes yaml;
        struct cluster c;
        char srv[128];
        bytes_init(&yaml, 1 << 20);
        bytes_append_str(
            &yaml,
            NAMESPACE SERVICE("web", "{clusterIP: None}") "apiVersion: discovery.k8s.io/v1\nkind: "
                                                          "EndpointSlice\nmetadata: {name: s, "
                                                          "namespace: a, labels: "
                                                          "{kubernetes.io/service-name: web}}\nendpoints: [");
        for (unsigned e = 0; e < cases[i].endpoints; e++)
            bytes_printf(&yaml, "{addresses: [10.1.%u.%u]},", e / 250, e % 250);
        bytes_append_str(&yaml, "]\nports: [");
        for (unsigned p = 0; p < cases[i].ports; p++)
            bytes_printf(&yaml, "{name: p%u, port: %u},", p, 80 + p);
        bytes_append_str(&yaml, "]\n");
        cluster_open(&c, "cluster.local", "");
        cluster_put(&c, yaml.data);
        char *found = below(&c, BASE);
        snprintf(srv, sizeof srv, "\n" BASE " SRV 0 %u 80 10-1-0-0." BASE "\n", cases[i].weight);
        CU_ASSERT_PTR_NOT_NULL(strstr(found, srv));
        free(found);
        cluster_close(&c);
        bytes_free(&yaml);
    }
}

static void one_address_in_several_slices(void)
{
    expect(NAMESPACE SERVICE("web", "{clusterIP: None}")
               SLICE("s1", "web", "IPv4", "[{addresses: [10.1.0.1]}]", HTTP)
                   SLICE("s2", "web", "IPv4", "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.1]}]", HTTP)
                       SLICE("s3", "web", "IPv4", "[{addresses: [10.1.0.1], hostname: h}]", "[]"),
           BASE " A 10.1.0.1\n" BASE " SRV 0 25 80 10-1-0-1." BASE "\n10-1-0-1." BASE
                " A 10.1.0.1\n10-1-0-1." BASE " SRV 0 33 80 10-1-0-1." BASE "\n"
                "_._tcp." BASE " A 10.1.0.1\n_._tcp." BASE " SRV 0 33 80 10-1-0-1." BASE "\n"
                "_http._tcp." BASE " A 10.1.0.1\n_http._tcp." BASE " SRV 0 33 80 10-1-0-1." BASE "\nh." BASE
                " A 10.1.0.1\n");
}

/* ---- objects that change ---- */

#define AS_CLUSTER_IP    SERVICE("web", "{clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}")
#define AS_HEADLESS      SERVICE("web", "{clusterIP: None, ports: [{name: http, port: 80}]}")
#define AS_EXTERNAL_NAME SERVICE("web", "{type: ExternalName, externalName: www.example.com}")

static const struct {
    const char *yaml, *records;
} lives[] = {
    {AS_CLUSTER_IP, BASE " A 10.0.0.1\n" BASE " SRV 0 100 80 " BASE "\n10-1-0-1." BASE " A 10.1.0.1\n"
                         "_http._tcp." BASE " A 10.0.0.1\n_http._tcp." BASE " SRV 0 100 80 " BASE "\n"},
    {AS_HEADLESS, BASE " A 10.1.0.1\n10-1-0-1." BASE " A 10.1.0.1\n"},
    {AS_EXTERNAL_NAME, BASE " CNAME www.example.com.\n"},
};

/* From every type to every other, by an update and by being deleted and made again between two looks. */
static void a_service_changes_its_type(void)
{
    for (size_t from = 0; from < 3; from++)
        for (size_t to = 0; to < 3; to++)
            for (int deleted = 0; deleted <= 1; deleted++) {
                struct cluster c;
                cluster_open(&c, "cluster.local", "");
                cluster_put(&c, NAMESPACE SLICE("s", "web", "IPv4", "[{addresses: [10.1.0.1]}]", "[]"));
                expect_now(&c, BASE, ""); /* an orphan */
                cluster_put(&c, lives[from].yaml);
                expect_now(&c, BASE, lives[from].records);
                if (deleted)
                    store_remove(c.store, KUBE_SERVICE, "a", "web");
                cluster_put(&c, lives[to].yaml);
                expect_now(&c, BASE, lives[to].records);
                store_remove(c.store, KUBE_SERVICE, "a", "web");
                expect_now(&c, BASE, "");
                cluster_close(&c);
            }
}

static void a_slice_goes_from_one_service_to_another(void)
{
    struct cluster c;
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, NAMESPACE SERVICE("web", "{clusterIP: None}") SERVICE("db", "{clusterIP: None}")
                        SLICE("s", "web", "IPv4", "[{addresses: [10.1.0.1]}]", "[]"));
    expect_now(&c, BASE, BASE " A 10.1.0.1\n10-1-0-1." BASE " A 10.1.0.1\n");
    cluster_put(&c, SLICE("s", "db", "IPv4", "[{addresses: [10.1.0.1]}]", "[]"));
    expect_now(&c, BASE, "");
    expect_now(&c, "db.a.svc.cluster.local.",
               "db.a.svc.cluster.local. A 10.1.0.1\n10-1-0-1.db.a.svc.cluster.local. A 10.1.0.1\n");
    cluster_put(&c, SLICE("s", "'No Label'", "IPv4", "[{addresses: [10.1.0.1]}]", "[]"));
    expect_now(&c, "db.a.svc.cluster.local.", "");
    cluster_put(&c, SLICE("s", "web", "IPv6", "[{addresses: ['fd00::1']}]", "[]"));
    expect_now(&c, BASE, BASE " AAAA fd00::1\nfd00--1." BASE " AAAA fd00::1\n");
    cluster_put(&c, SLICE("s", "''", "IPv6", "[{addresses: ['fd00::1']}]", "[]"));
    expect_now(&c, BASE, "");
    cluster_close(&c);
}

static void a_namespace_hides_what_is_in_it(void)
{
    struct cluster c;
    cluster_open(&c, "cluster.local 10.0.0.0/8", "");
    cluster_put(&c, NAMESPACE AS_CLUSTER_IP);
    store_remove(c.store, KUBE_NAMESPACE, "", "a");
    expect_now(&c, "svc.cluster.local.", "svc.cluster.local. TYPE65280 \\# 0\n");
    char *reverse = cluster_records(&c, "10.in-addr.arpa.");
    CU_ASSERT_PTR_NULL(strstr(reverse, "PTR"));
    free(reverse);
    cluster_put(&c, NAMESPACE);
    expect_now(&c, BASE,
               BASE " A 10.0.0.1\n" BASE " SRV 0 100 80 " BASE "\n_http._tcp." BASE
                    " A 10.0.0.1\n_http._tcp." BASE " SRV 0 100 80 " BASE "\n");
    cluster_close(&c);
}

/* ---- fields ---- */

/* What newer API servers and other writers add says nothing to DNS, whatever it is and wherever it stands. */
static void fields_that_nobody_knows(void)
{
    expect(
        "apiVersion: v1\nkind: Namespace\nnew: 1\nmetadata: {name: a, new: {x: [1, {y: null}]}}\nspec: {new: "
        "true}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a, labels: null, annotations: null, "
        "new: x}\n"
        "spec: {clusterIP: None, clusterIPs: null, ports: null, new: [], trafficDistribution: PreferClose, "
        "type: null, externalName: null, publishNotReadyAddresses: null}\nstatus: null\nnew: {}\n---\n"
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, namespace: a, "
        "labels: {kubernetes.io/service-name: web, new: x}}\naddressType: IPv4\nnew: {a: b}\n"
        "endpoints: [{addresses: [10.1.0.1], hostname: null, targetRef: null, zone: null, nodeName: n, "
        "hints: {forZones: [{name: x}]}, new: [[]], conditions: {new: 1}}]\n"
        "ports: [{name: null, port: null, protocol: null, appProtocol: x, new: 1}]\n",
        BASE " A 10.1.0.1\n10-1-0-1." BASE " A 10.1.0.1\n");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"everything has the option's TTL, but for SOA and dns-version", times_to_live},
        {"addresses from outside are not in the zone", addresses_from_outside_are_not_in_the_zone},
        {"a dual-stack service is the same in either order", dual_stack_in_either_order},
        {"ports without names, and one number for two protocols", ports_of_all_sorts},
        {"an external name is a CNAME, or nothing", external_names},
        {"ready is what says so, or does not say", what_ready_means},
        {"weights are rounded down, to 1 at least", weights},
        {"an address in several slices stands once, and counts each time", one_address_in_several_slices},
        {"a service changes its type, or comes again as another", a_service_changes_its_type},
        {"a slice goes from one service to another", a_slice_goes_from_one_service_to_another},
        {"a namespace that goes hides what is in it", a_namespace_hides_what_is_in_it},
        {"fields that nobody knows, and fields that are null", fields_that_nobody_knows},
    };
    return run_suite("records_odd", tests, sizeof tests / sizeof tests[0]);
}
