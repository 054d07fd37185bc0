#include "upstream/forward_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/args.h"
#include "exchange/unbound_args.h"
#include "exchange/upstream_address.h"
#include "serve/answer.h"
#include "upstream/forward_direct.h"

#define PLUGIN "forward"

/* Durations in a Corefile beyond a day are mistakes. */
#define DURATION_MAX_MS (86400 * INT64_C(1000))

/* What is being read. */
struct reading {
    struct forward_stage *f;
    struct errtext *e;
};

typedef int read_option(struct reading *r, const struct directive *o);

int forward_read_name(const char *plugin, const struct directive *d, const char *word, uint8_t *out,
                      struct errtext *e)
{
    uint8_t name[NAME_MAX_LEN];
    if (name_from_text(word, strlen(word), name) < 0)
        return args_error(e, plugin, d, "expected a domain name, found \"%.80s\"", word);
    name_lower(out, name);
    return ERR_OK;
}

int forward_read_except(struct forward_stage *f, const char *plugin, const struct directive *o,
                        struct errtext *e)
{
    struct zone_list list = {0};
    int ret = o->nargs == 0 ? args_error(e, plugin, o, "expected names behind \"except\"")
                            : args_zones(e, plugin, o, 0, NULL, &list);
    if (ret == ERR_OK) {
        size_t n = f->nexcept + list.count;
        uint8_t(*grown)[NAME_MAX_LEN] = realloc(f->except, n * sizeof *grown);
        ret = grown == NULL ? -ENOMEM : ERR_OK;
        if (grown != NULL)
            f->except = grown;
    }
    for (size_t i = 0; ret == ERR_OK && i < list.count; i++) {
        ret = forward_read_name(plugin, o, list.zones[i], f->except[f->nexcept], e);
        f->nexcept += ret == ERR_OK;
    }
    zone_list_free(&list);
    return ret;
}

static int read_except(struct reading *r, const struct directive *o)
{
    return forward_read_except(r->f, PLUGIN, o, r->e);
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
    static const char *const words[] = {"random", "round_robin", "sequential",
                                        "fastest"}; /* enum upstream_policy */
    int ret = args_count(r->e, PLUGIN, o, 1, 1);
    if (ret != ERR_OK)
        return ret;
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(words[i], o->args[0]) == 0) {
            r->f->upstreams.settings.policy = (enum upstream_policy)i;
            return ERR_OK;
        }
    return args_error(r->e, PLUGIN, o, "unknown policy '%.80s'", o->args[0]);
}

static int read_health_check(struct reading *r, const struct directive *o)
{
    struct upstream_check *check = &r->f->upstreams.settings.check;
    int64_t ms = 0;
    int ret = args_count(r->e, PLUGIN, o, 1, SIZE_MAX);
    if (ret == ERR_OK)
        ret = args_duration(r->e, PLUGIN, o, o->args[0], 0, DURATION_MAX_MS, &ms);
    check->interval_ms = ms < UPSTREAM_CHECK_INTERVAL_MIN_MS ? UPSTREAM_CHECK_INTERVAL_MIN_MS : (uint32_t)ms;
    for (size_t i = 1; ret == ERR_OK && i < o->nargs; i++) {
        if (strcmp(o->args[i], "no_rec") == 0)
            check->recursion_desired = false;
        else if (strcmp(o->args[i], "domain") == 0 && i + 1 < o->nargs)
            ret = forward_read_name(PLUGIN, o, o->args[++i], check->domain, r->e);
        else
            ret = args_error(r->e, PLUGIN, o, "health_check: unknown option %.80s", o->args[i]);
    }
    return ret;
}

static int read_max_fails(struct reading *r, const struct directive *o)
{
    return read_number(r, o, &r->f->upstreams.settings.max_fails);
}

static int read_max_concurrent(struct reading *r, const struct directive *o)
{
    return read_number(r, o, &r->f->upstreams.settings.max_concurrent);
}

static int read_max_connect_attempts(struct reading *r, const struct directive *o)
{
    r->f->upstreams.settings.attempts_set = true;
    return read_number(r, o, &r->f->upstreams.settings.max_connect_attempts);
}

static int read_read_timeout(struct reading *r, const struct directive *o)
{
    return read_milliseconds(r, o, 1, &r->f->upstreams.settings.read_timeout_ms);
}

static int read_expire(struct reading *r, const struct directive *o)
{
    return read_milliseconds(r, o, 0, &r->f->upstreams.settings.expire_ms);
}

static int read_force_tcp(struct reading *r, const struct directive *o)
{
    return read_switch(r, o, &r->f->upstreams.settings.force_tcp);
}

static int read_prefer_udp(struct reading *r, const struct directive *o)
{
    return read_switch(r, o, &r->f->upstreams.settings.prefer_udp);
}

static int read_failfast(struct reading *r, const struct directive *o)
{
    return read_switch(r, o, &r->f->upstreams.settings.failfast);
}

/* The settings of libunbound that the block's DNSSEC lines make. */
static int want_unbound(struct reading *r)
{
    struct unbound_settings **s = &r->f->upstreams.settings.unbound;
    return *s != NULL ? ERR_OK : unbound_settings_new(false, s);
}

static int read_validate(struct reading *r, const struct directive *o)
{
    int ret = want_unbound(r);
    return ret != ERR_OK ? ret : unbound_args_validate(r->f->upstreams.settings.unbound, PLUGIN, o, r->e);
}

static int read_distrust(struct reading *r, const struct directive *o)
{
    int ret = want_unbound(r);
    return ret != ERR_OK ? ret : unbound_args_distrust(r->f->upstreams.settings.unbound, PLUGIN, o, r->e);
}

/* A bit for each rcode named. */
static int read_rcodes(struct reading *r, const struct directive *o, uint32_t *out)
{
    int ret = args_count(r->e, PLUGIN, o, 1, SIZE_MAX);
    for (size_t i = 0; ret == ERR_OK && i < o->nargs; i++) {
        uint16_t rcode = 0;
        while (rcode < RCODE_NAMES && strcasecmp(rcode_name(rcode), o->args[i]) != 0)
            rcode++;
        if (strcasecmp(o->args[i], "BADSIG") == 0) /* CoreDNS's name of it */
            rcode = RCODE_BADVERS;
        if (rcode == RCODE_NAMES)
            return args_error(r->e, PLUGIN, o, "%.80s is not a valid rcode", o->args[i]);
        *out |= UINT32_C(1) << rcode;
    }
    return ret;
}

static int read_next(struct reading *r, const struct directive *o)
{
    return read_rcodes(r, o, &r->f->next);
}

static int read_next_on_nodata(struct reading *r, const struct directive *o)
{
    return read_switch(r, o, &r->f->next_on_nodata);
}

static int read_failover(struct reading *r, const struct directive *o)
{
    uint32_t *mask = &r->f->upstreams.settings.failover;
    int ret = read_rcodes(r, o, mask);
    if (ret == ERR_OK && (*mask & 1) != 0)
        ret = args_error(r->e, PLUGIN, o, "NoError cannot be used in failover");
    return ret;
}

static int read_source_address(struct reading *r, const struct directive *o)
{
    union address *source = &r->f->upstreams.settings.check.source;
    int ret = args_count(r->e, PLUGIN, o, 1, 1);
    if (ret != ERR_OK)
        return ret;
    const char *colon = strchr(o->args[0], ':');
    bool port = strchr(o->args[0], '[') != NULL || (colon != NULL && strchr(colon + 1, ':') == NULL);
    if (port || upstream_address_parse(o->args[0], source) != ERR_OK)
        return args_error(r->e, PLUGIN, o, "invalid IP address: %.80s", o->args[0]);
    if (source->sa.sa_family == AF_INET6)
        source->in6.sin6_port = 0;
    else
        source->in.sin_port = 0;
    return ERR_OK;
}

static int read_hedge(struct reading *r, const struct directive *o)
{
    struct upstream_settings *s = &r->f->upstreams.settings;
    s->hedge = true;
    return o->nargs == 0 ? ERR_OK : read_milliseconds(r, o, 1, &s->hedge_ms);
}

static int read_max_qps(struct reading *r, const struct directive *o)
{
    uint64_t n;
    int ret = args_count(r->e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK)
        ret = args_uint(r->e, PLUGIN, o, o->args[0], 1, 1000000, &n);
    if (ret == ERR_OK)
        r->f->upstreams.settings.max_qps = (uint32_t)n;
    return ret;
}

static int read_deadline(struct reading *r, const struct directive *o)
{
    return read_milliseconds(r, o, 1, &r->f->upstreams.settings.deadline_ms);
}

static int read_resolver(struct reading *r, const struct directive *o)
{
    struct upstream_resolvers *resolvers = &r->f->upstreams.resolvers;
    int ret = args_count(r->e, PLUGIN, o, 1, SIZE_MAX);
    if (ret == ERR_OK && o->nargs > LOOKUP_RESOLVERS_MAX)
        ret = args_error(r->e, PLUGIN, o, "more than %d resolvers", LOOKUP_RESOLVERS_MAX);
    resolvers->count = 0;
    for (size_t i = 0; ret == ERR_OK && i < o->nargs; i++)
        if (upstream_address_parse(o->args[i], &resolvers->list[resolvers->count++]) != ERR_OK)
            ret = args_error(r->e, PLUGIN, o, "resolver must be an IP address or IP:port: \"%.80s\"",
                             o->args[i]);
    return ret;
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
    {"validate", read_validate},
    {"negative_trust_anchors", read_distrust},
    {"next", read_next},
    {"next_on_nodata", read_next_on_nodata},
    {"failover", read_failover},
    {"source_address", read_source_address},
    {"resolver", read_resolver},
    {"hedge", read_hedge},
    {"max_qps", read_max_qps},
    {"deadline", read_deadline},
};

/* Whether libunbound would be in the way: it does not tell rcodes but these two, and sends as often as it
 * sees fit. */
static bool needs_direct(const struct forward_stage *f)
{
    const uint32_t told = UINT32_C(1) << RCODE_NOERROR | UINT32_C(1) << RCODE_NXDOMAIN;
    return ((f->upstreams.settings.failover | f->next) & ~told) != 0 || f->upstreams.settings.max_qps > 0;
}

int forward_read_options(struct forward_stage *f, const struct directive *d, struct errtext *e)
{
    struct reading r = {.f = f, .e = e};
    for (size_t i = 0; i < d->nbody; i++) {
        const struct directive *o = &d->body[i];
        int ret = ERR_NOT_FOUND;
        for (size_t k = 0; k < sizeof options / sizeof options[0]; k++)
            if (strcmp(options[k].name, o->name) == 0)
                ret = options[k].read(&r, o);
        if (ret == ERR_NOT_FOUND)
            ret = forward_direct_read(&f->upstreams.settings, o, e);
        if (ret == ERR_NOT_FOUND)
            ret = args_error(e, PLUGIN, o, "unknown property '%.80s'", o->name);
        if (ret != ERR_OK)
            return ret;
    }
    struct upstream_settings *s = &f->upstreams.settings;
    s->check.tcp = s->force_tcp;
    s->direct |= needs_direct(f);
    if (s->unbound != NULL && s->direct)
        return args_error(
            e, PLUGIN, d,
            "validate needs \"exchange libunbound\", and neither max_qps nor failover or next of errors");
    int ret = s->unbound == NULL ? ERR_OK : unbound_args_complete(s->unbound, PLUGIN, d, e);
    return ret != ERR_OK ? ret : forward_direct_check(s, d, e);
}
