/*
 * ready: /ready says whether the plugins that need something from outside have it.
 *
 *     ready [ADDRESS] {
 *         monitor until-ready|continuously
 *     }
 *
 * ADDRESS is :8181 without. 200 and `OK` when all are ready, else 503 and their names, separated by commas.
 * With `until-ready` (the default) a plugin that was ready once counts as ready for ever; with `continuously`
 * it is asked each time. From the first SIGTERM on the answer is 503. Example: `ready`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "http/httpd.h"
#include "http/readiness.h"
#include "serve/control.h"
#include "serve/plugin.h"

struct ready {
    const char *address;
    bool continuously;
    struct http_endpoint *endpoint;
};

static int read_option(struct ready *r, const struct directive *o, struct errtext *e)
{
    if (strcmp(o->name, "monitor") != 0)
        return args_error(e, "ready", o, "unknown property '%s'", o->name);
    int ret = args_count(e, "ready", o, 1, 1);
    if (ret != ERR_OK)
        return ret;
    r->continuously = strcmp(o->args[0], "continuously") == 0;
    if (!r->continuously && strcmp(o->args[0], "until-ready") != 0)
        return args_error(e, "ready", o, "expected until-ready or continuously, found \"%s\"", o->args[0]);
    return ERR_OK;
}

static int ready_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                       struct errtext *e)
{
    (void)s;
    struct ready fresh = {.address = ":8181"};
    struct errtext why = {0};
    int ret = args_count(e, "ready", d, 0, 1);
    if (ret == ERR_OK && d->nargs == 1) {
        fresh.address = d->args[0];
        if (httpd_check_address(fresh.address, &why) != ERR_OK)
            ret = args_error(e, "ready", d, "%s", why.text);
    }
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = read_option(&fresh, &d->body[i], e);
    if (ret != ERR_OK)
        return ret;
    struct ready *r = malloc(sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    *r = fresh;
    *state = r;
    return ERR_OK;
}

static int ready_page(void *ctx, struct bytes *body)
{
    const struct ready *r = ctx;
    if (control_draining()) {
        bytes_append_str(body, "Shutting down");
        return 503;
    }
    if (!readiness_check(r->continuously, body)) {
        log_limited(LOG_LEVEL_INFO, "plugin/ready: Plugins not ready: \"%s\"",
                    body->len > 0 ? body->data : "");
        return 503;
    }
    bytes_append_str(body, "OK");
    return 200;
}

static int ready_start(void *state, struct errtext *e)
{
    struct ready *r = state;
    struct http_service s = {.base = control_base(),
                             .address = r->address,
                             .path = "/ready",
                             .content_type = "text/plain; charset=utf-8",
                             .page = ready_page,
                             .ctx = r};
    struct errtext why = {0};
    int ret = httpd_open(&s, &r->endpoint, &why);
    return ret == ERR_OK ? ret : errtext_set(e, ret, "plugin/ready: %s", why.text);
}

static void ready_stop(void *state)
{
    struct ready *r = state;
    httpd_close(r->endpoint);
    r->endpoint = NULL;
}

const struct plugin plugin_ready = {
    .name = "ready",
    .setup = ready_setup,
    .free = free,
    .start = ready_start,
    .stop = ready_stop,
};
