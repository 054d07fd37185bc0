#include "template/template_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dns/rr_entry.h"
#include "serve/worker.h"

#define DEFAULT_TTL 3600 /* of a record whose template gives none, as in CoreDNS */
#define SHOWN       200  /* octets of a record in an error */

/* Memory for one answer: nothing of it is needed while a request waits but, until the answer is out, the
 * error's text. */
struct scratch {
    unsigned users;
    struct tpl_run *run;
    struct expr_run *expressions;
    struct bytes line;
    struct errtext error;
    struct template_match match;
    struct template_data data;
    struct rr_storage storage;
};
static struct scratch *scratches[WORKERS_MAX]; /* by worker_index() */

static void free_scratch(struct scratch *s)
{
    tpl_run_free(s->run);
    expr_run_free(s->expressions);
    bytes_free(&s->line);
    free(s);
}

int template_scratch_open(struct worker *w, struct errtext *e)
{
    struct scratch **s = &scratches[worker_index(w)];
    if (*s == NULL) {
        struct scratch *fresh = calloc(1, sizeof *fresh);
        if (fresh == NULL || tpl_run_new(&fresh->run) != ERR_OK ||
            expr_run_new(&fresh->expressions) != ERR_OK) {
            if (fresh != NULL)
                free_scratch(fresh);
            return errtext_set(e, -ENOMEM, "plugin/template: no memory");
        }
        bytes_init(&fresh->line, 2 * TPL_OUTPUT_MAX);
        *s = fresh;
    }
    (*s)->users++;
    return ERR_OK;
}

void template_scratch_close(struct worker *w)
{
    struct scratch **s = &scratches[worker_index(w)];
    if (--(*s)->users > 0)
        return;
    free_scratch(*s);
    *s = NULL;
}

/* ---- records ---- */

static enum verdict fail(struct request *r, struct scratch *s, int error)
{
    reply_error(r->reply, &r->q, RCODE_SERVFAIL);
    r->error_text = s->error.text[0] != '\0' ? s->error.text : err_text(error);
    return VERDICT_ANSWERED;
}

/* Executes a record's template and reads what it has written. */
static int make_record(const struct template_stage *stage, struct scratch *s, size_t i, struct rr *rr)
{
    struct tpl_value dot = template_data_value(&s->data);
    const char *text, *why;
    size_t len;
    int ret = tpl_execute(stage->rule.records[i].tpl, s->run, &dot, &text, &len, &s->error);
    if (ret != ERR_OK) {
        template_count_failure(stage->series, &s->data, i, TEMPLATE_FAILED);
        return ret;
    }
    ret = rr_from_entry(text, len, DEFAULT_TTL, &s->line, &s->storage, rr, &why);
    if (ret != ERR_OK) {
        template_count_failure(stage->series, &s->data, i, TEMPLATE_RR_FAILED);
        errtext_set(&s->error, ret, "dns: %s: \"%.*s\"", why, len > SHOWN ? SHOWN : (int)len, text);
    }
    return ret;
}

/* ---- following a CNAME ---- */

/* What a request that waits for its CNAME's target has so far. */
struct waiting {
    size_t next; /* the record to go on with */
    bool truncated;
    size_t len;
    uint8_t message[];
};

static void target_answered(struct request *inner);

static bool ask_for_target(struct request *r, const struct rr *rr, size_t next, bool truncated)
{
    uint8_t target[NAME_MAX_LEN];
    memcpy(target, rr->rdata, rr->rdlen);
    reply_put_counts(r->reply); /* and no more: where nobody can be asked, records follow */
    struct waiting *w = malloc(sizeof *w + r->reply->len);
    if (w == NULL)
        return false;
    *w = (struct waiting){.next = next, .truncated = truncated, .len = r->reply->len};
    memcpy(w->message, r->reply->wire, r->reply->len);
    if (request_ask_self(r, target, r->q.qtype, target_answered, r) != ERR_OK) {
        free(w);
        return false;
    }
    r->waiting = w;
    return true;
}

/* The records from number `i` on, and then the rest of the answer. */
static enum verdict add_records(const struct template_stage *stage, struct scratch *s, struct request *r,
                                size_t i, bool truncated)
{
    const struct template_rule *rule = &stage->rule;
    bool follows = r->q.qtype == RR_A || r->q.qtype == RR_AAAA;
    for (; i < rule->nrecords; i++) {
        struct rr rr;
        int ret = make_record(stage, s, i, &rr);
        if (ret != ERR_OK)
            return fail(r, s, ret);
        enum reply_section section = rule->records[i].section;
        reply_add(r->reply, section, &rr);
        if (follows && section == SECTION_ANSWER && rr.type == RR_CNAME &&
            ask_for_target(r, &rr, i + 1, truncated))
            return VERDICT_PENDING;
    }
    r->reply->flags |= FLAG_AA | (truncated ? FLAG_TC : 0);
    r->reply->rcode = rule->rcode;
    r->reply->ede = rule->ede;
    r->reply->ede_text = rule->ede_text;
    return VERDICT_ANSWERED;
}

/* The target has been asked for, or could not be: the CNAME goes out whatever came of it. */
static void target_answered(struct request *inner)
{
    struct request *r = inner->origin;
    const struct template_stage *stage = r->route->block->stages[r->stage].state;
    struct scratch *s = scratches[worker_index(r->worker)];
    struct waiting *w = r->waiting;
    struct reply *reply = request_reply(r);
    bool truncated = w->truncated;
    r->waiting = NULL;
    s->error.text[0] = '\0';
    reply_copy(reply, w->message, w->len, SECTION_ANSWER, SECTION_ANSWER);
    if (inner->reply != NULL) {
        struct reply *found = inner->reply;
        truncated = found->flags & FLAG_TC;
        reply_cut(found, SECTION_AUTHORITY);
        reply_finish(found, REPLY_CAP);
        reply_copy(reply, found->wire, found->len, SECTION_ANSWER, SECTION_ANSWER);
    }
    /* The question is as it was, so it matches as it did. */
    bool holds;
    template_rule_match(&stage->rule, &r->q, &s->match);
    template_data_init(&s->data, r, &stage->rule, &s->match);
    int ret = template_expressions_evaluate(&stage->rule.expressions, s->expressions, &s->data, &holds);
    enum verdict verdict = ret == ERR_OK ? add_records(stage, s, r, w->next, truncated) : fail(r, s, ret);
    free(w);
    request_resume(r, verdict);
}

/* ---- the question ---- */

enum verdict template_answer(struct template_stage *stage, struct request *r)
{
    struct scratch *s = scratches[worker_index(r->worker)];
    switch (template_rule_match(&stage->rule, &r->q, &s->match)) {
    case TEMPLATE_OTHER:
        return VERDICT_NEXT;
    case TEMPLATE_REFUSES:
        r->reply->rcode = RCODE_SERVFAIL;
        return VERDICT_ANSWERED;
    case TEMPLATE_FITS:
        break;
    }
    s->error.text[0] = '\0';
    template_data_init(&s->data, r, &stage->rule, &s->match);
    bool holds;
    int ret = template_expressions_evaluate(&stage->rule.expressions, s->expressions, &s->data, &holds);
    if (ret != ERR_OK) {
        errtext_set(&s->error, ret, "template: an expression fails: %s", expr_run_why(s->expressions));
        return fail(r, s, ret);
    }
    if (!holds && zone_scope_has(&stage->rule.fallthrough, r->q.lname))
        return VERDICT_NEXT;
    if (!holds) {
        r->reply->rcode = RCODE_SERVFAIL;
        return VERDICT_ANSWERED;
    }
    template_count_match(stage->series, &s->data);
    if (stage->rule.rcode == RCODE_SERVFAIL) {
        r->reply->rcode = RCODE_SERVFAIL;
        return VERDICT_ANSWERED;
    }
    return add_records(stage, s, r, 0, false);
}
