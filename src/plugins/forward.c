/*
 * forward: puts questions to other name servers.
 *
 *     forward FROM TO... {
 *         except NAMES...
 *         policy random|round_robin|sequential
 *         max_fails N
 *         health_check DURATION [no_rec] [domain NAME]
 *         read_timeout DURATION
 *         max_connect_attempts N
 *         max_concurrent N
 *         failfast_all_unhealthy_upstreams
 *         force_tcp
 *         prefer_udp
 *         expire DURATION
 *         exchange direct|libunbound
 *         case_randomisation
 *     }
 *
 * FROM is the domain whose names are forwarded. TO is an IP address, with a port where it is not 53, or a
 * file like /etc/resolv.conf; 15 at the most. It may stand several times in a server block: the first whose
 * FROM matches takes the name. docs/forwarding.md has the options, the limits, and what differs from CoreDNS.
 * Example: `forward . /etc/resolv.conf`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/args.h"
#include "serve/plugin.h"
#include "upstream/forward_direct.h"
#include "upstream/forward_stage.h"
#include "upstream/resolv_conf.h"
#include "upstream/upstream_address.h"

#define PLUGIN "forward"

/* Durations in a Corefile beyond a day are mistakes. */
#define DURATION_MAX_MS (86400 * INT64_C(1000))

/* What is being read. */
struct reading {
    struct forward_stage *f;
    struct errtext *e;
    bool attempts_set;
};

typedef int read_option(struct reading *r, const struct directive *o);

static int name_of(const struct directive *d, const char *word, uint8_t *out, struct errtext *e)
{
    uint8_t name[NAME_MAX_LEN];
    if (name_from_text(word, strlen(word), name) < 0)
        return args_error(e, PLUGIN, d, "expected a domain name, found \"%.80s\"", word);
    name_lower(out, name);
    return ERR_OK;
}

static int read_except(struct reading *r, const struct directive *o)
{
    struct zone_list list = {0};
    int ret = o->nargs == 0 ? args_error(r->e, PLUGIN, o, "expected names behind \"except\"")
                            : args_zones(r->e, PLUGIN, o, 0, NULL, &list);
    if (ret == ERR_OK) {
        size_t n = r->f->nexcept + list.count;
        uint8_t(*grown)[NAME_MAX_LEN] = realloc(r->f->except, n * sizeof *grown);
        ret = grown == NULL ? -ENOMEM : ERR_OK;
        if (grown != NULL)
            r->f->except = grown;
    }
    for (size_t i = 0; ret == ERR_OK && i < list.count; i++) {
        ret = name_of(o, list.zones[i], r->f->except[r->f->nexcept], r->e);
        r->f->nexcept += ret == ERR_OK;
    }
    zone_list_free(&list);
    return ret;
}

static int read_number(struct reading *r, const struct directive *o, unsigned *out)
{
    uint64_t n;
    int ret = args_count(r->e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK)
        ret = args_uint(r->e, PLUGIN, o, o->args[0], 0, UINT32_MAX, &n);
    if (ret == ERR_OK)
        *out = (unsigned)n;
    return ret;
}

static int read_milliseconds(struct reading *r, const struct directive *o, int64_t min, uint32_t *out)
{
    int64_t ms;
    int ret = args_count(r->e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK)
        ret = args_duration(r->e, PLUGIN, o, o->args[0], min, DURATION_MAX_MS, &ms);
    if (ret == ERR_OK)
        *out = (uint32_t)ms;
    return ret;
}

static int read_switch(struct reading *r, const struct directive *o, bool *out)
{
    int ret = args_count(r->e, PLUGIN, o, 0, 0);
    if (ret == ERR_OK)
        *out = true;
    return ret;
}

static int read_policy(struct reading *r, const struct directive *o)
{
    static const char *const words[] = {"random", "round_robin", "sequential"}; /* enum upstream_policy */
    int ret = args_count(r->e, PLUGIN, o, 1, 1);
    if (ret != ERR_OK)
        return ret;
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(words[i], o->args[0]) == 0) {
            r->f->set.settings.policy = (enum upstream_policy)i;
            return ERR_OK;
        }
    return args_error(r->e, PLUGIN, o, "unknown policy '%.80s'", o->args[0]);
}

static int read_health_check(struct reading *r, const struct directive *o)
{
    struct upstream_check *check = &r->f->set.settings.check;
    int64_t ms = 0;
    int ret = args_count(r->e, PLUGIN, o, 1, SIZE_MAX);
    if (ret == ERR_OK)
        ret = args_duration(r->e, PLUGIN, o, o->args[0], 0, DURATION_MAX_MS, &ms);
    check->interval_ms = ms < UPSTREAM_CHECK_INTERVAL_MIN_MS ? UPSTREAM_CHECK_INTERVAL_MIN_MS : (uint32_t)ms;
    for (size_t i = 1; ret == ERR_OK && i < o->nargs; i++) {
        if (strcmp(o->args[i], "no_rec") == 0)
            check->recursion_desired = false;
        else if (strcmp(o->args[i], "domain") == 0 && i + 1 < o->nargs)
            ret = name_of(o, o->args[++i], check->domain, r->e);
        else
            ret = args_error(r->e, PLUGIN, o, "health_check: unknown option %.80s", o->args[i]);
    }
    return ret;
}

static int read_max_fails(struct reading *r, const struct directive *o)
{
    return read_number(r, o, &r->f->set.settings.max_fails);
}

static int read_max_concurrent(struct reading *r, const struct directive *o)
{
    return read_number(r, o, &r->f->set.settings.max_concurrent);
}

static int read_max_connect_attempts(struct reading *r, const struct directive *o)
{
    r->attempts_set = true;
    return read_number(r, o, &r->f->set.settings.max_connect_attempts);
}

static int read_read_timeout(struct reading *r, const struct directive *o)
{
    return read_milliseconds(r, o, 1, &r->f->set.settings.read_timeout_ms);
}

static int read_expire(struct reading *r, const struct directive *o)
{
    return read_milliseconds(r, o, 0, &r->f->set.settings.expire_ms);
}

static int read_force_tcp(struct reading *r, const struct directive *o)
{
    return read_switch(r, o, &r->f->set.settings.force_tcp);
}

static int read_prefer_udp(struct reading *r, const struct directive *o)
{
    return read_switch(r, o, &r->f->set.settings.prefer_udp);
}

static int read_failfast(struct reading *r, const struct directive *o)
{
    return read_switch(r, o, &r->f->set.settings.failfast);
}

static int read_not_yet(struct reading *r, const struct directive *o)
{
    return args_not_yet(r->e, PLUGIN, o);
}

static const struct {
    const char *name;
    read_option *read;
} options[] = {
    {"except", read_except},
    {"policy", read_policy},
    {"max_fails", read_max_fails},
    {"health_check", read_health_check},
    {"read_timeout", read_read_timeout},
    {"max_connect_attempts", read_max_connect_attempts},
    {"max_concurrent", read_max_concurrent},
    {"failfast_all_unhealthy_upstreams", read_failfast},
    {"force_tcp", read_force_tcp},
    {"prefer_udp", read_prefer_udp},
    {"expire", read_expire},
    {"max_idle_conns", read_not_yet},
    {"max_age", read_not_yet},
    {"tls", read_not_yet},
    {"tls_servername", read_not_yet},
    {"doh_method", read_not_yet},
    {"next", read_not_yet},
    {"next_on_nodata", read_not_yet},
    {"failover", read_not_yet},
    {"source_address", read_not_yet},
    {"resolver", read_not_yet},
};

static int read_options(struct reading *r, const struct directive *d)
{
    for (size_t i = 0; i < d->nbody; i++) {
        const struct directive *o = &d->body[i];
        int ret = ERR_NOT_FOUND;
        for (size_t k = 0; k < sizeof options / sizeof options[0]; k++)
            if (strcmp(options[k].name, o->name) == 0)
                ret = options[k].read(r, o);
        if (ret == ERR_NOT_FOUND)
            ret = forward_direct_read(&r->f->set.settings, o, r->e);
        if (ret == ERR_NOT_FOUND)
            ret = args_error(r->e, PLUGIN, o, "unknown property '%.80s'", o->name);
        if (ret != ERR_OK)
            return ret;
    }
    return ERR_OK;
}

/* ---- FROM and TO ---- */

static int read_from(struct reading *r, const struct directive *d)
{
    struct zone_list list = {0};
    int ret = zone_list_add(&list, d->args[0]);
    if (ret == ERR_MALFORMED)
        ret = args_error(r->e, PLUGIN, d, "unable to normalize '%.80s' (expected a domain or a CIDR)",
                         d->args[0]);
    if (ret == ERR_OK)
        ret = name_of(d, list.zones[0], r->f->from, r->e);
    if (ret == ERR_OK && list.count > 1)
        log_warning("%s - plugin/forward: \"%s\" is several zones; only %s is forwarded, as CoreDNS does",
                    r->f->where, d->args[0], list.zones[0]);
    zone_list_free(&list);
    return ret;
}

/* The same address twice counts once. */
static int add_upstream(struct reading *r, const struct directive *d, const union address *a)
{
    struct upstream_set *s = &r->f->set;
    for (unsigned i = 0; i < s->count; i++)
        if (address_equal(&s->addresses[i], a))
            return ERR_OK;
    if (s->count == UPSTREAMS_MAX)
        return args_error(r->e, PLUGIN, d, "more than %d TOs configured", UPSTREAMS_MAX);
    s->addresses[s->count++] = *a;
    return ERR_OK;
}

static int read_file(struct reading *r, const struct directive *d, const char *path)
{
    union address found[UPSTREAMS_MAX];
    size_t n = 0;
    int ret = resolv_conf_read(path, found, UPSTREAMS_MAX, &n);
    if (ret != ERR_OK)
        return args_error(r->e, PLUGIN, d, "not an IP address or file: \"%.200s\" (%s)", path, err_text(ret));
    for (size_t i = 0; ret == ERR_OK && i < n; i++)
        ret = add_upstream(r, d, &found[i]);
    return ret;
}

static int read_to(struct reading *r, const struct directive *d, const char *word)
{
    static const char *const later[] = {"tls://", "https://"};
    union address a;
    for (unsigned i = 0; i < 2; i++)
        if (strncmp(word, later[i], strlen(later[i])) == 0)
            return args_error(r->e, PLUGIN, d,
                              "upstreams of the kind \"%s\" are not supported by this version yet", later[i]);
    const char *rest = strncmp(word, "dns://", 6) == 0 ? word + 6 : word;
    if (strstr(rest, "://") != NULL)
        return args_error(r->e, PLUGIN, d, "'%.80s' is not supported as a destination protocol in forward",
                          word);
    if (upstream_address_parse(rest, &a) == ERR_OK)
        return add_upstream(r, d, &a);
    if (strchr(rest, '/') != NULL || access(rest, F_OK) == 0)
        return read_file(r, d, rest);
    return args_error(r->e, PLUGIN, d,
                      "not an IP address or file: \"%.80s\" (host names as upstreams are not supported by "
                      "this version yet)",
                      word);
}

static int read_directive(struct reading *r, const struct directive *d)
{
    struct upstream_set *s = &r->f->set;
    int ret = args_count(r->e, PLUGIN, d, 2, SIZE_MAX);
    if (ret == ERR_OK)
        ret = read_from(r, d);
    if (ret == ERR_OK)
        ret = read_options(r, d);
    for (size_t i = 1; ret == ERR_OK && i < d->nargs; i++)
        ret = read_to(r, d, d->args[i]);
    if (ret == ERR_OK && s->count == 0)
        ret = args_error(r->e, PLUGIN, d, "no valid upstream addresses found");
    if (ret == ERR_OK)
        ret = forward_direct_check(s, d, r->e);
    if (!r->attempts_set)
        s->settings.max_connect_attempts = 2 * s->count;
    s->settings.check.tcp = s->settings.force_tcp;
    return ret;
}

/* ---- the plugin ---- */

static void forward_free(void *state)
{
    forward_stage_free(state);
}

static int forward_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                         struct errtext *e)
{
    struct forward_stage *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    struct reading r = {.f = f, .e = e};
    snprintf(f->where, sizeof f->where, "%s:%u", d->file, d->line);
    f->set.where = f->where;
    f->block = s->block;
    upstream_settings_default(&f->set.settings);
    int ret = read_directive(&r, d);
    if (ret != ERR_OK) {
        forward_free(f);
        return ret;
    }
    if (f->set.settings.max_concurrent > 0)
        snprintf(f->limit_text, sizeof f->limit_text, "concurrent queries exceeded maximum %u",
                 f->set.settings.max_concurrent);
    else
        snprintf(f->limit_text, sizeof f->limit_text, "too many questions to upstreams at once");
    s->block->any_class = true;
    *state = f;
    return ERR_OK;
}

static int forward_start(void *state, struct errtext *e)
{
    return forward_stage_start(state, e);
}

static int forward_worker_start(void *state, struct worker *w, struct errtext *e)
{
    return forward_stage_worker_start(state, w, e);
}

static void forward_worker_stop(void *state, struct worker *w)
{
    forward_stage_worker_stop(state, w);
}

static enum verdict forward_query(void *state, struct request *r)
{
    return forward_stage_query(state, r);
}

static int forward_metadata(void *state, const struct request *r, const char *label, char *out, size_t cap)
{
    return forward_stage_metadata(state, r, label, out, cap);
}

const struct plugin plugin_forward = {
    .name = PLUGIN,
    .repeatable = true,
    .setup = forward_setup,
    .free = forward_free,
    .start = forward_start,
    .worker_start = forward_worker_start,
    .worker_stop = forward_worker_stop,
    .query = forward_query,
    .metadata = forward_metadata,
    .metadata_anywhere = true,
};
