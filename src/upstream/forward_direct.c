#include "upstream/forward_direct.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "conf/args.h"
#include "exchange/upstream_address.h"

#define PLUGIN          "forward"
#define DURATION_MAX_MS (86400 * INT64_C(1000)) /* durations in a Corefile beyond a day are mistakes */

typedef int read_option(struct upstream_settings *s, const struct directive *o, struct errtext *e);

static int read_exchange(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, o, 1, 1);
    if (ret != ERR_OK)
        return ret;
    s->direct = strcmp(o->args[0], "direct") == 0;
    s->plain_only = !s->direct;
    if (!s->direct && strcmp(o->args[0], "libunbound") != 0)
        return args_error(e, PLUGIN, o, "exchange: expected \"direct\" or \"libunbound\", found \"%.80s\"",
                          o->args[0]);
    return ERR_OK;
}

static int read_case_randomisation(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, o, 0, 0);
    if (ret == ERR_OK)
        s->case_randomisation = true;
    return ret;
}

static int read_max_idle_conns(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    uint64_t n = 0;
    int ret = args_count(e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK)
        ret = args_uint(e, PLUGIN, o, o->args[0], 0, UINT32_MAX, &n);
    s->max_idle_conns = (unsigned)n;
    return ret;
}

static int read_max_age(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    int64_t ms = 0;
    int ret = args_count(e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK)
        ret = args_duration(e, PLUGIN, o, o->args[0], 0, DURATION_MAX_MS, &ms);
    s->max_age_ms = (uint32_t)ms;
    return ret;
}

/* tls; tls CA; tls CERT KEY; tls CERT KEY CA */
static int read_tls(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, o, 0, 3);
    if (ret != ERR_OK)
        return ret;
    if (o->nargs >= 2) {
        s->tls_files.cert = o->args[0];
        s->tls_files.key = o->args[1];
    }
    if (o->nargs % 2 == 1)
        s->tls_files.ca = o->args[o->nargs - 1];
    return ERR_OK;
}

static int read_tls_servername(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, o, 1, 1);
    if (ret != ERR_OK)
        return ret;
    /* Of a dot in front OpenSSL would make any name below. */
    if (strlen(o->args[0]) >= sizeof s->server_name || o->args[0][0] == '\0' || o->args[0][0] == '.')
        return args_error(e, PLUGIN, o, "expected a host name or an IP address, found \"%.80s\"", o->args[0]);
    snprintf(s->server_name, sizeof s->server_name, "%s", o->args[0]);
    return ERR_OK;
}

static int read_tls_insecure(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, o, 0, 0);
    if (ret == ERR_OK)
        s->tls_files.insecure = true;
    return ret;
}

static int read_doh_method(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, o, 1, 1);
    if (ret != ERR_OK)
        return ret;
    s->doh_get = strcmp(o->args[0], "GET") == 0;
    if (!s->doh_get && strcmp(o->args[0], "POST") != 0)
        return args_error(e, PLUGIN, o, "doh_method must be either POST or GET");
    return ERR_OK;
}

/* An address that a forged answer brings would be proven by whoever has it. */
static void warn_of_addresses(const struct upstream_roster *r)
{
    for (unsigned i = 0; i < r->nsources; i++) {
        const struct upstream_source *s = &r->sources[i];
        if (s->host != NULL && s->transport.protocol != PROTOCOL_DNS && s->transport.server_name[0] == '\0' &&
            r->settings.server_name[0] == '\0' && !r->settings.tls_files.insecure)
            log_warning(
                "%s - plugin/forward: the certificate of \"%s\" is to name the address that is found, as "
                "in CoreDNS, not the host: write %s%%%s, or tls_servername",
                r->where, s->host, s->host, s->host);
    }
}

/* Without an upstream that speaks TLS these are accepted as in CoreDNS, but hardly what was meant. */
void forward_direct_warn(const struct upstream_roster *r, const struct directive *d)
{
    warn_of_addresses(r);
    for (unsigned i = 0; i < r->nsources; i++)
        if (r->sources[i].transport.protocol != PROTOCOL_DNS)
            return;
    for (size_t i = 0; i < d->nbody; i++)
        if (strncmp(d->body[i].name, "tls", 3) == 0) {
            log_warning(
                "%s - plugin/forward: \"%s\" means nothing without tls:// or https://: questions go in "
                "the clear",
                r->where, d->body[i].name);
            return;
        }
}

static const struct {
    const char *name;
    read_option *read;
} options[] = {
    {"exchange", read_exchange},
    {"case_randomisation", read_case_randomisation},
    {"max_idle_conns", read_max_idle_conns},
    {"max_age", read_max_age},
    {"tls", read_tls},
    {"tls_servername", read_tls_servername},
    {"tls_insecure", read_tls_insecure},
    {"doh_method", read_doh_method},
};

int forward_direct_read(struct upstream_settings *s, const struct directive *o, struct errtext *e)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(options[i].name, o->name) == 0)
            return options[i].read(s, o, e);
    return ERR_NOT_FOUND;
}

static int make_tls(struct upstream_settings *s, const struct directive *d, struct errtext *e)
{
    struct errtext why = {{0}};
    if (s->tls != NULL)
        return ERR_OK;
    int ret = tls_client_get(&s->tls_files, &s->tls, &why);
    return ret == ERR_CONFIG ? args_error(e, PLUGIN, d, "%s", why.text) : ret;
}

int forward_direct_check(struct upstream_settings *s, const struct directive *d, struct errtext *e)
{
    if (s->max_age_ms > 0 && s->max_age_ms < s->expire_ms)
        return args_error(e, PLUGIN, d, "max_age (%gs) must not be less than expire (%gs)",
                          s->max_age_ms / 1000.0, s->expire_ms / 1000.0);
    if (s->case_randomisation && !s->direct)
        return args_error(e, PLUGIN, d, "case_randomisation needs \"exchange direct\"");
    bool files = s->tls_files.cert != NULL || s->tls_files.ca != NULL;
    return files ? make_tls(s, d, e) : ERR_OK;
}

int forward_direct_to(struct upstream_roster *r, struct upstream_source *source, const struct directive *d,
                      const char *to, struct errtext *e)
{
    struct upstream_settings *s = &r->settings;
    union address address;
    struct upstream_transport transport;
    char host[SERVER_NAME_MAX];
    uint16_t port;
    int ret = upstream_transport_parse(to, &transport, host, &port);
    if (ret == ERR_NOT_FOUND)
        return ret;
    bool known = ret == ERR_OK && upstream_address_parse_port(host, port, &address) == ERR_OK;
    if (ret != ERR_OK || (!known && !upstream_lookup_is_host(host)))
        return args_error(e, PLUGIN, d, "not an IP address, file, or valid domain: \"%.200s\"", to);
    if (s->plain_only || s->unbound != NULL)
        return args_error(e, PLUGIN, d, "%s is for plain upstreams, which \"%.200s\" is not",
                          s->plain_only ? "exchange libunbound" : "validate", to);
    if (s->server_name[0] != '\0' && transport.server_name[0] != '\0')
        return args_error(e, PLUGIN, d,
                          "both forward ('%s') and proxy level ('%s') TLS servernames are set for upstream "
                          "proxy '%.200s'",
                          s->server_name, transport.server_name, to);
    s->direct = true; /* one way for all upstreams of a directive */
    if (known)
        upstream_source_address(source, &address);
    else if ((ret = upstream_source_host(source, host, port, &r->resolvers)) != ERR_OK)
        return ret;
    source->transport = transport;
    return make_tls(s, d, e);
}
