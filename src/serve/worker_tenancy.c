/* Configurations in a worker: what is in force, and what was and still has questions waiting in it. */
#include <errno.h>
#include <stdlib.h>

#include "serve/worker_p.h"
#include "serve/workers.h"

struct tenancy *worker_tenancy(struct worker *w, const struct config *c)
{
    struct tenancy *t;
    LIST_FOREACH(t, &w->tenancies, link)
    if (t->config == c)
        return t;
    return NULL;
}

/* Calls worker_stop for the first `started` stages that have one; stages do not depend on one another. */
static void stop_stages(struct worker *w, struct tenancy *t)
{
    unsigned n = 0;
    for (size_t b = 0; b < t->config->nblocks; b++)
        for (unsigned s = 0; s < t->config->blocks[b].nstages; s++) {
            const struct stage *st = &t->config->blocks[b].stages[s];
            if (n++ < t->started && st->plugin->worker_stop != NULL)
                st->plugin->worker_stop(st->state, w);
        }
}

static int start_stages(struct worker *w, struct tenancy *t, struct errtext *e)
{
    for (size_t b = 0; b < t->config->nblocks; b++)
        for (unsigned s = 0; s < t->config->blocks[b].nstages; s++) {
            const struct stage *st = &t->config->blocks[b].stages[s];
            int ret = st->plugin->worker_start == NULL ? ERR_OK : st->plugin->worker_start(st->state, w, e);
            if (ret != ERR_OK)
                return ret;
            t->started++;
        }
    return ERR_OK;
}

static void tenancy_free(struct worker *w, struct tenancy *t)
{
    stop_stages(w, t);
    LIST_REMOVE(t, link);
    config_unref(t->config);
    free(t);
}

void worker_tenancy_idle(struct worker *w, const struct tenancy *t)
{
    if (t->retired && t->waiting == 0)
        event_active(w->idle_event, 0, 0);
}

void worker_free_idle(struct worker *w)
{
    struct tenancy *t, *next;
    for (t = LIST_FIRST(&w->tenancies); t != NULL; t = next) {
        next = LIST_NEXT(t, link);
        if (t->retired && t->waiting == 0)
            tenancy_free(w, t);
    }
}

int worker_prepare(struct worker *w, struct config *c, struct errtext *e)
{
    struct tenancy *t = calloc(1, sizeof *t);
    if (t == NULL)
        return errtext_set(e, -ENOMEM, "worker: no memory for a configuration");
    t->config = config_ref(c);
    LIST_INSERT_HEAD(&w->tenancies, t, link);
    int ret = start_stages(w, t, e);
    if (ret != ERR_OK)
        tenancy_free(w, t);
    return ret;
}

void worker_abandon(struct worker *w, struct config *c)
{
    struct tenancy *t = worker_tenancy(w, c);
    if (t != NULL && t != w->present)
        tenancy_free(w, t);
}

void worker_adopt(struct worker *w, struct config *c)
{
    struct tenancy *old = w->present;
    w->present = worker_tenancy(w, c);
    if (old != NULL && old != w->present)
        old->retired = true;
    worker_free_idle(w);
}

void worker_retire_present(struct worker *w)
{
    if (w->present != NULL)
        w->present->retired = true;
    w->present = NULL;
    worker_free_idle(w);
}
