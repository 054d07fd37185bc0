/*
 * rewrite: changes questions before the stages below see them, and answers back again.
 *
 *     rewrite [continue|stop] FIELD ARGS...
 *     rewrite [continue|stop] {
 *         FIELD ARGS...
 *     }
 *
 * FIELD is name, class, type, edns0, ttl, rcode or cname; docs/plugins.md has their words. All rewrite lines
 * of a block are one list: a question walks through it until a rule that is not `continue` has done
 * something. Example: `rewrite name suffix .old.example .svc.cluster.local answer auto`.
 *
 * The stages below and, as in CoreDNS, those above that look at the question on the answer's way up (errors;
 * log for type and class) see it as it was changed; the client gets its own back. The rules are read by
 * rewrite/rewrite_rule.c, applied by rewrite/rewrite_question.c and undone by rewrite/rewrite_answer.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/args.h"
#include "dns/rr.h"
#include "rewrite/rewrite_answer.h"
#include "rewrite/rewrite_cname.h"
#include "serve/config.h"
#include "serve/plugin.h"

static void rewrite_free(void *state)
{
    struct rewrite_list *list = state;
    for (size_t i = 0; i < list->count; i++)
        rewrite_rule_free(&list->rules[i]);
    free(list->rules);
    free(list);
}

/* The words of a line; where there are fewer than two, those of its block too, as CoreDNS reads it. */
static size_t words_of(const struct directive *d, const char **out)
{
    size_t count = 0;
    for (size_t i = 0; i < d->nargs; i++, count++)
        if (out != NULL)
            out[count] = d->args[i];
    for (size_t i = 0; i < d->nbody; i++) {
        if (out != NULL)
            out[count] = d->body[i].name;
        count++;
        for (size_t k = 0; k < d->body[i].nargs; k++, count++)
            if (out != NULL)
                out[count] = d->body[i].args[k];
    }
    return count;
}

static int add_rule(struct rewrite_list *list, const struct directive *d, struct errtext *e)
{
    struct errtext why = {0};
    if (list->count == REWRITE_RULES_MAX)
        return args_error(e, "rewrite", d, "more than %d rules in one server block", REWRITE_RULES_MAX);
    if (d->nargs >= 2 && d->has_body)
        return args_error(e, "rewrite", d, "no rule type specified for rewrite");
    for (size_t i = 0; i < d->nbody; i++)
        if (d->body[i].has_body)
            return args_error(e, "rewrite", &d->body[i], "unexpected '{' within a rule");
    struct rewrite_rule *rules = realloc(list->rules, (list->count + 1) * sizeof *rules);
    if (rules == NULL)
        return -ENOMEM;
    list->rules = rules;
    const char **words = malloc((words_of(d, NULL) + 1) * sizeof *words);
    if (words == NULL)
        return -ENOMEM;
    size_t count = words_of(d, words);
    int ret = rewrite_rule_read(words, count, &rules[list->count], &why);
    free(words);
    if (ret == ERR_OK)
        list->count++;
    return ret == ERR_OK || ret == -ENOMEM ? ret : args_error(e, "rewrite", d, "%s", why.text);
}

/* All `rewrite` lines of a block, of which `d` is the first, are one list. */
static int rewrite_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                         struct errtext *e)
{
    struct rewrite_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < s->source->ndirectives; i++)
        if (strcmp(s->source->directives[i].name, d->name) == 0)
            ret = add_rule(list, &s->source->directives[i], e);
    if (ret != ERR_OK) {
        rewrite_free(list);
        return ret;
    }
    *state = list;
    return ERR_OK;
}

static enum verdict rewrite_query(void *state, struct request *r)
{
    const struct rewrite_list *list = state;
    struct rewrite_work *work;
    /* A zone goes out as it is: changed, its differences would not fit what a secondary has. */
    if (r->q.qtype == RR_AXFR || r->q.qtype == RR_IXFR)
        return VERDICT_NEXT;
    enum rewrite_result result = rewrite_question(list, r, &work);
    if (work != NULL)
        request_keep(r, &work->note);
    if (result == REWRITE_UNTOUCHED)
        return VERDICT_NEXT;
    reply_begin(r->reply, &r->q);
    if (result == REWRITE_DONE)
        return VERDICT_NEXT;
    r->reply->rcode = RCODE_SERVFAIL;
    r->error_text = work != NULL && work->error.len > 0 ? work->error.data : "no memory";
    return VERDICT_ANSWERED;
}

static void rewrite_answered(void *state, struct request *r)
{
    struct rewrite_work *work = (struct rewrite_work *)request_note_of(r, state);
    if (work != NULL && !rewrite_cname_follow(work, r))
        rewrite_answer(work, state, r);
}

const struct plugin plugin_rewrite = {
    .name = "rewrite",
    .repeatable = true,
    .one_list = true,
    .setup = rewrite_setup,
    .free = rewrite_free,
    .query = rewrite_query,
    .answer = rewrite_answered,
};
