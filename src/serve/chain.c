#include "serve/chain.h"

#include "dns/rr.h"
#include "metrics/metrics.h"
#include "serve/worker_p.h"

static void finish(struct request *r)
{
    if (r->reply != NULL && r->transport != TRANSPORT_INTERNAL)
        reply_finish(r->reply, request_max_size(r));
    request_end(r);
}

/* The answer goes up from the stage above `below`, unless one of them holds it. */
static void go_up(struct request *r, unsigned below)
{
    const struct block *b = r->route->block;
    for (unsigned i = below; i-- > r->floor;) {
        if (b->stages[i].plugin->answer == NULL)
            continue;
        b->stages[i].plugin->answer(b->stages[i].state, r);
        if (r->hold) {
            r->hold = false;
            r->held = (uint8_t)(i + 1);
            request_park(r);
            return;
        }
    }
    finish(r);
}

/* The answer walks up from the stage above the one that gave it. */
static void walk_up(struct request *r, unsigned answered_by)
{
    r->stage = (uint8_t)answered_by;
    r->answered = true;
    go_up(r, answered_by);
}

/* Does what a stage's verdict asks for; false where the next stage is to be asked. */
static bool settled(struct request *r, enum verdict verdict, unsigned stage)
{
    switch (verdict) {
    case VERDICT_NEXT:
        return false;
    case VERDICT_ANSWERED:
        walk_up(r, stage);
        break;
    case VERDICT_PENDING:
        request_park(r);
        break;
    case VERDICT_DROP:
        r->reply = NULL;
        finish(r);
        break;
    }
    return true;
}

static void walk_down(struct request *r, unsigned from)
{
    const struct block *b = r->route->block;
    for (unsigned i = from; i < b->nstages; i++) {
        if (b->stages[i].plugin->query == NULL)
            continue;
        r->stage = (uint8_t)i;
        if (settled(r, b->stages[i].plugin->query(b->stages[i].state, r), i))
            return;
    }
    reply_error(r->reply, &r->q, RCODE_SERVFAIL);
    if (r->error_text == NULL)
        r->error_text = "no next plugin found";
    walk_up(r, b->nstages);
}

void chain_enter(struct request *r, const struct listener *l)
{
    request_reply(r);
    r->route = listener_route(l, &r->q);
    bool refused = r->route == NULL || !r->route->block->serves || (r->q.qclass != CLASS_IN && !l->any_class);
    if (refused) {
        r->route = NULL;
        r->reply->rcode = RCODE_REFUSED;
        metrics_refused(r, l);
        finish(r);
        return;
    }
    walk_down(r, 0);
}

void chain_enter_below(struct request *r)
{
    request_reply(r);
    walk_down(r, r->floor);
}

void request_resume(struct request *r, int verdict)
{
    unsigned stage = r->stage;
    if (r->held != 0) {
        unsigned holder = r->held - 1u;
        r->held = 0;
        r->answered_ns = 0; /* it has waited since */
        go_up(r, holder);
        return;
    }
    if (settled(r, (enum verdict)verdict, stage))
        return;
    request_reply(r);
    walk_down(r, stage + 1);
}
