/* Objects in YAML -> records in text: the naming rules of the Kubernetes DNS specification 1.1.0 and of
 * CoreDNS. */
#include "../runner.h"
#include "cluster.h"

/* What stands below `below` in the zone cluster.local, from these objects under these options. */
static void expect_in(const char *zones, const char *zone, const char *options, const char *below,
                      const char *yaml, const char *expected)
{
    struct cluster c;
    cluster_open(&c, zones, options);
    cluster_put(&c, yaml);
    CU_ASSERT_TRUE(cluster_shows(&c, zone, false, below, expected));
    cluster_close(&c);
}

static void expect(const char *options, const char *below, const char *yaml, const char *expected)
{
    expect_in("cluster.local", "cluster.local.", options, below, yaml, expected);
}

#define NAMESPACE "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n"
#define SERVICE(name, spec)                                                                                  \
    "apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: a}\nspec: " spec "\n---\n"
#define SLICE_IN(ns, name, service, type, endpoints, ports)                                                  \
    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " name ", namespace: " ns        \
    ", labels: {kubernetes.io/service-name: " service "}}\naddressType: " type "\nendpoints: " endpoints     \
    "\nports: " ports "\n---\n"
#define SLICE(name, service, endpoints, ports) SLICE_IN("a", name, service, "IPv4", endpoints, ports)
#define POD(name, fields)                                                                                    \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: " name ", namespace: a}\nstatus: {" fields "}\n---\n"

#define HTTP     "[{name: http, port: 80, protocol: TCP}]"
#define HEADLESS "{clusterIP: None, ports: [{name: http, port: 80}]}"

static void apex(void)
{
    expect("ttl 30", "cluster.local.", "",
           "cluster.local. SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30\n"
           "cluster.local. NS ns.dns.cluster.local.\n"
           "ns.dns.cluster.local. A 127.0.0.1\n"
           "dns-version.cluster.local. TXT \"1.1.0\"\n"
           "pod.cluster.local. TYPE65280 \\# 0\n"
           "svc.cluster.local. TYPE65280 \\# 0\n");
}

static void namespaces(void)
{
    static const char three[] = "kind: Namespace\napiVersion: v1\nmetadata: {name: b}\n---\n"
                                "kind: Namespace\napiVersion: v1\nmetadata: {name: a}\n---\n"
                                "kind: Namespace\napiVersion: v1\nmetadata: {name: a-b}\n";
    expect("", "svc.cluster.local.", three,
           "svc.cluster.local. TYPE65280 \\# 0\na.svc.cluster.local. TYPE65280 \\# 0\n"
           "a-b.svc.cluster.local. TYPE65280 \\# 0\nb.svc.cluster.local. TYPE65280 \\# 0\n");
    expect("pods insecure", "pod.cluster.local.", three,
           "pod.cluster.local. TYPE65280 \\# 0\na.pod.cluster.local. TYPE65280 \\# 0\n"
           "a-b.pod.cluster.local. TYPE65280 \\# 0\nb.pod.cluster.local. TYPE65280 \\# 0\n");
    expect("pods disabled", "pod.cluster.local.", three, "pod.cluster.local. TYPE65280 \\# 0\n");
    expect("namespaces b", "svc.cluster.local.", three,
           "svc.cluster.local. TYPE65280 \\# 0\nb.svc.cluster.local. TYPE65280 \\# 0\n");
}

static void namespace_that_does_not_exist(void)
{
    expect("", "svc.cluster.local.", SERVICE("web", "{clusterIP: 10.0.0.1, ports: [{port: 80}]}"),
           "svc.cluster.local. TYPE65280 \\# 0\n");
    expect("", "svc.cluster.local.",
           "apiVersion: v1\nkind: Namespace\nmetadata: {name: Upper}\n---\n"
           "apiVersion: v1\nkind: Namespace\nmetadata: {name: \"a.b\"}\n",
           "svc.cluster.local. TYPE65280 \\# 0\n");
}

static void cluster_ip(void)
{
    expect("", "web.a.svc.cluster.local.",
           NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1, ports: [{name: http, port: 80}, {port: 8080}]}"),
           "web.a.svc.cluster.local. A 10.0.0.1\n"
           "web.a.svc.cluster.local. SRV 0 50 80 web.a.svc.cluster.local.\n"
           "web.a.svc.cluster.local. SRV 0 50 8080 web.a.svc.cluster.local.\n"
           "_http._tcp.web.a.svc.cluster.local. A 10.0.0.1\n"
           "_http._tcp.web.a.svc.cluster.local. SRV 0 100 80 web.a.svc.cluster.local.\n");
}

static void dual_stack(void)
{
    expect("", "web.a.svc.cluster.local.",
           NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, 'fd00::1'], "
                                    "ports: [{name: http, port: 80}]}"),
           "web.a.svc.cluster.local. A 10.0.0.1\n"
           "web.a.svc.cluster.local. AAAA fd00::1\n"
           "web.a.svc.cluster.local. SRV 0 50 80 web.a.svc.cluster.local.\n"
           "_http._tcp.web.a.svc.cluster.local. A 10.0.0.1\n"
           "_http._tcp.web.a.svc.cluster.local. AAAA fd00::1\n"
           "_http._tcp.web.a.svc.cluster.local. SRV 0 50 80 web.a.svc.cluster.local.\n");
}

static void one_port_number_twice(void)
{
    expect("", "dns.a.svc.cluster.local.",
           NAMESPACE SERVICE("dns",
                             "{clusterIP: 10.0.0.1, ports: [{name: dns, port: 53, protocol: UDP}, "
                             "{name: dns-tcp, port: 53}, {name: Metrics, port: 9153, protocol: SCTP}]}"),
           "dns.a.svc.cluster.local. A 10.0.0.1\n"
           "dns.a.svc.cluster.local. SRV 0 33 53 dns.a.svc.cluster.local.\n"
           "dns.a.svc.cluster.local. SRV 0 33 9153 dns.a.svc.cluster.local.\n"
           "_._sctp.dns.a.svc.cluster.local. A 10.0.0.1\n"
           "_._sctp.dns.a.svc.cluster.local. SRV 0 100 9153 dns.a.svc.cluster.local.\n"
           "_metrics._sctp.dns.a.svc.cluster.local. A 10.0.0.1\n"
           "_metrics._sctp.dns.a.svc.cluster.local. SRV 0 100 9153 dns.a.svc.cluster.local.\n"
           "_._tcp.dns.a.svc.cluster.local. A 10.0.0.1\n"
           "_._tcp.dns.a.svc.cluster.local. SRV 0 100 53 dns.a.svc.cluster.local.\n"
           "_dns-tcp._tcp.dns.a.svc.cluster.local. A 10.0.0.1\n"
           "_dns-tcp._tcp.dns.a.svc.cluster.local. SRV 0 100 53 dns.a.svc.cluster.local.\n"
           "_._udp.dns.a.svc.cluster.local. A 10.0.0.1\n"
           "_._udp.dns.a.svc.cluster.local. SRV 0 100 53 dns.a.svc.cluster.local.\n"
           "_dns._udp.dns.a.svc.cluster.local. A 10.0.0.1\n"
           "_dns._udp.dns.a.svc.cluster.local. SRV 0 100 53 dns.a.svc.cluster.local.\n");
}

/* Names with an empty part stand in the zone only where the server could not tell (records_ports.h). */
static void ports_of_several_protocols(void)
{
    expect("", "_udp.web.a.svc.cluster.local.",
           NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1, ports: [{port: 53, protocol: UDP}]}"),
           "_._udp.web.a.svc.cluster.local. A 10.0.0.1\n"
           "_._udp.web.a.svc.cluster.local. SRV 0 100 53 web.a.svc.cluster.local.\n");
    expect("", "_udp.web.a.svc.cluster.local.",
           NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1, ports: [{name: a, port: 1, protocol: UDP}]}"),
           "_a._udp.web.a.svc.cluster.local. A 10.0.0.1\n"
           "_a._udp.web.a.svc.cluster.local. SRV 0 100 1 web.a.svc.cluster.local.\n");
    static const char yaml[] = NAMESPACE SERVICE("db", HEADLESS)
        SLICE("s1", "db", "[{addresses: [10.1.0.1]}]", "[{name: x, port: 1}, {port: 2, protocol: UDP}]")
            SLICE("s2", "db", "[{addresses: [10.1.0.2]}]", "[{name: x, port: 3, protocol: UDP}]")
                SLICE("s3", "db", "[{addresses: [10.1.0.3]}]", "[]")
                    SLICE("s4", "db", "[{addresses: [10.1.0.4], conditions: {ready: false}}]",
                          "[{name: y, port: 4, protocol: SCTP}]");
    expect("", "_udp.db.a.svc.cluster.local.", yaml,
           "_._udp.db.a.svc.cluster.local. A 10.1.0.1\n"
           "_._udp.db.a.svc.cluster.local. A 10.1.0.2\n"
           "_._udp.db.a.svc.cluster.local. SRV 0 50 2 10-1-0-1.db.a.svc.cluster.local.\n"
           "_._udp.db.a.svc.cluster.local. SRV 0 50 3 10-1-0-2.db.a.svc.cluster.local.\n"
           "_x._udp.db.a.svc.cluster.local. A 10.1.0.2\n"
           "_x._udp.db.a.svc.cluster.local. SRV 0 100 3 10-1-0-2.db.a.svc.cluster.local.\n");
    expect("", "_tcp.db.a.svc.cluster.local.", yaml,
           "_._tcp.db.a.svc.cluster.local. A 10.1.0.1\n"
           "_._tcp.db.a.svc.cluster.local. SRV 0 100 1 10-1-0-1.db.a.svc.cluster.local.\n"
           "_x._tcp.db.a.svc.cluster.local. A 10.1.0.1\n"
           "_x._tcp.db.a.svc.cluster.local. SRV 0 100 1 10-1-0-1.db.a.svc.cluster.local.\n");
    expect("", "_.db.a.svc.cluster.local.", yaml,
           "_x._.db.a.svc.cluster.local. A 10.1.0.1\n"
           "_x._.db.a.svc.cluster.local. A 10.1.0.2\n"
           "_x._.db.a.svc.cluster.local. SRV 0 50 1 10-1-0-1.db.a.svc.cluster.local.\n"
           "_x._.db.a.svc.cluster.local. SRV 0 50 3 10-1-0-2.db.a.svc.cluster.local.\n");
    expect("", "_sctp.db.a.svc.cluster.local.", yaml, "");
}

static void service_without_ports(void)
{
    expect("", "web.a.svc.cluster.local.", NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1}"),
           "web.a.svc.cluster.local. A 10.0.0.1\n");
    expect("", "web.a.svc.cluster.local.", NAMESPACE SERVICE("web", "{clusterIP: '', ports: [{port: 80}]}"),
           "");
}

static void many_ports_have_weight_one(void)
{
    struct bytes yaml;
    bytes_init(&yaml, 1 << 20);
    bytes_append_str(&yaml, NAMESPACE "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\n"
                                      "spec: {clusterIP: 10.0.0.1, ports: [");
    for (int i = 0; i < 150; i++)
        bytes_printf(&yaml, "{name: p%d, port: %d},", i, 1000 + i);
    bytes_append_str(&yaml, "]}\n");
    struct cluster c;
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, yaml.data);
    char *all = cluster_records(&c, "cluster.local.");
    CU_ASSERT_PTR_NOT_NULL(strstr(all, "\nweb.a.svc.cluster.local. SRV 0 1 1149 web.a.svc.cluster.local.\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(all, "\n_p149._tcp.web.a.svc.cluster.local. SRV 0 100 1149 web.a.svc.cluster.local.\n"));
    free(all);
    bytes_free(&yaml);
    cluster_close(&c);
}

static void endpoints_of_a_cluster_ip(void)
{
    expect("", "web.a.svc.cluster.local.",
           NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1, ports: [{port: 80}]}") SLICE(
               "s1", "web", "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.2], conditions: {ready: false}}]",
               "[{name: http, port: 8000}, {name: alt, port: 8001}]"),
           "web.a.svc.cluster.local. A 10.0.0.1\n"
           "web.a.svc.cluster.local. SRV 0 100 80 web.a.svc.cluster.local.\n"
           "10-1-0-1.web.a.svc.cluster.local. A 10.1.0.1\n"
           "10-1-0-1.web.a.svc.cluster.local. SRV 0 50 8000 10-1-0-1.web.a.svc.cluster.local.\n"
           "10-1-0-1.web.a.svc.cluster.local. SRV 0 50 8001 10-1-0-1.web.a.svc.cluster.local.\n");
}

static void headless(void)
{
    expect("", "db.a.svc.cluster.local.",
           NAMESPACE SERVICE("db", HEADLESS)
               SLICE("s1", "db", "[{addresses: [10.1.0.1], hostname: db-0}, {addresses: [10.1.0.2]}]", HTTP)
                   SLICE("s2", "db", "[{addresses: [10.1.0.2]}]", HTTP),
           "db.a.svc.cluster.local. A 10.1.0.1\n"
           "db.a.svc.cluster.local. A 10.1.0.2\n"
           "db.a.svc.cluster.local. SRV 0 33 80 db-0.db.a.svc.cluster.local.\n"
           "db.a.svc.cluster.local. SRV 0 33 80 10-1-0-2.db.a.svc.cluster.local.\n"
           "10-1-0-2.db.a.svc.cluster.local. A 10.1.0.2\n"
           "10-1-0-2.db.a.svc.cluster.local. SRV 0 50 80 10-1-0-2.db.a.svc.cluster.local.\n"
           "_http._tcp.db.a.svc.cluster.local. A 10.1.0.1\n"
           "_http._tcp.db.a.svc.cluster.local. A 10.1.0.2\n"
           "_http._tcp.db.a.svc.cluster.local. SRV 0 33 80 db-0.db.a.svc.cluster.local.\n"
           "_http._tcp.db.a.svc.cluster.local. SRV 0 33 80 10-1-0-2.db.a.svc.cluster.local.\n"
           "db-0.db.a.svc.cluster.local. A 10.1.0.1\n"
           "db-0.db.a.svc.cluster.local. SRV 0 100 80 db-0.db.a.svc.cluster.local.\n");
}

static void headless_without_ready_endpoints(void)
{
    expect("", "a.svc.cluster.local.",
           NAMESPACE SERVICE("db", HEADLESS) SLICE(
               "s1", "db", "[{addresses: [10.1.0.1], conditions: {ready: false, serving: true}}]", HTTP),
           "a.svc.cluster.local. TYPE65280 \\# 0\n");
}

static void slices_with_differing_ports(void)
{
    expect("", "db.a.svc.cluster.local.",
           NAMESPACE SERVICE("db", HEADLESS) SLICE("s1", "db", "[{addresses: [10.1.0.1]}]", HTTP)
               SLICE("s2", "db", "[{addresses: [10.1.0.2]}]", "[]"),
           "db.a.svc.cluster.local. A 10.1.0.1\n"
           "db.a.svc.cluster.local. A 10.1.0.2\n"
           "db.a.svc.cluster.local. SRV 0 50 80 10-1-0-1.db.a.svc.cluster.local.\n"
           "10-1-0-1.db.a.svc.cluster.local. A 10.1.0.1\n"
           "10-1-0-1.db.a.svc.cluster.local. SRV 0 100 80 10-1-0-1.db.a.svc.cluster.local.\n"
           "10-1-0-2.db.a.svc.cluster.local. A 10.1.0.2\n"
           "_._tcp.db.a.svc.cluster.local. A 10.1.0.1\n"
           "_._tcp.db.a.svc.cluster.local. SRV 0 100 80 10-1-0-1.db.a.svc.cluster.local.\n"
           "_http._tcp.db.a.svc.cluster.local. A 10.1.0.1\n"
           "_http._tcp.db.a.svc.cluster.local. SRV 0 100 80 10-1-0-1.db.a.svc.cluster.local.\n");
}

static void slice_without_a_port_number(void)
{
    expect("", "db.a.svc.cluster.local.",
           NAMESPACE SERVICE("db", HEADLESS) SLICE("s1", "db", "[{addresses: [10.1.0.1]}]", "[{name: any}]"),
           "db.a.svc.cluster.local. A 10.1.0.1\n"
           "10-1-0-1.db.a.svc.cluster.local. A 10.1.0.1\n"
           "_any._tcp.db.a.svc.cluster.local. A 10.1.0.1\n");
}

static void endpoint_names(void)
{
    static const char yaml[] = NAMESPACE SERVICE("db", "{clusterIP: 10.0.0.1}") SLICE_IN(
        "a", "s1", "db", "IPv6",
        "[{addresses: ['2001:db8::1']}, {addresses: ['2001:db8::']}, {addresses: ['::1'], hostname: Mixed}, "
        "{addresses: ['fd00::2'], targetRef: {kind: Pod, name: pod-2}}, "
        "{addresses: ['fd00::3'], targetRef: {kind: Pod, name: pod.with.dots}}]",
        "[]");
    expect("", "db.a.svc.cluster.local.", yaml,
           "db.a.svc.cluster.local. A 10.0.0.1\n"
           "2001-db8--0.db.a.svc.cluster.local. AAAA 2001:db8::\n"
           "2001-db8--1.db.a.svc.cluster.local. AAAA 2001:db8::1\n"
           "fd00--2.db.a.svc.cluster.local. AAAA fd00::2\n"
           "fd00--3.db.a.svc.cluster.local. AAAA fd00::3\n"
           "mixed.db.a.svc.cluster.local. AAAA ::1\n");
    expect("endpoint_pod_names", "db.a.svc.cluster.local.", yaml,
           "db.a.svc.cluster.local. A 10.0.0.1\n"
           "2001-db8--0.db.a.svc.cluster.local. AAAA 2001:db8::\n"
           "2001-db8--1.db.a.svc.cluster.local. AAAA 2001:db8::1\n"
           "fd00--3.db.a.svc.cluster.local. AAAA fd00::3\n"
           "mixed.db.a.svc.cluster.local. AAAA ::1\n"
           "pod-2.db.a.svc.cluster.local. AAAA fd00::2\n");
}

static void endpoints_that_share_a_name(void)
{
    expect("", "x.db.a.svc.cluster.local.",
           NAMESPACE SERVICE("db", HEADLESS)
               SLICE("s1", "db",
                     "[{addresses: [10.1.0.1], hostname: x}, {addresses: [10.1.0.2], hostname: x}]", HTTP),
           "x.db.a.svc.cluster.local. A 10.1.0.1\n"
           "x.db.a.svc.cluster.local. A 10.1.0.2\n"
           "x.db.a.svc.cluster.local. SRV 0 50 80 x.db.a.svc.cluster.local.\n");
}

static void external_name(void)
{
    expect("", "a.svc.cluster.local.",
           NAMESPACE SERVICE("ext", "{type: ExternalName, externalName: WWW.Example.com}")
               SERVICE("address", "{type: ExternalName, externalName: 192.0.2.1}")
                   SERVICE("spaces", "{type: ExternalName, externalName: 'no name'}")
                       SERVICE("none", "{type: ExternalName}")
                           SERVICE("itself", "{type: ExternalName, externalName: itself.a.svc.cluster.local}")
                               SLICE("s", "ext", "[{addresses: [10.1.0.1]}]", HTTP),
           "a.svc.cluster.local. TYPE65280 \\# 0\n"
           "ext.a.svc.cluster.local. CNAME WWW.Example.com.\n");
}

static void fqdn_slices(void)
{
    expect("", "db.a.svc.cluster.local.",
           NAMESPACE SERVICE("db", HEADLESS) SLICE_IN(
               "a", "s", "db", "FQDN", "[{addresses: [one.example.com]}, {addresses: [nodots]}]", HTTP),
           "db.a.svc.cluster.local. CNAME one.example.com.\n"
           "_http._tcp.db.a.svc.cluster.local. CNAME one.example.com.\n"
           "one-example-com.db.a.svc.cluster.local. CNAME one.example.com.\n");
    expect("", "db.a.svc.cluster.local.",
           NAMESPACE SERVICE("db", HEADLESS)
               SLICE_IN("a", "s", "db", "FQDN", "[{addresses: [one.example.com], hostname: x}]", HTTP)
                   SLICE("s2", "db", "[{addresses: [10.1.0.1], hostname: x}]", "[]"),
           "db.a.svc.cluster.local. A 10.1.0.1\n"
           "_._tcp.db.a.svc.cluster.local. CNAME one.example.com.\n"
           "_http._tcp.db.a.svc.cluster.local. CNAME one.example.com.\n"
           "x.db.a.svc.cluster.local. A 10.1.0.1\n");
}

#define LONG_FQDN "internal-with-a-rather-long-name-1234567890.eu-west-1.elb.example.com"

static void fqdn_without_a_label(void)
{
    expect("", "db.a.svc.cluster.local.",
           NAMESPACE SERVICE("db", HEADLESS)
               SLICE_IN("a", "s", "db", "FQDN", "[{addresses: [" LONG_FQDN "]}]", HTTP),
           "db.a.svc.cluster.local. CNAME " LONG_FQDN ".\n"
           "_http._tcp.db.a.svc.cluster.local. CNAME " LONG_FQDN ".\n");
    expect("", "db.a.svc.cluster.local.",
           NAMESPACE SERVICE("db", HEADLESS)
               SLICE_IN("a", "s", "db", "FQDN", "[{addresses: [" LONG_FQDN "], hostname: x}]", "[]"),
           "db.a.svc.cluster.local. CNAME " LONG_FQDN ".\n"
           "x.db.a.svc.cluster.local. CNAME " LONG_FQDN ".\n");
}

static void pods_verified(void)
{
    expect("pods verified", "pod.cluster.local.",
           NAMESPACE POD("p1", "podIP: 10.1.0.1") POD("p2", "podIP: 10.1.0.1") POD("p3", "podIP: 'fd00::'")
               POD("p4", "phase: Pending")
                   POD("p5", "podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}, {ip: 'fd00::5'}]"),
           "pod.cluster.local. TYPE65280 \\# 0\n"
           "a.pod.cluster.local. TYPE65280 \\# 0\n"
           "10-1-0-1.a.pod.cluster.local. A 10.1.0.1\n"
           "10-1-0-5.a.pod.cluster.local. A 10.1.0.5\n"
           "fd00--.a.pod.cluster.local. AAAA fd00::\n"
           "fd00--5.a.pod.cluster.local. AAAA fd00::5\n");
}

static void ignore_empty_service(void)
{
    static const char yaml[] = NAMESPACE SERVICE("full", "{clusterIP: 10.0.0.1}")
        SERVICE("empty", "{clusterIP: 10.0.0.2}") SLICE("s1", "full", "[{addresses: [10.1.0.1]}]", "[]")
            SLICE("s2", "empty", "[{addresses: [10.1.0.2], conditions: {ready: false}}]", "[]");
    expect("ignore empty_service", "a.svc.cluster.local.", yaml,
           "a.svc.cluster.local. TYPE65280 \\# 0\n"
           "full.a.svc.cluster.local. A 10.0.0.1\n"
           "10-1-0-1.full.a.svc.cluster.local. A 10.1.0.1\n");
}

static void ptr_of_services_and_endpoints(void)
{
    static const char yaml[] = NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1}") SERVICE("db", HEADLESS)
        SLICE("s1", "web", "[{addresses: [10.1.0.1]}]", "[]")
            SLICE("s2", "db",
                  "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.2], hostname: db-0}, "
                  "{addresses: [10.0.0.1]}, {addresses: [10.1.0.3], conditions: {ready: false}}]",
                  "[]") SLICE("s3", "no-service", "[{addresses: [10.1.0.10]}]", "[]")
                SLICE_IN("hidden", "s4", "web", "IPv4", "[{addresses: [10.1.0.11]}]", "[]");
    expect_in("cluster.local 10.0.0.0/8", "10.in-addr.arpa.", "", "10.in-addr.arpa.", yaml,
              "10.in-addr.arpa. SOA ns.dns.10.in-addr.arpa. hostmaster.10.in-addr.arpa. 1 7200 1800 86400 5\n"
              "10.in-addr.arpa. NS ns.dns.10.in-addr.arpa.\n"
              "1.0.0.10.in-addr.arpa. PTR web.a.svc.cluster.local.\n"
              "1.0.1.10.in-addr.arpa. PTR 10-1-0-1.db.a.svc.cluster.local.\n"
              "1.0.1.10.in-addr.arpa. PTR 10-1-0-1.web.a.svc.cluster.local.\n"
              "10.0.1.10.in-addr.arpa. PTR 10-1-0-10.no-service.a.svc.cluster.local.\n"
              "2.0.1.10.in-addr.arpa. PTR db-0.db.a.svc.cluster.local.\n"
              "ns.dns.10.in-addr.arpa. A 127.0.0.1\n");
}

static void ptr_goes_to_the_longest_zone(void)
{
    static const char yaml[] =
        NAMESPACE SERVICE("x", "{clusterIP: 10.0.0.1}") SERVICE("y", "{clusterIP: 10.1.0.1}");
    expect_in("cluster.local in-addr.arpa 10.1.0.0/16", "1.10.in-addr.arpa.", "", "0.1.10.in-addr.arpa.",
              yaml, "1.0.1.10.in-addr.arpa. PTR y.a.svc.cluster.local.\n");
    expect_in("cluster.local in-addr.arpa 10.1.0.0/16", "in-addr.arpa.", "", "10.in-addr.arpa.", yaml,
              "1.0.0.10.in-addr.arpa. PTR x.a.svc.cluster.local.\n");
}

static void ptr_of_ipv6(void)
{
    expect_in("cluster.local fd00::/8", "d.f.ip6.arpa.", "", "d.f.ip6.arpa.",
              NAMESPACE SERVICE("x", "{clusterIP: 'fd00::1'}") SERVICE("e", "{clusterIP: 'fdde::1'}")
                  SERVICE("f", "{clusterIP: 'fdef::1'}"),
              "d.f.ip6.arpa. SOA ns.dns.d.f.ip6.arpa. hostmaster.d.f.ip6.arpa. 1 7200 1800 86400 5\n"
              "d.f.ip6.arpa. NS ns.dns.d.f.ip6.arpa.\n"
              "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR "
              "x.a.svc.cluster.local.\n"
              "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.e.d.d.f.ip6.arpa. PTR "
              "e.a.svc.cluster.local.\n"
              "ns.dns.d.f.ip6.arpa. A 127.0.0.1\n"
              "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.f.e.d.f.ip6.arpa. PTR "
              "f.a.svc.cluster.local.\n");
}

static void other_zones_have_the_same(void)
{
    static const char yaml[] = NAMESPACE SERVICE("web", "{clusterIP: 10.0.0.1, ports: [{port: 80}]}");
    expect_in("cluster.local other.example 10.0.0.0/8", "other.example.", "", "a.svc.other.example.", yaml,
              "a.svc.other.example. TYPE65280 \\# 0\n"
              "web.a.svc.other.example. A 10.0.0.1\n"
              "web.a.svc.other.example. SRV 0 100 80 web.a.svc.other.example.\n");
    expect_in("cluster.local other.example 10.0.0.0/8", "10.in-addr.arpa.", "", "0.0.10.in-addr.arpa.", yaml,
              "1.0.0.10.in-addr.arpa. PTR web.a.svc.cluster.local.\n");
}

static void name_servers(void)
{
    struct cluster c;
    cluster_open(&c, "cluster.local", "");
    CU_ASSERT_TRUE(ip_from_text("10.1.0.1", &c.rules.local[0]));
    CU_ASSERT_TRUE(ip_from_text("fe80::1", &c.rules.local[1]));
    c.rules.nlocal = 2;
    char *all = cluster_records(&c, "cluster.local.");
    CU_ASSERT_PTR_NOT_NULL(strstr(all,
                                  "\ncluster.local. NS ns.dns.cluster.local.\n"
                                  "ns.dns.cluster.local. A 10.1.0.1\nns.dns.cluster.local. AAAA fe80::1\n"));
    free(all);
    cluster_put(&c, NAMESPACE SERVICE("dns", "{clusterIP: 10.0.0.1}") SERVICE("heads", HEADLESS)
                        SLICE("s1", "dns", "[{addresses: [10.1.0.1]}]", "[]")
                            SLICE("s2", "heads", "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.2]}]", "[]"));
    all = cluster_records(&c, "cluster.local.");
    CU_ASSERT_PTR_NOT_NULL(strstr(all,
                                  "\ncluster.local. NS dns.a.svc.cluster.local.\n"
                                  "cluster.local. NS 10-1-0-1.heads.a.svc.cluster.local.\n"
                                  "cluster.local. NS 10-1-0-2.heads.a.svc.cluster.local.\n"
                                  "ns.dns.cluster.local. A 10.0.0.1\n"
                                  "ns.dns.cluster.local. A 10.1.0.1\nns.dns.cluster.local. A 10.1.0.2\n"));
    free(all);
    store_remove(c.store, KUBE_NAMESPACE, "",
                 "a"); /* hidden: ns.dns.Z stands in, so that the zone stays valid */
    all = cluster_records(&c, "cluster.local.");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(all, "\ncluster.local. NS ns.dns.cluster.local.\nns.dns.cluster.local. A 10.0.0.1\n"));
    free(all);
    cluster_close(&c);
}

static void names_that_are_no_labels(void)
{
    expect("", "a.svc.cluster.local.",
           NAMESPACE SERVICE("Upper", "{clusterIP: 10.0.0.1}") SERVICE("'a.b'", "{clusterIP: 10.0.0.2}")
               SERVICE("'w\\tx'", "{clusterIP: 10.0.0.3}")
                   SERVICE("good", "{clusterIP: 10.0.0.4, ports: [{name: 'b ad', port: 80}]}")
                       SLICE("s1", "good", "[{addresses: [10.1.0.1], hostname: 'h h'}]", "[]"),
           "a.svc.cluster.local. TYPE65280 \\# 0\n"
           "good.a.svc.cluster.local. A 10.0.0.4\n"
           "good.a.svc.cluster.local. SRV 0 100 80 good.a.svc.cluster.local.\n"
           "10-1-0-1.good.a.svc.cluster.local. A 10.1.0.1\n");
}

#define S60 "abcdefghij1234567890abcdefghij1234567890abcdefghij1234567890"

static void names_that_would_be_too_long(void)
{
    /* The service's own name takes 201 octets, so no endpoint or port name of 60 has room below it. */
    char zone[200], below[400], expected[2000];
    snprintf(zone, sizeof zone, S60 "." S60 ".example.");
    snprintf(below, sizeof below, S60 ".a.svc.%s", zone);
    snprintf(expected, sizeof expected, "%s A 10.0.0.1\n%s SRV 0 100 80 %s\n10-1-0-1.%s A 10.1.0.1\n", below,
             below, below, below);
    expect_in(zone, zone, "", below,
              NAMESPACE SERVICE(S60, "{clusterIP: 10.0.0.1, ports: [{name: " S60 ", port: 80}]}") SLICE(
                  "s1", S60, "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.2], hostname: " S60 "}]", "[]"),
              expected);
}

static void more_endpoints_than_an_answer_holds(void)
{
    struct bytes yaml;
    struct cluster c;
    bytes_init(&yaml, 8 << 20);
    bytes_append_str(&yaml, NAMESPACE SERVICE("db", HEADLESS));
    for (int s = 0; s < 60; s++) {
        bytes_printf(&yaml,
                     "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
                     "metadata: {name: s%d, namespace: a, labels: {kubernetes.io/service-name: db}}\n"
                     "addressType: IPv4\nports: " HTTP "\nendpoints: [",
                     s);
        for (int i = 0; i < 100; i++)
            bytes_printf(&yaml, "{addresses: [10.1.%d.%d]},", s, i);
        bytes_append_str(&yaml, "]\n");
    }
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, yaml.data);
    char *all = cluster_records(&c, "cluster.local.");
    size_t a = 0, srv = 0, names = 0;
    for (const char *p = all; *p != '\0'; p += strcspn(p, "\n") + 1) {
        a += strncmp(p, "db.a.svc.cluster.local. A ", 26) == 0;
        srv += strncmp(p, "db.a.svc.cluster.local. SRV 0 1 80 ", 35) == 0;
        names += strncmp(p, "10-1-", 5) == 0;
    }
    CU_ASSERT_EQUAL(a, RECORD_RRSET_MAX / 16);
    CU_ASSERT(srv > 1000 && srv < 1500); /* 12 octets and 6, and the target's 34 to 36 */
    CU_ASSERT_EQUAL(names, 12000);       /* the endpoints' own names are all there */
    free(all);
    bytes_free(&yaml);
    cluster_close(&c);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"an empty cluster has SOA, NS, dns-version, svc and pod", apex},
        {"a namespace exists below svc, and below pod where pods are answered", namespaces},
        {"without a Namespace object there is nothing of a namespace", namespace_that_does_not_exist},
        {"a ClusterIP service has A and SRV at its name and at its named ports", cluster_ip},
        {"a dual-stack service has A and AAAA, and SRV weights count both", dual_stack},
        {"one port number under two names gives one SRV at the service", one_port_number_twice},
        {"ports of several protocols", ports_of_several_protocols},
        {"without ports there is no SRV, without address nothing", service_without_ports},
        {"more than a hundred ports have weight 1", many_ports_have_weight_one},
        {"endpoints of a ClusterIP service have names of their own", endpoints_of_a_cluster_ip},
        {"a headless service has its ready endpoints' records", headless},
        {"a headless service without ready endpoints has no name", headless_without_ready_endpoints},
        {"slices with different ports answer for their own endpoints", slices_with_differing_ports},
        {"a port without number gives no SRV", slice_without_a_port_number},
        {"endpoints are named by hostname, pod or address", endpoint_names},
        {"endpoints may share a name", endpoints_that_share_a_name},
        {"an ExternalName is a CNAME, if it is a name", external_name},
        {"FQDN endpoints are CNAMEs where nothing else stands", fqdn_slices},
        {"an FQDN too long for a label is a target all the same", fqdn_without_a_label},
        {"pods verified have A by address", pods_verified},
        {"ignore empty_service hides services without ready endpoints", ignore_empty_service},
        {"PTR names the service, else every endpoint", ptr_of_services_and_endpoints},
        {"a PTR stands in the longest reverse zone only", ptr_goes_to_the_longest_zone},
        {"IPv6 addresses have PTR in canonical order around ns.dns", ptr_of_ipv6},
        {"every forward zone has all records, PTR point into the first", other_zones_have_the_same},
        {"NS are the services that this machine is an endpoint of", name_servers},
        {"names that are no labels cost themselves only", names_that_are_no_labels},
        {"names that would be too long are left out", names_that_would_be_too_long},
        {"an rrset is cut to what an answer holds", more_endpoints_than_an_answer_holds},
    };
    return run_suite("records", tests, sizeof tests / sizeof tests[0]);
}
