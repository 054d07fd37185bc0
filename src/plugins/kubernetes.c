/*
 * kubernetes: answers for the names of a cluster, from the zone files that seamark-sync renders.
 *
 *     kubernetes [ZONES...] { ... }       (options: conf/kubernetes_block.h, docs/plugins.md)
 *
 * This stage never talks to the API server. What it answers stands in DIR/<zone>.zone and its journal. Other
 * spellings of those names lead there (serve/cluster_spelling.h); names of pods under `pods insecure` are
 * made up from the question (serve/pod_name.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "http/readiness.h"
#include "serve/client_lookup.h"
#include "serve/config.h"
#include "serve/express_plan.h"
#include "serve/kubernetes_stage.h"
#include "serve/pod_name.h"
#include "serve/zone_stage.h"

#define ZONES_MAX 1024 /* of one block: a reverse zone with an odd mask, such as a /25, stands for many */

struct kubernetes_stage {
    struct zone_stage answers;
    struct cluster_block block;
    struct served_zones clients; /* the view of clients: one zone, none where nobody needs it; never served */
    struct readiness *readiness;
};

/* ---- names of pods ---- */

static bool kubernetes_made_up(const struct zone_stage *s, const struct served_zone *z,
                               const struct zone_version *v, enum zone_outcome outcome, const uint8_t *name,
                               struct request *r)
{
    const struct kubernetes_block *k = &((const struct kubernetes_stage *)s)->block.kubernetes;
    if (outcome == ZONE_NXDOMAIN)
        return !z->reverse && k->pods == PODS_INSECURE &&
               pod_name_answer(v, z->spelling.apex_len, name, k->ttl, r);
    if (r->q.qtype == RR_SRV && k->pods == PODS_VERIFIED)
        pod_name_service(v, z->spelling.apex_len, name, r);
    return true;
}

/* ---- settings ---- */

static void kubernetes_free(void *ctx)
{
    struct kubernetes_stage *k = ctx;
    if (k == NULL)
        return;
    cluster_block_free(&k->block);
    zone_stage_free(&k->answers);
    served_zones_free(&k->clients);
    free(k);
}

static int read_names(struct kubernetes_stage *k)
{
    const struct kubernetes_block *block = &k->block.kubernetes;
    struct zone_list clients = {.zones = block->zones.zones, .count = k->block.clients.namespaces};
    k->answers.respell = cluster_spelling_find;
    k->answers.made_up = kubernetes_made_up;
    int ret = zone_stage_init(&k->answers, "kubernetes", VIEW_CLUSTER, &block->zones, block->fallthrough,
                              &block->fallthrough_zones);
    for (size_t i = 0; i < k->answers.zones.count; i++)
        k->answers.zones.zones[i].spelling.rules = (struct cluster_name_rules){
            .multicluster = kubernetes_block_is_multicluster(block, block->zones.zones[i]),
            .zonal = block->zonal};
    while (*clients.zones != block->primary)
        clients.zones++;
    if (ret == ERR_OK)
        ret = served_zones_init(&k->clients, "kubernetes", VIEW_CLIENTS, &clients);
    return ret;
}

static int check_other_blocks(const struct config *c, const struct kubernetes_stage *k, struct errtext *e)
{
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < c->nblocks; i++)
        if (c->blocks[i].kubernetes != NULL)
            ret = cluster_block_agree(&c->blocks[i].kubernetes->block, &k->block, e);
    return ret;
}

static int kubernetes_setup(const struct plugin_setup *s, const struct directive *d, void **out,
                            struct errtext *e)
{
    struct kubernetes_stage *k = calloc(1, sizeof *k);
    if (k == NULL)
        return -ENOMEM;
    int ret = cluster_block_parse(s->corefile, s->source, d, &k->block, e);
    if (ret != ERR_OK) {
        free(k);
        return ret;
    }
    if (k->block.kubernetes.zones.count > ZONES_MAX)
        ret = args_error(e, "kubernetes", d, "more than %d zones", ZONES_MAX);
    if (ret == ERR_OK)
        ret = read_names(k);
    if (ret == ERR_OK)
        ret = served_zones_add_unsynced(&k->answers.zones, k->block.kubernetes.ttl, e);
    if (ret == ERR_OK)
        ret = check_other_blocks(s->config, k, e);
    if (ret != ERR_OK) {
        kubernetes_free(k);
        return ret;
    }
    s->block->kubernetes = k;
    *out = k;
    return ERR_OK;
}

/* ---- life ---- */

static bool kubernetes_ready(void *ctx)
{
    const struct kubernetes_stage *k = ctx;
    return served_zones_loaded(&k->answers.zones) && served_zones_loaded(&k->clients);
}

static int kubernetes_start(void *ctx, struct errtext *e)
{
    struct kubernetes_stage *k = ctx;
    int ret = zone_stage_start(&k->answers, &k->block, e);
    if (ret == ERR_OK && (ret = zone_stage_watch(&k->clients, &k->block, e)) != ERR_OK)
        served_zones_stop(&k->answers.zones);
    if (ret == ERR_OK)
        k->readiness = readiness_register("kubernetes", kubernetes_ready, k);
    return ret;
}

static void kubernetes_stop(void *ctx)
{
    struct kubernetes_stage *k = ctx;
    readiness_unregister(k->readiness);
    k->readiness = NULL;
    served_zones_stop(&k->answers.zones);
    served_zones_stop(&k->clients);
}

bool kubernetes_stage_waits(const struct kubernetes_stage *k, uint64_t waited_ms)
{
    return !served_zones_loaded(&k->answers.zones) &&
           (int64_t)waited_ms < k->block.kubernetes.startup_timeout_ms;
}

/* ---- for other plugins ---- */

const struct cluster_block *kubernetes_stage_block(const struct kubernetes_stage *k)
{
    return &k->block;
}

const uint8_t *kubernetes_stage_zone(const struct kubernetes_stage *k, const uint8_t *lname)
{
    const struct served_zone *z = served_zones_find(&k->answers.zones, lname);
    return z == NULL ? NULL : z->apex;
}

/* Within a read section. */
static const struct node *node_of(const struct kubernetes_stage *k, const uint8_t *lname)
{
    const struct served_zone *z = served_zones_find(&k->answers.zones, lname);
    const struct zone *zone = z == NULL ? NULL : watched_zone_read(z->watched);
    size_t len = name_len(lname);
    return zone == NULL ? NULL : zone_find(zone_current(zone), lname, len, name_hash(lname, len));
}

bool kubernetes_stage_knows(const struct kubernetes_stage *k, const uint8_t *lname)
{
    rcu_reader_begin();
    bool known = node_of(k, lname) != NULL;
    rcu_reader_end();
    return known;
}

bool kubernetes_stage_has(const struct kubernetes_stage *k, const uint8_t *lname, uint16_t qtype)
{
    struct rrset set;
    rcu_reader_begin();
    const struct node *n = node_of(k, lname);
    bool has = n != NULL && (node_rrset(n, qtype, &set) || node_rrset(n, RR_CNAME, &set));
    rcu_reader_end();
    return has;
}

int kubernetes_stage_client(const struct kubernetes_stage *k, const struct request *r, const char *key,
                            char *out, size_t cap)
{
    int len = -1;
    if (k->clients.count == 0)
        return -1;
    const struct served_zone *z = &k->clients.zones[0];
    rcu_reader_begin();
    const struct zone *zone = watched_zone_read(z->watched);
    if (zone != NULL)
        len = client_lookup(zone_current(zone), z->apex, &r->client, key, out, cap);
    rcu_reader_end();
    return len;
}

/* kubernetes/client-... from who asks; -1 also for other labels. */
static int client_metadata(const struct kubernetes_stage *k, const struct request *r, const char *label,
                           char *out, size_t cap)
{
    static const char prefix[] = "kubernetes/client-";
    if (strncmp(label, prefix, sizeof prefix - 1) != 0)
        return -1;
    const char *what = label + sizeof prefix - 1;
    bool pod = strcmp(what, "pod-name") == 0;
    if (!pod && strcmp(what, "namespace") != 0 && strncmp(what, "label/", 6) != 0)
        return -1;
    return kubernetes_stage_client(k, r, pod ? "pod" : what, out, cap);
}

/* The others from the question's name alone. */
static int kubernetes_metadata(void *ctx, const struct request *r, const char *label, char *out, size_t cap)
{
    static const char prefix[] = "kubernetes/";
    const struct kubernetes_stage *k = ctx;
    int len = client_metadata(k, r, label, out, cap);
    const struct served_zone *z = served_zones_find(&k->answers.zones, r->asked->lname);
    if (len >= 0)
        return len;
    if (z == NULL || strncmp(label, prefix, sizeof prefix - 1) != 0)
        return -1;
    return cluster_name_label(r->asked->lname, z->apex, &z->spelling.rules, label + sizeof prefix - 1, out,
                              cap);
}

static bool kubernetes_express(void *ctx, struct express_plan *p)
{
    const struct kubernetes_stage *k = ctx;
    p->end = &k->answers;
    p->may_respell = cluster_spelling_possible;
    p->pods_made_up = true; /* the chain knows under which options */
    return true;
}

const struct plugin plugin_kubernetes = {.name = "kubernetes",
                                         .setup = kubernetes_setup,
                                         .free = kubernetes_free,
                                         .start = kubernetes_start,
                                         .stop = kubernetes_stop,
                                         .query = zone_stage_query,
                                         .metadata = kubernetes_metadata,
                                         .zones = zone_stage_zones,
                                         .express = kubernetes_express};
