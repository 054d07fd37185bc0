/*
 * kubernetes: answers for the names of a cluster, from the zone files that seamark-sync renders.
 *
 *     kubernetes [ZONES...] { ... }       (options: conf/kubernetes_block.h, docs/plugins.md)
 *
 * This stage never talks to the API server. What it answers stands in DIR/<zone>.zone and its journal. Other
 * spellings of those names lead there (serve/cluster_spelling.h); names of pods under `pods insecure` are
 * made up from the question (serve/pod_name.h).
 *
 * Where there never was a zone file, the answer is SERVFAIL, as CoreDNS's before its first synchronisation.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "conf/cluster_block.h"
#include "http/readiness.h"
#include "serve/cluster_spelling.h"
#include "serve/config.h"
#include "serve/kubernetes_stage.h"
#include "serve/pod_name.h"
#include "serve/served_zones.h"
#include "serve/worker.h"
#include "serve/zone_scope.h"
#include "zone/zone_answer.h"

#define ZONES_MAX 128 /* of one block: a cluster has one forward zone and a handful of reverse ones */

struct kubernetes_stage {
    struct cluster_block block;
    struct served_zones zones;
    struct zone_scope fallthrough;
    struct readiness *readiness;
};

/* ---- settings ---- */

static void kubernetes_free(void *ctx)
{
    struct kubernetes_stage *k = ctx;
    if (k == NULL)
        return;
    cluster_block_free(&k->block);
    served_zones_free(&k->zones);
    zone_scope_free(&k->fallthrough);
    free(k);
}

static int read_names(struct kubernetes_stage *k)
{
    int ret = served_zones_init(&k->zones, "kubernetes", VIEW_CLUSTER, &k->block.kubernetes.zones);
    if (ret == ERR_OK)
        ret = zone_scope_init_fallthrough(&k->fallthrough, k->block.kubernetes.fallthrough,
                                          &k->block.kubernetes.fallthrough_zones);
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
    int ret = cluster_block_parse(s->source, d, &k->block, e);
    if (ret != ERR_OK) {
        free(k);
        return ret;
    }
    if (k->block.kubernetes.zones.count > ZONES_MAX)
        ret = args_error(e, "kubernetes", d, "more than %d zones", ZONES_MAX);
    if (ret == ERR_OK)
        ret = read_names(k);
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
    return served_zones_loaded(&((const struct kubernetes_stage *)ctx)->zones);
}

static int kubernetes_start(void *ctx, struct errtext *e)
{
    struct kubernetes_stage *k = ctx;
    struct bytes identity;
    bytes_init(&identity, CLUSTER_IDENTITY_MAX);
    int ret = cluster_block_identity(&k->block, VIEW_CLUSTER, &identity);
    if (ret == ERR_OK)
        ret = served_zones_start(&k->zones, identity.data, e);
    bytes_free(&identity);
    if (ret == ERR_OK)
        k->readiness = readiness_register("kubernetes", kubernetes_ready, k);
    return ret;
}

static void kubernetes_stop(void *ctx)
{
    struct kubernetes_stage *k = ctx;
    readiness_unregister(k->readiness);
    k->readiness = NULL;
    served_zones_stop(&k->zones);
}

/* ---- answering ---- */

bool kubernetes_stage_serves(const struct kubernetes_stage *k, const uint8_t *lname)
{
    return served_zones_find(&k->zones, lname) != NULL;
}

const uint8_t *kubernetes_stage_zone(const struct kubernetes_stage *k, const uint8_t *lname)
{
    const struct served_zone *z = served_zones_find(&k->zones, lname);
    return z == NULL ? NULL : z->apex;
}

/* Within a read section. */
static const struct node *node_of(const struct kubernetes_stage *k, const uint8_t *lname)
{
    const struct served_zone *z = served_zones_find(&k->zones, lname);
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

/* How the question stands to its zone; it points into `r` and `spelling`. */
static struct zone_question question_of(const struct request *r, const struct cluster_spelling *spelling)
{
    return (struct zone_question){.lname = r->q.lname,
                                  .len = r->q.qname_len,
                                  .hash = r->q.hash,
                                  .qtype = r->q.qtype,
                                  .enough = REPLY_CAP,
                                  .respell = cluster_spelling_find,
                                  .respell_ctx = spelling};
}

static struct cluster_spelling spelling_of(const struct served_zone *z)
{
    return (struct cluster_spelling){.apex = z->apex};
}

/* The external end of an ExternalName has been asked for, or could not be: the CNAME goes out whatever came
 * of it. */
static void target_answered(struct request *inner)
{
    struct request *r = inner->origin;
    const struct kubernetes_stage *k = r->route->block->stages[r->stage].state;
    const struct served_zone *z = served_zones_find(&k->zones, r->q.lname);
    struct reply *reply = request_reply(r);
    rcu_reader_begin();
    const struct zone *zone = watched_zone_read(z->watched);
    struct cluster_spelling spelling = spelling_of(z);
    struct zone_question q = question_of(r, &spelling);
    /* The zone may have changed while the upstream was asked; the chain as it stands now decides. */
    enum zone_outcome outcome = zone_answer(zone_current(zone), &q, reply);
    reply->flags |= FLAG_AA;
    if (outcome == ZONE_NXDOMAIN) {
        reply->rcode = RCODE_NXDOMAIN;
        zone_answer_soa(zone_current(zone), reply);
    }
    bool fits =
        outcome == ZONE_CNAME_OUT && inner->reply != NULL && name_equal(q.target, inner->asked->qname);
    rcu_reader_end();
    if (fits && inner->reply->rcode == RCODE_NOERROR) {
        struct reply *found = inner->reply;
        uint16_t answers = found->count[SECTION_ANSWER];
        reply_cut(found, SECTION_AUTHORITY);
        reply_finish(found, REPLY_CAP);
        if (answers > 0)
            reply_copy(reply, found->wire, found->len, SECTION_ANSWER, SECTION_ANSWER);
        if (found->flags & FLAG_TC)
            reply->flags |= FLAG_TC;
    }
    request_resume(r, VERDICT_ANSWERED);
}

static enum verdict follow_out(struct request *r, const uint8_t *target)
{
    bool address = r->q.qtype == RR_A || r->q.qtype == RR_AAAA;
    if (address && request_ask_self(r, target, r->q.qtype, target_answered, r) == ERR_OK)
        return VERDICT_PENDING;
    return VERDICT_ANSWERED;
}

static enum verdict not_found(const struct kubernetes_stage *k, const struct zone_version *v,
                              struct request *r)
{
    if (r->reply->count[SECTION_ANSWER] == 0 && zone_scope_has(&k->fallthrough, r->q.lname))
        return VERDICT_NEXT;
    r->reply->rcode = RCODE_NXDOMAIN;
    zone_answer_soa(v, r->reply);
    return VERDICT_ANSWERED;
}

static enum verdict answer_from_zone(const struct kubernetes_stage *k, const struct served_zone *z,
                                     const struct zone_version *v, struct request *r)
{
    struct cluster_spelling spelling = spelling_of(z);
    struct zone_question q = question_of(r, &spelling);
    if (r->transport == TRANSPORT_UDP)
        q.enough = r->q.udp_size + 512u;
    if (r->shuffle)
        q.rotate = worker_random(r->worker) >> 1;
    r->reply->flags |= FLAG_AA;
    switch (zone_answer(v, &q, r->reply)) {
    case ZONE_NODATA:
        if (r->q.qtype == RR_SRV && k->block.kubernetes.pods == PODS_VERIFIED)
            pod_name_service(v, z->apex, q.target != NULL ? q.target : r->q.qname, r);
        return VERDICT_ANSWERED;
    case ZONE_HIT:
        return VERDICT_ANSWERED;
    case ZONE_CNAME_OUT:
        return follow_out(r, q.target);
    case ZONE_NXDOMAIN:
        break;
    }
    const uint8_t *missing = q.target != NULL ? q.target : r->q.qname;
    if (!z->reverse && k->block.kubernetes.pods == PODS_INSECURE &&
        pod_name_answer(v, z->apex, missing, k->block.kubernetes.ttl, r))
        return VERDICT_ANSWERED;
    return not_found(k, v, r);
}

static enum verdict kubernetes_query(void *ctx, struct request *r)
{
    const struct kubernetes_stage *k = ctx;
    const struct served_zone *z = served_zones_find(&k->zones, r->q.lname);
    if (z == NULL || r->q.qclass != CLASS_IN)
        return VERDICT_NEXT;
    if (r->q.qtype == RR_AXFR || r->q.qtype == RR_IXFR) {
        r->reply->rcode = RCODE_REFUSED; /* as CoreDNS without the transfer plugin */
        return VERDICT_ANSWERED;
    }
    enum verdict verdict = VERDICT_ANSWERED;
    rcu_reader_begin();
    const struct zone *zone = watched_zone_read(z->watched);
    if (zone != NULL) {
        verdict = answer_from_zone(k, z, zone_current(zone), r);
    } else if (zone_scope_has(&k->fallthrough, r->q.lname)) {
        verdict = VERDICT_NEXT;
    } else {
        r->reply->rcode = RCODE_SERVFAIL;
        r->reply->flags |= FLAG_AA;
        r->error_text = "there is no zone to serve yet: seamark-sync has not reached the Kubernetes API";
    }
    rcu_reader_end();
    return verdict;
}

/* kubernetes/... from the question's name alone. */
static int kubernetes_metadata(void *ctx, const struct request *r, const char *label, char *out, size_t cap)
{
    static const char prefix[] = "kubernetes/";
    const struct kubernetes_stage *k = ctx;
    const struct served_zone *z = served_zones_find(&k->zones, r->asked->lname);
    if (z == NULL || strncmp(label, prefix, sizeof prefix - 1) != 0)
        return -1;
    const struct cluster_spelling spelling = spelling_of(z);
    return cluster_name_label(r->asked->lname, z->apex, &spelling.rules, label + sizeof prefix - 1, out, cap);
}

static const struct served_zones *kubernetes_zones(void *ctx)
{
    return &((const struct kubernetes_stage *)ctx)->zones;
}

const struct plugin plugin_kubernetes = {.name = "kubernetes",
                                         .setup = kubernetes_setup,
                                         .free = kubernetes_free,
                                         .start = kubernetes_start,
                                         .stop = kubernetes_stop,
                                         .query = kubernetes_query,
                                         .metadata = kubernetes_metadata,
                                         .zones = kubernetes_zones};
