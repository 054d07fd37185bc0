/* Headless services in several topology zones, in YAML -> the records of their _zone names, in text. */
#include "../runner.h"
#include "cluster.h"

static char *records_below(const char *options, const char *below, const char *yaml)
{
    struct cluster c;
    cluster_open(&c, "cluster.local clusterset.local", options);
    cluster_put(&c, yaml);
    char *all = cluster_records(&c, "cluster.local.");
    char *found = cluster_below(all, below);
    free(all);
    cluster_close(&c);
    return found;
}

static void expect(const char *below, const char *yaml, const char *expected)
{
    char *found = records_below("zonal", below, yaml);
    if (strcmp(found, expected) != 0)
        fprintf(stderr, "\n--- expected\n%s--- found\n%s---\n", expected, found);
    CU_ASSERT_STRING_EQUAL(found, expected);
    free(found);
}

#define NAMESPACE "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n"
#define HEADLESS                                                                                             \
    NAMESPACE                                                                                                \
    "apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: a}\nspec: {clusterIP: None}\n---\n"
#define SLICE(name, type, endpoints, ports)                                                                  \
    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " name                           \
    ", namespace: a, labels: {kubernetes.io/service-name: db}}\naddressType: " type                          \
    "\nendpoints: " endpoints "\nports: " ports "\n---\n"
#define SQL    "[{name: sql, port: 5432}]"
#define DB     "db.a.svc.cluster.local."
#define PREFER "prefer._zone." DB
#define PIN    "pin._zone." DB
#define HELD   " TYPE65280 \\# 0\n"

#define TWO_ZONES                                                                                            \
    "[{addresses: [10.1.0.1], zone: eu-a}, {addresses: [10.1.0.2], zone: EU-B}, {addresses: [10.1.0.3], "    \
    "zone: eu-b}, "                                                                                          \
    "{addresses: [10.1.0.4]}, {addresses: [10.1.0.5], zone: eu-c, conditions: {ready: false}}]"

static void pin(void)
{
    expect(PIN, HEADLESS SLICE("s1", "IPv4", TWO_ZONES, SQL),
           "*." PIN HELD "eu-a." PIN " A 10.1.0.1\neu-a." PIN " SRV 0 100 5432 10-1-0-1." DB "\n"
           "*.eu-a." PIN HELD "eu-b." PIN " A 10.1.0.2\neu-b." PIN " A 10.1.0.3\n"
           "eu-b." PIN " SRV 0 50 5432 10-1-0-2." DB "\neu-b." PIN " SRV 0 50 5432 10-1-0-3." DB "\n"
           "*.eu-b." PIN HELD);
}

#define ALL(owner)                                                                                           \
    owner " A 10.1.0.1\n" owner " A 10.1.0.2\n" owner " SRV 0 50 5432 10-1-0-1." DB "\n" owner               \
          " SRV 0 50 5432 10-1-0-2." DB "\n"

static void prefer(void)
{
    expect(
        PREFER,
        HEADLESS SLICE("s1", "IPv4", "[{addresses: [10.1.0.1], zone: eu-a}, {addresses: [10.1.0.2]}]", SQL),
        ALL("*." PREFER) "eu-a." PREFER " A 10.1.0.1\neu-a." PREFER " SRV 0 100 5432 10-1-0-1." DB
                         "\n" ALL("*.eu-a." PREFER));
}

/* Ends of a zone exist with it, and so need what any unknown zone has; one may be a zone itself. */
static void zones_with_dots(void)
{
    expect(PREFER,
           HEADLESS SLICE(
               "s1", "IPv4",
               "[{addresses: [10.1.0.1], zone: r7.example.com}, {addresses: [10.1.0.2], zone: example.com}]",
               SQL),
           ALL("*." PREFER) ALL("com." PREFER)
               ALL("*.com." PREFER) "example.com." PREFER " A 10.1.0.2\nexample.com." PREFER
                                    " SRV 0 100 5432 10-1-0-2." DB
                                    "\n" ALL("*.example.com." PREFER) "r7.example.com." PREFER
                                                                      " A 10.1.0.1\nr7.example.com." PREFER
                                                                      " SRV 0 100 5432 10-1-0-1." DB
                                                                      "\n" ALL("*.r7.example.com." PREFER));
    expect(PIN, HEADLESS SLICE("s1", "IPv4", "[{addresses: [10.1.0.1], zone: example.com}]", "[]"),
           "*." PIN HELD "com." PIN HELD "*.com." PIN HELD "example.com." PIN
           " A 10.1.0.1\n*.example.com." PIN HELD);
}

static void without_zones(void)
{
    expect("_zone." DB,
           HEADLESS SLICE("s1", "IPv4", "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.1], zone: ''}]", "[]"),
           "*." PIN HELD "*." PREFER " A 10.1.0.1\n");
}

/* Both families, each in slices of its own; an address has one zone in a slice. */
static void several_slices(void)
{
    expect("x." PIN,
           HEADLESS SLICE("s1", "IPv4", "[{addresses: [10.1.0.1], zone: x}]", SQL) SLICE(
               "s2", "IPv6", "[{addresses: ['fd00::1'], zone: x}, {addresses: ['fd00::2'], zone: y}]", "[]"),
           "x." PIN " A 10.1.0.1\nx." PIN " AAAA fd00::1\nx." PIN " SRV 0 50 5432 10-1-0-1." DB
           "\n*.x." PIN HELD);
    expect("x." PIN,
           HEADLESS SLICE("s1", "IPv4",
                          "[{addresses: [10.1.0.1], hostname: h, zone: y}, {addresses: [10.1.0.1], zone: x}, "
                          "{addresses: [10.1.0.1]}]",
                          "[]"),
           "x." PIN " A 10.1.0.1\n*.x." PIN HELD);
    expect("x." PIN, HEADLESS SLICE("s1", "FQDN", "[{addresses: [www.example.com], zone: x}]", "[]"),
           "x." PIN " CNAME www.example.com.\n*.x." PIN HELD);
}

static void expect_none(const char *options, const char *yaml)
{
    char *found = records_below(options, "_zone." DB, yaml);
    CU_ASSERT_STRING_EQUAL(found, "");
    free(found);
}

static void services_without_such_names(void)
{
    static const char slice[] = SLICE("s1", "IPv4", "[{addresses: [10.1.0.1], zone: x}]", "[]");
    char yaml[2048];
    expect_none("zonal", HEADLESS);
    expect_none(
        "zonal",
        HEADLESS SLICE("s1", "IPv4", "[{addresses: [10.1.0.1], zone: x, conditions: {ready: false}}]", "[]"));
    snprintf(yaml, sizeof yaml, "%s%s", HEADLESS, slice);
    expect_none("", yaml);
    snprintf(yaml, sizeof yaml,
             NAMESPACE "apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: a}\nspec: {clusterIP: "
                       "10.0.0.1}\n---\n%s",
             slice);
    expect_none("zonal", yaml);
}

/* What cannot be asked for is no zone; its endpoints are in none. */
static void zones_that_are_no_names(void)
{
    expect(PIN,
           HEADLESS SLICE("s1", "IPv4",
                          "[{addresses: [10.1.0.1], zone: 'a..b'}, {addresses: [10.1.0.2], zone: '.a'}, "
                          "{addresses: [10.1.0.3], zone: 'a b'}, "
                          "{addresses: [10.1.0.4], zone: '*'}, {addresses: [10.1.0.5], zone: 'a.'}]",
                          "[]"),
           "*." PIN HELD);
    char zone[400] = "", yaml[2048];
    for (int i = 0; i < 60; i++)
        strcat(zone, i == 0 ? "abcde" : ".abc");
    snprintf(yaml, sizeof yaml, HEADLESS SLICE("s1", "IPv4", "[{addresses: [10.1.0.1], zone: %s}]", "[]"),
             zone);
    char *found =
        records_below("zonal", "prefer._zone." DB, yaml); /* too long a name: its ends have theirs */
    CU_ASSERT_PTR_NOT_NULL(strstr(found, "*." PREFER " A 10.1.0.1\n"));
    CU_ASSERT_PTR_NULL(strstr(found, "abcde"));
    free(found);
}

static void too_many_zones(void)
{
    struct bytes yaml;
    for (int n = 64; n <= 65; n++) {
        bytes_init(&yaml, 1 << 20);
        bytes_append_str(
            &yaml, HEADLESS
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s1, namespace: a, "
            "labels: {kubernetes.io/service-name: db}}\naddressType: IPv4\nendpoints: [");
        for (int i = 0; i < n; i++)
            bytes_printf(&yaml, "{addresses: [10.1.0.%d], zone: z%d},", i, i);
        bytes_append_str(&yaml, "]\n");
        char *found = records_below("zonal", DB, yaml.data);
        CU_ASSERT_EQUAL(strstr(found, "_zone.") != NULL, n == 64);
        CU_ASSERT_PTR_NOT_NULL(strstr(found, DB " A 10.1.0.1\n"));
        free(found);
        bytes_free(&yaml);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"pin has the endpoints of each zone and nothing for the others", pin},
        {"prefer has the endpoints of each zone and all for the others", prefer},
        {"zones with dots bring names of which each has its wildcard", zones_with_dots},
        {"endpoints without zone are in none", without_zones},
        {"zones are looked for in all slices", several_slices},
        {"only headless services with endpoints have such names, and only with the option",
         services_without_such_names},
        {"zones that are no names have none", zones_that_are_no_names},
        {"a service of too many zones has its other names alone", too_many_zones},
    };
    return run_suite("records_zonal", tests, sizeof tests / sizeof tests[0]);
}
