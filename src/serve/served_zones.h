/*
 * The zones that a stage answers from: each a watched zone file with its journal (zone_watch.h), found by
 * name, with gauges of its age, serial and size. `kubernetes` and `k8s_external` have one such set each.
 */
#ifndef SEAMARK_SERVE_SERVED_ZONES_H
#define SEAMARK_SERVE_SERVED_ZONES_H

#include "conf/args.h"
#include "serve/cluster_spelling.h"
#include "serve/zone_watch.h"

struct metric_gauge;

struct served_zone {
    uint8_t apex[NAME_MAX_LEN]; /* lower case */
    char text[NAME_MAX_TEXT];
    uint8_t label_count;
    bool reverse;                     /* in-addr.arpa, ip6.arpa or below */
    struct cluster_spelling spelling; /* how its names may be written too */
    struct watched_zone *watched;
    struct zone *unsynced; /* what is answered while there is no file; NULL: nothing */
    struct metric_gauge *gauges[3];
};

struct served_zones {
    const char *plugin; /* for errors */
    const char *view;   /* of the zones: one of conf/cluster_block.h */
    struct served_zone *zones;
    size_t count;
};

/* Takes the names; `plugin` and `view` are borrowed. ERR_MALFORMED, -ENOMEM; served_zones_free() in every
 * case. Control thread, as all but served_zones_find(). */
int served_zones_init(struct served_zones *s, const char *plugin, const char *view,
                      const struct zone_list *zones);
/* Gives each zone what a cluster's has before the cluster is known (unsynced_zone.h). ERR_MALFORMED with `e`
 * set where one has no room for that. */
int served_zones_add_unsynced(struct served_zones *s, uint32_t ttl, struct errtext *e);
/* Begins to watch the zones, whose records are those of `identity`, and to measure them. An error with `e`
 * set leaves no gauges behind. */
int served_zones_start(struct served_zones *s, const char *identity, struct errtext *e);
/* Ends the measuring. Requests may still be under way: the zones are let go in served_zones_free(). */
void served_zones_stop(struct served_zones *s);
void served_zones_free(struct served_zones *s);

/* Whether each of them has something to answer from. */
bool served_zones_loaded(const struct served_zones *s);

/* The longest zone that the lower-case name is in; NULL where none. Any thread. */
const struct served_zone *served_zones_find(const struct served_zones *s, const uint8_t *lname);

#endif
