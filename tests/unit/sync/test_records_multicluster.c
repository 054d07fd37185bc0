/* ServiceImports and their slices in YAML -> records in text: the Multi-Cluster Services API as CoreDNS has
 * it. */
#include "../runner.h"
#include "cluster.h"

static void expect_with(const char *options, const char *zone, const char *below, const char *yaml,
                        const char *expected)
{
    struct cluster c;
    char lines[256];
    snprintf(lines, sizeof lines, "multicluster clusterset.local\n%s", options);
    cluster_open(&c, "cluster.local clusterset.local 10.0.0.0/8", lines);
    cluster_put(&c, yaml);
    CU_ASSERT_TRUE(cluster_shows(&c, zone, false, below, expected));
    cluster_close(&c);
}

static void expect(const char *yaml, const char *expected)
{
    expect_with("", "clusterset.local.", "web.a.svc.clusterset.local.", yaml, expected);
}

#define NAMESPACE "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n"
#define IMPORT(spec)                                                                                         \
    "apiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceImport\nmetadata: {name: web, namespace: a}\n" \
    "spec: " spec "\n---\n"
#define SLICE(name, labels, endpoints, ports)                                                                \
    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " name ", namespace: a, "        \
    "labels: {" labels "}}\naddressType: IPv4\nendpoints: " endpoints "\nports: " ports "\n---\n"
#define OF_WEB  "multicluster.kubernetes.io/service-name: web"
#define FROM(c) OF_WEB ", multicluster.kubernetes.io/source-cluster: " c
#define HTTP    "[{name: http, port: 80}]"
#define BASE    "web.a.svc.clusterset.local."

static void clusterset_ip(void)
{
    expect(NAMESPACE IMPORT(
               "{type: ClusterSetIP, ips: [10.42.0.1, 'fd00::1'], ports: [{name: http, port: 80}]}"),
           BASE " A 10.42.0.1\n" BASE " AAAA fd00::1\n" BASE " SRV 0 50 80 " BASE "\n"
                "_http._tcp." BASE " A 10.42.0.1\n_http._tcp." BASE " AAAA fd00::1\n"
                "_http._tcp." BASE " SRV 0 50 80 " BASE "\n");
    expect(NAMESPACE IMPORT("{type: ClusterSetIP, ips: [10.42.0.1]}"), BASE " A 10.42.0.1\n");
    expect(NAMESPACE IMPORT("{type: ClusterSetIP, ports: [{port: 80}]}"), "");
    expect(NAMESPACE IMPORT("{type: Other, ips: [10.42.0.1, nonsense]}"), BASE " A 10.42.0.1\n");
}

static void endpoints_of_a_clusterset_ip(void)
{
    expect(NAMESPACE IMPORT("{type: ClusterSetIP, ips: [10.42.0.1]}")
               SLICE("s1", FROM("East"), "[{addresses: [10.1.0.1], hostname: db-0}, {addresses: [10.1.0.2]}]",
                     HTTP),
           BASE " A 10.42.0.1\n"
                "10-1-0-2.east." BASE " A 10.1.0.2\n10-1-0-2.east." BASE " SRV 0 100 80 10-1-0-2.east." BASE
                "\n"
                "db-0.east." BASE " A 10.1.0.1\ndb-0.east." BASE " SRV 0 100 80 db-0.east." BASE "\n");
}

/* The same name in two clusters is two names; the service has all of both. */
static void headless_in_two_clusters(void)
{
    expect(NAMESPACE IMPORT("{type: Headless}") SLICE("s1", FROM("east"),
                                                      "[{addresses: [10.1.0.1], hostname: db-0}]", HTTP)
               SLICE("s2", FROM("west"),
                     "[{addresses: [10.2.0.1], hostname: db-0}, {addresses: [10.2.0.2], conditions: {ready: "
                     "false}}]",
                     HTTP) SLICE("s3", "kubernetes.io/service-name: web", "[{addresses: [10.3.0.1]}]", HTTP),
           BASE " A 10.1.0.1\n" BASE " A 10.2.0.1\n" BASE " SRV 0 50 80 db-0.east." BASE "\n" BASE
                " SRV 0 50 80 db-0.west." BASE "\n"
                "_http._tcp." BASE " A 10.1.0.1\n_http._tcp." BASE " A 10.2.0.1\n"
                "_http._tcp." BASE " SRV 0 50 80 db-0.east." BASE "\n_http._tcp." BASE
                " SRV 0 50 80 db-0.west." BASE "\n"
                "db-0.east." BASE " A 10.1.0.1\ndb-0.east." BASE " SRV 0 100 80 db-0.east." BASE "\n"
                "db-0.west." BASE " A 10.2.0.1\ndb-0.west." BASE " SRV 0 100 80 db-0.west." BASE "\n");
}

static void a_slice_without_a_cluster(void)
{
    expect(NAMESPACE IMPORT("{type: Headless}") SLICE("s1", OF_WEB, "[{addresses: [10.1.0.1]}]", "[]"),
           BASE " A 10.1.0.1\n10-1-0-1." BASE " A 10.1.0.1\n");
    expect(NAMESPACE IMPORT("{type: Headless}") SLICE("s1", FROM("a.b"), "[{addresses: [10.1.0.1]}]", "[]"),
           "");
}

#define BOTH                                                                                                 \
    NAMESPACE IMPORT("{type: Headless}")                                                                     \
        SLICE("s1", "kubernetes.io/service-name: web, " FROM("east"), "[{addresses: [10.1.0.1]}]",           \
              "[]") "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\nspec: {clusterIP: " \
                    "None}\n---\n"                                                                           \
                    "apiVersion: v1\nkind: Service\nmetadata: {name: own, namespace: a}\nspec: {clusterIP: " \
                    "10.0.0.1}\n"

/* Services are in the cluster's zone, ServiceImports in the cluster set's; PTR records lead to Services. */
static void each_in_its_zone(void)
{
    expect(BOTH, BASE " A 10.1.0.1\n10-1-0-1.east." BASE " A 10.1.0.1\n");
    expect_with("", "cluster.local.", "a.svc.cluster.local.", BOTH,
                "a.svc.cluster.local. TYPE65280 \\# 0\nown.a.svc.cluster.local. A 10.0.0.1\n"
                "web.a.svc.cluster.local. A 10.1.0.1\n10-1-0-1.web.a.svc.cluster.local. A 10.1.0.1\n");
    expect_with(
        "", "10.in-addr.arpa.", "10.in-addr.arpa.", BOTH,
        "10.in-addr.arpa. SOA ns.dns.10.in-addr.arpa. hostmaster.10.in-addr.arpa. 1 7200 1800 86400 5\n"
        "10.in-addr.arpa. NS ns.dns.10.in-addr.arpa.\n"
        "1.0.0.10.in-addr.arpa. PTR own.a.svc.cluster.local.\n"
        "1.0.1.10.in-addr.arpa. PTR 10-1-0-1.web.a.svc.cluster.local.\n"
        "ns.dns.10.in-addr.arpa. A 127.0.0.1\n");
}

static void noendpoints_is_about_services(void)
{
    expect_with("noendpoints", "clusterset.local.", BASE, BOTH,
                BASE " A 10.1.0.1\n10-1-0-1.east." BASE " A 10.1.0.1\n");
    expect_with("noendpoints", "cluster.local.", "web.a.svc.cluster.local.", BOTH, "");
}

static void ignore_empty_service(void)
{
    expect_with("ignore empty_service", "clusterset.local.", BASE,
                NAMESPACE IMPORT("{type: ClusterSetIP, ips: [10.42.0.1]}")
                    SLICE("s1", "kubernetes.io/service-name: web", "[{addresses: [10.1.0.1]}]", "[]"),
                "");
    expect_with("ignore empty_service", "clusterset.local.", BASE,
                NAMESPACE IMPORT("{type: ClusterSetIP, ips: [10.42.0.1]}")
                    SLICE("s1", FROM("east"), "[{addresses: [10.1.0.1]}]", "[]"),
                BASE " A 10.42.0.1\n10-1-0-1.east." BASE " A 10.1.0.1\n");
}

static void namespaces_and_pods(void)
{
    expect_with("pods verified", "clusterset.local.", "a.pod.clusterset.local.",
                NAMESPACE
                "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: a}\nstatus: {podIP: 10.5.0.1}\n",
                "a.pod.clusterset.local. TYPE65280 \\# 0\n10-5-0-1.a.pod.clusterset.local. A 10.5.0.1\n");
    expect_with("namespaces b", "clusterset.local.", BASE, NAMESPACE IMPORT("{ips: [10.42.0.1]}"), "");
    expect_with("", "clusterset.local.", BASE, IMPORT("{ips: [10.42.0.1]}"), "");
    expect_with(
        "", "clusterset.local.", "clusterset.local.", "",
        "clusterset.local. SOA ns.dns.clusterset.local. hostmaster.clusterset.local. 1 7200 1800 86400 5\n"
        "clusterset.local. NS ns.dns.clusterset.local.\nns.dns.clusterset.local. A 127.0.0.1\n"
        "dns-version.clusterset.local. TXT \"1.1.0\"\npod.clusterset.local. TYPE65280 \\# 0\n"
        "svc.clusterset.local. TYPE65280 \\# 0\n");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a ClusterSetIP has its addresses and ports", clusterset_ip},
        {"its endpoints have names in their cluster", endpoints_of_a_clusterset_ip},
        {"a headless import has the endpoints of all clusters", headless_in_two_clusters},
        {"a slice that names no cluster, and one that names none that can be a label",
         a_slice_without_a_cluster},
        {"services and imports are in zones of their own", each_in_its_zone},
        {"noendpoints leaves imports their endpoints", noendpoints_is_about_services},
        {"ignore empty_service holds for imports", ignore_empty_service},
        {"namespaces and pods are in both zones", namespaces_and_pods},
    };
    return run_suite("records_multicluster", tests, sizeof tests / sizeof tests[0]);
}
