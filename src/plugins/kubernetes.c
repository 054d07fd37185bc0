/*
 * kubernetes: answers for the names of a cluster, from the zone files that seamark-sync renders.
 *
 *     kubernetes [ZONES...] { ... }       (options: conf/kubernetes_block.h, docs/plugins.md)
 *
 * This stage never talks to the API server. What it answers stands in DIR/<zone>.zone and its journal, but
 * for the names of pods under `pods insecure`, which are made up from the question.
 *
 * Where there never was a zone file, the answer is SERVFAIL, as CoreDNS's before its first synchronisation.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "conf/kubernetes_block.h"
#include "http/readiness.h"
#include "metrics/metrics.h"
#include "serve/config.h"
#include "serve/control.h"
#include "serve/kubernetes_stage.h"
#include "serve/pod_name.h"
#include "serve/worker.h"
#include "serve/zone_watch.h"
#include "zone/zone_answer.h"

#define IDENTITY_MAX (1 << 20) /* far more than the line may have */
#define ZONES_MAX    128 /* of one block: a cluster has one forward zone and a handful of reverse ones */

struct served_zone {
    uint8_t apex[NAME_MAX_LEN];
    char text[NAME_MAX_TEXT];
    uint8_t label_count;
    bool forward; /* not a reverse zone */
    struct watched_zone *watched;
    struct metric_gauge *gauges[3];
};

struct kubernetes_stage {
    struct kubernetes_block block;
    struct served_zone *zones;
    size_t nzones;
    bool fallthrough_all;
    uint8_t (*fallthrough)[NAME_MAX_LEN];
    size_t nfallthrough;
    struct readiness *readiness;
};

/* ---- settings ---- */

static void kubernetes_free(void *ctx)
{
    struct kubernetes_stage *k = ctx;
    if (k == NULL)
        return;
    kubernetes_block_free(&k->block);
    for (size_t i = 0; i < k->nzones; i++)
        zone_watch_release(k->zones[i].watched);
    free(k->zones);
    free(k->fallthrough);
    free(k);
}

static bool is_reverse(const uint8_t *apex)
{
    static const uint8_t in_addr[] = "\7in-addr\4arpa", ip6[] = "\3ip6\4arpa";
    return name_in(apex, in_addr) || name_in(apex, ip6);
}

static int read_names(struct kubernetes_stage *k)
{
    const struct zone_list *zones = &k->block.zones, *through = &k->block.fallthrough_zones;
    k->zones = calloc(zones->count, sizeof *k->zones);
    k->fallthrough = calloc(through->count > 0 ? through->count : 1, sizeof *k->fallthrough);
    if (k->zones == NULL || k->fallthrough == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < zones->count; i++) {
        struct served_zone *z = &k->zones[k->nzones++];
        if (name_from_text(zones->zones[i], strlen(zones->zones[i]), z->apex) < 0)
            return ERR_MALFORMED;
        name_lower(z->apex, z->apex);
        name_to_text(z->apex, z->text);
        z->label_count = (uint8_t)name_label_count(z->apex);
        z->forward = !is_reverse(z->apex);
    }
    k->fallthrough_all = k->block.fallthrough && through->count == 0;
    for (size_t i = 0; i < through->count; i++) {
        uint8_t *name = k->fallthrough[k->nfallthrough++];
        if (name_from_text(through->zones[i], strlen(through->zones[i]), name) < 0)
            return ERR_MALFORMED;
        name_lower(name, name);
    }
    return ERR_OK;
}

/* One zone file can be rendered with one set of options alone: two blocks that have the same zone must agree.
 */
static int check_agrees(const struct kubernetes_stage *a, const struct kubernetes_stage *b, struct errtext *e)
{
    struct bytes x, y;
    bytes_init(&x, IDENTITY_MAX);
    bytes_init(&y, IDENTITY_MAX);
    int ret = kubernetes_block_identity(&a->block, &x);
    if (ret == ERR_OK)
        ret = kubernetes_block_identity(&b->block, &y);
    bool same = ret == ERR_OK && strcmp(x.data, y.data) == 0;
    for (size_t i = 0; ret == ERR_OK && !same && i < a->nzones; i++)
        for (size_t k = 0; ret == ERR_OK && k < b->nzones; k++)
            if (name_equal(a->zones[i].apex, b->zones[k].apex))
                ret = args_error(e, "kubernetes", b->block.directive,
                                 "zone %s stands in another kubernetes block with other options (%s:%u)",
                                 b->zones[k].text, a->block.directive->file, a->block.directive->line);
    bytes_free(&x);
    bytes_free(&y);
    return ret;
}

static int check_other_blocks(const struct config *c, const struct kubernetes_stage *k, struct errtext *e)
{
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < c->nblocks; i++)
        if (c->blocks[i].kubernetes != NULL)
            ret = check_agrees(c->blocks[i].kubernetes, k, e);
    return ret;
}

static int kubernetes_setup(const struct plugin_setup *s, const struct directive *d, void **out,
                            struct errtext *e)
{
    struct kubernetes_stage *k = calloc(1, sizeof *k);
    if (k == NULL)
        return -ENOMEM;
    int ret = kubernetes_block_parse(s->source, d, &k->block, e);
    if (ret != ERR_OK) {
        free(k);
        return ret;
    }
    if (k->block.zones.count > ZONES_MAX)
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

/* ---- readiness and metrics ---- */

static bool zone_loaded(const struct served_zone *z)
{
    rcu_reader_begin();
    bool loaded = z->watched != NULL && watched_zone_read(z->watched) != NULL;
    rcu_reader_end();
    return loaded;
}

static bool kubernetes_ready(void *ctx)
{
    const struct kubernetes_stage *k = ctx;
    for (size_t i = 0; i < k->nzones; i++)
        if (!zone_loaded(&k->zones[i]))
            return false;
    return true;
}

static double gauge_age(void *ctx)
{
    return watched_zone_age(((const struct served_zone *)ctx)->watched);
}

static double gauge_of(const struct served_zone *z, bool serial)
{
    double value = 0;
    rcu_reader_begin();
    const struct zone *zone = watched_zone_read(z->watched);
    if (zone != NULL) {
        const struct zone_version *v = zone_current(zone);
        value = serial ? (double)zone_serial(v) : (double)zone_record_count(v);
    }
    rcu_reader_end();
    return value;
}

static double gauge_serial(void *ctx)
{
    return gauge_of(ctx, true);
}

static double gauge_records(void *ctx)
{
    return gauge_of(ctx, false);
}

static const struct metric_desc age_desc = {
    .name = "seamark_zone_age_seconds",
    .help = "Seconds since the zone was last known to be in step with its source; -1 where there is no zone.",
    .type = METRIC_GAUGE};
static const struct metric_desc serial_desc = {
    .name = "seamark_zone_serial", .help = "Serial of the zone that is served.", .type = METRIC_GAUGE};
static const struct metric_desc records_desc = {
    .name = "seamark_zone_records", .help = "Records of the zone that is served.", .type = METRIC_GAUGE};

/* All zones first, and the gauges only where they are there: a failure leaves nothing that points here. */
static int kubernetes_start(void *ctx, struct errtext *e)
{
    struct kubernetes_stage *k = ctx;
    struct bytes identity;
    bytes_init(&identity, IDENTITY_MAX);
    int ret = kubernetes_block_identity(&k->block, &identity);
    for (size_t i = 0; ret == ERR_OK && i < k->nzones; i++) {
        struct served_zone *z = &k->zones[i];
        z->watched = zone_watch_acquire(z->apex, identity.data);
        if (z->watched == NULL)
            ret = errtext_set(
                e, -ENOMEM,
                "plugin/kubernetes: zone %s cannot be watched (no memory, or its name is too long)", z->text);
    }
    bytes_free(&identity);
    if (ret != ERR_OK)
        return ret;
    for (size_t i = 0; i < k->nzones; i++) {
        struct served_zone *z = &k->zones[i];
        struct metric_label labels[] = {LABEL("zone", z->text)};
        z->gauges[0] = metrics_gauge(&age_desc, labels, 1, gauge_age, z);
        z->gauges[1] = metrics_gauge(&serial_desc, labels, 1, gauge_serial, z);
        z->gauges[2] = metrics_gauge(&records_desc, labels, 1, gauge_records, z);
    }
    k->readiness = readiness_register("kubernetes", kubernetes_ready, k);
    return ERR_OK;
}

/* Requests may still be under way: the zones themselves are let go in kubernetes_free. */
static void kubernetes_stop(void *ctx)
{
    struct kubernetes_stage *k = ctx;
    readiness_unregister(k->readiness);
    k->readiness = NULL;
    for (size_t i = 0; i < k->nzones; i++)
        for (unsigned g = 0; g < 3; g++) {
            metrics_gauge_remove(k->zones[i].gauges[g]);
            k->zones[i].gauges[g] = NULL;
        }
}

/* ---- answering ---- */

static const struct served_zone *zone_for(const struct kubernetes_stage *k, const uint8_t *lname)
{
    const struct served_zone *best = NULL;
    for (size_t i = 0; i < k->nzones; i++)
        if ((best == NULL || k->zones[i].label_count > best->label_count) && name_in(lname, k->zones[i].apex))
            best = &k->zones[i];
    return best;
}

bool kubernetes_stage_serves(const struct kubernetes_stage *k, const uint8_t *lname)
{
    return zone_for(k, lname) != NULL;
}

static bool falls_through(const struct kubernetes_stage *k, const uint8_t *lname)
{
    if (k->fallthrough_all)
        return true;
    for (size_t i = 0; i < k->nfallthrough; i++)
        if (name_in(lname, k->fallthrough[i]))
            return true;
    return false;
}

/* The external end of an ExternalName has been asked for, or could not be: the CNAME goes out whatever came
 * of it. */
static void target_answered(struct request *inner)
{
    struct request *r = inner->origin;
    const struct kubernetes_stage *k = r->route->block->stages[r->stage].state;
    const struct served_zone *z = zone_for(k, r->q.lname);
    struct reply *reply = request_reply(r);
    rcu_reader_begin();
    const struct zone *zone = watched_zone_read(z->watched);
    struct zone_question q = {.lname = r->q.lname,
                              .len = r->q.qname_len,
                              .hash = r->q.hash,
                              .qtype = r->q.qtype,
                              .enough = REPLY_CAP};
    /* The zone may have changed while the upstream was asked; the chain as it stands now decides. */
    enum zone_outcome outcome = zone_answer(zone_current(zone), &q, reply);
    reply->flags |= FLAG_AA;
    if (outcome == ZONE_NXDOMAIN) {
        reply->rcode = RCODE_NXDOMAIN;
        zone_answer_soa(zone_current(zone), reply);
    }
    bool fits = outcome == ZONE_CNAME_OUT && inner->reply != NULL && name_equal(q.target, inner->q.qname);
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
    if (r->reply->count[SECTION_ANSWER] == 0 && falls_through(k, r->q.lname))
        return VERDICT_NEXT;
    r->reply->rcode = RCODE_NXDOMAIN;
    zone_answer_soa(v, r->reply);
    return VERDICT_ANSWERED;
}

static enum verdict answer_from_zone(const struct kubernetes_stage *k, const struct served_zone *z,
                                     const struct zone_version *v, struct request *r)
{
    struct zone_question q = {.lname = r->q.lname,
                              .len = r->q.qname_len,
                              .hash = r->q.hash,
                              .qtype = r->q.qtype,
                              .enough = r->transport == TRANSPORT_UDP ? r->q.udp_size + 512u : REPLY_CAP,
                              .rotate = r->shuffle ? worker_random(r->worker) >> 1 : 0};
    r->reply->flags |= FLAG_AA;
    switch (zone_answer(v, &q, r->reply)) {
    case ZONE_HIT:
    case ZONE_NODATA:
        return VERDICT_ANSWERED;
    case ZONE_CNAME_OUT:
        return follow_out(r, q.target);
    case ZONE_NXDOMAIN:
        break;
    }
    const uint8_t *missing = q.target != NULL ? q.target : r->q.qname;
    if (z->forward && k->block.pods == PODS_INSECURE && pod_name_answer(v, z->apex, missing, k->block.ttl, r))
        return VERDICT_ANSWERED;
    return not_found(k, v, r);
}

static enum verdict kubernetes_query(void *ctx, struct request *r)
{
    const struct kubernetes_stage *k = ctx;
    const struct served_zone *z = zone_for(k, r->q.lname);
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
    } else if (falls_through(k, r->q.lname)) {
        verdict = VERDICT_NEXT;
    } else {
        r->reply->rcode = RCODE_SERVFAIL;
        r->reply->flags |= FLAG_AA;
        r->error_text = "there is no zone to serve yet: seamark-sync has not reached the Kubernetes API";
    }
    rcu_reader_end();
    return verdict;
}

const struct plugin plugin_kubernetes = {.name = "kubernetes",
                                         .setup = kubernetes_setup,
                                         .free = kubernetes_free,
                                         .start = kubernetes_start,
                                         .stop = kubernetes_stop,
                                         .query = kubernetes_query};
