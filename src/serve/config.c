#include "serve/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "serve/config_routes.h"
#include "serve/control.h"
#include "serve/express_table.h"
#include "serve/plugin_names.h"
#include "serve/worker.h"

#define DNS_PORT 53

static const struct plugin *find_plugin(const char *name, size_t *order)
{
    for (size_t i = 0; i < plugin_count; i++)
        if (strcmp(plugin_table[i]->name, name) == 0) {
            *order = i;
            return plugin_table[i];
        }
    return NULL;
}

static int check_directive(const struct server_block *source, const struct directive *d, struct errtext *e)
{
    size_t order;
    const struct plugin *p = find_plugin(d->name, &order);
    if (p == NULL && plugin_name_known(d->name))
        return errtext_set(e, ERR_CONFIG, "%s:%u - plugin '%s' is CoreDNS's but not built into Seamark yet",
                           d->file, d->line, d->name);
    if (p == NULL)
        return errtext_set(e, ERR_CONFIG, "%s:%u - Unknown directive '%s'", d->file, d->line, d->name);
    const struct directive *first = server_block_find(source, d->name);
    if (!p->repeatable && first != d)
        return errtext_set(e, ERR_CONFIG,
                           "%s:%u - plugin/%s: this plugin can only be used once per Server Block "
                           "(the other one is at %s:%u)",
                           d->file, d->line, d->name, first->file, first->line);
    return ERR_OK;
}

static int add_stage(const struct plugin_setup *s, const struct plugin *p, const struct directive *d,
                     struct errtext *e)
{
    struct block *b = s->block;
    if (b->nstages == STAGES_MAX)
        return errtext_set(e, ERR_CONFIG, "%s:%u - more than %d directives in one block", d->file, d->line,
                           STAGES_MAX);
    void *state = NULL;
    int ret = p->setup(s, d, &state, e);
    if (ret != ERR_OK)
        return errtext_set(e, ret, "%s:%u - plugin/%s: %s", d->file, d->line, d->name, err_text(ret));
    b->stages[b->nstages++] = (struct stage){.plugin = p, .state = state};
    b->serves = b->serves || p->query != NULL || p->answer != NULL;
    return ERR_OK;
}

/* Stages stand in the table's order; the order of the text matters among repeats of one plugin alone. */
static int compile_block(const struct plugin_setup *s, struct errtext *e)
{
    for (size_t i = 0; i < s->source->ndirectives; i++) {
        int ret = check_directive(s->source, &s->source->directives[i], e);
        if (ret != ERR_OK)
            return ret;
    }
    for (size_t p = 0; p < plugin_count; p++)
        for (size_t i = 0; i < s->source->ndirectives; i++) {
            const struct directive *d = &s->source->directives[i];
            if (strcmp(d->name, plugin_table[p]->name) != 0 ||
                (plugin_table[p]->one_list && server_block_find(s->source, d->name) != d))
                continue;
            int ret = add_stage(s, plugin_table[p], d, e);
            if (ret != ERR_OK)
                return ret;
        }
    return ERR_OK;
}

static void config_free(struct config *c)
{
    for (size_t b = 0; b < c->nblocks; b++)
        for (unsigned i = 0; i < c->blocks[b].nstages; i++)
            if (c->blocks[b].stages[i].plugin->free != NULL)
                c->blocks[b].stages[i].plugin->free(c->blocks[b].stages[i].state);
    express_tables_free(c);
    config_routes_free(c);
    free(c->blocks);
    corefile_free(c->corefile);
    free(c);
}

int config_build(struct corefile *corefile, const struct config_options *options, struct config **out,
                 struct errtext *e)
{
    struct config *c = calloc(1, sizeof *c);
    if (c == NULL) {
        corefile_free(corefile);
        return errtext_set(e, -ENOMEM, "configuration: no memory");
    }
    c->corefile = corefile;
    c->references = 1;
    c->blocks = calloc(corefile->nblocks > 0 ? corefile->nblocks : 1, sizeof *c->blocks);
    int ret = c->blocks == NULL ? errtext_set(e, -ENOMEM, "configuration: no memory") : ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < corefile->nblocks; i++) {
        struct block *b = &c->blocks[c->nblocks++];
        b->source = &corefile->blocks[i];
        struct plugin_setup s = {.config = c, .block = b, .source = b->source, .corefile = corefile};
        ret = compile_block(&s, e);
    }
    if (ret == ERR_OK)
        ret = config_routes_build(c, options->dns_port != 0 ? options->dns_port : DNS_PORT, e);
    if (ret == ERR_OK && (ret = express_tables_build(c)) != ERR_OK)
        ret = errtext_set(e, ret, "configuration: no memory");
    if (ret != ERR_OK) {
        config_free(c);
        return ret;
    }
    *out = c;
    return ERR_OK;
}

/* Calls stop for the first `started` stages. */
static void stop_stages(struct config *c, unsigned started)
{
    unsigned n = 0;
    for (size_t b = 0; b < c->nblocks; b++)
        for (unsigned i = 0; i < c->blocks[b].nstages; i++)
            if (n++ < started && c->blocks[b].stages[i].plugin->stop != NULL)
                c->blocks[b].stages[i].plugin->stop(c->blocks[b].stages[i].state);
}

int config_start(struct config *c, struct errtext *e)
{
    unsigned started = 0;
    for (size_t b = 0; b < c->nblocks; b++)
        for (unsigned i = 0; i < c->blocks[b].nstages; i++) {
            const struct stage *s = &c->blocks[b].stages[i];
            int ret = s->plugin->start == NULL ? ERR_OK : s->plugin->start(s->state, e);
            if (ret != ERR_OK) {
                stop_stages(c, started);
                return errtext_set(e, ret, "plugin/%s: %s", s->plugin->name, err_text(ret));
            }
            started++;
        }
    return ERR_OK;
}

void config_stop(struct config *c)
{
    stop_stages(c, UINT32_MAX);
}

void config_leave(struct config *c)
{
    for (size_t b = 0; b < c->nblocks; b++)
        for (unsigned s = 0; s < c->blocks[b].nstages; s++) {
            const struct stage *st = &c->blocks[b].stages[s];
            if (st->plugin->leave != NULL)
                st->plugin->leave(st->state);
        }
}

struct config *config_ref(struct config *c)
{
    __atomic_fetch_add(&c->references, 1, __ATOMIC_RELAXED);
    return c;
}

static void free_in_control(void *ctx)
{
    config_free(ctx);
}

void config_unref(struct config *c)
{
    if (c == NULL || __atomic_sub_fetch(&c->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    /* Plugins' free functions belong to the control thread. */
    if (worker_self() == NULL || control_post(free_in_control, c) != ERR_OK)
        config_free(c);
}
