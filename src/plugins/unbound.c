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
#include "serve/plugin.h"
#include "upstream/forward_stage.h"
#include "upstream/unbound_args.h"
#include "upstream/unbound_context.h"
#include "upstream/upstream_ask.h"

#define PLUGIN "unbound"

/* A recursion has all of a question's time: there is nobody else to ask. */
#define TRIES 1

static int name_of(const struct directive *d, const char *word, uint8_t out[NAME_MAX_LEN], struct errtext *e)
{
    uint8_t name[NAME_MAX_LEN];
    if (name_from_text(word, strlen(word), name) < 0)
        return args_error(e, PLUGIN, d, "expected a domain name, found \"%.80s\"", word);
    name_lower(out, name);
    return ERR_OK;
}

/* Puts the place before what went wrong. */
static int placed(struct errtext *e, const struct directive *d, int ret, const struct errtext *why)
{
    return ret == ERR_CONFIG ? args_error(e, PLUGIN, d, "%s", why->text) : ret;
}

static int read_except(struct forward_stage *f, const struct directive *o, struct errtext *e)
{
    struct zone_list list = {0};
    int ret = args_count(e, PLUGIN, o, 1, SIZE_MAX);
    if (ret == ERR_OK)
        ret = args_zones(e, PLUGIN, o, 0, NULL, &list);
    if (ret == ERR_OK) {
        uint8_t(*grown)[NAME_MAX_LEN] = realloc(f->except, (f->nexcept + list.count) * sizeof *grown);
        ret = grown == NULL ? -ENOMEM : ERR_OK;
        if (grown != NULL)
            f->except = grown;
    }
    for (size_t i = 0; ret == ERR_OK && i < list.count; i++) {
        ret = name_of(o, list.zones[i], f->except[f->nexcept], e);
        f->nexcept += ret == ERR_OK;
    }
    zone_list_free(&list);
    return ret;
}

static int read_option(struct forward_stage *f, const struct directive *o, struct errtext *e)
{
    struct unbound_settings *s = f->set.settings.unbound;
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
    struct unbound_settings *s = f->set.settings.unbound;
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
        return read_except(f, o, e);
    if (strcmp(o->name, "option") == 0)
        return read_option(f, o, e);
    if (strcmp(o->name, "config") == 0)
        return read_config(f, o, e);
    if (strcmp(o->name, "validate") == 0)
        return unbound_args_validate(f->set.settings.unbound, PLUGIN, o, e);
    if (strcmp(o->name, "negative_trust_anchors") == 0)
        return unbound_args_distrust(f->set.settings.unbound, PLUGIN, o, e);
    return args_error(e, PLUGIN, o, "unknown property '%.80s'", o->name);
}

static int read_directive(struct forward_stage *f, const struct directive *d, struct errtext *e)
{
    int ret = args_count(e, PLUGIN, d, 0, 1);
    if (ret == ERR_OK)
        ret = name_of(d, d->nargs == 0 ? "." : d->args[0], f->from, e);
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = read_line(f, &d->body[i], e);
    if (ret == ERR_OK)
        ret = unbound_args_complete(f->set.settings.unbound, PLUGIN, d, e);
    return ret;
}

static void unbound_free(void *state)
{
    forward_stage_free(state);
}

static int unbound_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                         struct errtext *e)
{
    struct forward_stage *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    snprintf(f->where, sizeof f->where, "%s:%u", d->file, d->line);
    snprintf(f->limit_text, sizeof f->limit_text, "too many questions are being resolved at once");
    f->block = s->block;
    upstream_settings_default(&f->set.settings);
    f->set.settings.max_fails = 0;
    f->set.settings.max_connect_attempts = TRIES;
    f->set.settings.read_timeout_ms = UPSTREAM_DEADLINE_MS;
    f->set.where = f->where;
    f->set.count = 1; /* without an address */
    int ret = unbound_settings_new(true, &f->set.settings.unbound);
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
    .worker_start = unbound_worker_start,
    .worker_stop = unbound_worker_stop,
    .query = unbound_query,
};
