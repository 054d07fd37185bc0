#include "serve/zone_stage.h"

#include "base/rcu.h"
#include "serve/config.h"
#include "serve/worker.h"

static const char no_zone_yet[] =
    "there is no zone to serve yet: seamark-sync has not reached the Kubernetes API";

int zone_stage_init(struct zone_stage *s, const char *plugin, const char *view, const struct zone_list *zones,
                    bool fallthrough, const struct zone_list *fallthrough_zones)
{
    int ret = served_zones_init(&s->zones, plugin, view, zones);
    if (ret == ERR_OK)
        ret = zone_scope_init_fallthrough(&s->fallthrough, fallthrough, fallthrough_zones);
    return ret;
}

void zone_stage_free(struct zone_stage *s)
{
    served_zones_free(&s->zones);
    zone_scope_free(&s->fallthrough);
}

int zone_stage_watch(struct served_zones *zones, const struct cluster_block *block, struct errtext *e)
{
    struct bytes identity;
    bytes_init(&identity, CLUSTER_IDENTITY_MAX);
    int ret = cluster_block_identity(block, zones->view, &identity);
    if (ret == ERR_OK)
        ret = served_zones_start(zones, identity.data, e);
    bytes_free(&identity);
    return ret;
}

int zone_stage_start(struct zone_stage *s, const struct cluster_block *block, struct errtext *e)
{
    return zone_stage_watch(&s->zones, block, e);
}

const struct served_zones *zone_stage_zones(void *state)
{
    return &((struct zone_stage *)state)->zones;
}

/* How the question stands to its zone; it points into `r`. */
static struct zone_question question_of(const struct zone_stage *s, const struct served_zone *z,
                                        const struct request *r)
{
    return (struct zone_question){.lname = r->q.lname,
                                  .len = r->q.qname_len,
                                  .hash = r->q.hash,
                                  .qtype = r->q.qtype,
                                  .enough = REPLY_CAP,
                                  .respell = s->respell,
                                  .adapt = s->adapt,
                                  .names_ctx = &z->spelling};
}

/* The external end of a CNAME has been asked for, or could not be: the CNAME goes out whatever came of it. */
static void target_answered(struct request *inner)
{
    struct request *r = inner->origin;
    const struct zone_stage *s = r->route->block->stages[r->stage].state;
    const struct served_zone *z = served_zones_find(&s->zones, r->q.lname);
    struct reply *reply = request_reply(r);
    rcu_reader_begin();
    const struct zone *zone = watched_zone_read(z->watched);
    struct zone_question q = question_of(s, z, r);
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

static bool falls_through(const struct zone_stage *s, const struct served_zone *z, const struct request *r)
{
    return zone_scope_has(&s->fallthrough, r->q.lname) && (s->keeps == NULL || !s->keeps(s, z, r->q.lname));
}

static enum verdict answer_from_zone(const struct zone_stage *s, const struct served_zone *z,
                                     const struct zone_version *v, bool synced, struct request *r)
{
    struct zone_question q = question_of(s, z, r);
    if (r->transport == TRANSPORT_UDP)
        q.enough = r->q.udp_size + 512u;
    if (r->shuffle)
        q.rotate = worker_random(r->worker) >> 1;
    r->reply->flags |= FLAG_AA;
    enum zone_outcome outcome = zone_answer(v, &q, r->reply);
    if (outcome == ZONE_HIT)
        return VERDICT_ANSWERED;
    if (outcome == ZONE_CNAME_OUT)
        return follow_out(r, q.target);
    const uint8_t *name = q.target != NULL ? q.target : r->q.qname;
    if ((s->made_up != NULL && s->made_up(s, z, v, outcome, name, r)) || outcome == ZONE_NODATA)
        return VERDICT_ANSWERED;
    if (r->reply->count[SECTION_ANSWER] == 0 && falls_through(s, z, r)) {
        r->reply->flags &= (uint16_t)~FLAG_AA;
        return VERDICT_NEXT;
    }
    r->reply->rcode = synced ? RCODE_NXDOMAIN : RCODE_SERVFAIL;
    r->error_text = synced ? NULL : no_zone_yet;
    zone_answer_soa(v, r->reply);
    return VERDICT_ANSWERED;
}

enum verdict zone_stage_query(void *state, struct request *r)
{
    const struct zone_stage *s = state;
    const struct served_zone *z = served_zones_find(&s->zones, r->q.lname);
    if (z == NULL || r->q.qclass != CLASS_IN)
        return VERDICT_NEXT;
    if (r->q.qtype == RR_AXFR || r->q.qtype == RR_IXFR) {
        r->reply->rcode = RCODE_REFUSED; /* as CoreDNS without the transfer plugin */
        return VERDICT_ANSWERED;
    }
    enum verdict verdict = VERDICT_ANSWERED;
    rcu_reader_begin();
    const struct zone *zone = watched_zone_read(z->watched);
    if (zone != NULL || z->unsynced != NULL) {
        verdict = answer_from_zone(s, z, zone_current(zone != NULL ? zone : z->unsynced), zone != NULL, r);
    } else if (falls_through(s, z, r)) {
        verdict = VERDICT_NEXT;
    } else {
        r->reply->rcode = RCODE_SERVFAIL;
        r->reply->flags |= FLAG_AA;
        r->error_text = no_zone_yet;
    }
    rcu_reader_end();
    return verdict;
}
