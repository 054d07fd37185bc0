#include "rewrite/rewrite_question.h"

#include <stdlib.h>
#include <string.h>

#include "rewrite/rewrite_options.h"
#include "serve/metadata.h"

#define OPT_SIZE 11   /* octets of an OPT record without options */
#define UDP_SIZE 4096 /* what CoreDNS says in an OPT record that it puts in */

/* The question's name as text, in lower case; anew after each change of it. */
struct subject {
    struct request *r;
    struct rewrite_work *work; /* NULL until a rule does something */
    const struct rewrite_list *list;
    size_t len;
    char name[NAME_MAX_TEXT];
};

static void read_subject(struct subject *s)
{
    s->len = strlen(name_to_text(s->r->q.lname, s->name));
}

/* ---- what was done ---- */

void rewrite_work_free(struct rewrite_work *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->nsteps; i++)
        free(w->steps[i].kept);
    free(w->steps);
    bytes_free(&w->options);
    bytes_free(&w->upstream);
    bytes_free(&w->echoed);
    bytes_free(&w->error);
    free(w->message);
    free(w);
}

static void free_note(struct request_note *note)
{
    rewrite_work_free((struct rewrite_work *)note);
}

static struct rewrite_work *begin_work(struct subject *s)
{
    if (s->work != NULL)
        return s->work;
    struct rewrite_work *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->note.owner = s->list;
    w->note.free = free_note;
    w->asked = s->r->q;
    w->request = s->r;
    bytes_init(&w->options, REWRITE_OPTIONS_MAX);
    bytes_init(&w->upstream, REWRITE_OPTIONS_MAX);
    bytes_init(&w->echoed, REWRITE_OPTIONS_MAX);
    bytes_init(&w->error, 2 * NAME_MAX_TEXT);
    s->work = w;
    return w;
}

/* A step to fill in; NULL without memory. */
static struct rewrite_step *next_step(struct subject *s, const struct rewrite_rule *rule)
{
    struct rewrite_work *w = begin_work(s);
    if (w == NULL)
        return NULL;
    if (w->nsteps == w->steps_cap) {
        size_t cap = w->steps_cap == 0 ? 4 : 2 * w->steps_cap;
        struct rewrite_step *steps = realloc(w->steps, cap * sizeof *steps);
        if (steps == NULL)
            return NULL;
        w->steps = steps;
        w->steps_cap = cap;
    }
    struct rewrite_step *step = &w->steps[w->nsteps];
    *step = (struct rewrite_step){.rule = rule};
    return step;
}

/* ---- rules ---- */

enum outcome { IGNORED, DONE, BAD, NO_MEMORY };

/* False: a label has no value. */
static bool put_pieces(const struct subject *s, const struct rewrite_rule *rule,
                       const struct regex_span *spans, struct name_text *out)
{
    char value[METADATA_VALUE_MAX];
    out->len = 0;
    out->overflow = false;
    for (size_t i = 0; i < rule->npieces; i++) {
        const struct rewrite_piece *p = &rule->pieces[i];
        if (p->group >= 0) {
            name_text_put(out, s->name + spans[p->group].at, spans[p->group].len);
        } else if (p->is_label) {
            int len = metadata_value(s->r, p->text, value, sizeof value);
            if (len <= 0)
                return false;
            for (int k = 0; k < len; k++)
                if (value[k] >= 'A' && value[k] <= 'Z')
                    value[k] = (char)(value[k] | 0x20);
            name_text_put(out, value, (size_t)len);
        } else {
            name_text_put_str(out, p->text);
        }
    }
    return true;
}

static bool make_name(const struct subject *s, const struct rewrite_rule *rule, struct name_text *out)
{
    struct regex_span spans[1 + REGEX_GROUPS_MAX];
    if (rule->pieces == NULL)
        return name_match_replace(&rule->match, rule->to, s->name, s->len, out);
    return regex_match(rule->match.regex, s->name, s->len, spans, 1 + regex_groups(rule->match.regex)) &&
           put_pieces(s, rule, spans, out);
}

static enum outcome change_name(struct subject *s, const struct rewrite_rule *rule)
{
    struct name_text to;
    uint8_t name[NAME_MAX_LEN];
    if (!make_name(s, rule, &to))
        return IGNORED;
    struct rewrite_step *step = next_step(s, rule);
    if (step == NULL)
        return NO_MEMORY;
    if (name_text_read(&to, name) < 0) {
        bytes_append_str(&s->work->error, "invalid name after rewrite: ");
        bytes_append(&s->work->error, to.text, to.len);
        return BAD;
    }
    if (rule->put_back) {
        size_t len = name_len(name);
        step->kept = malloc(len + s->r->q.qname_len);
        if (step->kept == NULL)
            return NO_MEMORY;
        memcpy(step->kept, name, len);
        memcpy(step->kept + len, s->r->q.lname, s->r->q.qname_len);
    }
    s->work->nsteps++;
    s->work->renamed = true;
    query_set_name(&s->r->q, name);
    read_subject(s);
    return DONE;
}

/* Class and type; their answers need nothing but the question put back. */
static enum outcome change_code(struct subject *s, const struct rewrite_rule *rule, uint16_t *code)
{
    if (*code != rule->from_code)
        return IGNORED;
    if (begin_work(s) == NULL)
        return NO_MEMORY;
    *code = rule->to_code;
    return DONE;
}

static enum outcome note_answer(struct subject *s, const struct rewrite_rule *rule)
{
    if (next_step(s, rule) == NULL)
        return NO_MEMORY;
    s->work->nsteps++;
    return DONE;
}

static enum outcome note_cname(struct subject *s, const struct rewrite_rule *rule)
{
    if (rule->match.len == 0 || rule->to[0] == '\0')
        return IGNORED;
    enum outcome ret = note_answer(s, rule);
    if (ret == DONE)
        s->work->cname = true;
    return ret;
}

static enum outcome change_options(struct subject *s, const struct rewrite_rule *rule)
{
    struct rewrite_step *step = next_step(s, rule);
    if (step == NULL)
        return NO_MEMORY;
    if (!s->work->optioned) {
        s->work->optioned = true;
        bytes_append(&s->work->options, s->r->q.client_options, s->r->q.client_options_len);
        if (s->work->options.error != ERR_OK) /* a client that sends so much does without */
            bytes_reset(&s->work->options);
        if (!s->r->q.has_edns)
            s->r->q.udp_size = UDP_SIZE;
        s->r->q.has_edns = true;
    }
    if (!rewrite_options_change(s->work, s->r, rule, step)) {
        free(step->kept);
        return IGNORED;
    }
    if (rule->edns0.revert)
        s->work->nsteps++;
    return DONE;
}

static enum outcome apply(struct subject *s, const struct rewrite_rule *rule)
{
    switch (rule->field) {
    case REWRITE_NAME:
        return change_name(s, rule);
    case REWRITE_CLASS:
        return change_code(s, rule, &s->r->q.qclass);
    case REWRITE_TYPE:
        return change_code(s, rule, &s->r->q.qtype);
    case REWRITE_CNAME:
        return note_cname(s, rule);
    case REWRITE_EDNS0:
        return change_options(s, rule);
    default:
        return name_match_test(&rule->match, s->name, s->len) ? note_answer(s, rule) : IGNORED;
    }
}

/* The size that log tells is that of the question as it is now. */
static void finish(struct subject *s)
{
    struct query *q = &s->r->q;
    struct rewrite_work *w = s->work;
    int size = (int)w->asked.size + q->qname_len - w->asked.qname_len;
    if (w->optioned) {
        rewrite_options_for_upstream(w, s->list);
        size += (int)w->options.len - w->asked.client_options_len + (w->asked.has_edns ? 0 : OPT_SIZE);
        q->options = (const uint8_t *)w->upstream.data;
        q->options_len = (uint16_t)w->upstream.len;
        q->options_hash = w->upstream.len == 0 ? 0 : name_hash(q->options, q->options_len) | 1;
    }
    q->size = (uint16_t)(size < UINT16_MAX ? size : UINT16_MAX);
    s->r->asked = &w->asked;
}

enum rewrite_result rewrite_question(const struct rewrite_list *list, struct request *r,
                                     struct rewrite_work **out)
{
    struct subject s = {.r = r, .list = list};
    enum outcome last = IGNORED;
    read_subject(&s);
    for (size_t i = 0; i < list->count && last != BAD && last != NO_MEMORY; i++) {
        last = apply(&s, &list->rules[i]);
        if (last == DONE && !list->rules[i].go_on)
            break;
    }
    *out = s.work;
    if (last == BAD || last == NO_MEMORY) {
        if (last == NO_MEMORY && s.work != NULL)
            bytes_append_str(&s.work->error, "no memory");
        if (s.work != NULL)
            r->q = s.work->asked;
        return REWRITE_FAILED;
    }
    if (s.work == NULL)
        return REWRITE_UNTOUCHED;
    finish(&s);
    return REWRITE_DONE;
}
