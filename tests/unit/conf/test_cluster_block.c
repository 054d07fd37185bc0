/* The `k8s_external` block, and the views that a server block's zones are in. */
#include <string.h>

#include "../runner.h"
#include "conf/cluster_block.h"
#include "same_text.h"

static struct corefile *corefile;
static struct errtext e;

static void load(const char *text)
{
    corefile_free(corefile);
    corefile = NULL;
    memset(&e, 0, sizeof e);
    CU_ASSERT_EQUAL_FATAL(corefile_parse("Corefile", text, strlen(text), &corefile, &e), ERR_OK);
}

static int parse_block(size_t index, struct cluster_block *c)
{
    const struct server_block *b = &corefile->blocks[index];
    return cluster_block_parse(corefile, b, server_block_find(b, "kubernetes"), c, &e);
}

/* `rest` is what stands behind the name of k8s_external. */
static int parse(const char *rest, struct cluster_block *c)
{
    char text[2048];
    snprintf(text, sizeof text, "example.net {\nkubernetes cluster.local\nk8s_external %s\n}\n", rest);
    load(text);
    return parse_block(0, c);
}

static void defaults_are_corednss(void)
{
    struct cluster_block c;
    CU_ASSERT_EQUAL_FATAL(parse("", &c), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(c.external.zones.count, 1);
    ASSERT_TEXT(c.external.zones.zones[0], "example.net.");
    ASSERT_TEXT(c.external.label, "dns");
    CU_ASSERT_EQUAL(c.external.ttl, 5);
    CU_ASSERT_FALSE(c.external.headless);
    CU_ASSERT_FALSE(c.external.fallthrough);
    cluster_block_free(&c);
}

static void every_option_is_read(void)
{
    struct cluster_block c;
    CU_ASSERT_EQUAL_FATAL(parse("example.org 192.0.2.0/24 {\napex NS-1\nttl 3600\nheadless\n"
                                "fallthrough a.example.org b.example.org\n}",
                                &c),
                          ERR_OK);
    CU_ASSERT_EQUAL_FATAL(c.external.zones.count, 2);
    ASSERT_TEXT(c.external.zones.zones[1], "2.0.192.in-addr.arpa.");
    ASSERT_TEXT(c.external.label, "ns-1");
    CU_ASSERT_EQUAL(c.external.ttl, 3600);
    CU_ASSERT_TRUE(c.external.headless);
    CU_ASSERT_TRUE(c.external.fallthrough);
    CU_ASSERT_EQUAL(c.external.fallthrough_zones.count, 2);
    cluster_block_free(&c);
}

static void mistakes_are_named(void)
{
    static const struct {
        const char *rest, *error;
    } cases[] = {
        {"{\nttl 3601\n}",
         "Corefile:4 - plugin/k8s_external: expected a number from 0 to 3600 behind \"ttl\", found \"3601\""},
        {"{\nttl -1\n}",
         "Corefile:4 - plugin/k8s_external: expected a number from 0 to 3600 behind \"ttl\", found \"-1\""},
        {"{\nttl\n}", "Corefile:4 - plugin/k8s_external: expected 1 argument behind \"ttl\", found 0"},
        {"{\napex\n}", "Corefile:4 - plugin/k8s_external: expected 1 argument behind \"apex\", found 0"},
        {"{\napex a.b\n}", "Corefile:4 - plugin/k8s_external: expected one label of letters, digits, '-' and "
                           "'_' behind \"apex\", found \"a.b\""},
        {"{\napex \"\"\n}", "Corefile:4 - plugin/k8s_external: expected a label of 1 to 63 octets behind "
                            "\"apex\", found \"\""},
        {"{\nheadless yes\n}",
         "Corefile:4 - plugin/k8s_external: expected no arguments behind \"headless\", found 1"},
        {"{\nheadless {\n}\n}",
         "Corefile:4 - plugin/k8s_external: expected the end of the line behind \"headless\", found '{'"},
        {"{\nupstream\n}", "Corefile:4 - plugin/k8s_external: unknown property 'upstream'"},
        {"example.org\nk8s_external example.com",
         "Corefile:4 - plugin/k8s_external: this plugin can only be used once per Server Block"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cluster_block c;
        struct k8s_external_block k;
        int ret = parse(cases[i].rest, &c);
        if (ret == ERR_OK) { /* of a directive given twice the second one is wrong */
            cluster_block_free(&c);
            ret = k8s_external_block_parse(&corefile->blocks[0], &corefile->blocks[0].directives[2], &k, &e);
        }
        CU_ASSERT_EQUAL(ret, ERR_CONFIG);
        ASSERT_TEXT(e.text, cases[i].error);
    }
}

static void it_needs_the_kubernetes_block_beside_it(void)
{
    struct k8s_external_block k;
    load(". {\nk8s_external example.org\n}\n");
    CU_ASSERT_EQUAL(
        k8s_external_block_parse(&corefile->blocks[0], &corefile->blocks[0].directives[0], &k, &e),
        ERR_CONFIG);
    ASSERT_TEXT(e.text, "Corefile:2 - plugin/k8s_external: kubernetes plugin not loaded");
}

static void zones_are_listed_with_their_view(void)
{
    struct cluster_block c;
    load(". {\nkubernetes cluster.local in-addr.arpa\nk8s_external example.org in-addr.arpa\n}\n");
    CU_ASSERT_EQUAL_FATAL(parse_block(0, &c), ERR_OK);
    static const char *const expected[][2] = {{"cluster.local.", VIEW_CLUSTER},
                                              {"in-addr.arpa.", VIEW_CLUSTER},
                                              {"example.org.", VIEW_EXTERNAL},
                                              {"in-addr.arpa.", VIEW_EXTERNAL}};
    CU_ASSERT_EQUAL_FATAL(cluster_block_zones(&c), 4);
    for (size_t i = 0; i < 4; i++) {
        ASSERT_TEXT(cluster_block_zone(&c, i).zone, expected[i][0]);
        ASSERT_TEXT(cluster_block_zone(&c, i).view, expected[i][1]);
    }
    cluster_block_free(&c);
}

/* The identity line of a view, under these lines for the two blocks. */
static void identity(const char *kubernetes, const char *external, const char *view, struct bytes *out)
{
    struct cluster_block c;
    char text[2048];
    snprintf(text, sizeof text, ". {\nkubernetes cluster.local {\n%s\n}\nk8s_external example.org %s\n}\n",
             kubernetes, external);
    load(text);
    bytes_init(out, CLUSTER_IDENTITY_MAX);
    CU_ASSERT_EQUAL_FATAL(parse_block(0, &c), ERR_OK);
    CU_ASSERT_EQUAL(cluster_block_identity(&c, view, out), ERR_OK);
    cluster_block_free(&c);
}

static bool same(const char *kubernetes, const char *external, const char *view)
{
    struct bytes plain, other;
    identity("", "", view, &plain);
    identity(kubernetes, external, view, &other);
    bool result = strcmp(plain.data, other.data) == 0;
    bytes_free(&plain);
    bytes_free(&other);
    return result;
}

static void each_view_has_an_identity_of_its_own(void)
{
    struct bytes cluster, external;
    identity("ttl 30", "{\nttl 60\n}", VIEW_CLUSTER, &cluster);
    identity("ttl 30", "{\nttl 60\n}", VIEW_EXTERNAL, &external);
    CU_ASSERT_EQUAL(strncmp(cluster.data, external.data, cluster.len), 0);
    ASSERT_TEXT(external.data + cluster.len, " external: ttl=60 apex=dns headless=no primary=example.org.");
    bytes_free(&cluster);
    bytes_free(&external);

    static const char *const shaping[] = {"{\nttl 6\n}", "{\napex ns\n}", "{\nheadless\n}"};
    for (size_t i = 0; i < sizeof shaping / sizeof shaping[0]; i++) {
        CU_ASSERT_FALSE(same("", shaping[i], VIEW_EXTERNAL));
        CU_ASSERT_TRUE(same("", shaping[i], VIEW_CLUSTER));
    }
    CU_ASSERT_FALSE(same("ttl 30", "", VIEW_EXTERNAL));
    CU_ASSERT_TRUE(same("", "{\nfallthrough\n}", VIEW_EXTERNAL));
}

static int agree(const char *first, const char *second)
{
    struct cluster_block a, b;
    char text[2048];
    snprintf(text, sizeof text,
             "a.test {\nkubernetes a.local\nk8s_external %s\n}\nb.test {\nkubernetes b.local\n"
             "k8s_external %s\n}\n",
             first, second);
    load(text);
    CU_ASSERT_EQUAL_FATAL(parse_block(0, &a), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(parse_block(1, &b), ERR_OK);
    int ret = cluster_block_agree(&a, &b, &e);
    cluster_block_free(&a);
    cluster_block_free(&b);
    return ret;
}

static void blocks_that_share_a_zone_of_a_view_must_agree(void)
{
    CU_ASSERT_EQUAL(agree("a.example", "b.example {\nttl 9\n}"), ERR_OK);
    CU_ASSERT_EQUAL(agree("b.local", "a.local {\nttl 9\n}"), ERR_OK); /* of another view */
    CU_ASSERT_EQUAL(agree("x.example a.example", "b.example a.example"), ERR_CONFIG);
    ASSERT_TEXT(e.text, "Corefile:7 - plugin/k8s_external: zone a.example. stands in another k8s_external "
                        "block with other options (Corefile:3)");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"defaults are CoreDNS's", defaults_are_corednss},
        {"every option is read", every_option_is_read},
        {"mistakes are named", mistakes_are_named},
        {"it needs the kubernetes block beside it", it_needs_the_kubernetes_block_beside_it},
        {"zones are listed with their view", zones_are_listed_with_their_view},
        {"each view has an identity of its own", each_view_has_an_identity_of_its_own},
        {"blocks that share a zone of a view must agree", blocks_that_share_a_zone_of_a_view_must_agree},
    };
    int ret = run_suite("cluster blocks", tests, sizeof tests / sizeof tests[0]);
    corefile_free(corefile);
    return ret;
}
