/* The addresses of a slice are the same to their readers, in whatever form they are kept. */
#include <arpa/inet.h>

#include "../runner.h"
#include "cluster.h"
#include "sync/store_pack.h"

#define SLICE(type, endpoints)                                                                               \
    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, namespace: a, labels: {"      \
    "kubernetes.io/service-name: web}}\naddressType: " type "\nendpoints: " endpoints "\n"

/* Packs the slice and checks its form and addresses, which stand sorted in `expected`, a blank between. */
static void check(const char *yaml, enum slice_form form, const char *expected)
{
    struct cluster c;
    char text[1024] = "";
    cluster_open(&c, "cluster.local", "");
    cluster_put(&c, yaml);
    const struct slice_data *d = LIST_FIRST(&store_find_unit(c.store, "a", "web")->slices)->data;
    CU_ASSERT_EQUAL(d->form, form);
    for (size_t i = 0; i < d->naddresses; i++) {
        struct store_address a = slice_address(d, i);
        size_t count, used = strlen(text);
        char ip[INET6_ADDRSTRLEN] = "";
        if (a.ip.family != 0)
            inet_ntop(a.ip.family == 4 ? AF_INET : AF_INET6, a.ip.octets, ip, sizeof ip);
        snprintf(text + used, sizeof text - used, "%s%s%s%s", i > 0 ? " " : "", ip, a.label != 0 ? "=" : "",
                 a.label != 0 ? (const char *)store_at(d, a.label) : "");
        CU_ASSERT_TRUE(slice_find_address(d, &a.ip, &count) <= i && count > 0);
    }
    CU_ASSERT_STRING_EQUAL(text, expected);
    cluster_close(&c);
}

static void addresses_alone_take_no_more_than_themselves(void)
{
    check(SLICE("IPv4", "[{addresses: [10.1.0.3]}, {addresses: [10.1.0.1, 10.1.0.2]}]"), SLICE_IPV4,
          "10.1.0.1 10.1.0.2 10.1.0.3");
    check(SLICE("IPv6", "[{addresses: ['fd00::2']}, {addresses: ['fd00::1']}]"), SLICE_IPV6,
          "fd00::1 fd00::2");
    check(SLICE("IPv4", "[]"), SLICE_IPV4, "");
}

static void whatever_else_there_is_makes_them_whole(void)
{
    check(SLICE("IPv4", "[{addresses: [10.1.0.2]}, {addresses: [10.1.0.1], hostname: db}]"), SLICE_WHOLE,
          "10.1.0.1=db 10.1.0.2");
    check(SLICE("IPv4", "[{addresses: [10.1.0.1, 'fd00::1']}]"), SLICE_WHOLE, "10.1.0.1 fd00::1");
    check(SLICE("FQDN", "[{addresses: [db.example.org]}]"), SLICE_WHOLE, "=db-example-org");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"addresses alone take no more than themselves", addresses_alone_take_no_more_than_themselves},
        {"whatever else there is makes them whole", whatever_else_there_is_makes_them_whole},
    };
    return run_suite("sync/store_data", tests, sizeof tests / sizeof tests[0]);
}
