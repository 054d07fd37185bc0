#include "rewrite/rewrite_cname.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dns/rr.h"
#include "rewrite/rewrite_answer.h"
#include "serve/plugin.h"

/* What the rules make of a target, the last first; whether a cname rule was among them, and what the last of
 * those made of it, which is what is asked for. */
static bool change_target(const struct rewrite_work *w, uint8_t *target, uint8_t *wanted)
{
    bool followed = false;
    for (size_t i = w->nsteps; i-- > 0;) {
        const struct rewrite_rule *rule = w->steps[i].rule;
        bool changed = false;
        char text[NAME_MAX_TEXT];
        struct name_text to;
        if (rule->field != REWRITE_CNAME) {
            if (rewrite_value_of_step(&w->steps[i], target, target, &changed) != ERR_OK)
                return false;
            continue;
        }
        size_t len = strlen(name_to_text(target, text));
        if (!name_match_replace(&rule->match, rule->to, text, len, &to))
            continue;
        if (name_text_read(&to, target) < 0)
            return false;
        followed = true;
        memcpy(wanted, target, name_len(target));
    }
    return followed;
}

static bool find(struct rewrite_work *w, const struct reply *reply, uint8_t *wanted)
{
    for (unsigned i = 0; i < reply->count[SECTION_ANSWER]; i++) {
        if (reply->rr[i].type != RR_CNAME ||
            name_unpack(reply->wire, reply->len, reply->rr[i].rdata, w->target) < 0)
            continue;
        if (change_target(w, w->target, wanted)) {
            w->followed = i;
            return true;
        }
    }
    return false;
}

/* The aliases, what the new target has, and the other sections as they were. */
static int compose(struct rewrite_work *w, struct reply *reply, struct reply *found)
{
    int ret = rewrite_answer_copy(w, reply, w->message, w->message_len, SECTION_ANSWER, SECTION_ANSWER, true);
    if (ret != ERR_OK)
        return ret;
    reply_put_counts(found);
    reply_copy(reply, found->wire, found->len, SECTION_ANSWER, SECTION_ANSWER);
    w->head.flags &= (uint16_t)~FLAG_TC;
    w->head.overflow = false;
    if (found->overflow || (found->flags & FLAG_TC) != 0)
        w->head.flags |= FLAG_TC;
    return rewrite_answer_copy(w, reply, w->message, w->message_len, SECTION_AUTHORITY, SECTION_ADDITIONAL,
                               false);
}

static void on_answer(struct request *inner)
{
    struct rewrite_work *w = inner->origin;
    struct request *r = w->request;
    struct reply *reply = request_reply(r);
    int ret;
    reply_begin(reply, &w->asked);
    if (inner->reply != NULL)
        ret = compose(w, reply, inner->reply);
    else /* dropped: nothing to put in its place */
        ret = rewrite_answer_copy(w, reply, w->message, w->message_len, SECTION_ANSWER, SECTION_ADDITIONAL,
                                  false);
    rewrite_answer_end(w, w->note.owner, r, &w->head, ret);
    request_resume(r, VERDICT_ANSWERED);
}

bool rewrite_cname_follow(struct rewrite_work *w, struct request *r)
{
    uint8_t wanted[NAME_MAX_LEN];
    if (!w->cname || !find(w, r->reply, wanted))
        return false;
    reply_put_counts(r->reply);
    w->message_len = r->reply->len;
    w->message = malloc(w->message_len);
    if (w->message == NULL)
        return false;
    memcpy(w->message, r->reply->wire, w->message_len);
    w->head = rewrite_head_of(r->reply);
    if (request_ask_self(r, wanted, r->q.qtype, on_answer, w) != ERR_OK) {
        log_limited(LOG_LEVEL_WARNING, "plugin/rewrite: a cname target is not asked for: too many questions");
        return false;
    }
    request_hold(r);
    return true;
}
