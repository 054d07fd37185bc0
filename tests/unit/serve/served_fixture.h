/*
 * One real worker with a real configuration, and zones in memory in place of files: zone_watch.c is played
 * here, at link time. Stages that open something outside are not started. Included by one file of a program.
 */
#ifndef SEAMARK_TESTS_SERVED_FIXTURE_H
#define SEAMARK_TESTS_SERVED_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "dns/rr.h"
#include "metrics/query_metrics.h"
#include "serve/worker_p.h"
#include "serve/workers.h"
#include "serve/zone_watch.h"

/* ---- zones ---- */

struct watched_zone {
    uint8_t apex[NAME_MAX_LEN];
    struct zone *zone; /* NULL: there is no file */
};

#define FIXTURE_ZONES 64
static struct watched_zone fixture_zones[FIXTURE_ZONES];
static unsigned fixture_nzones;

int zone_watch_start(struct event_base *base, const char *folder, struct errtext *e)
{
    (void)base, (void)folder, (void)e;
    return ERR_OK;
}
void zone_watch_stop(void)
{
}
void zone_watch_release(struct watched_zone *w)
{
    (void)w;
}
void zone_watch_listen(void (*changed)(void))
{
    (void)changed;
}
const struct zone *watched_zone_read(const struct watched_zone *w)
{
    return rcu_read(&w->zone);
}
const char *watched_zone_journal(const struct watched_zone *w)
{
    (void)w;
    return "";
}
double watched_zone_age(const struct watched_zone *w)
{
    (void)w;
    return 0;
}

static inline struct watched_zone *fixture_zone(const uint8_t *apex)
{
    for (unsigned i = 0; i < fixture_nzones; i++)
        if (name_equal(fixture_zones[i].apex, apex))
            return &fixture_zones[i];
    if (fixture_nzones == FIXTURE_ZONES)
        abort();
    struct watched_zone *w = &fixture_zones[fixture_nzones++];
    name_lower(w->apex, apex);
    return w;
}

struct watched_zone *zone_watch_acquire(const uint8_t *apex, const char *view, const char *identity)
{
    (void)view, (void)identity;
    return fixture_zone(apex);
}

static inline void fixture_name(const char *text, uint8_t out[NAME_MAX_LEN])
{
    if (name_from_text(text, strlen(text), out) < 0)
        abort();
}

/* The transaction to fill a zone with, whose name is the text; fixture_commit() makes it the one served. */
static inline struct zone_txn *fixture_begin(const char *zone, struct zone **out)
{
    uint8_t apex[NAME_MAX_LEN];
    fixture_name(zone, apex);
    *out = zone_new(apex);
    return zone_begin(*out);
}

static inline void fixture_add(struct zone_txn *t, const char *line)
{
    static struct rr_storage storage;
    struct rr rr;
    int ret = rr_from_text(line, strlen(line), &storage, &rr);
    if (ret == ERR_OK)
        ret = zone_add(t, &rr);
    if (ret != ERR_OK && ret != ERR_EXISTS) {
        fprintf(stderr, "%s: %s\n", line, err_text(ret));
        abort();
    }
}

static inline void fixture_commit(struct zone_txn *t, struct zone *fresh)
{
    if (zone_commit(t) != ERR_OK)
        abort();
    struct watched_zone *w = fixture_zone(zone_apex(fresh));
    struct zone *old = w->zone;
    rcu_publish(&w->zone, fresh);
    if (old != NULL)
        rcu_free_later(old, zone_release);
}

static inline void fixture_forget_zones(void)
{
    for (unsigned i = 0; i < fixture_nzones; i++) {
        zone_free(fixture_zones[i].zone);
        fixture_zones[i].zone = NULL;
    }
}

/* ---- the configuration ---- */

static struct config *fixture_config;
static struct route_metrics *fixture_metrics[16];

static inline bool fixture_starts(const struct plugin *p)
{
    static const char *const inside[] = {"errors", "cache", "template", "kubernetes", NULL};
    for (unsigned i = 0; inside[i] != NULL; i++)
        if (strcmp(p->name, inside[i]) == 0)
            return true;
    return false;
}

static inline int fixture_prepare(struct worker *w, void *ctx)
{
    struct errtext e = {0};
    int ret = worker_prepare(w, ctx, &e);
    if (ret == ERR_OK)
        worker_adopt(w, ctx);
    else
        fprintf(stderr, "%s\n", e.text);
    return ret;
}

static inline int fixture_retire(struct worker *w, void *ctx)
{
    (void)ctx;
    worker_retire_present(w);
    return ERR_OK;
}

/* Serves the Corefile in the one worker; its routes are counted. */
static inline void fixture_use(const char *text)
{
    struct corefile *corefile = NULL;
    struct config_options options = {.dns_port = 5300};
    struct errtext e = {0};
    int ret = corefile_parse("Corefile", text, strlen(text), &corefile, &e);
    if (ret == ERR_OK)
        ret = config_build(corefile, &options, &fixture_config, &e);
    for (size_t b = 0; ret == ERR_OK && b < fixture_config->nblocks; b++)
        for (unsigned i = 0; i < fixture_config->blocks[b].nstages; i++) {
            const struct stage *s = &fixture_config->blocks[b].stages[i];
            if (s->plugin->start != NULL && fixture_starts(s->plugin) && ret == ERR_OK)
                ret = s->plugin->start(s->state, &e);
        }
    if (ret != ERR_OK) {
        fprintf(stderr, "%s: %s\n", err_text(ret), e.text);
        abort();
    }
    for (size_t i = 0; i < fixture_config->nroutes && i < 16; i++) {
        struct route *r = &fixture_config->routes[i];
        r->metrics = fixture_metrics[i] = route_metrics_new(r->listener->label, r->zone_text, r->block);
    }
    if (workers_call(fixture_prepare, fixture_config) != ERR_OK)
        abort();
}

static inline int fixture_nothing(struct worker *w, void *ctx)
{
    (void)w, (void)ctx;
    return ERR_OK;
}

/* Of a configuration that the worker does not have any more, or is about to let go. */
static inline void fixture_stop(struct config *c)
{
    for (size_t b = 0; b < c->nblocks; b++)
        for (unsigned i = 0; i < c->blocks[b].nstages; i++) {
            const struct stage *s = &c->blocks[b].stages[i];
            if (s->plugin->stop != NULL && fixture_starts(s->plugin))
                s->plugin->stop(s->state);
        }
    config_unref(c);
}

static inline void fixture_let_go(void)
{
    workers_call(fixture_retire, NULL);
    fixture_stop(fixture_config);
    for (unsigned i = 0; i < 16; i++) {
        route_metrics_free(fixture_metrics[i]);
        fixture_metrics[i] = NULL;
    }
}

#endif
