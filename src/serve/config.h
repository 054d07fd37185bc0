/*
 * A configuration in force: listeners, blocks with their compiled chains, and the routes from a listener's
 * zones to blocks. Built and started in the control thread beside the old one, handed to every worker in one
 * step, freed when the last request that runs in it is gone. Immutable while workers use it.
 */
#ifndef SEAMARK_SERVE_CONFIG_H
#define SEAMARK_SERVE_CONFIG_H

#include "conf/corefile.h"
#include "serve/plugin.h"

#define STAGES_MAX 250 /* of one block; some have a `template` for each of their names */

struct stage {
    const struct plugin *plugin;
    void *state;
};

struct block {
    const struct server_block *source;
    struct stage stages[STAGES_MAX];
    unsigned nstages;
    struct kubernetes_stage
        *kubernetes; /* its kubernetes stage's settings, or NULL: cache lets cluster names pass */
    uint8_t (*metadata_zones)[NAME_MAX_LEN]; /* zones of its metadata stage, lower case; NULL: no metadata */
    size_t nmetadata_zones;
    const char *const *bind; /* addresses to listen on, or NULL: all (set by the bind plugin) */
    size_t nbind;
    bool any_class; /* forward or chaos is in the chain: classes other than IN are not refused */
    bool serves; /* some stage looks at queries or answers; without one everything is refused, as CoreDNS does
                  */
};

/* One zone of a listener. */
struct route {
    const struct listener *listener;
    struct block *block;
    uint8_t zone[NAME_MAX_LEN]; /* lower case */
    uint8_t zone_len;
    uint8_t label_count;
    char zone_text[NAME_MAX_TEXT]; /* label "zone" of metrics: "cluster.local.", "." */
    struct route_metrics *metrics; /* set by the prometheus plugin at start; NULL without it */
};

struct listener {
    char address[ADDRESS_TEXT_MAX]; /* "" for all */
    uint16_t port;
    char label[ADDRESS_TEXT_MAX + 16]; /* "dns://:53": label "server" of metrics */
    struct route **routes;             /* most labels first */
    size_t nroutes;
    bool any_class;
    struct express_table *express; /* names that go the short way; NULL: none */
    struct route_metrics
        *dropped; /* of requests that no block takes; set by the prometheus plugin at start, NULL without */
};

struct config {
    struct corefile *corefile;
    struct block *blocks;
    size_t nblocks;
    struct listener *listeners;
    size_t nlisteners;
    struct route *routes; /* all of them, nroutes */
    size_t nroutes;
    int references; /* atomic */
};

/* Settings from the command line that a configuration is built with. */
struct config_options {
    uint16_t dns_port; /* -dns.port */
    const char *zones_folder;
};

/* Compiles a corefile (taken over in every case). Opens nothing. ERR_CONFIG with `e` set. Control thread. */
int config_build(struct corefile *corefile, const struct config_options *options, struct config **out,
                 struct errtext *e);
/* Calls every stage's start; on failure stops those started. */
int config_start(struct config *c, struct errtext *e);
void config_stop(struct config *c);
/* Calls every stage's leave, before the process ends. */
void config_leave(struct config *c);
struct config *config_ref(struct config *c);
void config_unref(
    struct config *c); /* frees with the last reference; any thread (freeing is done in the control thread) */

/* The route for a lower-case name: the longest zone that holds it; for DS the parent's where there is one.
 * NULL: refused. */
const struct route *listener_route(const struct listener *l, const struct query *q);

#endif
