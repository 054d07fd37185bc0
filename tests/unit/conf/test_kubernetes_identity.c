#include <string.h>

#include "../runner.h"
#include "conf/kubernetes_block.h"
#include "same_text.h"

static struct bytes line;

static const char *identity(const char *rest)
{
    struct corefile *c = NULL;
    struct kubernetes_block k;
    struct bytes text;
    bytes_init(&text, 1 << 20);
    bytes_printf(&text, ". {\nkubernetes %s\n}\n", rest);
    CU_ASSERT_EQUAL_FATAL(corefile_parse("Corefile", text.data, text.len, &c, NULL), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(kubernetes_block_parse(&c->blocks[0], &c->blocks[0].directives[0], &k, NULL),
                          ERR_OK);
    bytes_reset(&line);
    CU_ASSERT_EQUAL(kubernetes_block_identity(&k, &line), ERR_OK);
    kubernetes_block_free(&k);
    corefile_free(c);
    bytes_free(&text);
    return line.data;
}

#define NOTHING " endpoint_pod_names=no noendpoints=no ignore=none primary=cluster.local."
static const struct {
    const char *rest, *line;
} cases[] = {
    {"cluster.local", "in-cluster ttl=5 pods=disabled namespaces=*" NOTHING},
    {"in-addr.arpa cluster.local second.org", "in-cluster ttl=5 pods=disabled namespaces=*" NOTHING},
    {"cluster.local {\nfallthrough\nstartup_timeout 1s\n}",
     "in-cluster ttl=5 pods=disabled namespaces=*" NOTHING},
    {"cluster.local {\nnamespaces b a c a\n}", "in-cluster ttl=5 pods=disabled namespaces=a,b,c" NOTHING},
    {"cluster.local {\nnamespaces c b a\n}", "in-cluster ttl=5 pods=disabled namespaces=a,b,c" NOTHING},
    {"cluster.local {\nendpoint https://10.0.0.1:6443/\ntls a b c\n}",
     "https://10.0.0.1:6443/ ttl=5 pods=disabled namespaces=*" NOTHING},
    {"cluster.local {\nendpoint https://me:secret@host:1/path?token=secret#secret\n}",
     "https://host:1/path ttl=5 pods=disabled namespaces=*" NOTHING},
    {"cluster.local {\nendpoint me:secret@host:1\n}", "host:1 ttl=5 pods=disabled namespaces=*" NOTHING},
    {"cluster.local {\nendpoint https://host/a@b\n}",
     "https://host/a@b ttl=5 pods=disabled namespaces=*" NOTHING},
    {"cluster.local {\nkubeconfig \"/a b/%%c\" prod\n}",
     "kubeconfig:/a%20b/%25%25c context=prod ttl=5 pods=disabled namespaces=*" NOTHING},
    {"cluster.local {\nkubeconfig /k\n}", "kubeconfig:/k context= ttl=5 pods=disabled namespaces=*" NOTHING},
    {"cluster.local {\nobjects zones/example\n}",
     "objects:zones/example ttl=5 pods=disabled namespaces=*" NOTHING},
    {"cluster.local {\nttl 30\npods insecure\nendpoint_pod_names\nnoendpoints\nignore empty_service\n}",
     "in-cluster ttl=30 pods=insecure namespaces=* endpoint_pod_names=yes noendpoints=yes "
     "ignore=empty_service "
     "primary=cluster.local."},
    {"cluster.local {\npods verified\n}", "in-cluster ttl=5 pods=verified namespaces=*" NOTHING},
    {"cluster.local {\nlabels b in (d, c),a\nnamespace_labels !x, y = z\n}",
     "in-cluster ttl=5 pods=disabled namespaces=*" NOTHING
     " namespace_labels=!x,y=z labels=a,b%20in%20(c,d)"},
    {"cluster.local {\nlabels a,b in (c,d,c)\nnamespace_labels y==z,!x\n}",
     "in-cluster ttl=5 pods=disabled namespaces=*" NOTHING
     " namespace_labels=!x,y=z labels=a,b%20in%20(c,d)"},
    {"cluster.local b.org a.org {\nmulticluster b.org a.org\nzonal\n}",
     "in-cluster ttl=5 pods=disabled namespaces=*" NOTHING " zonal=yes multicluster=a.org.,b.org."},
    {"cluster.local {\nlabels \"\"\n}", "in-cluster ttl=5 pods=disabled namespaces=*" NOTHING},
};

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ASSERT_TEXT(identity(cases[i].rest), cases[i].line);
}

static void test_long_values(void)
{
    char first[8192];
    struct bytes rest;
    bytes_init(&rest, 1 << 20);
    bytes_append_str(&rest, "cluster.local {\nkubeconfig /");
    for (unsigned i = 0; i < 3000; i++)
        bytes_append_str(&rest, "x");
    bytes_append_str(&rest, "\nnamespaces");
    for (unsigned i = 0; i < 1000; i++)
        bytes_printf(&rest, " namespace-%u", i);
    bytes_append_str(&rest, "\n}");
    snprintf(first, sizeof first, "%s", identity(rest.data));
    CU_ASSERT(strlen(first) < 4096);
    struct bytes unbounded = line; /* callers have room for the cut line and no more: a zone file's header */
    bytes_init(&line, 4095);
    ASSERT_TEXT(identity(rest.data), first);
    bytes_free(&line);
    line = unbounded;
    CU_ASSERT_PTR_NOT_NULL(strstr(first, " namespaces=namespace-0,namespace-1,namespace-10,"));

    char *last = strstr(rest.data, "namespace-999"); /* one that is beyond the cut */
    memcpy(last, "namespace-99x", 13);
    CU_ASSERT_STRING_NOT_EQUAL(identity(rest.data), first);
    bytes_free(&rest);
}

static const struct unit_test tests[] = {
    {"the line holds what shapes the records, and no secret", test_cases},
    {"long values are cut, and still told apart", test_long_values},
};

int main(void)
{
    bytes_init(&line, 1 << 20);
    int status = run_suite("kubernetes_identity", tests, sizeof tests / sizeof *tests);
    bytes_free(&line);
    return status;
}
