/*
 * prometheus: /metrics in Prometheus' text format, and the counting of the block's requests and answers.
 *
 *     prometheus [ADDRESS]
 *
 * ADDRESS is localhost:9153 without. The page shows the whole process, all blocks; requests are counted in
 * blocks that have the directive. Counters go on through reloads of the configuration. Example: `prometheus
 * :9153`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/httpd.h"
#include "metrics/metrics.h"
#include "metrics/process_metrics.h"
#include "metrics/query_metrics.h"
#include "serve/control.h"
#include "serve/plugin.h"

#ifndef SEAMARK_REVISION
#define SEAMARK_REVISION ""
#endif

struct prometheus {
    const char *address;
    struct config *config;
    const struct block *block;
    struct http_endpoint *endpoint;
    /* What the routes and listeners point to, as long as the configuration lives. */
    struct route_metrics **counted;
    size_t ncounted;
    struct metric_gauge **gauges; /* coredns_plugin_enabled */
    size_t ngauges;
};

static const struct metric_desc build_desc = {
    .name = "coredns_build_info",
    .help = "A metric with a constant '1' value labeled by version, revision, and goversion.",
    .type = METRIC_GAUGE,
};
static const struct metric_desc enabled_desc = {
    .name = "coredns_plugin_enabled",
    .help = "A metric that indicates whether a plugin is enabled on per server and zone basis.",
    .type = METRIC_GAUGE,
};

static int check_option(const struct directive *o, struct errtext *e)
{
    if (strcmp(o->name, "runtime_metrics") == 0 || strcmp(o->name, "tls") == 0)
        return args_not_yet(e, "prometheus", o);
    return args_error(e, "prometheus", o, "unknown option: %s", o->name);
}

static int prometheus_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                            struct errtext *e)
{
    struct prometheus fresh = {.address = "localhost:9153", .config = s->config, .block = s->block};
    struct errtext why = {0};
    int ret = args_count(e, "prometheus", d, 0, 1);
    if (ret == ERR_OK && d->nargs == 1) {
        fresh.address = d->args[0];
        if (httpd_check_address(fresh.address, &why) != ERR_OK)
            ret = args_error(e, "prometheus", d, "%s", why.text);
    }
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = check_option(&d->body[i], e);
    if (ret != ERR_OK)
        return ret;
    struct prometheus *p = malloc(sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    *p = fresh;
    *state = p;
    return ERR_OK;
}

static int metrics_page(void *ctx, struct bytes *body)
{
    (void)ctx;
    process_metrics_update();
    metrics_render(body); /* a failure stays in the body, which the HTTP server looks at */
    return 200;
}

static void show_build(void)
{
    static struct metric_gauge *build;
    const struct metric_label labels[] = {LABEL("version", SEAMARK_VERSION),
                                          LABEL("revision", SEAMARK_REVISION), LABEL("goversion", "")};
    if (build == NULL)
        build = metrics_gauge(&build_desc, labels, 3, NULL, NULL);
    metrics_gauge_set(build, 1);
}

static void show_stages(struct prometheus *p, const struct route *r)
{
    for (unsigned i = 0; i < p->block->nstages; i++) {
        const struct plugin *stage = p->block->stages[i].plugin;
        if (stage->query == NULL && stage->answer == NULL)
            continue; /* CoreDNS names those through which queries pass */
        const struct metric_label labels[] = {LABEL("server", r->listener->label),
                                              LABEL("zone", r->zone_text), LABEL("view", ""),
                                              LABEL("name", stage->name)};
        struct metric_gauge *g = metrics_gauge(&enabled_desc, labels, 4, NULL, NULL);
        metrics_gauge_set(g, 1);
        p->gauges[p->ngauges++] = g;
    }
}

static int count_in(struct prometheus *p, struct route_metrics *m, struct route_metrics **where)
{
    if (m == NULL)
        return -ENOMEM;
    p->counted[p->ncounted++] = m;
    *where = m;
    return ERR_OK;
}

static int count_routes(struct prometheus *p)
{
    const struct config *c = p->config;
    p->counted = calloc(c->nroutes + c->nlisteners, sizeof *p->counted);
    p->gauges = calloc(c->nroutes * p->block->nstages, sizeof(struct metric_gauge *));
    int ret = p->counted == NULL || p->gauges == NULL ? -ENOMEM : ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < c->nroutes; i++) {
        struct route *r = &c->routes[i];
        if (r->block != p->block)
            continue;
        ret = count_in(p, route_metrics_new(r->listener->label, r->zone_text, p->block), &r->metrics);
        show_stages(p, r);
    }
    for (size_t i = 0; ret == ERR_OK && i < c->nlisteners; i++) {
        struct listener *l = &c->listeners[i];
        if (l->dropped == NULL)
            ret = count_in(p, route_metrics_new(l->label, "dropped", NULL), &l->dropped);
    }
    return ret;
}

static void prometheus_stop(void *state)
{
    struct prometheus *p = state;
    httpd_close(p->endpoint);
    p->endpoint = NULL;
    for (size_t i = 0; i < p->ngauges; i++)
        metrics_gauge_remove(p->gauges[i]);
    p->ngauges = 0;
}

static int prometheus_start(void *state, struct errtext *e)
{
    struct prometheus *p = state;
    struct http_service s = {.base = control_base(),
                             .address = p->address,
                             .path = "/metrics",
                             .content_type = "text/plain; version=0.0.4; charset=utf-8",
                             .page = metrics_page,
                             .ctx = p};
    struct errtext why = {0};
    int ret = httpd_open(&s, &p->endpoint, &why);
    if (ret != ERR_OK)
        return errtext_set(e, ret, "plugin/prometheus: %s", why.text);
    show_build();
    ret = count_routes(p);
    if (ret != ERR_OK) {
        prometheus_stop(p);
        return errtext_set(e, ret, "plugin/prometheus: no memory");
    }
    return ERR_OK;
}

/* Requests may be in workers until the configuration is freed, so what they count in is kept until then. */
static void prometheus_free(void *state)
{
    struct prometheus *p = state;
    for (size_t i = 0; i < p->ncounted; i++)
        route_metrics_free(p->counted[i]);
    free(p->counted);
    free(p->gauges);
    free(p);
}

static void prometheus_answer(void *state, struct request *r)
{
    (void)state;
    if (r->route->metrics != NULL)
        route_metrics_count(r->route->metrics, r);
}

/* What goes the short way is counted in the route's metrics there. */
static bool prometheus_express(void *state, struct express_plan *p)
{
    (void)state, (void)p;
    return true;
}

const struct plugin plugin_prometheus = {
    .name = "prometheus",
    .setup = prometheus_setup,
    .free = prometheus_free,
    .start = prometheus_start,
    .stop = prometheus_stop,
    .answer = prometheus_answer,
    .express = prometheus_express,
};
