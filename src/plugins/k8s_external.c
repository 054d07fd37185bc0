/*
 * k8s_external: answers for the names of services outside of their cluster, from the zone files that
 * seamark-sync renders for it. Needs `kubernetes` in the same server block, whose services they are.
 *
 *     k8s_external [ZONES...] {
 *         apex LABEL                  ns1.LABEL.ZONE is the name server (dns)
 *         ttl SECONDS                 0 to 3600 (5)
 *         headless                    endpoints of headless services have names too
 *         fallthrough [ZONES...]
 *     }
 *
 * What is in the zones: sync/records_external.c. A name in the branch LABEL.ZONE never falls through.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/config.h"
#include "serve/external_spelling.h"
#include "serve/kubernetes_stage.h"
#include "serve/zone_stage.h"

#define ZONES_MAX 128 /* of one block: far more than a cluster is reached under */

struct k8s_external {
    struct zone_stage answers;
    struct k8s_external_block block;
    const struct block *beside; /* whose `kubernetes` stage knows the cluster */
    uint8_t label[1 + NAME_MAX_LABEL];
};

/* True for LABEL.ZONE and what is below. */
static bool in_server_branch(const struct zone_stage *s, const struct served_zone *z, const uint8_t *lname)
{
    const struct k8s_external *k = (const struct k8s_external *)s;
    const uint8_t *last = NULL;
    for (const uint8_t *p = lname; !name_equal(p, z->apex); p += 1 + *p)
        last = p;
    return last != NULL && last[0] == k->label[0] && memcmp(last + 1, k->label + 1, last[0]) == 0;
}

static void k8s_external_free(void *state)
{
    struct k8s_external *k = state;
    k8s_external_block_free(&k->block);
    zone_stage_free(&k->answers);
    free(k);
}

static int read_block(struct k8s_external *k, const struct plugin_setup *s, const struct directive *d,
                      struct errtext *e)
{
    int ret = k8s_external_block_parse(s->source, d, &k->block, e);
    if (ret == ERR_OK && k->block.zones.count > ZONES_MAX)
        ret = args_error(e, "k8s_external", d, "more than %d zones", ZONES_MAX);
    if (ret != ERR_OK)
        return ret;
    k->beside = s->block;
    k->label[0] = (uint8_t)strlen(k->block.label);
    memcpy(k->label + 1, k->block.label, k->label[0]);
    k->answers.respell = external_spelling_find;
    k->answers.adapt = external_spelling_adapt;
    k->answers.keeps = in_server_branch;
    return zone_stage_init(&k->answers, "k8s_external", VIEW_EXTERNAL, &k->block.zones, k->block.fallthrough,
                           &k->block.fallthrough_zones);
}

static int k8s_external_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                              struct errtext *e)
{
    struct k8s_external *k = calloc(1, sizeof *k);
    if (k == NULL)
        return -ENOMEM;
    int ret = read_block(k, s, d, e);
    if (ret != ERR_OK) {
        k8s_external_free(k);
        return ret;
    }
    *state = k;
    return ERR_OK;
}

static int k8s_external_start(void *state, struct errtext *e)
{
    struct k8s_external *k = state;
    return zone_stage_start(&k->answers, kubernetes_stage_block(k->beside->kubernetes), e);
}

static void k8s_external_stop(void *state)
{
    served_zones_stop(&((struct k8s_external *)state)->answers.zones);
}

const struct plugin plugin_k8s_external = {.name = "k8s_external",
                                           .setup = k8s_external_setup,
                                           .free = k8s_external_free,
                                           .start = k8s_external_start,
                                           .stop = k8s_external_stop,
                                           .query = zone_stage_query,
                                           .zones = zone_stage_zones};
