/*
 * unbound: finds answers by itself, from the root name servers on, by libunbound.
 *
 *     unbound [FROM] {
 *         except NAMES...
 *         validate [FILE]
 *         negative_trust_anchors ZONES...
 *         option NAME VALUE...
 *         config FILE
 *     }
 *
 * FROM is the domain whose names are resolved so, all without it. `validate` checks signatures (DNSSEC), from
 * the root's trust anchor or those in FILE. `option` is any setting of the server clause of unbound.conf(5),
 * `config` a file of whole clauses; what libunbound would ignore, or what would reach beyond this block, is
 * refused. docs/forwarding.md has more. Example: `unbound . { validate }`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/args.h"
#include "exchange/unbound_args.h"
#include "exchange/unbound_context.h"
#include "serve/plugin.h"
#include "upstream/forward_options.h"
#include "upstream/forward_stage.h"
#include "upstream/upstream_ask.h"

#define PLUGIN "unbound"

/* A recursion has all of a question's time: there is nobody else to ask. */
#define TRIES 1

/* Puts the place before what went wrong. */
static int placed(struct errtext *e, const struct directive *d, int ret, const struct errtext *why)
{
    return ret == ERR_CONFIG ? args_error(e, PLUGIN, d, "%s", why->text) : ret;
}

static int read_option(struct forward_stage *f, const struct directive *o, struct errtext *e)
{
    struct unbound_settings *s = f->upstreams.settings.unbound;
    struct errtext why = {{0}};
    int ret = args_count(e, PLUGIN, o, 2, SIZE_MAX);
    if (ret == ERR_OK)
        ret = placed(e, o, unbound_settings_option(s, o->args[0], o->args + 1, o->nargs - 1, &why), &why);
    if (ret == ERR_OK) /* each by itself, so that the line is known that libunbound does not take */
        ret = placed(e, o, unbound_context_check(s, &why), &why);
    return ret;
}

static int read_config(struct forward_stage *f, const struct directive *o, struct errtext *e)
{
    struct unbound_settings *s = f->upstreams.settings.unbound;
    struct errtext why = {{0}};
    int ret = args_count(e, PLUGIN, o, 1, 1);
    if (ret == ERR_OK)
        ret = placed(e, o, unbound_settings_file(s, o->args[0], &why), &why);
    if (ret == ERR_OK)
        ret = placed(e, o, unbound_context_check(s, &why), &why);
    return ret;
}

static int read_line(struct forward_stage *f, const struct directive *o, struct errtext *e)
{
    if (strcmp(o->name, "except") == 0)
        return forward_read_except(f, PLUGIN, o, e);
    if (strcmp(o->name, "option") == 0)
        return read_option(f, o, e);
    if (strcmp(o->name, "config") == 0)
        return read_config(f, o, e);
    if (strcmp(o->name, "validate") == 0)
        return unbound_args_validate(f->upstreams.settings.unbound, PLUGIN, o, e);
    if (strcmp(o->name, "negative_trust_anchors") == 0)
        return unbound_args_distrust(f->upstreams.settings.unbound, PLUGIN, o, e);
    return args_error(e, PLUGIN, o, "unknown property '%.80s'", o->name);
}

static int read_directive(struct forward_stage *f, const struct directive *d, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, d, 0, 1);
    if (ret == ERR_OK)
        ret = forward_read_name(PLUGIN, d, d->nargs == 0 ? "." : d->args[0], f->from, e);
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = read_line(f, &d->body[i], e);
    if (ret == ERR_OK)
        ret = unbound_args_complete(f->upstreams.settings.unbound, PLUGIN, d, e);
    return ret;
}

static void unbound_free(void *state)
{
    forward_stage_free(state);
}

static int unbound_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                         struct errtext *e)
{
    static const union address nowhere; /* the one upstream is libunbound, which has no address */
    struct forward_stage *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    snprintf(f->where, sizeof f->where, "%s:%u", d->file, d->line);
    snprintf(f->limit_text, sizeof f->limit_text, "too many questions are being resolved at once");
    f->block = s->block;
    upstream_settings_default(&f->upstreams.settings);
    f->upstreams.settings.max_fails = 0;
    f->upstreams.settings.max_connect_attempts = TRIES;
    f->upstreams.settings.read_timeout_ms = UPSTREAM_DEADLINE_MS;
    f->upstreams.settings.attempts_set = true;
    f->upstreams.where = f->where;
    upstream_source_address(&f->upstreams.sources[f->upstreams.nsources++], &nowhere);
    int ret = unbound_settings_new(true, &f->upstreams.settings.unbound);
    if (ret == ERR_OK)
        ret = read_directive(f, d, e);
    if (ret != ERR_OK) {
        unbound_free(f);
        return ret;
    }
    *state = f;
    return ERR_OK;
}

static int unbound_start(void *state, struct errtext *e)
{
    return forward_stage_start(state, e);
}

static void unbound_stop(void *state)
{
    forward_stage_stop(state);
}

static int unbound_worker_start(void *state, struct worker *w, struct errtext *e)
{
    return forward_stage_worker_start(state, w, e);
}

static void unbound_worker_stop(void *state, struct worker *w)
{
    forward_stage_worker_stop(state, w);
}

static enum verdict unbound_query(void *state, struct request *r)
{
    return forward_stage_query(state, r);
}

const struct plugin plugin_unbound = {
    .name = PLUGIN,
    .repeatable = true,
    .setup = unbound_setup,
    .free = unbound_free,
    .start = unbound_start,
    .stop = unbound_stop,
    .worker_start = unbound_worker_start,
    .worker_stop = unbound_worker_stop,
    .query = unbound_query,
};
