/* Which objects are asked for, and what the API server is told. */
#include <json-c/json.h>
#include <string.h>

#include "../runner.h"
#include "sync/kube_select.h"

static struct kubernetes_block block(const char *labels, const char *namespace_labels)
{
    struct kubernetes_block k = {0};
    CU_ASSERT_EQUAL_FATAL(label_selector_parse(labels, &k.labels, NULL), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(label_selector_parse(namespace_labels, &k.namespace_labels, NULL), ERR_OK);
    return k;
}

static void expect_query(const struct kubernetes_block *k, enum kube_kind kind, const char *expected)
{
    struct bytes out;
    bytes_init(&out, 4096);
    bytes_append_str(&out, "");
    CU_ASSERT_EQUAL(kube_select_query(k, kind, &out), ERR_OK);
    CU_ASSERT_STRING_EQUAL(out.data, expected);
    bytes_free(&out);
}

static void queries(void)
{
    struct kubernetes_block none = {0}, k = block("app in (a,b),!c,d!=e", "example.com/dns");
    for (enum kube_kind kind = 0; kind < KUBE_KINDS; kind++)
        expect_query(&none, kind, "");
    static const enum kube_kind labelled[] = {KUBE_SERVICE, KUBE_ENDPOINTSLICE, KUBE_POD};
    for (size_t i = 0; i < 3; i++)
        expect_query(&k, labelled[i], "&labelSelector=app%20in%20%28a%2Cb%29%2C%21c%2Cd%21%3De");
    expect_query(&k, KUBE_NAMESPACE, "&labelSelector=example.com%2Fdns");
    expect_query(&k, KUBE_SERVICEIMPORT, "&labelSelector=example.com%2Fdns");
    k.noendpoints = none.noendpoints = true;
    expect_query(&none, KUBE_ENDPOINTSLICE, "&labelSelector=multicluster.kubernetes.io%2Fservice-name");
    expect_query(&k, KUBE_ENDPOINTSLICE,
                 "&labelSelector=app%20in%20%28a%2Cb%29%2C%21c%2Cd%21%3De%2Cmulticluster.kubernetes.io%2F"
                 "service-name");
    expect_query(&none, KUBE_SERVICE, "");
    struct bytes small;
    bytes_init(&small, 8);
    CU_ASSERT_EQUAL(kube_select_query(&k, KUBE_POD, &small), ERR_LIMIT);
    bytes_free(&small);
    kubernetes_block_free(&k);
}

static bool matches(const struct kubernetes_block *k, enum kube_kind kind, const char *json)
{
    struct json_object *j = json_tokener_parse(json);
    bool found = kube_select_matches(k, kind, j);
    json_object_put(j);
    return found;
}

static void objects(void)
{
    struct kubernetes_block k = block("app=web", "dns"), absent = block("!app", "");
    CU_ASSERT_TRUE(matches(&k, KUBE_SERVICE, "{\"metadata\":{\"labels\":{\"app\":\"web\"}}}"));
    CU_ASSERT_FALSE(matches(&k, KUBE_SERVICE, "{\"metadata\":{\"labels\":{\"app\":\"db\"}}}"));
    CU_ASSERT_FALSE(matches(&k, KUBE_NAMESPACE, "{\"metadata\":{\"labels\":{\"app\":\"web\"}}}"));
    CU_ASSERT_TRUE(matches(&k, KUBE_NAMESPACE, "{\"metadata\":{\"labels\":{\"dns\":null}}}"));
    static const char *const without[] = {"{\"metadata\":{\"labels\":{}}}",
                                          "{\"metadata\":{\"labels\":null}}",
                                          "{\"metadata\":{\"labels\":[\"app\"]}}",
                                          "{\"metadata\":{\"labels\":{\"app\":7}}}",
                                          "{\"metadata\":{}}",
                                          "{\"metadata\":null}",
                                          "{}",
                                          "[]",
                                          "null"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        CU_ASSERT_FALSE(matches(&k, KUBE_POD, without[i]));
        CU_ASSERT_TRUE(matches(&absent, KUBE_POD, without[i]));
    }
    kubernetes_block_free(&k);
    kubernetes_block_free(&absent);
}

static void wanted_kinds(void)
{
    struct kubernetes_block k = {0};
    CU_ASSERT_TRUE(kube_select_wants(&k, KUBE_NAMESPACE) && kube_select_wants(&k, KUBE_SERVICE) &&
                   kube_select_wants(&k, KUBE_ENDPOINTSLICE));
    CU_ASSERT_FALSE(kube_select_wants(&k, KUBE_POD));
    k.pods = PODS_VERIFIED;
    k.noendpoints = true;
    CU_ASSERT_TRUE(kube_select_wants(&k, KUBE_POD));
    CU_ASSERT_FALSE(kube_select_wants(&k, KUBE_ENDPOINTSLICE));
    CU_ASSERT_FALSE(kube_select_wants(&k, KUBE_SERVICEIMPORT));
    CU_ASSERT_EQUAL_FATAL(zone_list_add(&k.multicluster, "clusterset.local"), ERR_OK);
    CU_ASSERT_TRUE(kube_select_wants(&k, KUBE_SERVICEIMPORT));
    CU_ASSERT_TRUE(kube_select_wants(&k, KUBE_ENDPOINTSLICE)); /* those of ServiceImports */
    CU_ASSERT_TRUE(
        matches(&k, KUBE_ENDPOINTSLICE,
                "{\"metadata\":{\"labels\":{\"multicluster.kubernetes.io/service-name\":\"web\"}}}"));
    CU_ASSERT_FALSE(matches(&k, KUBE_ENDPOINTSLICE,
                            "{\"metadata\":{\"labels\":{\"kubernetes.io/service-name\":\"web\"}}}"));
    kubernetes_block_free(&k);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the API server is told the selector of each kind", queries},
        {"objects from files are selected by their labels", objects},
        {"kinds that the block has no use for are not asked for", wanted_kinds},
    };
    return run_suite("kube_select", tests, sizeof tests / sizeof tests[0]);
}
