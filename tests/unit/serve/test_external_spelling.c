#include "serve/external_spelling.h"

#include "../zone/fixture.h"

static struct zone *zone;

/* web: addresses and ports; bare: addresses alone; lb: a host name; db, none: headless with endpoints, the
 * latter without ports; in: only an endpoint's name; ns1.dns: the name server. */
static const char *const records[] = {
    "shop.cluster.local. 5 IN TYPE65280 \\# 0",
    "ns1.dns.cluster.local. 5 IN A 192.0.2.53",
    "web.shop.cluster.local. 5 IN A 192.0.2.1",
    "web.shop.cluster.local. 5 IN SRV 0 100 80 web.shop.cluster.local.",
    "_http._tcp.web.shop.cluster.local. 5 IN A 192.0.2.1",
    "_http._tcp.web.shop.cluster.local. 5 IN SRV 0 100 80 web.shop.cluster.local.",
    "bare.shop.cluster.local. 5 IN A 192.0.2.2",
    "lb.shop.cluster.local. 5 IN CNAME lb.example.com.",
    "_._.lb.shop.cluster.local. 5 IN SRV 0 100 80 lb.example.com.",
    "_http._tcp.lb.shop.cluster.local. 5 IN SRV 0 100 80 lb.example.com.",
    "db.shop.cluster.local. 5 IN A 10.1.0.1",
    "db.shop.cluster.local. 5 IN SRV 0 100 5432 db-0.db.shop.cluster.local.",
    "db-0.db.shop.cluster.local. 5 IN A 10.1.0.1",
    "_sql._tcp.db.shop.cluster.local. 5 IN SRV 0 100 5432 db-0.db.shop.cluster.local.",
    "none.shop.cluster.local. 5 IN A 10.1.0.2",
    "a.none.shop.cluster.local. 5 IN A 10.1.0.2",
    "e.in.shop.cluster.local. 5 IN A 10.1.0.3",
    NULL,
};

static struct cluster_spelling spelling;

static const struct node *node_at(const char *front)
{
    char text[NAME_MAX_TEXT];
    uint8_t lname[NAME_MAX_LEN];
    snprintf(text, sizeof text, "%s.cluster.local.", front);
    size_t len = name_lower(lname, name_of(text));
    const struct node *n = zone_find(zone_current(zone), lname, len, name_hash(lname, len));
    return n != NULL ? n : external_spelling_find(&spelling, zone_current(zone), lname, len);
}

/* `found` below cluster.local; NULL: nothing. */
static void expect(const char *asked, const struct node *n, const char *found)
{
    char text[NAME_MAX_TEXT], wanted[NAME_MAX_TEXT];
    snprintf(wanted, sizeof wanted, "%s.cluster.local.", found == NULL ? "" : found);
    if ((n == NULL) != (found == NULL) ||
        (n != NULL && strcmp(name_to_text(node_name(n), text), wanted) != 0))
        fprintf(stderr, "%s: %s, not %s\n", asked, n == NULL ? "nothing" : text, wanted);
    CU_ASSERT_EQUAL_FATAL(n == NULL, found == NULL);
    if (n != NULL)
        CU_ASSERT_STRING_EQUAL(name_to_text(node_name(n), text), wanted);
}

static void names_that_are_not_there(void)
{
    static const char *const cases[][2] = {
        {"x.web.shop", "web.shop"},
        {"x.bare.shop", "bare.shop"},
        {"x.lb.shop", "lb.shop"},
        {"x.db.shop", NULL}, /* endpoints have names: this is none */
        {"x.none.shop", NULL},
        {"x.in.shop", NULL},
        {"x.gone.shop", NULL},
        {"x.ns1.dns", NULL},
        {"x.y.web.shop", NULL},
        {"x.shop", NULL},
        {"http.tcp.web.shop", "_http._tcp.web.shop"},
        {"_._tcp.web.shop", "web.shop"},
        {"_http._.db.shop", NULL},
        {"sql._.db.shop", "_sql._tcp.db.shop"},
        {"_._.in.shop", NULL}, /* only a name between others */
        {"a.b.c.web.shop", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(cases[i][0], node_at(cases[i][0]), cases[i][1]);
}

static void records_that_stand_at_another_name(void)
{
    static const struct {
        const char *asked;
        uint16_t type;
        const char *found;
    } cases[] = {
        {"lb.shop", RR_SRV, "_._.lb.shop"},
        {"lb.shop", RR_A, "lb.shop"},
        {"lb.shop", RR_TXT, "lb.shop"},
        {"x.lb.shop", RR_SRV, "_._.lb.shop"},
        {"_http._tcp.lb.shop", RR_A, "lb.shop"},
        {"_http._tcp.lb.shop", RR_AAAA, "lb.shop"},
        {"_http._tcp.lb.shop", RR_SRV, "_http._tcp.lb.shop"},
        {"_http._tcp.lb.shop", RR_TXT, "_http._tcp.lb.shop"},
        {"_http._tcp.web.shop", RR_A, "_http._tcp.web.shop"},
        {"_tcp.web.shop", RR_A, "web.shop"},
        {"_tcp.lb.shop", RR_SRV, "_._.lb.shop"},
        {"_tcp.db.shop", RR_A, "_tcp.db.shop"},
        {"web.shop", RR_SRV, "web.shop"},
        {"shop", RR_SRV, "shop"},
        {"dns", RR_A, "dns"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(cases[i].asked,
               external_spelling_adapt(&spelling, zone_current(zone), node_at(cases[i].asked), cases[i].type),
               cases[i].found);
}

static void the_zone_of_these_tests_is_built(void)
{
    static uint8_t apex[NAME_MAX_LEN];
    spelling.apex = apex;
    spelling.apex_len = name_lower(apex, name_of("cluster.local."));
    zone = zone_of(records);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the zone of these tests is built", the_zone_of_these_tests_is_built},
        {"a label in front of an external service, and other spellings of ports", names_that_are_not_there},
        {"records that a CNAME leaves no room for stand at another name", records_that_stand_at_another_name},
    };
    rcu_reader_register();
    int status = run_suite("external spellings", tests, sizeof tests / sizeof tests[0]);
    zone_free(zone);
    rcu_drain();
    rcu_reader_unregister();
    return status;
}
