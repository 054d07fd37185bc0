/* The view of clients: who has an address. */
#include "../runner.h"
#include "cluster.h"

#define POD(namespace, name, ip, labels)                                                                     \
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " name                                                 \
    ", namespace: " namespace ", labels: {" labels "}}\nstatus: {podIP: \"" ip "\"}\n"

static struct cluster c;

static void open_with(const char *beside)
{
    cluster_open_with(&c, "cluster.local 10.in-addr.arpa", "pods verified", beside);
}

#define WITH_LABELS                                                                                          \
    "metadata\nlog . \"{/kubernetes/client-pod-name} {/kubernetes/client-label/app} "                        \
    "{/kubernetes/client-label/a.b/c}\""

static const struct record_zone *clients(void)
{
    for (size_t i = 0; i < c.rules.nzones; i++)
        if (c.rules.zones[i].kind == RECORD_ZONE_CLIENTS)
            return &c.rules.zones[i];
    return NULL;
}

/* The records of clients, without those of the name server; the whole zone is looked at for its order. */
static char *text(void)
{
    char *all = cluster_zone_records(&c, clients(), false), *out = calloc(1, strlen(all) + 1);
    for (char *line = all; *line != '\0'; line += strcspn(line, "\n") + 1)
        if (memmem(line, strcspn(line, "\n"), " TXT ", 5) != NULL)
            strncat(out, line, strcspn(line, "\n") + 1);
    free(all);
    return out;
}

#define ASSERT_CLIENTS(expected)                                                                             \
    do {                                                                                                     \
        char *found = text();                                                                                \
        CU_ASSERT_STRING_EQUAL(found, expected);                                                             \
        if (strcmp(found, expected) != 0)                                                                    \
            fprintf(stderr, "%s", found);                                                                    \
        free(found);                                                                                         \
    } while (0)

static void autopath_alone_needs_the_namespace_alone(void)
{
    open_with("autopath @kubernetes");
    cluster_put(&c, POD("shop", "web", "10.0.0.1", "app: web") POD("prod", "db", "10.0.0.10", "")
                        POD("prod", "six", "2001:db8::", "") POD("prod", "none", "", "")
                            POD("prod", "two", "10.0.0.2", ""));
    ASSERT_CLIENTS("10-0-0-1.cluster.local. TXT \"namespace=shop\"\n"
                   "10-0-0-10.cluster.local. TXT \"namespace=prod\"\n"
                   "10-0-0-2.cluster.local. TXT \"namespace=prod\"\n"
                   "2001-db8--.cluster.local. TXT \"namespace=prod\"\n");
    cluster_close(&c);
}

static void without_need_there_is_no_such_zone(void)
{
    open_with("metadata");
    CU_ASSERT_PTR_NULL(clients());
    cluster_put(&c, POD("shop", "web", "10.0.0.1", "app: web"));
    cluster_close(&c);
}

static void names_and_the_labels_that_are_wanted(void)
{
    open_with(WITH_LABELS);
    cluster_put(&c, POD("shop", "web", "10.0.0.1", "app: web, other: x, a.b/c: \"\"")
                        POD("shop", "bare", "10.0.0.2", ""));
    ASSERT_CLIENTS("10-0-0-1.cluster.local. TXT \"pod=web\"\n"
                   "10-0-0-1.cluster.local. TXT \"label/a.b/c=\"\n"
                   "10-0-0-1.cluster.local. TXT \"label/app=web\"\n"
                   "10-0-0-1.cluster.local. TXT \"namespace=shop\"\n"
                   "10-0-0-2.cluster.local. TXT \"pod=bare\"\n"
                   "10-0-0-2.cluster.local. TXT \"namespace=shop\"\n");
    cluster_put(&c, POD("shop", "web", "10.0.0.1", "app: other"));
    store_remove(c.store, KUBE_POD, "shop", "bare");
    ASSERT_CLIENTS("10-0-0-1.cluster.local. TXT \"pod=web\"\n"
                   "10-0-0-1.cluster.local. TXT \"namespace=shop\"\n"
                   "10-0-0-1.cluster.local. TXT \"label/app=other\"\n");
    cluster_close(&c);
}

static void of_pods_that_share_an_address_the_first_counts(void)
{
    open_with(WITH_LABELS);
    cluster_put(&c, POD("shop", "b", "10.0.0.1", "app: b") POD("zoo", "a", "10.0.0.1", "")
                        POD("shop", "c", "10.0.0.1", ""));
    ASSERT_CLIENTS("10-0-0-1.cluster.local. TXT \"pod=b\"\n"
                   "10-0-0-1.cluster.local. TXT \"label/app=b\"\n"
                   "10-0-0-1.cluster.local. TXT \"namespace=shop\"\n");
    store_remove(c.store, KUBE_POD, "shop", "b");
    ASSERT_CLIENTS("10-0-0-1.cluster.local. TXT \"pod=c\"\n10-0-0-1.cluster.local. TXT \"namespace=shop\"\n");
    cluster_put(&c, POD("shop", "c", "10.0.0.2", ""));
    ASSERT_CLIENTS("10-0-0-1.cluster.local. TXT \"pod=a\"\n10-0-0-1.cluster.local. TXT \"namespace=zoo\"\n"
                   "10-0-0-2.cluster.local. TXT \"pod=c\"\n10-0-0-2.cluster.local. TXT \"namespace=shop\"\n");
    cluster_close(&c);
}

/* A namespace that `namespaces` leaves out has no names, but its pods ask. */
static void pods_of_every_namespace_ask(void)
{
    cluster_open_with(&c, "cluster.local", "pods verified\nnamespaces prod", "autopath @kubernetes");
    cluster_put(&c, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n" POD("shop", "web",
                                                                                         "10.0.0.1", ""));
    ASSERT_CLIENTS("10-0-0-1.cluster.local. TXT \"namespace=shop\"\n");
    char *names = cluster_records(&c, "cluster.local");
    CU_ASSERT_PTR_NULL(strstr(names, "10-0-0-1"));
    free(names);
    cluster_close(&c);
}

static void long_texts_go_on_in_the_next_string(void)
{
    char yaml[2048], value[401];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    open_with(WITH_LABELS);
    snprintf(yaml, sizeof yaml, POD("shop", "p", "10.0.0.1", "app: %s"), value);
    cluster_put(&c, yaml);
    char expected[1024];
    snprintf(expected, sizeof expected,
             "10-0-0-1.cluster.local. TXT \"pod=p\"\n10-0-0-1.cluster.local. TXT \"namespace=shop\"\n"
             "10-0-0-1.cluster.local. TXT \"label/app=%.245s\" \"%s\"\n",
             value, value + 245);
    ASSERT_CLIENTS(expected);
    cluster_close(&c);
}

/* Every listener's call before a change of the store. */
static unsigned told;

static void on_client(void *ctx, const struct ip *ip)
{
    (void)ctx, (void)ip;
    told++;
}

static unsigned put_and_count(const char *yaml)
{
    told = 0;
    cluster_put(&c, yaml);
    return told;
}

static void what_changes_nothing_is_not_told(void)
{
    const struct store_listener l = {.client = on_client};
    open_with(WITH_LABELS);
    store_listen(c.store, &l);
    CU_ASSERT_EQUAL(put_and_count(POD("shop", "web", "10.0.0.1", "app: web")), 1);
    CU_ASSERT_EQUAL(put_and_count(POD("shop", "web", "10.0.0.1", "app: web")), 0);
    CU_ASSERT_EQUAL(put_and_count(POD("shop", "web", "10.0.0.1", "app: web, unwanted: x")), 0);
    CU_ASSERT_EQUAL(put_and_count(POD("shop", "web", "10.0.0.1", "app: other")), 2);
    CU_ASSERT_EQUAL(put_and_count(POD("shop", "web", "10.0.0.2", "app: other")), 2);
    CU_ASSERT_EQUAL(put_and_count(POD("shop", "web", "", "")), 1);
    told = 0;
    store_remove(c.store, KUBE_POD, "shop", "web");
    CU_ASSERT_EQUAL(told, 0);
    store_listen(c.store, NULL);
    cluster_close(&c);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"autopath alone needs the namespace alone", autopath_alone_needs_the_namespace_alone},
        {"without need there is no such zone", without_need_there_is_no_such_zone},
        {"names and the labels that are wanted", names_and_the_labels_that_are_wanted},
        {"of pods that share an address the first counts", of_pods_that_share_an_address_the_first_counts},
        {"pods of every namespace ask", pods_of_every_namespace_ask},
        {"long texts go on in the next string", long_texts_go_on_in_the_next_string},
        {"what changes nothing is not told", what_changes_nothing_is_not_told},
    };
    return run_suite("records_clients", tests, sizeof tests / sizeof tests[0]);
}
