/*
 * A stage that answers from zone files: what `kubernetes` and `k8s_external` have in common. What stands in
 * the zone is answered, CNAMEs that lead out of it are followed by asking the server itself, and what does
 * not exist is denied or left to the next plugin.
 *
 * Where there never was a zone file, what would be denied is SERVFAIL, as with CoreDNS before its first
 * synchronisation; the little that is known without the cluster is answered (serve/unsynced_zone.h).
 */
#ifndef SEAMARK_SERVE_ZONE_STAGE_H
#define SEAMARK_SERVE_ZONE_STAGE_H

#include "conf/cluster_block.h"
#include "serve/plugin.h"
#include "serve/served_zones.h"
#include "serve/zone_scope.h"
#include "zone/zone_answer.h"

/* The first member of the stage's state. */
struct zone_stage {
    struct served_zones zones;
    struct zone_scope fallthrough;
    zone_respell *respell; /* these two: NULL, or get the zone's `spelling` */
    zone_adapt *adapt;
    /* True for names that are denied here whatever `fallthrough` says. NULL: none. */
    bool (*keeps)(const struct zone_stage *s, const struct served_zone *z, const uint8_t *lname);
    /* Where the zone has no data for the name (ZONE_NODATA) or no such name (ZONE_NXDOMAIN): true where it
     * has put an answer into the reply. `name` is the question's, or where CNAMEs led. NULL: nothing more. */
    bool (*made_up)(const struct zone_stage *s, const struct served_zone *z, const struct zone_version *v,
                    enum zone_outcome outcome, const uint8_t *name, struct request *r);
};

/* Takes names and `fallthrough` from the block. ERR_MALFORMED, -ENOMEM; zone_stage_free() in every case. */
int zone_stage_init(struct zone_stage *s, const char *plugin, const char *view, const struct zone_list *zones,
                    bool fallthrough, const struct zone_list *fallthrough_zones);
void zone_stage_free(struct zone_stage *s);

/* Watches the zones, whose records are those of the block and the stage's view. Errors with `e` set. */
int zone_stage_start(struct zone_stage *s, const struct cluster_block *block, struct errtext *e);

/* The same for zones that a stage looks things up in and does not answer from. */
int zone_stage_watch(struct served_zones *zones, const struct cluster_block *block, struct errtext *e);

/* query() and zones() of the stage's plugin. */
enum verdict zone_stage_query(void *state, struct request *r);
const struct served_zones *zone_stage_zones(void *state);

#endif
