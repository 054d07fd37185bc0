/*
 * forward: puts questions to other name servers.
 *
 *     forward FROM TO... {
 *         except NAMES...
 *         policy random|round_robin|sequential|fastest
 *         max_fails N
 *         health_check DURATION [no_rec] [domain NAME]
 *         read_timeout DURATION
 *         max_connect_attempts N
 *         max_concurrent N
 *         failfast_all_unhealthy_upstreams
 *         force_tcp
 *         prefer_udp
 *         expire DURATION
 *         max_idle_conns N
 *         max_age DURATION
 *         next RCODES...
 *         next_on_nodata
 *         failover RCODES...
 *         source_address IP
 *         tls [CERT KEY] [CA]
 *         tls_servername NAME
 *         tls_insecure
 *         doh_method GET|POST
 *         exchange direct|libunbound
 *         case_randomisation
 *         validate [FILE]
 *         negative_trust_anchors ZONES...
 *         resolver IP[:PORT]...
 *         deadline DURATION
 *         hedge [DURATION]
 *         max_qps N
 *     }
 *
 * FROM is the domain whose names are forwarded. TO is an IP address or a host name, with a port where it is
 * not 53, either of them with `tls://` or `https://`, or a file like /etc/resolv.conf; 15 at the most. It may
 * stand several times in a server block: the first whose FROM matches takes the name. docs/forwarding.md has
 * the options, the limits, and what differs from CoreDNS. Example: `forward . /etc/resolv.conf`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/args.h"
#include "exchange/upstream_address.h"
#include "serve/plugin.h"
#include "upstream/forward_direct.h"
#include "upstream/forward_options.h"

#define PLUGIN "forward"

/* ---- FROM and TO ---- */

static int read_from(struct forward_stage *f, const struct directive *d, struct errtext *e)
{
    struct zone_list list = {0};
    int ret = zone_list_add(&list, d->args[0]);
    if (ret == ERR_MALFORMED)
        ret =
            args_error(e, PLUGIN, d, "unable to normalize '%.80s' (expected a domain or a CIDR)", d->args[0]);
    if (ret == ERR_OK)
        ret = forward_read_name(PLUGIN, d, list.zones[0], f->from, e);
    if (ret == ERR_OK && list.count > 1)
        log_warning("%s - plugin/forward: \"%s\" is several zones; only %s is forwarded, as CoreDNS does",
                    f->where, d->args[0], list.zones[0]);
    zone_list_free(&list);
    return ret;
}

static int read_file(struct upstream_source *source, const struct directive *d, const char *path,
                     struct errtext *e)
{
    int ret = upstream_source_file(source, path);
    if (ret != ERR_OK)
        return args_error(e, PLUGIN, d, "not an IP address or file: \"%.200s\" (%s)", path, err_text(ret));
    return ERR_OK;
}

static int read_host(struct upstream_roster *r, const struct directive *d, const char *word,
                     struct errtext *e)
{
    char host[NAME_MAX_TEXT];
    uint16_t port = UPSTREAM_PORT;
    if (upstream_address_split(word, host, sizeof host, &port) != ERR_OK || !upstream_lookup_is_host(host))
        return args_error(e, PLUGIN, d, "not an IP address, file, or valid domain: \"%.80s\"", word);
    return upstream_source_host(&r->sources[r->nsources], host, port, &r->resolvers);
}

static int read_to(struct upstream_roster *r, const struct directive *d, const char *word, struct errtext *e)
{
    struct upstream_source *source = &r->sources[r->nsources];
    union address a;
    int ret = forward_direct_to(r, source, d, word, e);
    if (ret != ERR_NOT_FOUND)
        return ret;
    const char *rest = strncmp(word, "dns://", 6) == 0 ? word + 6 : word;
    if (strstr(rest, "://") != NULL)
        return args_error(e, PLUGIN, d, "'%.80s' is not supported as a destination protocol in forward",
                          word);
    if (upstream_address_parse(rest, &a) == ERR_OK) {
        upstream_source_address(source, &a);
        return ERR_OK;
    }
    if (strchr(rest, '/') != NULL || access(rest, F_OK) == 0)
        return read_file(source, d, rest, e);
    return read_host(r, d, rest, e);
}

static int read_tos(struct forward_stage *f, const struct directive *d, struct errtext *e)
{
    struct upstream_roster *r = &f->upstreams;
    unsigned found = 0;
    if (d->nargs - 1 > UPSTREAMS_MAX)
        return args_error(e, PLUGIN, d, "more than %d TOs configured: %zu", UPSTREAMS_MAX, d->nargs - 1);
    for (size_t i = 1; i < d->nargs; i++) {
        int ret = read_to(r, d, d->args[i], e);
        if (ret != ERR_OK)
            return ret;
        const struct upstream_source *source = &r->sources[r->nsources++];
        for (unsigned k = 0; k < source->count; k++)
            found += upstream_roster_usable(&r->settings, &source->addresses[k]);
        found += source->host != NULL;
    }
    return found > 0 ? ERR_OK : args_error(e, PLUGIN, d, "no valid upstream addresses found");
}

static int read_directive(struct forward_stage *f, const struct directive *d, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, d, 2, SIZE_MAX);
    if (ret == ERR_OK)
        ret = read_from(f, d, e);
    if (ret == ERR_OK)
        ret = forward_read_options(f, d, e);
    if (ret == ERR_OK)
        ret = read_tos(f, d, e);
    if (ret == ERR_OK)
        forward_direct_warn(&f->upstreams, d);
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
    snprintf(f->where, sizeof f->where, "%s:%u", d->file, d->line);
    f->upstreams.where = f->where;
    f->block = s->block;
    upstream_settings_default(&f->upstreams.settings);
    int ret = read_directive(f, d, e);
    if (ret != ERR_OK) {
        forward_free(f);
        return ret;
    }
    if (f->upstreams.settings.max_concurrent > 0)
        snprintf(f->limit_text, sizeof f->limit_text, "concurrent queries exceeded maximum %u",
                 f->upstreams.settings.max_concurrent);
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

static void forward_stop(void *state)
{
    forward_stage_stop(state);
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
    .stop = forward_stop,
    .worker_start = forward_worker_start,
    .worker_stop = forward_worker_stop,
    .query = forward_query,
    .metadata = forward_metadata,
    .metadata_anywhere = true,
};
