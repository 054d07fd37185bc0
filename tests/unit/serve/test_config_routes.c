#include "serve/config_routes.h"

#include "../runner.h"
#include "fake_plugins.h"

static struct errtext e;
static struct config *config;

static int build(const char *text)
{
    config = NULL;
    return fake_config(text, &config, &e);
}

static const struct listener *listener_of(const char *label)
{
    for (size_t i = 0; i < config->nlisteners; i++)
        if (strcmp(config->listeners[i].label, label) == 0)
            return &config->listeners[i];
    CU_FAIL("no such listener");
    return &config->listeners[0];
}

/* The zone of the route that a question takes, "refused" without one. */
static const char *route_of(const char *label, const char *text, uint16_t type)
{
    struct query q;
    uint8_t name[NAME_MAX_LEN];
    CU_ASSERT_FATAL(name_from_text(text, strlen(text), name) > 0);
    query_make(&q, name, type);
    const struct route *r = listener_route(listener_of(label), &q);
    return r == NULL ? "refused" : r->zone_text;
}

static void the_longest_zone_takes_the_question(void)
{
    CU_ASSERT_EQUAL_FATAL(build(". {\n upper\n}\nCluster.Local b.a {\n upper\n}\nx.b.a {\n lower\n}\n"),
                          ERR_OK);
    static const struct {
        const char *name, *zone;
    } cases[] = {
        {"www.example.", "."},
        {".", "."},
        {"cluster.local.", "cluster.local."},
        {"SVC.CLUSTER.LOCAL.", "cluster.local."},
        {"notcluster.local.", "."},
        {"local.", "."},
        {"b.a.", "b.a."},
        {"y.b.a.", "b.a."},
        {"x.b.a.", "x.b.a."},
        {"q.x.b.a.", "x.b.a."},
        {"xx.b.a.", "b.a."},
    };
    CU_ASSERT_EQUAL(config->nlisteners, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", cases[i].name, RR_A), cases[i].zone);
    config_unref(config);
}

static void a_name_that_no_zone_holds_is_refused(void)
{
    CU_ASSERT_EQUAL_FATAL(build("example.org {\n upper\n}\n"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "example.com.", RR_A), "refused");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "org.", RR_A), "refused");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", ".", RR_A), "refused");
    config_unref(config);
}

static void ds_is_asked_of_the_parent(void)
{
    CU_ASSERT_EQUAL_FATAL(build("a {\n upper\n}\nb.a {\n upper\n}\nlone {\n upper\n}\n"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "b.a.", RR_DS), "a.");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "c.b.a.", RR_DS), "b.a.");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "lone.", RR_DS), "lone."); /* no parent here */
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "b.a.", RR_A), "b.a.");
    config_unref(config);
    CU_ASSERT_EQUAL_FATAL(build(". {\n upper\n}\nb.a {\n upper\n}\n"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "b.a.", RR_DS), "b.a."); /* the root is nobody's parent */
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", ".", RR_DS), ".");
    config_unref(config);
}

static void ports_make_listeners_and_the_default_port_is_moved(void)
{
    CU_ASSERT_EQUAL_FATAL(build("a b:53 c:5301 dns://d {\n upper\n}\ne:53 {\n upper\n}\n"), ERR_OK);
    CU_ASSERT_EQUAL(config->nlisteners, 3);
    CU_ASSERT_EQUAL(config->nroutes, 5);
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "a.", RR_A), "a.");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "d.", RR_A), "d.");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:53", "b.", RR_A), "b.");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:53", "e.", RR_A), "e.");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:53", "a.", RR_A), "refused");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5301", "c.", RR_A), "c.");
    for (size_t i = 0; i < config->nroutes; i++)
        CU_ASSERT_PTR_NOT_NULL(config->routes[i].listener);
    config_unref(config);
}

static void a_network_is_a_reverse_zone(void)
{
    CU_ASSERT_EQUAL_FATAL(build("10.0.0.0/23 2001:db8::/32 {\n upper\n}\n"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "9.1.0.10.in-addr.arpa.", RR_PTR), "1.0.10.in-addr.arpa.");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "9.0.0.10.in-addr.arpa.", RR_PTR), "0.0.10.in-addr.arpa.");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "9.2.0.10.in-addr.arpa.", RR_PTR), "refused");
    CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", "0.8.b.d.0.1.0.0.2.ip6.arpa.", RR_PTR),
                           "8.b.d.0.1.0.0.2.ip6.arpa.");
    config_unref(config);
}

static void many_zones_find_their_routes(void)
{
    struct bytes text;
    bytes_init(&text, 1 << 20);
    for (unsigned i = 0; i < 500; i++)
        bytes_printf(&text, "%sz%u.test {\n upper\n}\n", i % 2 ? "sub." : "", i);
    CU_ASSERT_EQUAL_FATAL(build(text.data), ERR_OK);
    CU_ASSERT_EQUAL(config->nroutes, 500);
    for (unsigned i = 0; i < 500; i++) {
        char name[128], zone[64];
        snprintf(zone, sizeof zone, "%sz%u.test.", i % 2 ? "sub." : "", i);
        snprintf(name, sizeof name, "www.%s", zone);
        CU_ASSERT_STRING_EQUAL(route_of("dns://:5300", name, RR_A), zone);
    }
    config_unref(config);
    bytes_free(&text);
}

static const struct unit_test tests[] = {
    {"the longest zone takes the question", the_longest_zone_takes_the_question},
    {"a name that no zone holds is refused", a_name_that_no_zone_holds_is_refused},
    {"DS is asked of the parent", ds_is_asked_of_the_parent},
    {"ports make listeners, and the default port is moved",
     ports_make_listeners_and_the_default_port_is_moved},
    {"a network is a reverse zone", a_network_is_a_reverse_zone},
    {"many zones find their routes", many_zones_find_their_routes},
};

int main(void)
{
    return run_suite("config_routes", tests, sizeof tests / sizeof tests[0]);
}
