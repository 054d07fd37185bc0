/* The store: units, slices, addresses, lists, and what the listener hears. */
#include "../runner.h"
#include "cluster.h"
#include "sync/store.h"
#include "sync/store_pack.h"

#define NAMESPACE "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n"
#define SERVICE(name, ip)                                                                                    \
    "apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: a}\nspec: {clusterIP: " ip         \
    ", ports: [{name: b, port: 2}, {name: a, port: 1}]}\n---\n"
#define SLICE(name, service, endpoints)                                                                      \
    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " name                           \
    ", namespace: a, labels: {kubernetes.io/service-name: " service                                          \
    "}}\naddressType: IPv4\nendpoints: " endpoints "\n---\n"
#define POD(name, metadata, ip)                                                                              \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: " name ", namespace: a" metadata "}\nstatus: {podIP: " ip   \
    "}\n---\n"

struct heard {
    int units, addresses, namespaces, pod_addresses;
};

static void hear_unit(void *ctx, struct store_unit *unit)
{
    (void)unit;
    ((struct heard *)ctx)->units++;
}

static void hear_address(void *ctx, const struct ip *ip)
{
    (void)ip;
    ((struct heard *)ctx)->addresses++;
}

static void hear_namespace(void *ctx, struct store_namespace *n)
{
    (void)n;
    ((struct heard *)ctx)->namespaces++;
}

static void hear_pod_address(void *ctx, struct store_namespace *n, const struct ip *ip)
{
    (void)n, (void)ip;
    ((struct heard *)ctx)->pod_addresses++;
}

static void listen(struct cluster *c, struct heard *h)
{
    *h = (struct heard){0};
    store_listen(c->store, &(struct store_listener){.ctx = h,
                                                    .unit = hear_unit,
                                                    .address = hear_address,
                                                    .namespace = hear_namespace,
                                                    .pod_address = hear_pod_address});
}

static void expect_heard(const struct heard *h, int units, int addresses, int namespaces, int pod_addresses)
{
    CU_ASSERT_EQUAL(h->units, units);
    CU_ASSERT_EQUAL(h->addresses, addresses);
    CU_ASSERT_EQUAL(h->namespaces, namespaces);
    CU_ASSERT_EQUAL(h->pod_addresses, pod_addresses);
}

static struct ip ip_of(const char *text)
{
    struct ip ip;
    CLUSTER_MUST(ip_from_text(text, &ip));
    return ip;
}

static void count_owner(void *ctx, const struct store_unit *unit, const struct store_slice *slice)
{
    int *counts = ctx;
    (void)unit;
    counts[slice != NULL]++;
}

/* How many services and slices have the address. */
static void expect_owners(const struct cluster *c, const char *text, int services, int slices)
{
    struct ip ip = ip_of(text);
    int counts[2] = {0};
    store_by_address(c->store, &ip, count_owner, counts);
    CU_ASSERT_EQUAL(counts[0], services);
    CU_ASSERT_EQUAL(counts[1], slices);
}

static void units_join_services_and_slices(void)
{
    struct cluster c;
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, SLICE("s1", "web", "[{addresses: [10.1.0.1]}]") SERVICE("web", "10.0.0.1") NAMESPACE);
    struct store_unit *unit = store_find_unit(c.store, "a", "web");
    CU_ASSERT_PTR_NOT_NULL_FATAL(unit);
    CU_ASSERT_PTR_NOT_NULL(unit->service);
    CU_ASSERT_FALSE(LIST_EMPTY(&unit->slices));
    CU_ASSERT_TRUE(store_exposed(unit->namespace));
    store_remove(c.store, KUBE_SERVICE, "a", "web");
    CU_ASSERT_PTR_EQUAL(store_find_unit(c.store, "a", "web"), unit);
    store_remove(c.store, KUBE_ENDPOINTSLICE, "a", "s1");
    CU_ASSERT_PTR_NULL(store_find_unit(c.store, "a", "web"));
    CU_ASSERT_PTR_NOT_NULL(store_find_namespace(c.store, "a"));
    store_remove(c.store, KUBE_NAMESPACE, "", "a");
    CU_ASSERT_PTR_NULL(store_find_namespace(c.store, "a"));
    cluster_close(&c);
}

static void equal_objects_are_no_news(void)
{
    struct cluster c;
    struct heard h;
    cluster_open(&c, "cluster.local", "");
    static const char yaml[] = NAMESPACE SERVICE("web", "10.0.0.1")
        SLICE("s1", "web", "[{addresses: [10.1.0.2]}, {addresses: [10.1.0.1]}]") POD("p", "", "10.1.0.1");
    cluster_put(&c, yaml);
    listen(&c, &h);
    cluster_put(&c, yaml);
    cluster_put(&c, SLICE("s1", "web",
                          "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.2]}, "
                          "{addresses: [10.1.0.3], conditions: {ready: false}}]"));
    expect_heard(&h, 0, 0, 0, 0);
    store_listen(c.store, NULL);
    cluster_close(&c);
}

static void the_listener_hears_what_changes(void)
{
    struct cluster c;
    struct heard h;
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, NAMESPACE SERVICE("web", "10.0.0.1")
                        SLICE("s1", "web", "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.2]}]"));
    listen(&c, &h);
    cluster_put(&c, SERVICE("web", "10.0.0.2"));
    expect_heard(&h, 1, 2, 0, 0); /* the old address and the new */
    listen(&c, &h);
    cluster_put(&c, SLICE("s1", "web", "[{addresses: [10.1.0.1]}, {addresses: [10.1.0.3]}]"));
    expect_heard(&h, 1, 2, 0, 0); /* only those that came and went */
    listen(&c, &h);
    cluster_put(&c, SLICE("s1", "web", "[{addresses: [10.1.0.1], hostname: x}, {addresses: [10.1.0.3]}]"));
    expect_heard(&h, 1, 1, 0, 0); /* only the one with another name */
    listen(&c, &h);
    cluster_put(&c, POD("p", "", "10.1.0.1") POD("q", "", "10.1.0.1"));
    expect_heard(&h, 0, 0, 0, 1); /* the second has nothing new */
    listen(&c, &h);
    store_remove(c.store, KUBE_NAMESPACE, "", "a");
    expect_heard(&h, 1, 3, 1, 1); /* everything in it */
    store_listen(c.store, NULL);
    cluster_close(&c);
}

static void a_slice_may_change_its_service(void)
{
    struct cluster c;
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, NAMESPACE SLICE("s1", "web", "[{addresses: [10.1.0.1]}]"));
    cluster_put(&c, SLICE("s1", "db", "[{addresses: [10.1.0.1]}]"));
    CU_ASSERT_PTR_NULL(store_find_unit(c.store, "a", "web"));
    CU_ASSERT_PTR_NOT_NULL(store_find_unit(c.store, "a", "db"));
    expect_owners(&c, "10.1.0.1", 0, 1);
    cluster_put(&c, SLICE("s1", "''", "[{addresses: [10.1.0.1]}]"));
    CU_ASSERT_EQUAL(store_count(c.store, KUBE_ENDPOINTSLICE), 0);
    expect_owners(&c, "10.1.0.1", 0, 0);
    cluster_close(&c);
}

static void addresses_are_found(void)
{
    struct cluster c;
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, SERVICE("web", "10.0.0.1") SERVICE("twin", "10.0.0.1")
                        SLICE("s1", "web",
                              "[{addresses: [10.1.0.1], hostname: x}, {addresses: [10.1.0.1], hostname: y}]")
                            SLICE("s2", "db", "[{addresses: [10.1.0.1]}, {addresses: [10.0.0.1]}]"));
    expect_owners(&c, "10.0.0.1", 2, 1);
    expect_owners(&c, "10.1.0.1", 0, 2);
    expect_owners(&c, "10.9.9.9", 0, 0);
    expect_owners(&c, "fd00::1", 0, 0);
    struct ip *all;
    size_t n;
    CU_ASSERT_EQUAL(store_all_addresses(c.store, &all, &n), ERR_OK);
    CU_ASSERT_EQUAL(n, 2);
    free(all);
    store_remove(c.store, KUBE_SERVICE, "a", "web");
    store_remove(c.store, KUBE_ENDPOINTSLICE, "a", "s1");
    expect_owners(&c, "10.0.0.1", 1, 1);
    expect_owners(&c, "10.1.0.1", 0, 1);
    cluster_close(&c);
}

static void a_list_removes_what_it_does_not_hold(void)
{
    struct cluster c;
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, NAMESPACE SERVICE("one", "10.0.0.1") SERVICE("two", "10.0.0.2"));
    store_list_begin(c.store, KUBE_SERVICE);
    cluster_put(&c, SERVICE("one", "10.0.0.1"));
    store_list_begin(c.store, KUBE_SERVICE); /* it had to be begun anew */
    cluster_put(&c, SERVICE("two", "10.0.0.2") SERVICE("three", "10.0.0.3"));
    CU_ASSERT_EQUAL(store_count(c.store, KUBE_SERVICE), 3);
    store_list_end(c.store, KUBE_SERVICE);
    CU_ASSERT_PTR_NULL(store_find_unit(c.store, "a", "one"));
    CU_ASSERT_EQUAL(store_count(c.store, KUBE_SERVICE), 2);
    store_list_begin(c.store, KUBE_NAMESPACE);
    store_list_end(c.store, KUBE_NAMESPACE);
    CU_ASSERT_EQUAL(store_count(c.store, KUBE_NAMESPACE), 0);
    CU_ASSERT_FALSE(store_exposed(store_find_namespace(c.store, "a"))); /* its services are still known */
    cluster_close(&c);
}

static void what_is_refused_leaves_the_old(void)
{
    static struct kube_port ports[STORE_PORTS_MAX + 1];
    struct cluster c;
    cluster_open(&c, "cluster.local", "");
    for (size_t i = 0; i < STORE_PORTS_MAX + 1; i++)
        ports[i] = (struct kube_port){.name = "", .protocol = "TCP", .port = 1};
    cluster_put(&c, NAMESPACE SERVICE("web", "10.0.0.1"));
    struct kube_object o = {
        .kind = KUBE_SERVICE, .namespace = "a", .name = "web", .uid = "", .resource_version = ""};
    o.service = (struct kube_service){.ports = ports, .nports = STORE_PORTS_MAX + 1, .external_name = ""};
    store_list_begin(c.store, KUBE_SERVICE);
    CU_ASSERT_EQUAL(store_put(c.store, &o), ERR_LIMIT);
    store_list_end(c.store, KUBE_SERVICE);
    expect_owners(&c, "10.0.0.1", 1, 0);
    o.name = "Web";
    o.service.nports = 1;
    CU_ASSERT_EQUAL(store_put(c.store, &o), ERR_MALFORMED);
    o.name = "new";
    o.service.nports = STORE_PORTS_MAX + 1;
    CU_ASSERT_EQUAL(store_put(c.store, &o), ERR_LIMIT);
    CU_ASSERT_PTR_NULL(store_find_unit(c.store, "a", "new"));
    cluster_close(&c);
}

static void terminating_pods_stay_until_they_are_gone(void)
{
    struct cluster c;
    struct ip ip = ip_of("10.1.0.1");
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, NAMESPACE POD("new", ", deletionTimestamp: '2026-01-01T00:00:00Z'", "10.1.0.1"));
    const struct store_namespace *n = store_find_namespace(c.store, "a");
    CU_ASSERT_FALSE(store_has_pod_address(c.store, n, &ip));
    cluster_put(&c, POD("known", "", "10.1.0.1"));
    store_list_begin(c.store, KUBE_POD);
    cluster_put(&c, POD("known", ", deletionTimestamp: '2026-01-01T00:00:00Z'", "10.1.0.9"));
    store_list_end(c.store, KUBE_POD);
    CU_ASSERT_TRUE(store_has_pod_address(c.store, n, &ip));
    cluster_put(&c, POD("other", "", "10.1.0.1"));
    store_remove(c.store, KUBE_POD, "a", "known");
    CU_ASSERT_TRUE(store_has_pod_address(c.store, n, &ip)); /* the other one has it too */
    cluster_put(&c, POD("other", "", "10.1.0.2"));
    CU_ASSERT_FALSE(store_has_pod_address(c.store, n, &ip));
    cluster_close(&c);
}

static void pods_have_an_address_of_each_family(void)
{
    struct cluster c;
    struct ip four = ip_of("10.1.0.1"), six = ip_of("fd00::1");
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, NAMESPACE POD("p", "", "10.1.0.1, podIPs: [{ip: 10.1.0.1}, {ip: 'fd00::1'}]"));
    const struct store_namespace *n = store_find_namespace(c.store, "a");
    CU_ASSERT_TRUE(store_has_pod_address(c.store, n, &four));
    CU_ASSERT_TRUE(store_has_pod_address(c.store, n, &six));
    cluster_put(&c, POD("p", "", "10.1.0.1, podIPs: [{ip: 'fd00::1'}]")); /* which has become the first */
    CU_ASSERT_FALSE(store_has_pod_address(c.store, n, &four));
    CU_ASSERT_TRUE(store_has_pod_address(c.store, n, &six));
    store_remove(c.store, KUBE_POD, "a", "p");
    CU_ASSERT_FALSE(store_has_pod_address(c.store, n, &six));
    cluster_close(&c);
}

static void everything_comes_in_canonical_order(void)
{
    struct cluster c;
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, SERVICE("b", "10.0.0.1") SERVICE("a-b", "10.0.0.2") SERVICE("a", "10.0.0.3")
                        SERVICE("a0", "10.0.0.4") SERVICE("a_b", "10.0.0.5"));
    struct store_unit **units;
    size_t n;
    static const char *const expected[] = {"a", "a-b", "a0", "a_b", "b"};
    CU_ASSERT_EQUAL(store_sorted_units(store_find_namespace(c.store, "a"), &units, &n), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(n, 5);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_STRING_EQUAL(units[i]->name, expected[i]);
    free(units);
    cluster_close(&c);
}

static void ports_are_found_by_name(void)
{
    struct cluster c;
    size_t count;
    cluster_open(&c, "cluster.local", "");
    cluster_put(
        &c, "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\nspec: {clusterIP: 10.0.0.1, "
            "ports: [{name: x, port: 3}, {port: 9}, {name: x, port: 1}, {name: w, port: 2}, "
            "{name: x, port: 5, protocol: UDP}, {name: xx, port: 4}]}\n");
    const struct service_data *d = store_find_unit(c.store, "a", "web")->service;
    size_t at = store_find_ports(d, d->ports, d->nports, "\2_x\4_tcp", 8, &count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_EQUAL(d->ports[at].number, 1);
    CU_ASSERT_EQUAL(d->ports[at + 1].number, 3);
    at = store_find_ports(d, d->ports, d->nports, "", 0, &count);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_EQUAL(d->ports[at].number, 9);
    store_find_ports(d, d->ports, d->nports, "\2_y\4_tcp", 8, &count);
    CU_ASSERT_EQUAL(count, 0);
    cluster_close(&c);
}

static void tables_grow_and_shrink(void)
{
    struct entry {
        struct store_link link;
        int number;
    } entries[1000];
    struct store_table t;
    CU_ASSERT_EQUAL_FATAL(store_table_init(&t), ERR_OK);
    for (int i = 0; i < 1000; i++) {
        entries[i].number = i;
        store_table_add(&t, &entries[i].link, store_hash(0, &i, sizeof i) & 0xff); /* with collisions */
    }
    for (int i = 0; i < 1000; i += 2)
        store_table_remove(&t, &entries[i].link);
    store_table_remove(&t, &entries[0].link); /* not there: no harm */
    CU_ASSERT_EQUAL(t.count, 500);
    struct store_cursor cursor = {0};
    struct store_link *l;
    int seen = 0;
    while ((l = store_table_next(&t, &cursor)) != NULL) {
        seen += store_entry(l, struct entry, link)->number % 2;
        store_table_remove(&t, l); /* the one just returned may go */
    }
    CU_ASSERT_EQUAL(seen, 500);
    CU_ASSERT_EQUAL(t.count, 0);
    store_table_free(&t);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a unit joins a service and its slices, and goes with the last of them",
         units_join_services_and_slices},
        {"objects that are equal for DNS are no news", equal_objects_are_no_news},
        {"the listener hears of what changes, and of nothing else", the_listener_hears_what_changes},
        {"a slice may be given to another service", a_slice_may_change_its_service},
        {"the owners of an address are found", addresses_are_found},
        {"a list removes what it does not hold", a_list_removes_what_it_does_not_hold},
        {"an object that is refused leaves the old one", what_is_refused_leaves_the_old},
        {"a terminating pod stays until it is gone, and is not taken in",
         terminating_pods_stay_until_they_are_gone},
        {"pods have an address of each family", pods_have_an_address_of_each_family},
        {"units come in canonical order", everything_comes_in_canonical_order},
        {"ports are found by name and protocol", ports_are_found_by_name},
        {"hash tables keep what they are given", tables_grow_and_shrink},
    };
    return run_suite("store", tests, sizeof tests / sizeof tests[0]);
}
