/*
 * log: writes a line for every query.
 *
 *     log [NAME...] [FORMAT] {
 *         class success|denial|error|all...
 *     }
 *
 * Only queries at or below a NAME are logged (all without); of several `log` lines in a block the first that
 * has the name decides. FORMAT is text with placeholders (docs/plugins.md), {common} without. `class` chooses
 * by the answer; all without. Lines are never waited for: see serve/line_sink.h. Examples: `log`, `log
 * example.org { class denial error }` on three lines.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/answer_class.h"
#include "serve/express_plan.h"
#include "serve/line_sink.h"
#include "serve/log_format.h"
#include "serve/plugin.h"
#include "serve/worker.h"

#define RULES_MAX 1024 /* names of all log lines of a block; each query is compared with them in turn */

enum class { CLASS_SUCCESS = 1, CLASS_DENIAL = 2, CLASS_ERROR = 4, CLASS_ALL = 7 };

struct rule {
    uint8_t scope[NAME_MAX_LEN]; /* lower case */
    unsigned classes;
    size_t format; /* index in formats */
};

struct log {
    struct rule *rules;
    size_t nrules;
    struct log_format **formats; /* one a line of the configuration */
    size_t nformats;
};

static void log_free(void *state)
{
    struct log *l = state;
    for (size_t i = 0; i < l->nformats; i++)
        log_format_free(l->formats[i]);
    free(l->formats);
    free(l->rules);
    free(l);
}

static int read_classes(const struct directive *d, unsigned *out, struct errtext *e)
{
    static const struct {
        const char *name;
        unsigned bits;
    } names[] = {
        {"success", CLASS_SUCCESS}, {"denial", CLASS_DENIAL}, {"error", CLASS_ERROR}, {"all", CLASS_ALL}};
    unsigned classes = 0;
    for (size_t i = 0; i < d->nbody; i++) {
        const struct directive *o = &d->body[i];
        if (strcmp(o->name, "class") != 0)
            return args_error(e, "log", o, "unknown property '%s'", o->name);
        int ret = args_count(e, "log", o, 1, SIZE_MAX);
        if (ret != ERR_OK)
            return ret;
        for (size_t k = 0; k < o->nargs; k++) {
            size_t n = 0;
            while (n < 4 && strcmp(names[n].name, o->args[k]) != 0)
                n++;
            if (n == 4)
                return args_error(e, "log", o, "expected success, denial, error or all, found \"%s\"",
                                  o->args[k]);
            classes |= names[n].bits;
        }
    }
    *out = classes == 0 ? CLASS_ALL : classes;
    return ERR_OK;
}

static int add_rule(struct log *l, const struct directive *d, const char *scope, unsigned classes,
                    struct errtext *e)
{
    if (l->nrules == RULES_MAX)
        return args_error(e, "log", d, "more than %d names", RULES_MAX);
    struct rule *grown = realloc(l->rules, (l->nrules + 1) * sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    l->rules = grown;
    struct rule *r = &l->rules[l->nrules];
    *r = (struct rule){.classes = classes, .format = l->nformats - 1};
    uint8_t name[NAME_MAX_LEN];
    if (name_from_text(scope, strlen(scope), name) < 0)
        return args_error(e, "log", d, "'%s' is not a domain name", scope);
    name_lower(r->scope, name);
    l->nrules++;
    return ERR_OK;
}

/* One line of the configuration. The last word is the format if there is a brace in it. */
static int add_line(struct log *l, const struct directive *d, struct errtext *e)
{
    unsigned classes = CLASS_ALL;
    int ret = read_classes(d, &classes, e);
    if (ret != ERR_OK)
        return ret;
    size_t names = d->nargs;
    const char *text = LOG_FORMAT_COMMON;
    if (names > 0 && strchr(d->args[names - 1], '{') != NULL)
        text = d->args[--names];
    struct log_format **grown = realloc(l->formats, (l->nformats + 1) * sizeof(struct log_format *));
    if (grown == NULL)
        return -ENOMEM;
    l->formats = grown;
    l->formats[l->nformats] = log_format_new(text);
    if (l->formats[l->nformats] == NULL)
        return args_error(e, "log", d, "format too long, or no memory for it");
    l->nformats++;
    if (names == 0)
        return add_rule(l, d, ".", classes, e);
    for (size_t i = 0; ret == ERR_OK && i < names; i++)
        ret = add_rule(l, d, d->args[i], classes, e);
    return ret;
}

/* All `log` lines of a block, of which `d` is the first, are one list of rules. */
static int log_setup(const struct plugin_setup *s, const struct directive *d, void **state, struct errtext *e)
{
    struct log *l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < s->source->ndirectives; i++)
        if (strcmp(s->source->directives[i].name, d->name) == 0)
            ret = add_line(l, &s->source->directives[i], e);
    if (ret != ERR_OK) {
        log_free(l);
        return ret;
    }
    *state = l;
    return ERR_OK;
}

static enum answer_class kind_of(const struct request *r)
{
    struct answer_facts facts;
    answer_classify(r->reply, clock_wall_ms() / 1000, &facts);
    return facts.class;
}

/* What classes of answers are to `class`, and to log/type and log/class of metadata. */
static const struct {
    unsigned bits;
    const char *class, *type;
} kinds[] = {
    [ANSWER_POSITIVE] = {CLASS_SUCCESS, "success", "NOERROR"},
    [ANSWER_NODATA] = {CLASS_DENIAL, "denial", "NODATA"},
    [ANSWER_NXDOMAIN] = {CLASS_DENIAL, "denial", "NXDOMAIN"},
    [ANSWER_SERVER_ERROR] = {CLASS_ERROR, "error", "SERVERERROR"},
    [ANSWER_DELEGATION] = {CLASS_SUCCESS, "success", "DELEGATION"},
    [ANSWER_TRANSFER] = {CLASS_ERROR, "error", "META"},
    [ANSWER_OTHER] = {CLASS_ERROR, "error", "OTHERERROR"},
};

/* NULL: no line. */
static const struct rule *rule_of(const struct log *l, const uint8_t *lname)
{
    for (const struct rule *r = l->rules, *end = r + l->nrules; r < end; r++)
        if (r->scope[0] == 0 || name_in(lname, r->scope))
            return r;
    return NULL;
}

static void write_line(const struct log *l, const struct rule *rule, struct worker *w,
                       const struct log_facts *facts)
{
    static const char level[] = "[INFO] ";
    char line[LINE_SINK_LINE_MAX];
    memcpy(line, level, sizeof level - 1);
    size_t len = sizeof level - 1;
    len += log_format_write(l->formats[rule->format], facts, line + len, sizeof line - len - 1);
    line[len++] = '\n';
    line_sink_write(w, line, len);
}

static void log_answer(void *state, struct request *r)
{
    const struct log *l = state;
    const struct rule *rule = rule_of(l, r->asked->lname);
    if (rule == NULL || (rule->classes != CLASS_ALL && (kinds[kind_of(r)].bits & rule->classes) == 0))
        return;
    if (r->answered_ns == 0)
        r->answered_ns = clock_ns();
    struct log_facts facts;
    log_facts_of(r, &facts);
    write_line(l, rule, r->worker, &facts);
}

/* What went the short way has its line here. */
static void log_told(void *state, struct worker *w, const struct log_facts *facts, bool denied)
{
    const struct log *l = state;
    const struct rule *rule = rule_of(l, facts->name);
    if (rule != NULL && (rule->classes & (denied ? CLASS_DENIAL : CLASS_SUCCESS)) != 0)
        write_line(l, rule, w, facts);
}

/* What a zone answers is no error: where only these are logged there is nothing to do. */
static bool log_express(void *state, struct express_plan *p)
{
    const struct log *l = state;
    for (size_t i = 0; i < l->nrules; i++) {
        if (l->rules[i].classes == CLASS_ERROR)
            continue;
        if (!log_format_is_plain(l->formats[l->rules[i].format]))
            return false;
        p->tell = log_told;
        p->tell_state = state;
    }
    return true;
}

static int log_metadata(void *state, const struct request *r, const char *label, char *out, size_t cap)
{
    bool class = strcmp(label, "log/class") == 0;
    (void)state;
    if (!r->answered || (!class && strcmp(label, "log/type") != 0))
        return -1;
    enum answer_class kind = kind_of(r);
    const char *value = class ? kinds[kind].class : kinds[kind].type;
    size_t len = strlen(value) < cap ? strlen(value) : cap;
    memcpy(out, value, len);
    return (int)len;
}

static int log_worker_start(void *state, struct worker *w, struct errtext *e)
{
    (void)state;
    return line_sink_open(w, e);
}

static void log_worker_stop(void *state, struct worker *w)
{
    (void)state;
    line_sink_close(w);
}

const struct plugin plugin_log = {
    .name = "log",
    .repeatable = true,
    .one_list = true,
    .setup = log_setup,
    .free = log_free,
    .worker_start = log_worker_start,
    .worker_stop = log_worker_stop,
    .answer = log_answer,
    .express = log_express,
    .metadata = log_metadata,
    .metadata_anywhere = true,
};
