#include "rewrite/rewrite_answer.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/thread_buffer.h"
#include "dns/rr.h"
#include "dns/rrtype.h"
#include "rewrite/rewrite_options.h"

#define RR_NAPTR 35

static const char bad_name[] = "invalid name in the answer after rewrite";

/* Where changed names and data stand while a record is copied. */
struct desk {
    struct rewrite_work *work;
    bool followed;
    unsigned index; /* of the next record in the answer section */
    uint8_t owner[NAME_MAX_LEN];
    uint8_t rdata[RDATA_MAX];
};

/* ---- names ---- */

/* A name that is, or ends in, what the question's name became gets back what that had been. */
static int put_back(const struct rewrite_step *step, const uint8_t *name, uint8_t *out, bool *changed)
{
    const uint8_t *became = step->kept, *was = became + name_len(became);
    if (!name_in(name, became) || (became[0] == 0 && name[0] != 0))
        return ERR_OK;
    size_t before = name_len(name) - name_len(became), len = name_len(was);
    if (before + len > NAME_MAX_LEN)
        return ERR_MALFORMED;
    memmove(out, name, before);
    memcpy(out + before, was, len);
    *changed = true;
    return ERR_OK;
}

static int by_text(const struct rewrite_names *names, const uint8_t *name, uint8_t *out, bool *changed)
{
    char text[NAME_MAX_TEXT];
    struct name_text to;
    size_t len = strlen(name_to_text(name, text));
    if (!name_match_replace(&names->from, names->to, text, len, &to))
        return ERR_OK;
    if (!to.overflow && to.len == len && memcmp(to.text, text, len) == 0)
        return ERR_OK;
    *changed = true;
    return name_text_read(&to, out) < 0 ? ERR_MALFORMED : ERR_OK;
}

/* One step's rules for names of that kind, the last first. `name` and `out` may be the same. */
static int change_name(const struct rewrite_step *step, bool values, const uint8_t *name, uint8_t *out,
                       bool *changed)
{
    int ret = ERR_OK;
    const struct rewrite_rule *rule = step->rule;
    for (size_t i = rule->nnames; i-- > 0 && ret == ERR_OK;) {
        bool now = false;
        if (rule->names[i].values == values)
            ret = by_text(&rule->names[i], name, out, &now);
        if (now)
            name = out, *changed = true;
    }
    return ret == ERR_OK && rule->put_back ? put_back(step, name, out, changed) : ret;
}

int rewrite_value_of_step(const struct rewrite_step *step, const uint8_t *name, uint8_t *out, bool *changed)
{
    return step->rule->field == REWRITE_NAME ? change_name(step, true, name, out, changed) : ERR_OK;
}

/* ---- records ---- */

/* Offset of the name in the data that rules change; -1 where there is none. */
static int value_at(const struct rr *rr)
{
    size_t at = 0;
    switch (rr->type) {
    case RR_CNAME:
    case RR_NS:
    case RR_PTR:
    case RR_DNAME:
    case RR_SOA: /* its first */
        break;
    case RR_MX:
        at = 2;
        break;
    case RR_SRV:
        at = 6;
        break;
    case RR_NAPTR: /* behind two numbers and three texts */
        at = 4;
        for (unsigned i = 0; i < 3 && at < rr->rdlen; i++)
            at += 1u + rr->rdata[at];
        break;
    default:
        return -1;
    }
    return at < rr->rdlen && name_check(rr->rdata + at, rr->rdlen - at) > 0 ? (int)at : -1;
}

static int change_value(struct desk *d, struct rr *rr)
{
    int at = value_at(rr);
    uint8_t name[NAME_MAX_LEN];
    bool changed = false;
    int ret = ERR_OK;
    if (at < 0)
        return ERR_OK;
    size_t old = name_len(rr->rdata + at), behind = (size_t)at + old;
    memcpy(name, rr->rdata + at, old);
    for (size_t i = d->work->nsteps; i-- > 0 && ret == ERR_OK;)
        ret = rewrite_value_of_step(&d->work->steps[i], name, name, &changed);
    if (ret != ERR_OK || !changed)
        return ret;
    size_t len = name_len(name);
    struct cursor c = cursor_of(d->rdata, sizeof d->rdata);
    cursor_put(&c, rr->rdata, (size_t)at);
    cursor_put(&c, name, len);
    cursor_put(&c, rr->rdata + behind, rr->rdlen - behind);
    rr->rdata = d->rdata;
    rr->rdlen = (uint16_t)(c.at - d->rdata);
    return c.failed ? ERR_MALFORMED : ERR_OK;
}

static uint32_t change_ttl(const struct rewrite_work *w, uint32_t ttl)
{
    for (size_t i = w->nsteps; i-- > 0;) {
        const struct rewrite_rule *rule = w->steps[i].rule;
        if (rule->field != REWRITE_TTL)
            continue;
        ttl = ttl < rule->ttl_min ? rule->ttl_min : ttl > rule->ttl_max ? rule->ttl_max : ttl;
    }
    return ttl;
}

/* The aliases up to the one that is to lead elsewhere. */
static int change_followed(struct desk *d, struct rr *rr)
{
    const struct rewrite_work *w = d->work;
    unsigned index = d->index++;
    if (rr->type != RR_CNAME || index > w->followed)
        return ERR_NOT_FOUND;
    if (index < w->followed)
        return change_value(d, rr);
    rr->rdata = w->target;
    rr->rdlen = (uint16_t)name_len(w->target);
    return ERR_OK;
}

static int change_record(void *ctx, enum reply_section s, struct rr *rr)
{
    struct desk *d = ctx;
    struct rewrite_work *w = d->work;
    bool changed = false;
    int ret = d->followed && s == SECTION_ANSWER ? change_followed(d, rr) : change_value(d, rr);
    memcpy(d->owner, rr->owner, name_len(rr->owner));
    for (size_t i = w->nsteps; i-- > 0 && ret == ERR_OK;)
        if (w->steps[i].rule->field == REWRITE_NAME)
            ret = change_name(&w->steps[i], false, d->owner, d->owner, &changed);
    rr->owner = d->owner;
    rr->ttl = change_ttl(w, rr->ttl);
    return ret;
}

/* ---- the whole ---- */

struct rewrite_head rewrite_head_of(const struct reply *reply)
{
    return (struct rewrite_head){.flags = reply->flags,
                                 .rcode = reply->rcode,
                                 .ede = reply->ede,
                                 .told_ede = reply->told_ede,
                                 .ede_text = reply->ede_text,
                                 .options = reply->options,
                                 .options_len = reply->options_len,
                                 .overflow = reply->overflow,
                                 .overflow_section = reply->overflow_section};
}

int rewrite_answer_copy(struct rewrite_work *w, struct reply *reply, const uint8_t *message, size_t len,
                        enum reply_section first, enum reply_section last, bool followed)
{
    static _Thread_local void *own;
    struct desk *desk = thread_buffer(&own, sizeof *desk);
    if (desk == NULL)
        return -ENOMEM;
    desk->work = w;
    desk->followed = followed;
    desk->index = 0;
    int ret = reply_copy_changed(reply, message, len, first, last, change_record, desk);
    return ret == ERR_SPACE ? ERR_OK : ret; /* what does not fit is told by TC */
}

static uint16_t change_rcode(const struct rewrite_work *w, uint16_t rcode)
{
    for (size_t i = w->nsteps; i-- > 0;) {
        const struct rewrite_rule *rule = w->steps[i].rule;
        if (rule->field == REWRITE_RCODE && rule->from_code == rcode)
            rcode = rule->to_code;
    }
    return rcode;
}

/* Whether what goes out is something else than what an upstream may have found authentic. */
static bool is_other_data(const struct rewrite_work *w, const struct request *r)
{
    return w->renamed || w->message != NULL || r->disguised || r->q.qtype != w->asked.qtype ||
           r->q.qclass != w->asked.qclass;
}

void rewrite_answer_end(struct rewrite_work *w, const struct rewrite_list *list, struct request *r,
                        const struct rewrite_head *head, int error)
{
    struct reply *reply = r->reply;
    if (error != ERR_OK) {
        reply_error(reply, &w->asked, RCODE_SERVFAIL);
        r->error_text = bad_name;
    } else {
        reply->flags = head->flags;
        reply->ede = head->ede;
        reply->told_ede = head->told_ede;
        reply->ede_text = head->ede_text;
        reply->options = head->options;
        reply->options_len = head->options_len;
        if (head->overflow && !reply->overflow)
            reply->overflow_section = head->overflow_section;
        reply->overflow = reply->overflow || head->overflow;
        reply->rcode = change_rcode(w, head->rcode);
        r->disguised = reply->rcode != head->rcode;
        if (is_other_data(w, r))
            reply->flags &= (uint16_t)~FLAG_AD; /* nobody has signed that (RFC 4035 section 3.2.3) */
    }
    if (!w->optioned)
        return;
    /* And no others: an upstream may repeat what is not for the client. */
    rewrite_options_for_client(w, list);
    reply->options = (const uint8_t *)w->echoed.data;
    reply->options_len = (uint16_t)w->echoed.len;
}

static bool changes_names(const struct rewrite_work *w)
{
    if (w->renamed)
        return true;
    for (size_t i = 0; i < w->nsteps; i++)
        if (w->steps[i].rule->field == REWRITE_NAME)
            return true;
    return false;
}

/* Names stay: type and class are put back where they stand, and so are TTLs. */
static void change_in_place(struct rewrite_work *w, struct reply *reply)
{
    reply->q = &w->asked;
    if (w->asked.qname_len > 0) {
        uint8_t *fixed = reply->wire + DNS_HEADER_LEN + w->asked.qname_len;
        wire_put_u16(fixed, w->asked.qtype);
        wire_put_u16(fixed + 2, w->asked.qclass);
    }
    for (unsigned i = 0; i < reply->nrecords; i++)
        reply_set_ttl(reply, i, change_ttl(w, reply_ttl(reply, i)));
}

/* Names in a message point to each other and to the question: with another question it is made anew. */
static int make_anew(struct rewrite_work *w, struct reply *reply)
{
    static _Thread_local void *own;
    uint8_t *before = thread_buffer(&own, REPLY_CAP + 1);
    if (before == NULL)
        return -ENOMEM;
    size_t len = reply->len;
    reply_put_counts(reply);
    memcpy(before, reply->wire, len);
    reply_begin(reply, &w->asked);
    return rewrite_answer_copy(w, reply, before, len, SECTION_ANSWER, SECTION_ADDITIONAL, false);
}

void rewrite_answer(struct rewrite_work *w, const struct rewrite_list *list, struct request *r)
{
    struct rewrite_head head = rewrite_head_of(r->reply);
    int ret = ERR_OK;
    if (changes_names(w))
        ret = make_anew(w, r->reply);
    else
        change_in_place(w, r->reply);
    rewrite_answer_end(w, list, r, &head, ret);
}
