/*
 * health: /health answers 200 and `OK` as long as the process lives.
 *
 *     health [ADDRESS] {
 *         lameduck DURATION
 *     }
 *
 * ADDRESS is :8080 without. After SIGTERM the process goes on serving for the lameduck time (0 without; of
 * several blocks the longest) so that clients are told elsewhere before it is gone. Once a second the plugin
 * asks its own page: how long that took says how busy the process is
 * (coredns_health_request_duration_seconds). Example: `health { lameduck 5s }` on three lines.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/httpd.h"
#include "metrics/metrics.h"
#include "serve/control.h"
#include "serve/plugin.h"

#define LAMEDUCK_MAX_MS (24 * 3600000LL) /* beyond every grace period there is */
#define CHECK_S         1
#define CHECK_LIMIT_S   3 /* CoreDNS's time-out */

struct health {
    const char *address;
    int64_t lameduck_ms;
    struct http_endpoint *endpoint;
    struct event *tick;
    struct bufferevent *asking; /* the check under way */
    uint64_t asked_ns;
};

static const uint64_t duration_bounds[] = {250000, 2500000, 25000000, 250000000, 2500000000};
static const struct metric_desc duration_desc = {
    .name = "coredns_health_request_duration_seconds",
    .help = "Histogram of the time (in seconds) each request took.",
    .type = METRIC_HISTOGRAM,
    .unit = METRIC_NANOSECONDS,
    .bounds = duration_bounds,
    .nbounds = sizeof duration_bounds / sizeof duration_bounds[0],
};
static const struct metric_desc failures_desc = {
    .name = "coredns_health_request_failures_total",
    .help = "The number of times the health check failed.",
    .type = METRIC_COUNTER,
};
static const struct metric *duration, *failures;

static int read_option(struct health *h, const struct directive *o, struct errtext *e)
{
    if (strcmp(o->name, "lameduck") != 0)
        return args_error(e, "health", o, "unknown property '%s'", o->name);
    int ret = args_count(e, "health", o, 1, 1);
    return ret != ERR_OK ? ret
                         : args_duration(e, "health", o, o->args[0], 0, LAMEDUCK_MAX_MS, &h->lameduck_ms);
}

static int health_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                        struct errtext *e)
{
    (void)s;
    struct health fresh = {.address = ":8080"};
    struct errtext why = {0};
    int ret = args_count(e, "health", d, 0, 1);
    if (ret == ERR_OK && d->nargs == 1) {
        fresh.address = d->args[0];
        if (httpd_check_address(fresh.address, &why) != ERR_OK)
            ret = args_error(e, "health", d, "%s", why.text);
    }
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = read_option(&fresh, &d->body[i], e);
    if (ret != ERR_OK)
        return ret;
    struct health *h = malloc(sizeof *h);
    if (h == NULL)
        return -ENOMEM;
    *h = fresh;
    *state = h;
    return ERR_OK;
}

static int health_page(void *ctx, struct bytes *body)
{
    (void)ctx;
    bytes_append_str(body, "OK");
    return 200;
}

/* ---- the check of itself ---- */

static void check_end(struct health *h, const char *problem)
{
    metrics_observe(duration, 0, clock_ns() - h->asked_ns);
    if (problem != NULL) {
        metrics_add(failures, 0, 1);
        log_limited(LOG_LEVEL_WARNING,
                    "plugin/health: Local health request to \"http://%s/health\" failed: %s", h->address,
                    problem);
    }
    bufferevent_free(h->asking);
    h->asking = NULL;
}

static void on_answer(struct bufferevent *bev, void *ctx)
{
    char line[16] = "";
    struct evbuffer *in = bufferevent_get_input(bev);
    if (evbuffer_get_length(in) < sizeof line - 1)
        return;
    evbuffer_copyout(in, line, sizeof line - 1);
    check_end(ctx, strcmp(line, "HTTP/1.1 200 OK") == 0 ? NULL : "unexpected answer");
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    (void)bev;
    if ((what & BEV_EVENT_TIMEOUT) != 0)
        check_end(ctx, "no answer in time");
    else if ((what & BEV_EVENT_ERROR) != 0)
        check_end(ctx, strerror(EVUTIL_SOCKET_ERROR()));
    else if ((what & BEV_EVENT_EOF) != 0)
        check_end(ctx, "connection closed");
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    struct health *h = ctx;
    (void)fd, (void)what;
    if (h->asking != NULL)
        return;
    struct sockaddr_storage to;
    socklen_t len = httpd_local_address(h->endpoint, &to);
    h->asked_ns = clock_ns();
    h->asking = bufferevent_socket_new(control_base(), -1, BEV_OPT_CLOSE_ON_FREE);
    if (h->asking == NULL)
        return;
    struct timeval limit = {.tv_sec = CHECK_LIMIT_S};
    bufferevent_setcb(h->asking, on_answer, NULL, on_event, h);
    bufferevent_set_timeouts(h->asking, &limit, &limit);
    evbuffer_add_printf(bufferevent_get_output(h->asking), "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    bufferevent_enable(h->asking, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(h->asking, (const struct sockaddr *)&to, (int)len) < 0 &&
        h->asking != NULL)
        check_end(h, strerror(errno));
}

/* ---- life ---- */

static void health_stop(void *state)
{
    struct health *h = state;
    if (h->asking != NULL)
        bufferevent_free(h->asking);
    if (h->tick != NULL)
        event_free(h->tick);
    httpd_close(h->endpoint);
    h->asking = NULL;
    h->tick = NULL;
    h->endpoint = NULL;
}

static int health_start(void *state, struct errtext *e)
{
    struct health *h = state;
    struct http_service s = {.base = control_base(),
                             .address = h->address,
                             .path = "/health",
                             .content_type = "text/plain; charset=utf-8",
                             .page = health_page,
                             .ctx = h};
    struct errtext why = {0};
    int ret = httpd_open(&s, &h->endpoint, &why);
    if (ret != ERR_OK)
        return errtext_set(e, ret, "plugin/health: %s", why.text);
    duration = metrics_register(&duration_desc, NULL, 0);
    failures = metrics_register(&failures_desc, NULL, 0);
    struct timeval every = {.tv_sec = CHECK_S};
    h->tick = event_new(control_base(), -1, EV_PERSIST, on_tick, h);
    if (h->tick == NULL || event_add(h->tick, &every) < 0) {
        health_stop(h);
        return errtext_set(e, -ENOMEM, "plugin/health: no memory");
    }
    control_set_lameduck(h->lameduck_ms);
    return ERR_OK;
}

const struct plugin plugin_health = {
    .name = "health",
    .setup = health_setup,
    .free = free,
    .start = health_start,
    .stop = health_stop,
};
