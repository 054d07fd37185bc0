#include "fake_serve.h"

#include "../serve/http_client.h"
#include "metrics/metrics.h"

#include "../runner.h"

extern const struct plugin plugin_prometheus;

static enum verdict never(void *state, struct request *r)
{
    (void)state, (void)r;
    return VERDICT_NEXT;
}

/* The table of plugins as the counters see it; "apart" takes no part in queries. */
static const struct plugin plugin_cached = {.name = "cache", .query = never};
static const struct plugin plugin_apart = {.name = "apart"};
const struct plugin *const plugin_table[] = {&plugin_prometheus, &plugin_cached, &plugin_apart};
const size_t plugin_count = 3;

static unsigned port;

/* A configuration of one listener and two routes, one of them in a block without the plugin. */
struct world {
    struct fake_stage *f;
    struct listener listener;
    struct route routes[2];
    struct block other;
};

static struct world *start(void)
{
    struct world *w = calloc(1, sizeof *w);
    char text[256];
    snprintf(text, sizeof text, "cluster.local {\nprometheus localhost:%u\n}\n", port);
    w->f = fake_setup(&plugin_prometheus, text);
    CU_ASSERT_EQUAL_FATAL(w->f->ret, ERR_OK);
    struct block *b = &w->f->block;
    b->stages[b->nstages++] = (struct stage){.plugin = &plugin_cached};
    b->stages[b->nstages++] = (struct stage){.plugin = &plugin_apart};
    w->routes[0] = (struct route){.listener = &w->listener, .block = b, .zone_text = "cluster.local."};
    w->routes[1] = (struct route){.listener = &w->listener, .block = &w->other, .zone_text = "."};
    snprintf(w->listener.label, sizeof w->listener.label, "dns://:53");
    w->f->config.listeners = &w->listener;
    w->f->config.nlisteners = 1;
    w->f->config.routes = w->routes;
    w->f->config.nroutes = 2;
    struct errtext e = {0};
    if (plugin_prometheus.start(w->f->state, &e) != ERR_OK)
        fprintf(stderr, "%s\n", e.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w->routes[0].metrics);
    CU_ASSERT_PTR_NULL(w->routes[1].metrics);
    return w;
}

static void stop(struct world *w)
{
    plugin_prometheus.stop(w->f->state);
    fake_free(&plugin_prometheus, w->f);
    free(w);
}

static bool page_has(const char *line)
{
    const char *page = http_client_get(fake_control.base, port, "/metrics");
    bool found = strstr(page, line) != NULL;
    if (!found)
        fprintf(stderr, "not on the page: %s\n", line);
    return found;
}

static void answer(struct world *w, struct request *r, uint8_t stage, uint16_t rcode)
{
    r->route = &w->routes[0];
    r->stage = stage;
    r->reply->rcode = rcode;
    r->received_ns = clock_ns() - 300000;
    plugin_prometheus.answer(w->f->state, r);
}

static void test_counts(void)
{
    struct world *w = start();
    struct request *r = fake_request("a.cluster.local", RR_A);
    r->q.dnssec_ok = true;
    answer(w, r, 1, RCODE_NOERROR);
    r = fake_request("a.cluster.local", 65280);
    fake_from_six(r);
    r->transport = TRANSPORT_TCP;
    answer(w, r, 3, RCODE_SERVFAIL);
    answer(w, fake_request("a.cluster.local", 50), 1, 3841);
    static const char common[] = "server=\"dns://:53\"";
    static const char *const lines[] = {
        "coredns_dns_requests_total{family=\"1\",proto=\"udp\",server=\"dns://"
        ":53\",type=\"A\",view=\"\",zone=\"cluster.local.\"} 1\n",
        "coredns_dns_requests_total{family=\"2\",proto=\"tcp\",server=\"dns://"
        ":53\",type=\"other\",view=\"\",zone=\"cluster.local.\"} 1\n",
        "coredns_dns_requests_total{family=\"1\",proto=\"udp\",server=\"dns://"
        ":53\",type=\"NSEC3\",view=\"\",zone=\"cluster.local.\"} 1\n",
        "coredns_dns_responses_total{plugin=\"cache\",rcode=\"NOERROR\",server=\"dns://"
        ":53\",view=\"\",zone=\"cluster.local.\"} 1\n",
        "coredns_dns_responses_total{plugin=\"\",rcode=\"SERVFAIL\",server=\"dns://"
        ":53\",view=\"\",zone=\"cluster.local.\"} 1\n",
        "coredns_dns_responses_total{plugin=\"cache\",rcode=\"other\",server=\"dns://"
        ":53\",view=\"\",zone=\"cluster.local.\"} 1\n",
        "coredns_dns_do_requests_total{server=\"dns://:53\",view=\"\",zone=\"cluster.local.\"} 1\n",
        "coredns_dns_request_duration_seconds_bucket{server=\"dns://"
        ":53\",view=\"\",zone=\"cluster.local.\",le=\"0.00025\"} 0\n",
        "coredns_dns_request_duration_seconds_count{server=\"dns://:53\",view=\"\",zone=\"cluster.local.\"} "
        "3\n",
        "coredns_dns_request_size_bytes_sum{proto=\"tcp\",server=\"dns://"
        ":53\",view=\"\",zone=\"cluster.local.\"} 33\n",
        "coredns_dns_response_size_bytes_bucket{proto=\"udp\",server=\"dns://"
        ":53\",view=\"\",zone=\"cluster.local.\",le=\"100\"} 2\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        CU_ASSERT_TRUE(strstr(lines[i], common) != NULL && page_has(lines[i]));
    stop(w);
    w = start(); /* a reload: counters go on */
    CU_ASSERT_TRUE(page_has(lines[0]));
    stop(w);
}

static void test_dropped(void)
{
    struct world *w = start();
    struct request *r = fake_request("example.org", RR_A);
    r->reply->rcode = RCODE_REFUSED;
    metrics_refused(r, &w->listener);
    CU_ASSERT_TRUE(page_has("coredns_dns_requests_total{family=\"1\",proto=\"udp\",server=\"dns://"
                            ":53\",type=\"A\",view=\"\",zone=\"dropped\"} 1\n"));
    CU_ASSERT_TRUE(page_has("coredns_dns_responses_total{plugin=\"\",rcode=\"REFUSED\",server=\"dns://"
                            ":53\",view=\"\",zone=\"dropped\"} 1\n"));
    struct listener without = {.port = 53};
    metrics_refused(r, &without); /* where no block has the plugin nothing is counted */
    stop(w);
}

static void test_process_and_build(void)
{
    struct world *w = start();
    CU_ASSERT_TRUE(page_has("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    CU_ASSERT_TRUE(
        page_has("coredns_build_info{goversion=\"\",revision=\"\",version=\"" SEAMARK_VERSION "\"} 1\n"));
    CU_ASSERT_TRUE(page_has(
        "coredns_plugin_enabled{name=\"cache\",server=\"dns://:53\",view=\"\",zone=\"cluster.local.\"} 1\n"));
    CU_ASSERT_TRUE(page_has("coredns_plugin_enabled{name=\"prometheus\","));
    const char *page = http_client_get(fake_control.base, port, "/metrics");
    CU_ASSERT_PTR_NULL(strstr(page, "name=\"apart\""));
    static const char *const names[] = {"process_cpu_seconds_total",
                                        "process_open_fds",
                                        "process_max_fds",
                                        "process_resident_memory_bytes",
                                        "process_virtual_memory_bytes",
                                        "process_start_time_seconds"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char line[80];
        snprintf(line, sizeof line, "\n%s ", names[i]);
        const char *at = strstr(page, line);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        double value = strtod(at + strlen(line), NULL);
        CU_ASSERT_TRUE(i == 0 ? value >= 0 : value > 0);
        if (i == 5) /* started within this minute */
            CU_ASSERT_TRUE(value > (double)clock_wall_ms() / 1000 - 60 &&
                           value < (double)clock_wall_ms() / 1000 + 1);
    }
    stop(w);
}

static void test_errors(void)
{
    static const char *const bad[] = {"prometheus 9153", "prometheus :1 :2", "prometheus {\ntls file\n}",
                                      "prometheus {\nruntime_metrics\n}", "prometheus {\nother\n}"};
    CU_ASSERT_STRING_EQUAL(fake_error(&plugin_prometheus, "prometheus :9153"), "");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_prometheus, bad[i]), " - plugin/prometheus: "));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"requests and answers are counted with CoreDNS's labels, over a reload too", test_counts},
        {"what no block takes is counted as dropped", test_dropped},
        {"the page tells the build, the plugins and the process", test_process_and_build},
        {"options that are not built and what does not read are errors", test_errors},
    };
    port = http_client_free_port();
    fake_control.base = event_base_new();
    int status = run_suite("prometheus", tests, sizeof tests / sizeof tests[0]);
    event_base_free(fake_control.base);
    return status;
}
