#include "serve/cluster_name.h"

#include <string.h>

#include "../runner.h"
#include "dns/name.h"

static const struct cluster_name_rules plain = {0}, zonal = {.zonal = true}, both = {true, true},
                                       multicluster = {.multicluster = true};

/* The label's value, "-" where there is none. The name is below cluster.local. */
static const char *value(const char *name, const struct cluster_name_rules *rules, const char *part)
{
    static char out[512];
    uint8_t lname[NAME_MAX_LEN], apex[NAME_MAX_LEN];
    char text[1024];
    snprintf(text, sizeof text, "%s%scluster.local.", name, name[0] == '\0' ? "" : ".");
    CU_ASSERT_FATAL(name_from_text(text, strlen(text), lname) > 0);
    name_lower(lname, lname);
    name_from_text("cluster.local.", 14, apex);
    int len = cluster_name_label(lname, apex, rules, part, out, sizeof out - 1);
    if (len < 0)
        return "-";
    out[len] = '\0';
    return out;
}

/* kind/namespace/service/endpoint/port/protocol, or why there is none. */
static const char *parts(const char *name, const struct cluster_name_rules *rules)
{
    static const char *const order[] = {"kind", "namespace", "service", "endpoint", "port-name", "protocol"};
    static char out[1024];
    if (strcmp(value(name, rules, "parse-error"), "-") != 0)
        return value(name, rules, "parse-error");
    out[0] = '\0';
    for (unsigned i = 0; i < 6; i++)
        snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i > 0 ? "/" : "",
                 value(name, rules, order[i]));
    return out;
}

static void test_forms(void)
{
    static const struct {
        const char *name, *parts;
    } cases[] = {
        {"", "/////"},
        {"svc", "/////"},
        {"pod", "/////"},
        {"ns.svc", "svc/ns////"},
        {"web.ns.svc", "svc/ns/web///"},
        {"WEB.Ns.Svc", "svc/ns/web///"},
        {"10-1-2-3.ns.pod", "pod/ns/10-1-2-3///"},
        {"ep.web.ns.svc", "svc/ns/web/ep//"},
        {"_http._tcp.web.ns.svc", "svc/ns/web//http/tcp"},
        {"http.tcp.web.ns.svc", "svc/ns/web//http/tcp"},
        {"_._tcp.web.ns.svc", "svc/ns/web///tcp"},
        {"__x._tcp.web.ns.svc", "svc/ns/web//_x/tcp"},
        {"a.b.c.web.ns.svc", "invalid query name"},
        {"eu.pin._zone.web.ns.svc", "invalid query name"},
        {"web.ns.other", "invalid query name"},
        {"dns-version", "invalid query name"},
        {"we\\.b.ns.svc", "svc/ns/we\\.b///"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_STRING_EQUAL(parts(cases[i].name, &plain), cases[i].parts);
}

static void test_zonal(void)
{
    CU_ASSERT_STRING_EQUAL(value("eu.pin._zone.web.ns.svc", &zonal, "zone"), "eu");
    CU_ASSERT_STRING_EQUAL(value("a.b.c.prefer._zone.web.ns.svc", &zonal, "zone"), "a.b.c");
    CU_ASSERT_STRING_EQUAL(parts("a.b.c.prefer._zone.web.ns.svc", &zonal), "svc/ns/web///");
    CU_ASSERT_STRING_EQUAL(value("web.ns.svc", &zonal, "zone"), "");
    CU_ASSERT_STRING_EQUAL(value("web.ns.svc", &plain, "zone"), "-");
    static const char *const wrong[] = {"eu.Other._zone.web.ns.svc", "eu.pin._zon.web.ns.svc",
                                        "eu.pin._zone.web.ns.pod", "a.b.c.web.ns.svc"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CU_ASSERT_STRING_EQUAL(parts(wrong[i], &zonal), "invalid query name");
    CU_ASSERT_STRING_EQUAL(parts("pin._zone.web.ns.svc", &zonal), "svc/ns/web//pin/zone");
    CU_ASSERT_STRING_EQUAL(parts("eu.pin._zone.web.ns.svc", &both), "invalid query name");
}

static void test_multicluster(void)
{
    CU_ASSERT_STRING_EQUAL(parts("ep.east.web.ns.svc", &multicluster), "svc/ns/web/ep//");
    CU_ASSERT_STRING_EQUAL(value("ep.east.web.ns.svc", &multicluster, "cluster"), "east");
    CU_ASSERT_STRING_EQUAL(value("web.ns.svc", &multicluster, "cluster"), "");
    CU_ASSERT_STRING_EQUAL(value("web.ns.svc", &plain, "cluster"), "-");
    CU_ASSERT_STRING_EQUAL(parts("_http._tcp.web.ns.svc", &multicluster), "svc/ns/web//http/tcp");
    CU_ASSERT_STRING_EQUAL(parts("_http.tcp.web.ns.svc", &multicluster), "svc/ns/web//http/tcp");
}

static void test_labels_without_value(void)
{
    CU_ASSERT_STRING_EQUAL(value("web.ns.svc", &plain, "parse-error"), "-");
    CU_ASSERT_STRING_EQUAL(value("web.ns.other", &plain, "service"), "-"); /* as CoreDNS: the error alone */
    CU_ASSERT_STRING_EQUAL(value("web.ns.svc", &plain, "services"), "-");
    CU_ASSERT_STRING_EQUAL(value("web.ns.svc", &plain, ""), "-");
}

static void test_cut(void)
{
    uint8_t lname[NAME_MAX_LEN], apex[NAME_MAX_LEN];
    name_from_text("service.namespace.svc.z.", 24, lname);
    name_from_text("z.", 2, apex);
    for (size_t cap = 0; cap < 10; cap++) {
        char out[10] = "##########";
        CU_ASSERT_EQUAL(cluster_name_label(lname, apex, &plain, "service", out, cap), cap < 7 ? (int)cap : 7);
        CU_ASSERT_EQUAL(memcmp(out, "service", cap < 7 ? cap : 7), 0);
        CU_ASSERT_EQUAL(out[cap < 7 ? cap : 7], '#');
    }
}

static void test_longest(void)
{
    uint8_t lname[NAME_MAX_LEN], root[] = {0};
    struct cluster_name n;
    for (unsigned i = 0; i < 127; i++) {
        lname[2 * i] = 1;
        lname[2 * i + 1] = 'a';
    }
    lname[254] = 0;
    CU_ASSERT_FALSE(cluster_name_parse(lname, root, &both, &n));
    memcpy(lname + 246, "\3svc", 5);
    CU_ASSERT_FALSE(cluster_name_parse(lname, root, &both, &n));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"each form of a name has its parts", test_forms},
        {"zonal names, and what they are without zonal", test_zonal},
        {"names of endpoints in one of several clusters", test_multicluster},
        {"a name without a form has nothing but the error", test_labels_without_value},
        {"a value is cut at its room", test_cut},
        {"a name of 127 labels", test_longest},
    };
    return run_suite("cluster_name", tests, sizeof tests / sizeof tests[0]);
}
