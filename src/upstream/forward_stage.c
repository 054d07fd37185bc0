#include "upstream/forward_stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "cache/cache_stage.h"
#include "dns/rr.h"
#include "upstream/pass_options.h"
#include "upstream/upstream_answer.h"

#define EDE_NO_REACHABLE_AUTHORITY 22 /* RFC 8914 section 4.23 */

/* A question that a request, or a refresh, takes part in. */
struct forward_job {
    struct inflight_waiter waiter;
    struct forward_stage *stage;
    struct request *request;   /* NULL for a refresh */
    const struct query *query; /* of a refresh */
    upstream_ask_done *done;   /* of a refresh */
    void *ctx;
    struct inflight *question; /* where this job leads; NULL where it follows */
    struct upstream_ask *ask;
    bool over_tcp;                /* asked anew, for the whole answer */
    LIST_ENTRY(forward_job) link; /* where it leads */
};

bool forward_stage_matches(const struct forward_stage *f, const struct query *q)
{
    if (!name_in(q->lname, f->from))
        return false;
    for (size_t i = 0; i < f->nexcept; i++)
        if (name_in(q->lname, f->except[i]))
            return name_equal(q->lname, f->from); /* FROM itself cannot be excepted, as in CoreDNS */
    return true;
}

bool forward_stage_is(const struct plugin *p)
{
    return strcmp(p->name, "forward") == 0 || strcmp(p->name, "unbound") == 0;
}

struct forward_stage *forward_stage_of(const struct block *b, const struct query *q)
{
    for (unsigned i = 0; i < b->nstages; i++)
        if (forward_stage_is(b->stages[i].plugin) && forward_stage_matches(b->stages[i].state, q))
            return b->stages[i].state;
    return NULL;
}

/* ---- leading ---- */

static void end_lead(struct forward_job *j)
{
    upstream_set_leave(&j->stage->upstreams.concurrent);
    LIST_REMOVE(j, link);
    j->ask = NULL;
}

static void on_asked(void *ctx, enum upstream_result result, struct exchange_answer *answer)
{
    struct forward_job *j = ctx;
    end_lead(j);
    inflight_finish(j->question, result, answer);
}

static int lead(struct forward_job *j, const struct query *q, bool tcp)
{
    struct forward_stage *f = j->stage;
    const struct exchange_question question = {.name = q->lname,
                                               .qtype = q->qtype,
                                               .qclass = q->qclass,
                                               .dnssec_ok = q->dnssec_ok,
                                               .checking_disabled = (q->flags & FLAG_CD) != 0,
                                               .recursion_desired = (q->flags & FLAG_RD) != 0,
                                               .options = q->options,
                                               .options_len = q->options_len};
    struct upstream_roster *u = &f->upstreams;
    if (!upstream_set_enter(&u->concurrent, u->settings.max_concurrent))
        return ERR_LIMIT;
    int ret = upstream_ask_start(upstream_roster_set(u, j->waiter.worker), j->waiter.worker, &question, tcp,
                                 on_asked, j, &j->ask);
    if (ret != ERR_OK) {
        upstream_set_leave(&u->concurrent);
        return ret;
    }
    LIST_INSERT_HEAD(&f->jobs[worker_index(j->waiter.worker)], j, link);
    return ERR_OK;
}

/* Leads or follows. ERR_OK: the waiter will be told. */
static int begin(struct forward_job *j, const struct query *q, bool tcp, bool may_follow)
{
    struct inflight *question;
    const struct upstream_set *set = upstream_roster_set(&j->stage->upstreams, j->waiter.worker);
    switch (inflight_join(set, q, tcp, &j->waiter, may_follow, &question)) {
    case INFLIGHT_FOLLOW:
        return ERR_OK;
    case INFLIGHT_FULL:
        return may_follow ? ERR_LIMIT : ERR_EXISTS;
    case INFLIGHT_LEAD:
        break;
    }
    j->question = question;
    int ret = lead(j, q, tcp);
    if (ret != ERR_OK)
        inflight_abandon(question);
    return ret;
}

/* What is to be kept has no client that would come back over TCP for the rest: that is asked for here. False
 * where the answer is not cut, or nothing more can be done. */
static bool ask_whole(struct forward_job *j, const struct query *q, enum upstream_result result,
                      const struct exchange_answer *a)
{
    if (j->over_tcp || result != UPSTREAM_ANSWER || (a->wire[2] & FLAG_TC >> 8) == 0)
        return false;
    j->over_tcp = true;
    j->question = NULL;
    return begin(j, q, true, false) == ERR_OK;
}

/* ---- metadata: forward/upstream ---- */

struct upstream_note {
    struct request_note note;
    char text[ADDRESS_TEXT_MAX + 8]; /* "10.0.0.1:53", "[2001:db8::1]:53" */
};

static void note_free(struct request_note *note)
{
    free(note);
}

/* Remembers who answered, where the block has metadata. Without memory it is not known. */
static void note_upstream(const struct forward_stage *f, struct request *r, const struct exchange_answer *a)
{
    char address[ADDRESS_TEXT_MAX];
    if (f->block->metadata_zones == NULL || a->upstream.sa.sa_family == AF_UNSPEC)
        return;
    struct upstream_note *n = malloc(sizeof *n);
    if (n == NULL)
        return;
    n->note = (struct request_note){.owner = f, .free = note_free};
    bool six = strchr(address_text(&a->upstream, address), ':') != NULL;
    snprintf(n->text, sizeof n->text, six ? "[%s]:%u" : "%s:%u", address, address_port(&a->upstream));
    request_keep(r, &n->note);
}

int forward_stage_metadata(const struct forward_stage *f, const struct request *r, const char *label,
                           char *out, size_t cap)
{
    const struct upstream_note *n = (const struct upstream_note *)request_note_of(r, f);
    if (n == NULL || strcmp(label, "forward/upstream") != 0)
        return -1;
    size_t len = strlen(n->text) < cap ? strlen(n->text) : cap;
    memcpy(out, n->text, len);
    return (int)len;
}

/* ---- next ---- */

/* Whether this answer is not ours to give: `next`, `next_on_nodata`. As in CoreDNS they mean nothing where no
 * further forward stands in the block. */
static bool is_for_next(const struct forward_stage *f, enum upstream_result result,
                        const struct exchange_answer *a)
{
    if (result != UPSTREAM_ANSWER || f->following == NULL || (f->next == 0 && !f->next_on_nodata))
        return false;
    unsigned rcode = upstream_answer_rcode(a->wire, a->len);
    if (rcode < 32 && (f->next >> rcode & 1) != 0)
        return true;
    return f->next_on_nodata && rcode == RCODE_NOERROR && wire_u16(a->wire + 6) == 0;
}

/* ---- answering a request ---- */

static void fail(struct request *r, uint16_t rcode, const char *why)
{
    reply_error(r->reply, &r->q, rcode);
    r->error_text = why;
}

static void fail_unreachable(struct request *r, const char *why)
{
    fail(r, RCODE_SERVFAIL, why);
    r->reply->ede = EDE_NO_REACHABLE_AUTHORITY;
    r->reply->ede_text = why;
}

/* A question that could not be begun. */
static void fail_begin(const struct forward_stage *f, struct request *r, int error)
{
    switch (error) {
    case ERR_LIMIT:
        fail(r, RCODE_REFUSED, f->limit_text);
        break;
    case ERR_UNSUPPORTED: /* the exchange cannot ask this */
        if (r->q.qclass != CLASS_IN || r->q.qtype == RR_AXFR || r->q.qtype == RR_IXFR)
            fail(r, RCODE_REFUSED, "zone transfers and classes other than IN are not forwarded");
        else
            fail(r, RCODE_NOTIMP, "meta types are not forwarded");
        break;
    case ERR_NOT_FOUND:
        fail_unreachable(r, "no healthy proxies");
        break;
    case ERR_BUDGET:
        fail_unreachable(r, "max_qps of the upstreams is spent");
        break;
    default:
        fail(r, RCODE_SERVFAIL, "no memory");
        break;
    }
}

static void answer(struct request *r, enum upstream_result result, const struct exchange_answer *a)
{
    int ret;
    switch (result) {
    case UPSTREAM_ANSWER:
        ret = upstream_answer_share(r->reply, a);
        if (ret == ERR_MISMATCH)
            fail(r, RCODE_FORMERR, "an upstream's answer is to another question");
        else if (ret != ERR_OK)
            fail(r, RCODE_SERVFAIL, "an upstream's answer cannot be read");
        break;
    case UPSTREAM_ERROR:
        fail(r, RCODE_SERVFAIL, NULL); /* theirs, not ours: no line of the errors plugin, as in CoreDNS */
        r->reply->flags = FLAG_RA;
        break;
    case UPSTREAM_LOOP:
        fail_unreachable(r, "forwarding loop: the upstreams lead back to this server");
        break;
    case UPSTREAM_UNREACHABLE:
    case UPSTREAM_CANCELLED:
        fail_unreachable(r, "no upstream answered: i/o timeout");
        break;
    }
}

/* What else of an upstream's answer concerns the request. */
static void pass_answer(const struct forward_stage *f, struct request *r, const struct exchange_answer *a)
{
    note_upstream(f, r, a);
    pass_options_to_client(r, a);
    /* What we have validated is said to who asks (RFC 6840 section 5.7); of an upstream's word it is the
     * upstream that decides, as in CoreDNS. Where there is a cache, it sees to it. */
    if (f->upstreams.settings.unbound != NULL && !r->q.dnssec_ok && (r->q.flags & FLAG_AD) == 0)
        r->reply->flags &= (uint16_t)~FLAG_AD;
}

static void tell_request(struct inflight_waiter *waiter, enum upstream_result result,
                         struct exchange_answer *a)
{
    struct forward_job *j = (struct forward_job *)waiter;
    struct request *r = j->request;
    int verdict = VERDICT_ANSWERED;
    if (result == UPSTREAM_CANCELLED) { /* who led was let go: ask for ourselves */
        j->question = NULL;
        int ret = begin(j, &r->q, r->transport == TRANSPORT_TCP, true);
        if (ret == ERR_OK)
            return;
        request_reply(r);
        fail_begin(j->stage, r, ret);
    } else if (is_for_next(j->stage, result, a)) {
        verdict = VERDICT_NEXT;
    } else if (r->whole && ask_whole(j, &r->q, result, a)) {
        return;
    } else {
        request_reply(r);
        answer(r, result, a);
        if (result == UPSTREAM_ANSWER)
            pass_answer(j->stage, r, a);
    }
    r->waiting = NULL;
    free(j);
    request_resume(r, verdict);
}

enum verdict forward_stage_query(struct forward_stage *f, struct request *r)
{
    if (!forward_stage_matches(f, &r->q))
        return VERDICT_NEXT;
    enum verdict cached = f->cache == NULL ? VERDICT_NEXT : cache_stage_late(f->cache, r);
    if (cached != VERDICT_NEXT)
        return cached;
    if (f->upstreams.settings.direct)
        pass_options_to_upstream(r);
    struct forward_job *j = calloc(1, sizeof *j);
    int ret = -ENOMEM;
    if (j != NULL) {
        j->waiter = (struct inflight_waiter){.worker = r->worker, .tell = tell_request};
        j->stage = f;
        j->request = r;
        ret = begin(j, &r->q, r->transport == TRANSPORT_TCP, true);
    }
    if (ret == ERR_OK) {
        r->waiting = j;
        return VERDICT_PENDING;
    }
    free(j);
    fail_begin(f, r, ret);
    return VERDICT_ANSWERED;
}

/* ---- refreshing ---- */

/* Hands it on to the next forward that takes the name; false where none does, or it cannot ask. */
static bool refresh_by_next(const struct forward_job *j)
{
    struct forward_stage *f = j->stage->following;
    while (f != NULL && !forward_stage_matches(f, j->query))
        f = f->following;
    return f != NULL && forward_stage_refresh(f, j->waiter.worker, j->query, j->done, j->ctx) == ERR_OK;
}

static void tell_refresh(struct inflight_waiter *waiter, enum upstream_result result,
                         struct exchange_answer *a)
{
    struct forward_job *j = (struct forward_job *)waiter;
    if (ask_whole(j, j->query, result, a))
        return;
    if (!is_for_next(j->stage, result, a) || !refresh_by_next(j))
        j->done(j->ctx, result, a);
    free(j);
}

int forward_stage_refresh(struct forward_stage *f, struct worker *w, const struct query *q,
                          upstream_ask_done *done, void *ctx)
{
    struct forward_job *j = calloc(1, sizeof *j);
    if (j == NULL)
        return -ENOMEM;
    j->waiter = (struct inflight_waiter){.worker = w, .tell = tell_refresh};
    j->stage = f;
    j->query = q;
    j->done = done;
    j->ctx = ctx;
    int ret = begin(j, q, false, false);
    if (ret != ERR_OK)
        free(j);
    return ret;
}

/* ---- life ---- */

int forward_stage_start(struct forward_stage *f, struct errtext *e)
{
    bool behind = false;
    for (unsigned i = 0; i < f->block->nstages; i++) {
        const struct stage *s = &f->block->stages[i];
        if (strcmp(s->plugin->name, "cache") == 0)
            f->cache = s->state;
        if (behind && f->following == NULL && strcmp(s->plugin->name, "forward") == 0)
            f->following = s->state;
        behind |= s->state == f;
    }
    return upstream_roster_start(&f->upstreams, e);
}

void forward_stage_stop(struct forward_stage *f)
{
    upstream_roster_stop(&f->upstreams);
}

void forward_stage_free(struct forward_stage *f)
{
    if (f == NULL)
        return;
    upstream_roster_free(&f->upstreams);
    unbound_settings_unref(f->upstreams.settings.unbound);
    tls_client_unref(f->upstreams.settings.tls);
    free(f->except);
    free(f);
}

int forward_stage_worker_start(struct forward_stage *f, struct worker *w, struct errtext *e)
{
    LIST_INIT(&f->jobs[worker_index(w)]);
    return upstream_roster_worker_start(&f->upstreams, w, e);
}

void forward_stage_worker_stop(struct forward_stage *f, struct worker *w)
{
    /* No request is left here, so what is under way are refreshes, perhaps with followers in other workers.
     */
    struct forward_job *j;
    while ((j = LIST_FIRST(&f->jobs[worker_index(w)])) != NULL) {
        upstream_ask_cancel(j->ask);
        end_lead(j);
        inflight_finish(j->question, UPSTREAM_CANCELLED, NULL);
    }
    upstream_roster_worker_stop(&f->upstreams, w);
}
