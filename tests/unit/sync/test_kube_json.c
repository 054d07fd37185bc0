/* sync/kube_json.h: what each field gives, and that whatever is wrong is refused with words and without harm.
 */
#include "sync/kube_json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../runner.h"

#define META                                                                                                 \
    "\"metadata\":{\"namespace\":\"default\",\"name\":\"web\",\"uid\":\"u-1\",\"resourceVersion\":\"42\"}"

/* The object of a JSON text that must be good. */
static struct kube_object *object_of(enum kube_kind kind, const char *json)
{
    struct json_object *j = json_tokener_parse(json);
    CU_ASSERT_PTR_NOT_NULL_FATAL(j);
    struct kube_object *o = NULL;
    struct errtext e = {{0}};
    int ret = kube_json_object(j, kind, &o, &e);
    if (ret != ERR_OK)
        printf("\n    %s: %s\n", json, e.text);
    CU_ASSERT_EQUAL_FATAL(ret, ERR_OK);
    json_object_put(j); /* the object must not borrow from it */
    return o;
}

static void assert_ip(const struct ip *ip, const char *expected)
{
    char out[IP_TEXT_MAX];
    CU_ASSERT_STRING_EQUAL(ip_to_text(ip, out), expected);
}

static void service_with_everything(void)
{
    struct kube_object *o = object_of(
        KUBE_SERVICE,
        "{" META ",\"spec\":{\"type\":\"NodePort\",\"clusterIP\":\"10.0.0.9\",\"clusterIPs\":[\"10.0.0.9\","
        "\"fd00::9\"],"
        "\"publishNotReadyAddresses\":true,\"ports\":[{\"name\":\"http\",\"port\":80},"
        "{\"name\":\"dns\",\"port\":53,\"protocol\":\"UDP\"},{\"port\":9,\"protocol\":\"QUIC\"}]}}");
    CU_ASSERT_STRING_EQUAL(o->namespace, "default");
    CU_ASSERT_STRING_EQUAL(o->name, "web");
    CU_ASSERT_STRING_EQUAL(o->uid, "u-1");
    CU_ASSERT_STRING_EQUAL(o->resource_version, "42");
    CU_ASSERT_EQUAL(o->service.type, SERVICE_CLUSTER_IP);
    CU_ASSERT_EQUAL_FATAL(o->service.nips, 2);
    assert_ip(&o->service.ips[0], "10.0.0.9");
    assert_ip(&o->service.ips[1], "fd00::9");
    CU_ASSERT_TRUE(o->service.publish_not_ready);
    CU_ASSERT_EQUAL_FATAL(o->service.nports, 3);
    CU_ASSERT_STRING_EQUAL(o->service.ports[0].name, "http");
    CU_ASSERT_STRING_EQUAL(o->service.ports[0].protocol, "TCP");
    CU_ASSERT_EQUAL(o->service.ports[0].port, 80);
    CU_ASSERT_STRING_EQUAL(o->service.ports[1].protocol, "UDP");
    CU_ASSERT_STRING_EQUAL(o->service.ports[2].name, "");
    CU_ASSERT_STRING_EQUAL(o->service.ports[2].protocol, "QUIC");
    kube_object_free(o);
}

static void service_types(void)
{
    static const struct {
        const char *spec;
        enum service_type type;
        size_t nips;
    } cases[] = {
        {"{\"clusterIP\":\"None\",\"clusterIPs\":[\"None\"]}", SERVICE_HEADLESS, 0},
        {"{\"clusterIP\":\"None\"}", SERVICE_HEADLESS, 0},
        {"{\"clusterIP\":\"\"}", SERVICE_CLUSTER_IP, 0},
        {"{\"clusterIP\":\"10.0.0.1\"}", SERVICE_CLUSTER_IP, 1},
        {"{\"clusterIP\":\"10.0.0.1\",\"clusterIPs\":[]}", SERVICE_CLUSTER_IP, 1},
        {"{\"clusterIP\":\"010.0.0.1\"}", SERVICE_CLUSTER_IP, 0},
        {"{\"type\":\"LoadBalancer\",\"clusterIPs\":[\"fd00::1\"]}", SERVICE_CLUSTER_IP, 1},
        {"{\"type\":\"ExternalName\",\"externalName\":\"a.example\"}", SERVICE_EXTERNAL_NAME, 0},
        {"{\"type\":\"ExternalName\",\"clusterIP\":\"None\"}", SERVICE_EXTERNAL_NAME, 0},
        {"{\"clusterIPs\":[\"10.0.0.1\",\"10.0.0.256\",\"\",\"x\"]}", SERVICE_CLUSTER_IP, 1},
        {"null", SERVICE_CLUSTER_IP, 0},
        {"{}", SERVICE_CLUSTER_IP, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[512];
        snprintf(json, sizeof json, "{" META ",\"spec\":%s}", cases[i].spec);
        struct kube_object *o = object_of(KUBE_SERVICE, json);
        CU_ASSERT_EQUAL(o->service.type, cases[i].type);
        CU_ASSERT_EQUAL(o->service.nips, cases[i].nips);
        CU_ASSERT_EQUAL(o->service.nports, 0);
        kube_object_free(o);
    }
}

static void external_addresses(void)
{
    struct kube_object *o = object_of(
        KUBE_SERVICE,
        "{" META ",\"spec\":{\"externalIPs\":[\"192.0.2.1\",\"no address\",\"2001:DB8::1\"]},"
        "\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"192.0.2.2\",\"hostname\":\"x.example\"},{},"
        "{\"hostname\":\"lb.example\",\"ports\":[]},{\"ip\":\"\",\"hostname\":\"lb2.example\"},"
        "{\"ip\":null,\"hostname\":null}]}}}");
    CU_ASSERT_EQUAL_FATAL(o->service.nexternals, 5);
    static const char *const expected[] = {"192.0.2.1", "2001:db8::1", "192.0.2.2", "lb.example",
                                           "lb2.example"};
    for (size_t i = 0; i < 5; i++) {
        const struct kube_external *x = &o->service.externals[i];
        char text[IP_TEXT_MAX];
        CU_ASSERT_EQUAL(x->ip.family == 0, i > 2);
        CU_ASSERT_STRING_EQUAL(x->ip.family == 0 ? x->host : ip_to_text(&x->ip, text), expected[i]);
        CU_ASSERT_EQUAL(x->host[0] == '\0', i < 3);
    }
    kube_object_free(o);
    o = object_of(KUBE_SERVICE,
                  "{" META ",\"spec\":{\"externalIPs\":null},\"status\":{\"loadBalancer\":{}}}");
    CU_ASSERT_EQUAL(o->service.nexternals, 0);
    kube_object_free(o);
}

static void slice_with_everything(void)
{
    struct kube_object *o = object_of(
        KUBE_ENDPOINTSLICE,
        "{\"metadata\":{\"namespace\":\"default\",\"name\":\"web-1\",\"labels\":{\"kubernetes.io/"
        "service-name\":\"web\"},"
        "\"annotations\":{\"endpoints.kubernetes.io/"
        "last-change-trigger-time\":\"2026-03-01T12:00:00.123456789Z\"}},"
        "\"addressType\":\"IPv4\",\"ports\":[{\"name\":null,\"port\":null,\"protocol\":null},{\"name\":\"\","
        "\"port\":8080}],"
        "\"endpoints\":[{\"addresses\":[\"10.1.0.1\"],\"hostname\":\"a\",\"conditions\":{\"ready\":false},"
        "\"targetRef\":{\"kind\":\"Pod\",\"name\":\"web-0\"}},"
        "{\"addresses\":[\"10.1.0.2\",\"bad\",\"10.1.0.3\"],\"targetRef\":{\"kind\":\"Node\",\"name\":\"n\"}}"
        ","
        "{\"addresses\":[],\"conditions\":{\"ready\":null}}]}");
    const struct kube_slice *s = &o->slice;
    CU_ASSERT_STRING_EQUAL(s->service, "web");
    CU_ASSERT_EQUAL(o->trigger_ms, 1772366400123u);
    CU_ASSERT_EQUAL_FATAL(s->nports, 2);
    CU_ASSERT_EQUAL(s->ports[0].port, 0);
    CU_ASSERT_STRING_EQUAL(s->ports[0].protocol, "TCP");
    CU_ASSERT_EQUAL(s->ports[1].port, 8080);
    CU_ASSERT_EQUAL_FATAL(s->nendpoints, 3);
    CU_ASSERT_EQUAL_FATAL(s->endpoints[0].nips, 1);
    assert_ip(&s->endpoints[0].ips[0], "10.1.0.1");
    CU_ASSERT_STRING_EQUAL(s->endpoints[0].hostname, "a");
    CU_ASSERT_STRING_EQUAL(s->endpoints[0].target_name, "web-0");
    CU_ASSERT_FALSE(s->endpoints[0].ready);
    CU_ASSERT_EQUAL_FATAL(s->endpoints[1].nips, 2);
    assert_ip(&s->endpoints[1].ips[1], "10.1.0.3");
    CU_ASSERT_STRING_EQUAL(s->endpoints[1].target_name, "n");
    CU_ASSERT_TRUE(s->endpoints[1].ready);
    CU_ASSERT_EQUAL(s->endpoints[2].nips, 0);
    CU_ASSERT_TRUE(s->endpoints[2].ready);
    kube_object_free(o);
}

static void fqdn_slice(void)
{
    struct kube_object *o =
        object_of(KUBE_ENDPOINTSLICE,
                  "{" META ",\"addressType\":\"FQDN\",\"endpoints\":[{\"addresses\":[\"a.example\"]},"
                  "{\"addresses\":[]}]}");
    CU_ASSERT_EQUAL_FATAL(o->slice.nendpoints, 2);
    CU_ASSERT_STRING_EQUAL(o->slice.endpoints[0].fqdn, "a.example");
    CU_ASSERT_EQUAL(o->slice.endpoints[0].nips, 0);
    CU_ASSERT_STRING_EQUAL(o->slice.endpoints[1].fqdn, "");
    CU_ASSERT_STRING_EQUAL(o->slice.service, "");
    kube_object_free(o);
}

static void pods_and_namespaces(void)
{
    struct kube_object *o = object_of(KUBE_POD, "{" META ",\"status\":{\"podIP\":\"fd00:0:0::1\"}}");
    CU_ASSERT_EQUAL(o->pod.nips, 1);
    assert_ip(&o->pod.ips[0], "fd00::1");
    CU_ASSERT_FALSE(o->pod.deleted);
    kube_object_free(o);
    o = object_of(KUBE_POD, "{" META ",\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\"}}");
    assert_ip(&o->pod.ips[0], "10.0.0.1");
    kube_object_free(o);
    o = object_of(KUBE_POD,
                  "{" META
                  ",\"status\":{\"podIP\":\"10.0.0.1\",\"podIPs\":[{\"ip\":\"fd00::1\"},{\"ip\":\"x\"},"
                  "{\"ip\":\"fd00::1\"},{\"ip\":\"10.0.0.2\"},{\"ip\":\"10.0.0.3\"}]}}");
    CU_ASSERT_EQUAL_FATAL(o->pod.nips, 2); /* each once, and no more than there may be */
    assert_ip(&o->pod.ips[0], "fd00::1");
    assert_ip(&o->pod.ips[1], "10.0.0.2");
    kube_object_free(o);
    o = object_of(KUBE_POD, "{" META ",\"status\":{\"phase\":\"Succeeded\",\"podIP\":\"10.0.0.1\"}}");
    CU_ASSERT_EQUAL(o->pod.nips, 0); /* it has ended: a file holds such pods too */
    kube_object_free(o);
    o = object_of(
        KUBE_POD,
        "{\"metadata\":{\"namespace\":\"a\",\"name\":\"b\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"}}");
    CU_ASSERT_EQUAL(o->pod.nips, 0);
    CU_ASSERT_TRUE(o->pod.deleted);
    kube_object_free(o);
    o = object_of(KUBE_NAMESPACE,
                  "{\"metadata\":{\"name\":\"kube-system\",\"uid\":\"abc\",\"deletionTimestamp\":null}}");
    CU_ASSERT_STRING_EQUAL(o->namespace, "");
    CU_ASSERT_STRING_EQUAL(o->name, "kube-system");
    CU_ASSERT_STRING_EQUAL(o->uid, "abc");
    kube_object_free(o);
}

static void change_times(void)
{
    struct kube_object *o = object_of(
        KUBE_NAMESPACE,
        "{\"metadata\":{\"name\":\"a\",\"creationTimestamp\":\"2026-03-01T12:00:00Z\",\"managedFields\":["
        "{\"time\":\"2026-03-01T12:00:05Z\"},{\"time\":\"2026-03-01T12:00:09+00:00\"},{\"time\":7},7,null]}"
        "}");
    CU_ASSERT_EQUAL(o->changed_ms, 1772366409000u);
    kube_object_free(o);
    o = object_of(KUBE_NAMESPACE, "{\"metadata\":{\"name\":\"a\",\"creationTimestamp\":\"2026-03-01T12:00:"
                                  "00Z\",\"managedFields\":{}}}");
    CU_ASSERT_EQUAL(o->changed_ms, 1772366400000u);
    kube_object_free(o);
    o = object_of(KUBE_NAMESPACE, "{\"metadata\":{\"name\":\"a\",\"creationTimestamp\":\"yesterday\"}}");
    CU_ASSERT_EQUAL(o->changed_ms, 0);
    kube_object_free(o);
}

static void refused_objects(void)
{
    static const struct {
        enum kube_kind kind;
        const char *json;
        const char *says;
    } cases[] = {
        {KUBE_NAMESPACE, "[]", "Namespace: not a JSON object"},
        {KUBE_NAMESPACE, "7", "Namespace: not a JSON object"},
        {KUBE_NAMESPACE, "{}", "Namespace (no name): metadata.name is missing"},
        {KUBE_NAMESPACE, "{\"metadata\":[]}", "Namespace (no name): metadata is not an object"},
        {KUBE_NAMESPACE, "{\"metadata\":{\"name\":\"\"}}", "Namespace (no name): metadata.name is missing"},
        {KUBE_NAMESPACE, "{\"metadata\":{\"name\":{}}}", "Namespace (no name): metadata.name is not a text"},
        {KUBE_NAMESPACE, "{\"metadata\":{\"name\":\"a\\u0000b\"}}",
         "Namespace (no name): metadata.name has a NUL in it"},
        {KUBE_SERVICE, "{\"metadata\":{\"name\":\"a\"}}", "Service a: metadata.namespace is missing"},
        {KUBE_SERVICE, "{" META ",\"spec\":[]}", "Service default/web: spec is not an object"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"type\":1}}", "Service default/web: spec.type is not a text"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"clusterIPs\":{}}}",
         "Service default/web: spec.clusterIPs is not a list"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"clusterIPs\":[null]}}",
         "Service default/web: spec.clusterIPs[] is of another type"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"externalIPs\":[7]}}",
         "Service default/web: spec.externalIPs[] is of another type"},
        {KUBE_SERVICE, "{" META ",\"status\":{\"loadBalancer\":[]}}",
         "Service default/web: status.loadBalancer is not an object"},
        {KUBE_SERVICE, "{" META ",\"status\":{\"loadBalancer\":{\"ingress\":[\"x\"]}}}",
         "Service default/web: status.loadBalancer.ingress[] is of another type"},
        {KUBE_SERVICE, "{" META ",\"status\":{\"loadBalancer\":{\"ingress\":[{\"hostname\":1}]}}}",
         "Service default/web: status.loadBalancer.ingress[].hostname is not a text"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"clusterIP\":7}}",
         "Service default/web: spec.clusterIP is not a text"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"ports\":[7]}}",
         "Service default/web: spec.ports[] is of another type"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"ports\":[null]}}",
         "Service default/web: spec.ports[] is of another type"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"ports\":[{\"port\":65536}]}}",
         "Service default/web: spec.ports[].port is not a port number"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"ports\":[{\"port\":-1}]}}",
         "Service default/web: spec.ports[].port is not a port number"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"ports\":[{\"port\":99999999999999999999}]}}",
         "Service default/web: spec.ports[].port is not a port number"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"ports\":[{\"port\":80.5}]}}",
         "Service default/web: spec.ports[].port is not a whole number"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"ports\":[{\"port\":80,\"protocol\":{}}]}}",
         "Service default/web: spec.ports[].protocol is not a text"},
        {KUBE_SERVICE, "{" META ",\"spec\":{\"publishNotReadyAddresses\":\"yes\"}}",
         "Service default/web: spec.publishNotReadyAddresses is not true or false"},
        {KUBE_ENDPOINTSLICE, "{" META ",\"endpoints\":{}}",
         "EndpointSlice default/web: endpoints is not a list"},
        {KUBE_ENDPOINTSLICE, "{" META ",\"endpoints\":[{\"addresses\":[1]}]}",
         "EndpointSlice default/web: endpoints[].addresses[] is of another type"},
        {KUBE_ENDPOINTSLICE, "{" META ",\"endpoints\":[{\"conditions\":{\"ready\":1}}]}",
         "EndpointSlice default/web: endpoints[].conditions.ready is not true or false"},
        {KUBE_POD, "{" META ",\"status\":{\"podIP\":[]}}", "Pod default/web: status.podIP is not a text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_object *j = json_tokener_parse(cases[i].json);
        struct kube_object *o = NULL;
        struct errtext e = {{0}};
        CU_ASSERT_EQUAL(kube_json_object(j, cases[i].kind, &o, &e), ERR_MALFORMED);
        CU_ASSERT_PTR_NULL(o);
        if (strcmp(e.text, cases[i].says) != 0)
            printf("\n    %s: says \"%s\"\n", cases[i].json, e.text);
        CU_ASSERT_STRING_EQUAL(e.text, cases[i].says);
        CU_ASSERT_EQUAL(kube_json_object(j, cases[i].kind, &o, NULL), ERR_MALFORMED);
        json_object_put(j);
    }
}

/* {META,"KEY":[ELEMENT,ELEMENT,...]} or, with `inner`, {META,"spec":{"KEY":[...]}}; the caller frees. */
static struct json_object *many(const char *key, const char *element, size_t count)
{
    struct json_object *j = json_tokener_parse("{" META "}");
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        json_object_array_add(array, json_tokener_parse(element));
    json_object_object_add(j, key, array);
    return j;
}

static int read_and_put(struct json_object *j, enum kube_kind kind, struct errtext *e)
{
    struct kube_object *o = NULL;
    *e = (struct errtext){{0}};
    int ret = kube_json_object(j, kind, &o, e);
    kube_object_free(o);
    json_object_put(j);
    return ret;
}

static void limits_hold(void)
{
    struct errtext e;
    CU_ASSERT_EQUAL(read_and_put(many("endpoints", "{}", KUBE_ENDPOINTS_MAX), KUBE_ENDPOINTSLICE, &e),
                    ERR_OK);
    CU_ASSERT_EQUAL(read_and_put(many("endpoints", "{}", KUBE_ENDPOINTS_MAX + 1), KUBE_ENDPOINTSLICE, &e),
                    ERR_LIMIT);
    CU_ASSERT_STRING_EQUAL(e.text, "EndpointSlice default/web: endpoints has too many elements");
    CU_ASSERT_EQUAL(read_and_put(many("ports", "{\"port\":1}", KUBE_PORTS_MAX), KUBE_ENDPOINTSLICE, &e),
                    ERR_OK);
    CU_ASSERT_EQUAL(read_and_put(many("ports", "{\"port\":1}", KUBE_PORTS_MAX + 1), KUBE_ENDPOINTSLICE, &e),
                    ERR_LIMIT);

    struct json_object *addresses = many("addresses", "\"10.0.0.1\"", KUBE_IPS_MAX + 1);
    struct json_object *j = json_tokener_parse("{" META "}");
    struct json_object *endpoints = json_object_new_array();
    json_object_array_add(endpoints, addresses);
    json_object_object_add(j, "endpoints", endpoints);
    CU_ASSERT_EQUAL(read_and_put(j, KUBE_ENDPOINTSLICE, &e), ERR_LIMIT);

    char name[KUBE_TEXT_MAX + 2];
    memset(name, 'a', sizeof name - 1);
    name[KUBE_TEXT_MAX + 1] = '\0';
    for (int over = 0; over <= 1; over++) {
        j = json_tokener_parse("{" META ",\"spec\":{}}");
        json_object_object_add(json_object_object_get(j, "spec"), "externalName",
                               json_object_new_string(name + !over));
        CU_ASSERT_EQUAL(read_and_put(j, KUBE_SERVICE, &e), over ? ERR_LIMIT : ERR_OK);
    }
    CU_ASSERT_STRING_EQUAL(e.text, "Service default/web: spec.externalName is too long");
}

static void kinds_by_name(void)
{
    static const struct {
        const char *version, *kind;
        int ret;
        enum kube_kind gives;
    } cases[] = {
        {"\"v1\"", "\"Namespace\"", ERR_OK, KUBE_NAMESPACE},
        {"\"v1\"", "\"Service\"", ERR_OK, KUBE_SERVICE},
        {"\"v1\"", "\"Pod\"", ERR_OK, KUBE_POD},
        {"\"discovery.k8s.io/v1\"", "\"EndpointSlice\"", ERR_OK, KUBE_ENDPOINTSLICE},
        {"\"discovery.k8s.io/v1beta1\"", "\"EndpointSlice\"", ERR_UNSUPPORTED, KUBE_ENDPOINTSLICE},
        {"\"multicluster.x-k8s.io/v1alpha1\"", "\"ServiceImport\"", ERR_OK, KUBE_SERVICEIMPORT},
        {"\"multicluster.x-k8s.io/v1beta1\"", "\"ServiceImport\"", ERR_UNSUPPORTED, KUBE_SERVICEIMPORT},
        {"\"v1\"", "\"ServiceImport\"", ERR_NOT_FOUND, 0},
        {"\"serving.knative.dev/v1\"", "\"Service\"", ERR_NOT_FOUND, 0},
        {"\"v1\"", "\"Endpoints\"", ERR_NOT_FOUND, 0},
        {"\"apps/v1\"", "\"Deployment\"", ERR_NOT_FOUND, 0},
        {"null", "\"Service\"", ERR_MALFORMED, 0},
        {"\"v1\"", "7", ERR_MALFORMED, 0},
        {"\"\"", "\"\"", ERR_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[128];
        snprintf(json, sizeof json, "{\"apiVersion\":%s,\"kind\":%s}", cases[i].version, cases[i].kind);
        struct json_object *j = json_tokener_parse(json);
        enum kube_kind kind = 99;
        struct errtext e = {{0}};
        CU_ASSERT_EQUAL(kube_json_kind(j, &kind, &e), cases[i].ret);
        bool known = cases[i].ret == ERR_OK || cases[i].ret == ERR_UNSUPPORTED;
        CU_ASSERT_EQUAL(kind, known ? cases[i].gives : 99);
        CU_ASSERT_EQUAL(e.text[0] == '\0', cases[i].ret == ERR_OK || cases[i].ret == ERR_NOT_FOUND);
        json_object_put(j);
    }
    enum kube_kind kind;
    CU_ASSERT_EQUAL(kube_json_kind(NULL, &kind, NULL), ERR_MALFORMED);
}

static void identity_of_anything(void)
{
    struct json_object *j = json_tokener_parse("{" META "}");
    struct kube_identity id = kube_json_identity(j);
    CU_ASSERT_STRING_EQUAL(id.namespace, "default");
    CU_ASSERT_STRING_EQUAL(id.name, "web");
    CU_ASSERT_STRING_EQUAL(id.resource_version, "42");
    json_object_put(j);
    j = json_tokener_parse("{\"metadata\":{\"name\":[]}}");
    CU_ASSERT_STRING_EQUAL(kube_json_identity(j).name, "");
    json_object_put(j);
    CU_ASSERT_STRING_EQUAL(kube_json_identity(NULL).name, "");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a Service gives its addresses, ports and flags", service_with_everything},
        {"external addresses of a Service come before its load balancer's", external_addresses},
        {"the type of a Service follows type and clusterIPs as CoreDNS reads them", service_types},
        {"an EndpointSlice gives endpoints, ports, readiness and the trigger time", slice_with_everything},
        {"an FQDN slice gives a name and no addresses", fqdn_slice},
        {"Pods give their address as text and binary, Namespaces their name", pods_and_namespaces},
        {"the change time is the newest of managedFields, else the creation", change_times},
        {"an object that breaks the API's types is refused in words", refused_objects},
        {"limits hold at their number and refuse one more", limits_hold},
        {"the kind is known by apiVersion and kind together", kinds_by_name},
        {"any JSON has an identity, if an empty one", identity_of_anything},
    };
    return run_suite("kube_json", tests, sizeof tests / sizeof tests[0]);
}
