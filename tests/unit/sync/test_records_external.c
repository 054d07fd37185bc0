/* Objects in YAML -> records in text, for the zones of `k8s_external`. */
#include "../runner.h"
#include "cluster.h"

/* What stands below `below` in `zone`; options stand in the k8s_external block of `zones`. */
static void expect_in(const char *zones, const char *options, const char *zone, const char *below,
                      const char *yaml, const char *expected)
{
    struct cluster c;
    char beside[1024];
    snprintf(beside, sizeof beside, "k8s_external %s {\n%s\n}\n", zones, options);
    cluster_open_with(&c, "cluster.local", "ttl 7", beside);
    cluster_put(&c, yaml);
    CU_ASSERT_TRUE(cluster_shows(&c, zone, true, below, expected));
    cluster_close(&c);
}

static void expect(const char *options, const char *below, const char *yaml, const char *expected)
{
    expect_in("example.org", options, "example.org.", below, yaml, expected);
}

#define NAMESPACE(name) "apiVersion: v1\nkind: Namespace\nmetadata: {name: " name "}\n---\n"
#define SERVICE_IN(ns, name, spec, status)                                                                   \
    "apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: " ns "}\nspec: " spec              \
    "\nstatus: " status "\n---\n"
#define SERVICE(name, spec, status) NAMESPACE("a") SERVICE_IN("a", name, spec, status)
#define BALANCER(entries)           "{loadBalancer: {ingress: " entries "}}"
#define SLICE(name, service, endpoints, ports)                                                               \
    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " name                           \
    ", namespace: a, labels: {kubernetes.io/service-name: " service                                          \
    "}}\naddressType: IPv4\nendpoints: " endpoints "\nports: " ports "\n---\n"

#define PORTS "ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]"

static void apex(void)
{
    expect("", "example.org.", "",
           "example.org. 5 SOA ns1.dns.example.org. hostmaster.dns.example.org. 1 7200 1800 86400 5\n"
           "example.org. 5 NS ns1.dns.example.org.\n"
           "ns1.dns.example.org. 5 A 127.0.0.1\n");
    expect("apex NS\nttl 600", "example.org.", "",
           "example.org. 600 SOA ns1.ns.example.org. hostmaster.ns.example.org. 1 7200 1800 86400 600\n"
           "example.org. 600 NS ns1.ns.example.org.\n"
           "ns1.ns.example.org. 600 A 127.0.0.1\n");
}

static void external_ips_and_balancers(void)
{
    expect("ttl 60", "a.example.org.",
           SERVICE("web", "{clusterIP: 10.0.0.1, externalIPs: [192.0.2.1, '2001:DB8::1'], " PORTS "}",
                   BALANCER("[{ip: 192.0.2.2}, {ip: '::ffff:192.0.2.3'}]")),
           "a.example.org. 60 TYPE65280 \\# 0\n"
           "web.a.example.org. 60 A 192.0.2.1\n"
           "web.a.example.org. 60 A 192.0.2.2\n"
           "web.a.example.org. 60 A 192.0.2.3\n"
           "web.a.example.org. 60 AAAA 2001:db8::1\n"
           "web.a.example.org. 7 SRV 0 12 53 web.a.example.org.\n"
           "web.a.example.org. 7 SRV 0 12 80 web.a.example.org.\n"
           "_._tcp.web.a.example.org. 60 A 192.0.2.1\n"
           "_._tcp.web.a.example.org. 60 A 192.0.2.2\n"
           "_._tcp.web.a.example.org. 60 A 192.0.2.3\n"
           "_._tcp.web.a.example.org. 60 AAAA 2001:db8::1\n"
           "_._tcp.web.a.example.org. 7 SRV 0 25 80 web.a.example.org.\n"
           "_http._tcp.web.a.example.org. 60 A 192.0.2.1\n"
           "_http._tcp.web.a.example.org. 60 A 192.0.2.2\n"
           "_http._tcp.web.a.example.org. 60 A 192.0.2.3\n"
           "_http._tcp.web.a.example.org. 60 AAAA 2001:db8::1\n"
           "_http._tcp.web.a.example.org. 7 SRV 0 25 80 web.a.example.org.\n"
           "_._udp.web.a.example.org. 60 A 192.0.2.1\n"
           "_._udp.web.a.example.org. 60 A 192.0.2.2\n"
           "_._udp.web.a.example.org. 60 A 192.0.2.3\n"
           "_._udp.web.a.example.org. 60 AAAA 2001:db8::1\n"
           "_._udp.web.a.example.org. 7 SRV 0 25 53 web.a.example.org.\n"
           "_dns._udp.web.a.example.org. 60 A 192.0.2.1\n"
           "_dns._udp.web.a.example.org. 60 A 192.0.2.2\n"
           "_dns._udp.web.a.example.org. 60 A 192.0.2.3\n"
           "_dns._udp.web.a.example.org. 60 AAAA 2001:db8::1\n"
           "_dns._udp.web.a.example.org. 7 SRV 0 25 53 web.a.example.org.\n");
}

static void one_address_twice_counts_twice(void)
{
    expect("", "web.a.example.org.",
           SERVICE("web", "{externalIPs: [192.0.2.1], ports: [{port: 80}]}", BALANCER("[{ip: 192.0.2.1}]")),
           "web.a.example.org. 5 A 192.0.2.1\nweb.a.example.org. 7 SRV 0 50 80 web.a.example.org.\n");
}

static void services_of_every_type(void)
{
    static const char expected[] = "web.a.example.org. 5 A 192.0.2.1\n";
    expect("", "web.a.example.org.", SERVICE("web", "{clusterIP: None, externalIPs: [192.0.2.1]}", "{}"),
           expected);
    expect("headless", "web.a.example.org.",
           SERVICE("web", "{clusterIP: None, externalIPs: [192.0.2.1]}", "{}")
               SLICE("s", "web", "[{addresses: [10.1.0.1]}]", "[]"),
           expected);
    expect("", "web.a.example.org.",
           SERVICE("web", "{type: ExternalName, externalName: x.example, externalIPs: [192.0.2.1]}", "{}"),
           expected);
    expect("", "web.a.example.org.", SERVICE("web", "{clusterIP: 10.0.0.1, " PORTS "}", "{}"), "");
    expect("", "web.a.example.org.", SERVICE("web", "{clusterIP: None, " PORTS "}", "{}"), "");
}

static void a_host_name_is_a_cname(void)
{
    expect("ttl 60", "web.a.example.org.",
           SERVICE("web", "{clusterIP: 10.0.0.1, " PORTS "}", BALANCER("[{hostname: Lb-1.Example.com}]")),
           "web.a.example.org. 7 CNAME Lb-1.Example.com.\n"
           "_._.web.a.example.org. 7 SRV 0 50 53 Lb-1.Example.com.\n"
           "_._.web.a.example.org. 7 SRV 0 50 80 Lb-1.Example.com.\n"
           "_._tcp.web.a.example.org. 7 SRV 0 100 80 Lb-1.Example.com.\n"
           "_http._tcp.web.a.example.org. 7 SRV 0 100 80 Lb-1.Example.com.\n"
           "_._udp.web.a.example.org. 7 SRV 0 100 53 Lb-1.Example.com.\n"
           "_dns._udp.web.a.example.org. 7 SRV 0 100 53 Lb-1.Example.com.\n");
    expect("", "web.a.example.org.",
           SERVICE("web", "{ports: [{name: http, port: 80}]}",
                   BALANCER("[{hostname: b.example.com}, {hostname: a.example.com, ip: ''}]")),
           "web.a.example.org. 7 CNAME b.example.com.\n"
           "_._.web.a.example.org. 7 SRV 0 50 80 a.example.com.\n"
           "_._.web.a.example.org. 7 SRV 0 50 80 b.example.com.\n"
           "_http._tcp.web.a.example.org. 7 SRV 0 50 80 a.example.com.\n"
           "_http._tcp.web.a.example.org. 7 SRV 0 50 80 b.example.com.\n");
}

static void addresses_beside_host_names(void)
{
    expect("", "web.a.example.org.",
           SERVICE("web", "{externalIPs: [192.0.2.1], ports: [{name: http, port: 80}]}",
                   BALANCER("[{hostname: lb.example.com}]")),
           "web.a.example.org. 5 A 192.0.2.1\n"
           "web.a.example.org. 7 SRV 0 50 80 lb.example.com.\n"
           "web.a.example.org. 7 SRV 0 50 80 web.a.example.org.\n"
           "_http._tcp.web.a.example.org. 5 A 192.0.2.1\n"
           "_http._tcp.web.a.example.org. 7 SRV 0 50 80 lb.example.com.\n"
           "_http._tcp.web.a.example.org. 7 SRV 0 50 80 web.a.example.org.\n");
}

static void what_is_no_address_and_no_name(void)
{
    expect(
        "", "web.a.example.org.",
        SERVICE("web", "{externalIPs: [no address], ports: [{name: http, port: 80}]}",
                BALANCER("[{}, {hostname: 'no name'}, {hostname: ok.example.com}, {ip: x, hostname: ''}]")),
        "web.a.example.org. 7 CNAME ok.example.com.\n"
        "_._.web.a.example.org. 7 SRV 0 50 80 ok.example.com.\n"
        "_http._tcp.web.a.example.org. 7 SRV 0 50 80 ok.example.com.\n");
    expect("", "web.a.example.org.", SERVICE("web", "{" PORTS "}", BALANCER("[{hostname: 'no name'}]")), "");
    expect("", "web.a.example.org.", SERVICE("web", "{}", BALANCER("[{hostname: web.a.example.org}]")), "");
}

static void headless_services_have_their_endpoints(void)
{
    static const char objects[] = SERVICE("db", "{clusterIP: None, ports: [{name: sql, port: 5432}]}", "{}")
        SLICE("s", "db",
              "[{addresses: [10.1.0.1], hostname: db-0}, {addresses: [10.1.0.2]}, "
              "{addresses: [10.1.0.3], conditions: {ready: false}}]",
              "[{name: sql, port: 5432}]");
    expect("ttl 60\nheadless", "db.a.example.org.", objects,
           "db.a.example.org. 60 A 10.1.0.1\n"
           "db.a.example.org. 60 A 10.1.0.2\n"
           "db.a.example.org. 7 SRV 0 50 5432 db-0.db.a.example.org.\n"
           "db.a.example.org. 7 SRV 0 50 5432 10-1-0-2.db.a.example.org.\n"
           "10-1-0-2.db.a.example.org. 60 A 10.1.0.2\n"
           "10-1-0-2.db.a.example.org. 7 SRV 0 100 5432 10-1-0-2.db.a.example.org.\n"
           "_sql._tcp.db.a.example.org. 60 A 10.1.0.1\n"
           "_sql._tcp.db.a.example.org. 60 A 10.1.0.2\n"
           "_sql._tcp.db.a.example.org. 7 SRV 0 50 5432 db-0.db.a.example.org.\n"
           "_sql._tcp.db.a.example.org. 7 SRV 0 50 5432 10-1-0-2.db.a.example.org.\n"
           "db-0.db.a.example.org. 60 A 10.1.0.1\n"
           "db-0.db.a.example.org. 7 SRV 0 100 5432 db-0.db.a.example.org.\n");
    expect("", "db.a.example.org.", objects, "");
    /* endpoints of other services have names, the services themselves have not */
    expect("headless", "web.a.example.org.",
           SERVICE("web", "{clusterIP: 10.0.0.1}", "{}")
               SLICE("s", "web", "[{addresses: [10.1.0.1]}]", "[{name: http, port: 80}]"),
           "10-1-0-1.web.a.example.org. 5 A 10.1.0.1\n"
           "10-1-0-1.web.a.example.org. 7 SRV 0 100 80 10-1-0-1.web.a.example.org.\n");
}

static void the_name_servers_branch_hides_a_namespace(void)
{
    expect("", "dns.example.org.",
           NAMESPACE("dns") SERVICE_IN("dns", "web", "{externalIPs: [192.0.2.1]}", "{}"),
           "ns1.dns.example.org. 5 A 127.0.0.1\n");
    expect("apex ns", "dns.example.org.",
           NAMESPACE("dns") SERVICE_IN("dns", "web", "{externalIPs: [192.0.2.1]}", "{}"),
           "dns.example.org. 5 TYPE65280 \\# 0\nweb.dns.example.org. 5 A 192.0.2.1\n");
}

static void namespaces_that_do_not_exist(void)
{
    expect("", "a.example.org.", SERVICE_IN("a", "web", "{externalIPs: [192.0.2.1]}", "{}"), "");
}

static void ptr_of_external_addresses(void)
{
    static const char objects[] =
        NAMESPACE("a") NAMESPACE("b") SERVICE_IN("a", "web", "{externalIPs: [192.0.2.1, 198.51.100.1]}", "{}")
            SERVICE_IN("b", "web", "{externalIPs: ['2001:db8::1']}", BALANCER("[{ip: 192.0.2.1}]"))
                SERVICE_IN("none", "web", "{externalIPs: [192.0.2.1]}", "{}")
                    SERVICE_IN("a", "in", "{clusterIP: 192.0.2.9}", "{}");
    expect_in("example.org 192.0.2.0/24 example.net", "ttl 60", "2.0.192.in-addr.arpa.",
              "2.0.192.in-addr.arpa.", objects,
              "2.0.192.in-addr.arpa. 60 SOA ns1.dns.2.0.192.in-addr.arpa. "
              "hostmaster.dns.2.0.192.in-addr.arpa. 1 7200 1800 86400 60\n"
              "2.0.192.in-addr.arpa. 60 NS ns1.dns.2.0.192.in-addr.arpa.\n"
              "1.2.0.192.in-addr.arpa. 60 PTR web.a.example.org.\n"
              "1.2.0.192.in-addr.arpa. 60 PTR web.b.example.org.\n"
              "ns1.dns.2.0.192.in-addr.arpa. 60 A 127.0.0.1\n");
    expect_in("in-addr.arpa example.org", "", "in-addr.arpa.", "100.51.198.in-addr.arpa.", objects,
              "1.100.51.198.in-addr.arpa. 5 PTR web.a.in-addr.arpa.\n");
    expect_in("example.org ip6.arpa", "", "ip6.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.", objects,
              "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 5 PTR "
              "web.b.example.org.\n");
}

static void the_name_server_has_the_external_addresses_of_its_service(void)
{
    static const struct {
        const char *options, *service, *expected;
    } cases[] = {
        {"", "{clusterIP: 10.0.0.53, externalIPs: [192.0.2.53, '2001:db8::53']}",
         "ns1.dns.example.org. A 192.0.2.53\nns1.dns.example.org. AAAA 2001:db8::53\n"},
        {"", "{clusterIP: 10.0.0.53}", "ns1.dns.example.org. A 10.1.0.1\n"},
        {"headless", "{clusterIP: None, externalIPs: [192.0.2.53]}",
         "ns1.dns.example.org. A 10.1.0.1\nns1.dns.example.org. A 10.1.0.2\n"},
        {"", "{clusterIP: None, externalIPs: [192.0.2.53]}", "ns1.dns.example.org. A 192.0.2.53\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cluster c;
        char text[1024];
        snprintf(text, sizeof text, "k8s_external example.org {\n%s\n}\n", cases[i].options);
        cluster_open_with(&c, "cluster.local", "", text);
        c.rules.local[c.rules.nlocal++] = (struct ip){.family = 4, .octets = {10, 1, 0, 1}};
        snprintf(text, sizeof text, SERVICE("dns", "%s", "{}"), cases[i].service);
        cluster_put(&c, text);
        cluster_put(&c, SLICE("s", "dns", "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.2]}]", "[]"));
        CU_ASSERT_TRUE(cluster_shows(&c, "example.org.", false, "ns1.dns.example.org.", cases[i].expected));
        cluster_close(&c);
    }
}

static void the_clusters_zone_stays_what_it_was(void)
{
    static const char objects[] =
        SERVICE("web", "{clusterIP: 10.0.0.1, externalIPs: [192.0.2.1]}", BALANCER("[{ip: 192.0.2.2}]"));
    struct cluster plain, with;
    cluster_open(&plain, "cluster.local in-addr.arpa", "");
    cluster_open_with(&with, "cluster.local in-addr.arpa", "", "k8s_external example.org");
    cluster_put(&plain, objects);
    cluster_put(&with, objects);
    static const char *const zones[] = {"cluster.local.", "in-addr.arpa."};
    for (size_t i = 0; i < 2; i++) {
        char *a = cluster_records(&plain, zones[i]), *b = cluster_records(&with, zones[i]);
        CU_ASSERT_STRING_EQUAL(a, b);
        free(a);
        free(b);
    }
    cluster_close(&plain);
    cluster_close(&with);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the apex has SOA and NS in the branch of the name server", apex},
        {"a service has its external and its load balancer's addresses", external_ips_and_balancers},
        {"an address that is there twice counts twice in SRV weights", one_address_twice_counts_twice},
        {"services of every type have their external addresses, others no name", services_of_every_type},
        {"a load balancer's host name is a CNAME, and the target of SRV", a_host_name_is_a_cname},
        {"beside addresses, host names are targets of SRV alone", addresses_beside_host_names},
        {"what is no address and no name makes no record", what_is_no_address_and_no_name},
        {"headless: endpoints have names", headless_services_have_their_endpoints},
        {"the name server's branch hides a namespace of that name",
         the_name_servers_branch_hides_a_namespace},
        {"without a Namespace object there is nothing", namespaces_that_do_not_exist},
        {"external addresses have PTR below the first zone", ptr_of_external_addresses},
        {"the name server has the external addresses of its service",
         the_name_server_has_the_external_addresses_of_its_service},
        {"the cluster's own zones are the same with k8s_external and without",
         the_clusters_zone_stays_what_it_was},
    };
    return run_suite("records of k8s_external", tests, sizeof tests / sizeof tests[0]);
}
