/* What a Corefile needs to know of the pods that ask. */
#include "conf/clients_need.h"

#include <string.h>

#include "../runner.h"
#include "conf/cluster_block.h"
#include "same_text.h"

/* What stands in the identity for it; "" where nothing is needed, "error" where it cannot be. */
static const char *need(const char *text)
{
    static struct bytes out;
    struct corefile *c = NULL;
    struct errtext e = {0};
    struct clients_need n = {0};
    CU_ASSERT_EQUAL_FATAL(corefile_parse("Corefile", text, strlen(text), &c, &e), ERR_OK);
    bytes_free(&out);
    bytes_init(&out, 4095); /* what a zone file's header takes of a line */
    bytes_append_str(&out, "");
    int ret = clients_need_read(c, &n);
    if (ret != ERR_OK)
        bytes_append_str(&out, "error");
    else if (n.namespaces)
        clients_need_identity(&n, &out);
    clients_need_free(&n);
    corefile_free(c);
    return out.data;
}

static void nothing_is_needed_where_nobody_looks(void)
{
    ASSERT_TEXT(need(". {\n kubernetes cluster.local\n}"), "");
    ASSERT_TEXT(need(". {\n kubernetes cluster.local\n metadata\n autopath @names\n}"), "");
    ASSERT_TEXT(need(". {\n kubernetes cluster.local\n autopath /etc/resolv.conf\n}"), "");
    ASSERT_TEXT(need(". {\n kubernetes cluster.local\n metadata\n log . {/kubernetes/namespace}\n}"), "");
    /* without metadata a label is a dash, and without kubernetes there are no pods */
    ASSERT_TEXT(need(". {\n kubernetes cluster.local\n log . {/kubernetes/client-namespace}\n}"), "");
    ASSERT_TEXT(need(". {\n autopath @kubernetes\n metadata\n log . {/kubernetes/client-namespace}\n}"), "");
}

static void what_stands_somewhere_is_needed(void)
{
    ASSERT_TEXT(need(". {\n kubernetes cluster.local\n autopath @kubernetes\n}"), " clients=namespace");
    ASSERT_TEXT(need(". {\n kubernetes cluster.local\n autopath a.example @kubernetes\n}"),
                " clients=namespace");
    ASSERT_TEXT(need(". {\n kubernetes cluster.local\n metadata\n log . {/kubernetes/client-namespace}\n}"),
                " clients=namespace");
    ASSERT_TEXT(
        need(". {\n kubernetes cluster.local\n metadata\n"
             " log . \"{/kubernetes/client-pod-name} {/kubernetes/client-label/app.kubernetes.io/name}\"\n}"),
        " clients=namespace,pod,label/app.kubernetes.io/name");
    ASSERT_TEXT(need(". {\n kubernetes cluster.local\n metadata\n template IN A {\n"
                     " answer \"{{ .Meta \\\"kubernetes/client-label/b\\\" }}\"\n }\n"
                     " rewrite edns0 local set 0xffee {kubernetes/client-label/a}\n log . "
                     "{/kubernetes/client-label/b}\n}"),
                " clients=namespace,label/b,label/a");
}

/* The line stands in the header of a zone file, which has an end. */
static void many_long_labels_are_cut_and_still_tell(void)
{
    char text[16384], first[1024];
    for (int last = 100; last <= 101; last++) {
        int n = snprintf(text, sizeof text, ". {\n kubernetes cluster.local\n metadata\n log . \"");
        for (int i = 0; i < CLIENT_LABELS_MAX; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, "{/kubernetes/client-label/a%0200d} ",
                          i < CLIENT_LABELS_MAX - 1 ? i : last);
        snprintf(text + n, sizeof text - (size_t)n, "\"\n}");
        CU_ASSERT_FATAL(strlen(need(text)) < sizeof first);
        if (last == 100)
            snprintf(first, sizeof first, "%s", need(text));
    }
    CU_ASSERT_STRING_NOT_EQUAL(need(text), first);
}

static void blocks_agree_on_what_all_of_them_need(void)
{
    ASSERT_TEXT(
        need("a.example {\n kubernetes cluster.local\n autopath @kubernetes\n}\n"
             "b.example {\n kubernetes cluster.local\n metadata\n log . {/kubernetes/client-label/x}\n}\n"),
        " clients=namespace,label/x");
}

static void labels_have_a_limit(void)
{
    char text[8192] = ". {\n kubernetes cluster.local {\n pods verified\n }\n metadata\n";
    for (unsigned i = 0; i <= CLIENT_LABELS_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 " log . \"{/kubernetes/client-label/l%u} {/kubernetes/client-label/l%u}\"\n", i, i);
    strcat(text, "}\n");
    ASSERT_TEXT(need(text), "error");
    struct corefile *c = NULL;
    struct errtext e = {0};
    struct cluster_block block;
    CU_ASSERT_EQUAL_FATAL(corefile_parse("Corefile", text, strlen(text), &c, &e), ERR_OK);
    CU_ASSERT_EQUAL(
        cluster_block_parse(c, &c->blocks[0], server_block_find(&c->blocks[0], "kubernetes"), &block, &e),
        ERR_CONFIG);
    ASSERT_TEXT(e.text, "more than 32 labels kubernetes/client-label/... in the Corefile");
    corefile_free(c);
}

/* The view's zone is there with `pods verified` alone. */
static void the_view_is_of_verified_pods(void)
{
    static const struct {
        const char *pods;
        size_t zones;
    } cases[] = {{"disabled", 2}, {"insecure", 2}, {"verified", 3}};
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        struct corefile *c = NULL;
        struct errtext e = {0};
        struct cluster_block block;
        snprintf(text, sizeof text,
                 ". {\n autopath @kubernetes\n kubernetes 10.in-addr.arpa cluster.local {\n pods %s\n }\n}\n",
                 cases[i].pods);
        CU_ASSERT_EQUAL_FATAL(corefile_parse("Corefile", text, strlen(text), &c, &e), ERR_OK);
        CU_ASSERT_EQUAL_FATAL(
            cluster_block_parse(c, &c->blocks[0], server_block_find(&c->blocks[0], "kubernetes"), &block, &e),
            ERR_OK);
        CU_ASSERT_EQUAL_FATAL(cluster_block_zones(&block), cases[i].zones);
        struct zone_view last = cluster_block_zone(&block, cases[i].zones - 1);
        ASSERT_TEXT(last.zone, "cluster.local.");
        ASSERT_TEXT(last.view, i < 2 ? VIEW_CLUSTER : VIEW_CLIENTS);
        cluster_block_free(&block);
        corefile_free(c);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"nothing is needed where nobody looks", nothing_is_needed_where_nobody_looks},
        {"what stands somewhere is needed", what_stands_somewhere_is_needed},
        {"many long labels are cut and still tell", many_long_labels_are_cut_and_still_tell},
        {"blocks agree on what all of them need", blocks_agree_on_what_all_of_them_need},
        {"labels have a limit", labels_have_a_limit},
        {"the view is of verified pods", the_view_is_of_verified_pods},
    };
    return run_suite("clients_need", tests, sizeof tests / sizeof tests[0]);
}
