/* The increments, applied one after the other, are the whole: random histories against a rendering of their
 * end. */
#include "../runner.h"
#include "cluster.h"
#include "history.h"
#include "image.h"

/* Of each kind. What a sanitizer finds it finds in the first of them, which take three times as long there.
 */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define HISTORIES 600
#else
#define HISTORIES 2600
#endif
#define STEPS 40

static void put(void *ctx, const struct kube_object *o)
{
    store_put(ctx, o);
}

static void remove_object(void *ctx, enum kube_kind kind, const char *namespace, const char *name)
{
    store_remove(ctx, kind, namespace, name);
}

static void list_begin(void *ctx, enum kube_kind kind)
{
    store_list_begin(ctx, kind);
}

static void list_end(void *ctx, enum kube_kind kind)
{
    store_list_end(ctx, kind);
}

static struct history_taker taker_of(struct store *store)
{
    return (struct history_taker){store, put, remove_object, list_begin, list_end};
}

static const char zones[] = "cluster.local other.example 10.0.0.0/8 10.1.0.0/16 fd00::/8";

static void set_local(struct cluster *c)
{
    CLUSTER_MUST(ip_from_text("10.1.0.7", &c->rules.local[0]));
    CLUSTER_MUST(ip_from_text("fd00::2", &c->rules.local[1]));
    c->rules.nlocal = 2;
}

/* One history: after some steps the differences are taken and applied; in the end a store that never saw
 * anything but the last objects must give the same. */
static bool run_history(uint64_t seed, const char *options, const char *beside)
{
    struct cluster c, fresh;
    struct image image = {0};
    struct history h = {.random = seed};
    cluster_open_with(&c, zones, options, beside);
    cluster_open_with(&fresh, zones, options, beside);
    set_local(&c);
    set_local(&fresh);
    struct changes *changes = changes_new(&c.rules, c.store);
    struct history_taker taker = taker_of(c.store), last = taker_of(fresh.store);
    for (size_t i = 0; i < STEPS / 4; i++)
        history_step(&h, &taker);
    CLUSTER_MUST(changes != NULL && changes_begin(changes) == ERR_OK);
    image_fill(&image, &c.rules, c.store);
    for (size_t i = 0; i < STEPS; i++) {
        history_step(&h, &taker);
        if (history_random(&h.random, 3) == 0 || i == STEPS - 1)
            CLUSTER_MUST(changes_take(changes, image_change, &image) == ERR_OK);
    }
    CLUSTER_MUST(changes_pending(changes) == 0);
    for (int kind = 0; kind < KUBE_KINDS; kind++)
        history_list(&h, (enum kube_kind)kind, &last);
    bool equal = image_equals(&image, &fresh.rules, fresh.store);
    bool same_size =
        store_count(c.store, KUBE_SERVICE) == store_count(fresh.store, KUBE_SERVICE) &&
        store_count(c.store, KUBE_SERVICEIMPORT) == store_count(fresh.store, KUBE_SERVICEIMPORT) &&
        store_count(c.store, KUBE_ENDPOINTSLICE) == store_count(fresh.store, KUBE_ENDPOINTSLICE);
    image_free(&image);
    changes_free(changes);
    cluster_close(&c);
    cluster_close(&fresh);
    return equal && same_size;
}

static void histories_with(const char *options, const char *beside)
{
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        if (!run_history(seed * 7919, options, beside)) {
            fprintf(stderr, "seed %llu, options \"%s\" %s\n", (unsigned long long)seed * 7919, options,
                    beside);
            CU_FAIL("the increments are not the whole");
            return;
        }
}

static void histories(const char *options)
{
    histories_with(options, "");
}

static void histories_by_default(void)
{
    histories("");
}

static void histories_with_pods(void)
{
    histories("pods verified\nendpoint_pod_names\nttl 0");
}

static void histories_with_few_namespaces(void)
{
    histories("pods insecure\nnamespaces b c\nignore empty_service");
}

static void histories_of_a_cluster_set(void)
{
    histories("multicluster other.example\nignore empty_service");
}

static void histories_of_a_cluster_set_alone(void)
{
    histories("multicluster other.example\nnoendpoints\npods verified");
}

static void histories_with_topology(void)
{
    histories("zonal\nmulticluster other.example");
}

static void histories_with_external_zones(void)
{
    histories_with("namespaces a b", "k8s_external ext.example 10.0.0.0/8 fd00::/8 {\napex c\nheadless\n}");
}

static void histories_with_clients(void)
{
    histories_with("pods verified", "autopath @kubernetes");
}

static void histories_with_labels_of_clients(void)
{
    histories_with("pods verified\nnamespaces a b",
                   "metadata\nlog . \"{/kubernetes/client-pod-name} {/kubernetes/client-label/app}\"");
}

/* ---- what is touched ---- */

static const char small[] = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n"
                            "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\n"
                            "spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}\n";

static void nothing_new_touches_nothing(void)
{
    struct cluster c;
    cluster_open(&c, zones, "");
    cluster_put(&c, small);
    struct changes *changes = changes_new(&c.rules, c.store);
    CU_ASSERT_EQUAL(changes_begin(changes), ERR_OK);
    cluster_put(&c, small);
    store_remove(c.store, KUBE_SERVICE, "a", "unknown");
    store_remove(c.store, KUBE_POD, "a", "unknown");
    CU_ASSERT_EQUAL(changes_touches(changes), 0);
    CU_ASSERT_EQUAL(changes_pending(changes), 0);
    changes_free(changes);
    cluster_close(&c);
}

static void count_change(void *ctx, size_t zone, char op, const struct rr *rr)
{
    int *counts = ctx;
    (void)rr;
    counts[zone * 2 + (op == '+')]++;
}

static void there_and_back_is_no_change(void)
{
    struct cluster c;
    int counts[2 * IMAGE_ZONES] = {0};
    cluster_open(&c, zones, "");
    cluster_put(&c, small);
    struct changes *changes = changes_new(&c.rules, c.store);
    CU_ASSERT_EQUAL(changes_begin(changes), ERR_OK);
    store_remove(c.store, KUBE_SERVICE, "a", "web");
    store_remove(c.store, KUBE_NAMESPACE, "", "a");
    cluster_put(&c, small);
    CU_ASSERT(changes_pending(changes) > 0);
    CU_ASSERT_EQUAL(changes_take(changes, count_change, counts), ERR_OK);
    for (size_t i = 0; i < 2 * IMAGE_ZONES; i++)
        CU_ASSERT_EQUAL(counts[i], 0);
    changes_free(changes);
    cluster_close(&c);
}

static void a_change_is_told_to_each_zone(void)
{
    struct cluster c;
    int counts[2 * IMAGE_ZONES] = {0};
    cluster_open(&c, "cluster.local other.example 10.0.0.0/8", "");
    cluster_put(&c, small);
    struct changes *changes = changes_new(&c.rules, c.store);
    CU_ASSERT_EQUAL(changes_begin(changes), ERR_OK);
    cluster_put(&c, "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\n"
                    "spec: {clusterIP: 10.0.0.2, ports: [{port: 80}]}\n");
    CU_ASSERT_EQUAL(changes_take(changes, count_change, counts), ERR_OK);
    for (size_t zone = 0; zone < 3; zone++) {
        CU_ASSERT_EQUAL(counts[zone * 2], 1);
        CU_ASSERT_EQUAL(counts[zone * 2 + 1], 1);
    }
    changes_free(changes);
    cluster_close(&c);
}

#define MANY ((unsigned)CHANGES_MAX + 1000)

static void put_pods(struct store *store, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "p%u", i);
        struct kube_object pod = {.kind = KUBE_POD, .namespace = "a", .name = name, .uid = ""};
        pod.pod.nips = 1;
        pod.pod.ips[0] = (struct ip){4, {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        store_put(store, &pod);
    }
}

static void no_event_touches_more_than_can_be_held(void)
{
    struct cluster c;
    int counts[2 * IMAGE_ZONES] = {0};
    cluster_open(&c, "cluster.local", "pods verified");
    cluster_put(&c, small);
    put_pods(c.store, MANY);
    struct changes *changes = changes_new(&c.rules, c.store);
    CU_ASSERT_EQUAL(changes_begin(changes), ERR_OK);
    store_remove(c.store, KUBE_NAMESPACE, "", "a");
    CU_ASSERT_EQUAL(changes_pending(changes), CHANGES_MAX);
    CU_ASSERT_EQUAL(changes_take(changes, count_change, counts), ERR_LIMIT);
    CU_ASSERT_EQUAL(changes_pending(changes), 0);
    store_list_begin(c.store, KUBE_POD);
    store_list_end(c.store, KUBE_POD);
    CU_ASSERT_EQUAL(changes_take(changes, count_change, counts), ERR_LIMIT);
    memset(counts, 0, sizeof counts);
    cluster_put(&c, small);
    CU_ASSERT_EQUAL(changes_take(changes, count_change, counts), ERR_OK);
    CU_ASSERT_EQUAL(counts[0], 0);
    CU_ASSERT(counts[1] > 0);
    changes_free(changes);
    cluster_close(&c);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"an event without news touches nothing", nothing_new_touches_nothing},
        {"what goes and comes back is no change", there_and_back_is_no_change},
        {"a change is told to every zone that it concerns", a_change_is_told_to_each_zone},
        {"no event touches more than can be held", no_event_touches_more_than_can_be_held},
        {"the increments of random histories are the whole", histories_by_default},
        {"also with verified pods and pod names", histories_with_pods},
        {"also with names for the zones of endpoints", histories_with_topology},
        {"also with a zone of ServiceImports", histories_of_a_cluster_set},
        {"also with no other endpoints than theirs", histories_of_a_cluster_set_alone},
        {"also in zones of k8s_external beside them", histories_with_external_zones},
        {"increments are the whole, with clients", histories_with_clients},
        {"increments are the whole, with names and labels of clients", histories_with_labels_of_clients},
        {"also with few namespaces and ignored empty services", histories_with_few_namespaces},
    };
    return run_suite("publish_changes", tests, sizeof tests / sizeof tests[0]);
}
