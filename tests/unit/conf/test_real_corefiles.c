/* The Corefiles that clusters ship, each as its project writes it: tests/corefiles. */
#include <glob.h>
#include <string.h>

#include "../runner.h"
#include "conf/kubernetes_block.h"
#include "corefile_text.h"
#include "same_text.h"

static struct bytes text;

static void test_all_load(void)
{
    glob_t found;
    CU_ASSERT_EQUAL_FATAL(glob("tests/corefiles/*.Corefile", 0, NULL, &found), 0);
    CU_ASSERT(found.gl_pathc >= 10);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct corefile *c = NULL;
        struct errtext e = {0};
        CU_ASSERT_EQUAL(corefile_load(found.gl_pathv[i], &c, &e), ERR_OK);
        ASSERT_TEXT(e.text, "");
        CU_ASSERT(c != NULL && c->nblocks >= 1);
        for (size_t b = 0; c != NULL && b < c->nblocks; b++) {
            const struct directive *d = server_block_find(&c->blocks[b], "kubernetes");
            struct kubernetes_block k;
            if (d == NULL)
                continue;
            CU_ASSERT_EQUAL(kubernetes_block_parse(&c->blocks[b], d, &k, &e), ERR_OK);
            ASSERT_TEXT(k.primary, "cluster.local.");
            CU_ASSERT_TRUE(k.fallthrough);
            kubernetes_block_free(&k);
        }
        corefile_free(c);
    }
    globfree(&found);
}

static const struct {
    const char *file, *loaded;
} cases[] = {
    {"tests/corefiles/kubeadm.Corefile",
     ".:53 { errors; health { lameduck [5s] }; ready; kubernetes [cluster.local] [in-addr.arpa] [ip6.arpa] { "
     "pods "
     "[insecure]; fallthrough [in-addr.arpa] [ip6.arpa]; ttl [30] }; prometheus [:9153]; forward [.] "
     "[/etc/resolv.conf] { max_concurrent [1000] }; cache [30] { disable [success] [cluster.local]; disable "
     "[denial] "
     "[cluster.local] }; loop; reload; loadbalance }"},
    {"tests/corefiles/openshift.Corefile",
     ".:5353 { bufsize [1232]; errors; log [.] { class [error] }; health { lameduck [20s] }; ready; "
     "kubernetes "
     "[cluster.local] [in-addr.arpa] [ip6.arpa] { pods [insecure]; fallthrough [in-addr.arpa] [ip6.arpa] }; "
     "prometheus [127.0.0.1:9153]; forward [.] [/etc/resolv.conf] { policy [sequential] }; cache [900] { "
     "denial "
     "[9984] [30] }; reload } hostname.bind.:5353 { chaos }"},
    {"tests/corefiles/k3s.Corefile",
     ".:53 { errors; health; ready; kubernetes [cluster.local] [in-addr.arpa] [ip6.arpa] { pods [insecure]; "
     "fallthrough [in-addr.arpa] [ip6.arpa] }; hosts [/etc/coredns/NodeHosts] { ttl [60]; reload [15s]; "
     "fallthrough "
     "}; prometheus [:9153]; cache [30]; loop; reload; loadbalance; forward [.] [/etc/resolv.conf] }"},
};

static void test_what_they_say(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct corefile *c = NULL;
        CU_ASSERT_EQUAL_FATAL(corefile_load(cases[i].file, &c, NULL), ERR_OK);
        ASSERT_TEXT(text_of_corefile(&text, c), cases[i].loaded);
        corefile_free(c);
    }
}

static const struct unit_test tests[] = {
    {"every Corefile that a cluster ships loads as it is", test_all_load},
    {"they say what their projects mean", test_what_they_say},
};

int main(void)
{
    bytes_init(&text, 1 << 20);
    int status = run_suite("real_corefiles", tests, sizeof tests / sizeof *tests);
    bytes_free(&text);
    return status;
}
