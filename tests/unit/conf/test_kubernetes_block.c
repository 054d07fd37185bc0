#include <string.h>

#include "../runner.h"
#include "conf/kubernetes_block.h"
#include "same_text.h"

static struct corefile *corefile;
static struct errtext e;

/* Parses ZONE { kubernetes ARGS { BODY } }; the block has to be freed by the caller where that gives ERR_OK.
 */
static int parse(const char *key, const char *rest, struct kubernetes_block *k)
{
    static char text[70000];
    snprintf(text, sizeof text, "%s {\nkubernetes %s\n}\n", key, rest);
    corefile_free(corefile);
    corefile = NULL;
    memset(&e, 0, sizeof e);
    CU_ASSERT_EQUAL_FATAL(corefile_parse("Corefile", text, strlen(text), &corefile, &e), ERR_OK);
    return kubernetes_block_parse(&corefile->blocks[0], &corefile->blocks[0].directives[0], k, &e);
}

static void test_defaults(void)
{
    struct kubernetes_block k;
    CU_ASSERT_EQUAL_FATAL(parse(".:53", "cluster.local in-addr.arpa ip6.arpa", &k), ERR_OK);
    CU_ASSERT_EQUAL(k.zones.count, 3);
    ASSERT_TEXT(k.primary, "cluster.local.");
    CU_ASSERT_PTR_NULL(k.endpoint);
    CU_ASSERT_PTR_NULL(k.kubeconfig);
    CU_ASSERT_PTR_NULL(k.objects);
    CU_ASSERT_EQUAL(k.namespaces.count, 0);
    CU_ASSERT_EQUAL(k.pods, PODS_DISABLED);
    CU_ASSERT_FALSE(k.endpoint_pod_names);
    CU_ASSERT_EQUAL(k.ttl, 5);
    CU_ASSERT_FALSE(k.noendpoints);
    CU_ASSERT_FALSE(k.ignore_empty_service);
    CU_ASSERT_FALSE(k.fallthrough);
    CU_ASSERT_EQUAL(k.startup_timeout_ms, 5000);
    CU_ASSERT_PTR_EQUAL(k.directive, &corefile->blocks[0].directives[0]);
    kubernetes_block_free(&k);
    kubernetes_block_free(&k);
}

static void test_all_options(void)
{
    struct kubernetes_block k;
    CU_ASSERT_EQUAL_FATAL(
        parse("cluster.local",
              "{\nendpoint https://10.0.0.1:6443\ntls cert key ca\nnamespaces b a\nnamespaces b c\n"
              "pods verified\nendpoint_pod_names\nttl 30\nnoendpoints\nignore empty_service\n"
              "fallthrough in-addr.arpa 10.0.0.0/23\nstartup_timeout 1m\n"
              "apiserver_qps 2.5\napiserver_burst 4\napiserver_max_inflight 2\n}",
              &k),
        ERR_OK);
    ASSERT_TEXT(k.endpoint, "https://10.0.0.1:6443");
    ASSERT_TEXT(k.tls_cert, "cert");
    ASSERT_TEXT(k.tls_key, "key");
    ASSERT_TEXT(k.tls_ca, "ca");
    CU_ASSERT_EQUAL_FATAL(k.namespaces.count, 3);
    ASSERT_TEXT(k.namespaces.zones[0], "b");
    CU_ASSERT_EQUAL(k.pods, PODS_VERIFIED);
    CU_ASSERT_TRUE(k.endpoint_pod_names);
    CU_ASSERT_EQUAL(k.ttl, 30);
    CU_ASSERT_TRUE(k.noendpoints);
    CU_ASSERT_TRUE(k.ignore_empty_service);
    CU_ASSERT_TRUE(k.fallthrough);
    CU_ASSERT_EQUAL(k.fallthrough_zones.count, 3);
    CU_ASSERT_EQUAL(k.startup_timeout_ms, 60000);
    CU_ASSERT_EQUAL(k.apiserver_qps, 2.5);
    CU_ASSERT_EQUAL(k.apiserver_burst, 4);
    CU_ASSERT_EQUAL(k.apiserver_max_inflight, 2);
    kubernetes_block_free(&k);
}

static void test_selectors(void)
{
    struct kubernetes_block k;
    struct bytes text;
    bytes_init(&text, 1 << 20);
    CU_ASSERT_EQUAL_FATAL(parse(".",
                                "a.org {\nlabels x\nlabels environment in (staging, qa),app!=a\n"
                                "namespace_labels !hidden\n}",
                                &k),
                          ERR_OK);
    CU_ASSERT_EQUAL(label_selector_text(&k.labels, &text), ERR_OK);
    ASSERT_TEXT(text.data, "app!=a,environment in (qa,staging)");
    bytes_reset(&text);
    CU_ASSERT_EQUAL(label_selector_text(&k.namespace_labels, &text), ERR_OK);
    ASSERT_TEXT(text.data, "!hidden");
    bytes_free(&text);
    kubernetes_block_free(&k);
    char rest[65536] = "a.org {\nlabels \"";
    memset(rest + strlen(rest), ' ', LABEL_SELECTOR_MAX + 1);
    strcat(rest, "\"\n}");
    CU_ASSERT_EQUAL(parse(".", rest, &k), ERR_CONFIG);
    ASSERT_TEXT(e.text,
                "Corefile:3 - plugin/kubernetes: the selector behind \"labels\" is longer than 32768 octets");
}

static void test_sources(void)
{
    struct kubernetes_block k;
    CU_ASSERT_EQUAL_FATAL(parse(".", "a.org {\nkubeconfig /etc/kubeconfig\n}", &k), ERR_OK);
    ASSERT_TEXT(k.kubeconfig, "/etc/kubeconfig");
    CU_ASSERT_PTR_NULL(k.context);
    kubernetes_block_free(&k);
    CU_ASSERT_EQUAL_FATAL(parse(".", "a.org {\nkubeconfig one two\nkubeconfig /etc/kubeconfig\n}", &k),
                          ERR_OK);
    ASSERT_TEXT(k.kubeconfig, "/etc/kubeconfig"); /* the last one holds */
    CU_ASSERT_PTR_NULL(k.context);
    kubernetes_block_free(&k);
    CU_ASSERT_EQUAL_FATAL(parse(".", "a.org {\nkubeconfig file prod\n}", &k), ERR_OK);
    ASSERT_TEXT(k.context, "prod");
    kubernetes_block_free(&k);
    CU_ASSERT_EQUAL_FATAL(parse(".", "a.org {\nobjects zones/example\n}", &k), ERR_OK);
    ASSERT_TEXT(k.objects, "zones/example");
    kubernetes_block_free(&k);
    CU_ASSERT_EQUAL_FATAL(parse(".", "a.org {\nendpoint localhost:8080 https://second\n}", &k), ERR_OK);
    ASSERT_TEXT(k.endpoint, "localhost:8080"); /* only the first one is used, with a warning */
    kubernetes_block_free(&k);
    CU_ASSERT_EQUAL_FATAL(parse(".", "a.org {\nendpoint http://a\nkubeconfig f\ntls a b c\n}", &k), ERR_OK);
    kubernetes_block_free(&k); /* CoreDNS loads that; it warns here */
}

static void test_zones(void)
{
    struct kubernetes_block k;
    CU_ASSERT_EQUAL_FATAL(parse("10.0.0.0/23 cluster.local:53 second.org", "", &k), ERR_OK);
    CU_ASSERT_EQUAL(k.zones.count, 4);
    ASSERT_TEXT(k.primary, "cluster.local.");
    kubernetes_block_free(&k);
    CU_ASSERT_EQUAL_FATAL(parse(".", "in-addr.arpa 2001:db8::/32 cluster.local a.org", &k), ERR_OK);
    ASSERT_TEXT(k.primary, "cluster.local.");
    kubernetes_block_free(&k);
    CU_ASSERT_EQUAL_FATAL(parse(".", "cluster.local cluster.local", &k), ERR_OK);
    CU_ASSERT_EQUAL(k.zones.count, 1);
    kubernetes_block_free(&k);
    CU_ASSERT_EQUAL_FATAL(parse(".", "a.org {\nfallthrough a.org\nfallthrough\n}", &k), ERR_OK);
    CU_ASSERT_TRUE(k.fallthrough);
    CU_ASSERT_EQUAL(k.fallthrough_zones.count, 0); /* the last one holds: all zones */
    kubernetes_block_free(&k);
}

#define AT "Corefile:3 - plugin/kubernetes: "
static const struct {
    const char *key, *rest, *error;
} bad[] = {
    {"10.in-addr.arpa", "", "Corefile:2 - plugin/kubernetes: non-reverse zone name must be used"},
    {".", "in-addr.arpa ip6.arpa", "Corefile:2 - plugin/kubernetes: non-reverse zone name must be used"},
    {".", "a..b",
     "Corefile:2 - plugin/kubernetes: expected a zone such as example.org or 10.0.0.0/16, found \"a..b\""},
    {".", "a.org {\nfoo bar\n}", AT "unknown property 'foo'"},
    {".", "a.org {\npods\n}", AT "expected 1 argument behind \"pods\", found 0"},
    {".", "a.org {\npods all\n}",
     AT "expected \"disabled\", \"insecure\" or \"verified\" behind \"pods\", found \"all\""},
    {".", "a.org {\nnamespaces\n}", AT "expected at least 1 argument behind \"namespaces\", found 0"},
    {".", "a.org {\nendpoint\n}", AT "expected at least 1 argument behind \"endpoint\", found 0"},
    {".", "a.org {\nendpoint ftp://a\n}",
     AT "expected a URL with http:// or https:// behind \"endpoint\", found \"ftp://a\""},
    {".", "a.org {\nendpoint https://\n}", AT "expected a URL behind \"endpoint\", found \"https://\""},
    {".", "a.org {\nendpoint \"\"\n}", AT "expected a URL behind \"endpoint\", found \"\""},
    {".", "a.org {\ntls a b\n}", AT "expected 3 arguments behind \"tls\", found 2"},
    {".", "a.org {\nkubeconfig\n}", AT "expected 1 to 2 arguments behind \"kubeconfig\", found 0"},
    {".", "a.org {\nkubeconfig a b c\n}", AT "expected 1 to 2 arguments behind \"kubeconfig\", found 3"},
    {".", "a.org {\nobjects \"\"\n}",
     AT "expected a file or a folder behind \"objects\", found an empty word"},
    {".", "a.org {\nttl 3601\n}", AT "expected a number from 0 to 3600 behind \"ttl\", found \"3601\""},
    {".", "a.org {\nttl -1\n}", AT "expected a number from 0 to 3600 behind \"ttl\", found \"-1\""},
    {".", "a.org {\nttl\n}", AT "expected 1 argument behind \"ttl\", found 0"},
    {".", "a.org {\nlabels\n}", AT "expected at least 1 argument behind \"labels\", found 0"},
    {".", "a.org {\nnamespace_labels\n}",
     AT "expected at least 1 argument behind \"namespace_labels\", found 0"},
    {".", "a.org {\nlabels a in (b\n}",
     AT "unable to parse label selector value: 'a in (b': found '', expected: ',', ')' or a value"},
    {".", "a.org {\nnamespace_labels a b\n}",
     AT "unable to parse namespace_label selector value: 'a b': found 'b', expected: in, notin, =, ==, != or "
        "','"},
    {".", "a.org {\nnamespaces a\nnamespace_labels b\n}",
     "Corefile:2 - plugin/kubernetes: namespaces and namespace_labels cannot both be set"},
    {".", "a.org {\nnamespace_labels \"\"\nnamespaces a\n}",
     "Corefile:2 - plugin/kubernetes: namespaces and namespace_labels cannot both be set"},
    {".", "a.org {\napiserver_qps\n}", AT "expected 1 argument behind \"apiserver_qps\", found 0"},
    {".", "a.org {\napiserver_qps many\n}", AT "invalid apiserver_qps \"many\": expected a number"},
    {".", "a.org {\napiserver_qps nan\n}", AT "invalid apiserver_qps \"nan\": expected a number"},
    {".", "a.org {\napiserver_qps \"\"\n}", AT "invalid apiserver_qps \"\": expected a number"},
    {".", "a.org {\napiserver_qps -0.1\n}", AT "apiserver_qps must be >= 0"},
    {".", "a.org {\napiserver_qps 1e400\n}",
     AT "invalid apiserver_qps \"1e400\": expected at most 1000000000"},
    {".", "a.org {\napiserver_burst 1 2\n}", AT "expected 1 argument behind \"apiserver_burst\", found 2"},
    {".", "a.org {\napiserver_burst -1\n}", AT "apiserver_burst must be >= 0"},
    {".", "a.org {\napiserver_burst 1.5\n}",
     AT "invalid apiserver_burst \"1.5\": expected a whole number from 0 to 1000000000"},
    {".", "a.org {\napiserver_max_inflight -7\n}", AT "apiserver_max_inflight must be >= 0"},
    {".", "a.org {\napiserver_max_inflight x\n}",
     AT "invalid apiserver_max_inflight \"x\": expected a whole number from 0 to 1000000000"},
    {".", "a.org {\nzonal yes\n}", AT "expected no arguments behind \"zonal\", found 1"},
    {".", "a.org {\nzonal\nnoendpoints\n}",
     "Corefile:2 - plugin/kubernetes: zonal requires the endpoint cache; remove noendpoints"},
    {".", "a.org b.org {\nmulticluster b.org c.org\n}",
     "Corefile:2 - plugin/kubernetes: is not authoritative for the multicluster zone c.org. (it is none of "
     "the "
     "block's zones)"},
    {".", "a.org {\nmulticluster a..b\n}",
     AT "expected a zone such as example.org or 10.0.0.0/16, found \"a..b\""},
    {".", "a.org {\nnoendpoints yes\n}", AT "expected no arguments behind \"noendpoints\", found 1"},
    {".", "a.org {\nendpoint_pod_names yes\n}",
     AT "expected no arguments behind \"endpoint_pod_names\", found 1"},
    {".", "a.org {\nignore\n}", AT "expected 1 argument behind \"ignore\", found 0"},
    {".", "a.org {\nignore all\n}", AT "expected \"empty_service\" behind \"ignore\", found \"all\""},
    {".", "a.org {\nfallthrough a..b\n}",
     AT "expected a zone such as example.org or 10.0.0.0/16, found \"a..b\""},
    {".", "a.org {\nstartup_timeout 5\n}",
     AT "expected a duration such as 5s or 1m30s behind \"startup_timeout\", found \"5\""},
    {".", "a.org {\nstartup_timeout -5s\n}",
     AT "expected a duration from 0s to 24h behind \"startup_timeout\", found \"-5s\""},
    {".", "a.org {\npods disabled {\n}\n}", AT "expected the end of the line behind \"pods\", found '{'"},
    {".", "a.org {\nupstream\n}",
     AT "the option \"upstream\" is gone: names outside the zone are always resolved by the "
        "server itself; remove the line"},
    {".", "a.org {\nresyncperiod 5m\n}",
     AT "the option \"resyncperiod\" is gone: objects are watched, not fetched from "
        "time to time; remove the line"},
    {".", "a.org {\ntransfer to *\n}",
     AT "the option \"transfer\" is gone: zone transfers are the business of the plugin \"transfer\""},
    {".", "a.org {\nobjects a\nendpoint b\n}",
     "Corefile:2 - plugin/kubernetes: expected one source of objects, found "
     "\"objects\" together with \"endpoint\""},
    {".", "a.org {\nobjects a\nkubeconfig b\n}",
     "Corefile:2 - plugin/kubernetes: expected one source of objects, "
     "found \"objects\" together with \"kubeconfig\""},
    {".", "a.org {\nobjects a\ntls a b c\n}",
     "Corefile:2 - plugin/kubernetes: expected one source of objects, found \"objects\" together with "
     "\"tls\""},
};

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct kubernetes_block k;
        CU_ASSERT_EQUAL(parse(bad[i].key, bad[i].rest, &k), ERR_CONFIG);
        ASSERT_TEXT(e.text, bad[i].error);
    }
}

static void test_multicluster(void)
{
    struct kubernetes_block k;
    CU_ASSERT_EQUAL_FATAL(parse("cluster.local",
                                "cluster.local ClusterSet.local 10.in-addr.arpa {\n"
                                "multicluster a.org\nmulticluster clusterset.local\nzonal\n}",
                                &k),
                          ERR_OK);
    CU_ASSERT_TRUE(kubernetes_block_is_multicluster(&k, "clusterset.local."));
    CU_ASSERT_FALSE(kubernetes_block_is_multicluster(&k, "cluster.local."));
    CU_ASSERT_FALSE(kubernetes_block_is_multicluster(&k, "a.org.")); /* the last line holds */
    CU_ASSERT_TRUE(k.zonal);
    kubernetes_block_free(&k);
    CU_ASSERT_EQUAL_FATAL(parse("cluster.local", "{\nmulticluster\n}", &k), ERR_OK);
    CU_ASSERT_EQUAL(k.multicluster.count, 0);
    kubernetes_block_free(&k);
}

static void test_once(void)
{
    struct kubernetes_block k;
    CU_ASSERT_EQUAL(parse(".", "a.org\nkubernetes b.org", &k), ERR_OK);
    kubernetes_block_free(&k);
    CU_ASSERT_EQUAL(kubernetes_block_parse(&corefile->blocks[0], &corefile->blocks[0].directives[1], &k, &e),
                    ERR_CONFIG);
    ASSERT_TEXT(e.text, "Corefile:3 - plugin/kubernetes: this plugin can only be used once per Server Block");
}

static const struct unit_test tests[] = {
    {"a block without options has CoreDNS's defaults", test_defaults},
    {"every option is read", test_all_options},
    {"selectors are read from all words of their line", test_selectors},
    {"the source of objects is read", test_sources},
    {"zones come from arguments or keys, and the first forward one is primary", test_zones},
    {"what is wrong is refused with its line", test_bad},
    {"zones of a cluster set are zones of the block", test_multicluster},
    {"the block stands once in a server block", test_once},
};

int main(void)
{
    int status = run_suite("kubernetes_block", tests, sizeof tests / sizeof *tests);
    corefile_free(corefile);
    return status;
}
