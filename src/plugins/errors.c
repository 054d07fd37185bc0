/*
 * errors: writes a line for every query that failed and why.
 *
 *     errors {
 *         stacktrace
 *         consolidate DURATION REGEXP [warning|error|info|debug] [show_first]
 *     }
 *
 * Lines read `[ERROR] plugin/errors: RCODE NAME TYPE: why`. Errors whose text matches REGEXP (Go's syntax)
 * are counted instead and told in one line when DURATION is over since the first: `N errors like 'REGEXP'
 * occurred in last DURATION`; with show_first the first is written too. The first pattern that matches takes
 * an error. `stacktrace` is accepted: it concerns Go's panics, of which there are none. Example: `consolidate
 * 30s ".* timeout$" warning`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/regex.h"
#include "serve/config.h"
#include "serve/control.h"
#include "serve/line_sink.h"
#include "serve/plugin.h"
#include "serve/worker.h"

#define PATTERNS_MAX     64                 /* of one block; each is tried against every error */
#define PERIOD_MAX_MS    (366 * 86400000LL) /* a year: longer never tells anything */
#define LOOK_MIN_MS      10                 /* how often it is looked whether a period is over */
#define LOOK_MAX_MS      1000
#define ERROR_TEXT_SHOWN 512 /* octets of a reason that are written */

struct consolidated {
    struct regex *pattern;
    const char *text; /* the directive's words */
    const char *duration;
    int64_t period_ms;
    enum log_level level;
    bool show_first;
    uint64_t count;    /* since `since_ms`; atomic */
    uint64_t since_ms; /* of the first; atomic */
};

struct errors {
    struct consolidated patterns[PATTERNS_MAX];
    unsigned npatterns;
    struct event *look;
};

/* ---- the directive ---- */

static bool read_level(const char *word, enum log_level *out)
{
    static const char *const words[] = {"debug", "info", "warning",
                                        "error"}; /* in the order of enum log_level */
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(words[i], word) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    return false;
}

static int read_consolidate(struct errors *s, const struct directive *o, struct errtext *e)
{
    if (s->npatterns == PATTERNS_MAX)
        return args_error(e, "errors", o, "more than %d patterns", PATTERNS_MAX);
    struct consolidated *c = &s->patterns[s->npatterns];
    *c = (struct consolidated){.level = LOG_LEVEL_ERROR};
    int ret = args_count(e, "errors", o, 2, 4);
    if (ret == ERR_OK)
        ret = args_duration(e, "errors", o, o->args[0], 1, PERIOD_MAX_MS, &c->period_ms);
    bool has_level = false;
    for (size_t i = 2; ret == ERR_OK && i < o->nargs; i++) {
        if (strcmp(o->args[i], "show_first") == 0)
            c->show_first = true;
        else if (!has_level && !c->show_first && read_level(o->args[i], &c->level))
            has_level = true;
        else
            ret = args_error(e, "errors", o, "expected [warning|error|info|debug] [show_first], found \"%s\"",
                             o->args[i]);
    }
    if (ret != ERR_OK)
        return ret;
    c->duration = o->args[0];
    c->text = o->args[1];
    struct errtext why = {0};
    ret = regex_new(c->text, &c->pattern, &why);
    if (ret != ERR_OK)
        return args_error(e, "errors", o, "%s", why.text);
    s->npatterns++;
    return ERR_OK;
}

static int read_option(struct errors *s, const struct directive *o, struct errtext *e)
{
    if (strcmp(o->name, "consolidate") == 0)
        return read_consolidate(s, o, e);
    if (strcmp(o->name, "stacktrace") == 0)
        return args_count(e, "errors", o, 0, 0);
    return args_error(e, "errors", o, "Unknown field %s", o->name);
}

static void errors_free(void *state)
{
    struct errors *s = state;
    for (unsigned i = 0; i < s->npatterns; i++)
        regex_free(s->patterns[i].pattern);
    free(s);
}

static int errors_setup(const struct plugin_setup *setup, const struct directive *d, void **state,
                        struct errtext *e)
{
    (void)setup;
    int ret = args_count(e, "errors", d, 0, 1);
    if (ret != ERR_OK)
        return ret;
    if (d->nargs == 1 && strcmp(d->args[0], "stdout") != 0)
        return args_error(e, "errors", d, "invalid log file: %s (errors go to stdout)", d->args[0]);
    struct errors *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    for (size_t i = 0; ret == ERR_OK && i < d->nbody; i++)
        ret = read_option(s, &d->body[i], e);
    if (ret != ERR_OK) {
        errors_free(s);
        return ret;
    }
    *state = s;
    return ERR_OK;
}

/* ---- consolidation ---- */

/* Tells what was counted where its time is over, or in any case. Control thread. */
static void tell(struct consolidated *c, bool in_any_case)
{
    if (__atomic_load_n(&c->count, __ATOMIC_ACQUIRE) == 0)
        return;
    if (!in_any_case && clock_ms() - __atomic_load_n(&c->since_ms, __ATOMIC_RELAXED) < (uint64_t)c->period_ms)
        return;
    uint64_t count = __atomic_exchange_n(&c->count, 0, __ATOMIC_ACQ_REL);
    if (count == 0 || (count == 1 && c->show_first) || (c->level == LOG_LEVEL_DEBUG && !log_debug_on()))
        return;
    log_line(c->level, "plugin/errors: %llu errors like '%s' occurred in last %s", (unsigned long long)count,
             c->text, c->duration);
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
    struct errors *s = ctx;
    (void)fd, (void)what;
    for (unsigned i = 0; i < s->npatterns; i++)
        tell(&s->patterns[i], false);
}

static int errors_start(void *state, struct errtext *e)
{
    struct errors *s = state;
    int64_t every = LOOK_MAX_MS;
    for (unsigned i = 0; i < s->npatterns; i++)
        if (s->patterns[i].period_ms / 10 < every)
            every = s->patterns[i].period_ms / 10;
    if (s->npatterns == 0)
        return ERR_OK;
    if (every < LOOK_MIN_MS)
        every = LOOK_MIN_MS;
    struct timeval tv = {.tv_sec = every / 1000, .tv_usec = every % 1000 * 1000};
    s->look = event_new(control_base(), -1, EV_PERSIST, on_look, s);
    if (s->look == NULL || event_add(s->look, &tv) < 0)
        return errtext_set(e, -ENOMEM, "plugin/errors: no memory");
    return ERR_OK;
}

static void errors_stop(void *state)
{
    struct errors *s = state;
    if (s->look != NULL)
        event_free(s->look);
    s->look = NULL;
    for (unsigned i = 0; i < s->npatterns; i++)
        tell(&s->patterns[i], true);
}

static int errors_worker_start(void *state, struct worker *w, struct errtext *e)
{
    (void)state;
    return line_sink_open(w, e);
}

static void errors_worker_stop(void *state, struct worker *w)
{
    (void)state;
    line_sink_close(w);
}

/* ---- the answer ---- */

/* True where the error is counted and not written; else *level is how it is to be written. */
static bool consolidate(struct errors *s, const char *text, enum log_level *level)
{
    for (unsigned i = 0; i < s->npatterns; i++) {
        struct consolidated *c = &s->patterns[i];
        if (!regex_match(c->pattern, text, strlen(text), NULL, 0))
            continue;
        *level = c->level;
        /* The time is set before the count makes it seen; of two first ones either time will do. */
        if (__atomic_load_n(&c->count, __ATOMIC_RELAXED) == 0)
            __atomic_store_n(&c->since_ms, clock_ms(), __ATOMIC_RELAXED);
        uint64_t before = __atomic_fetch_add(&c->count, 1, __ATOMIC_ACQ_REL);
        return before > 0 || !c->show_first;
    }
    return false;
}

/* The reason; where the chain came to its end, with the name of its last plugin, as CoreDNS has it. */
static const char *reason(const struct request *r, char out[ERROR_TEXT_SHOWN])
{
    const struct block *b = r->route == NULL ? NULL : r->route->block;
    if (b == NULL || r->stage < b->nstages || strcmp(r->error_text, "no next plugin found") != 0)
        return r->error_text;
    const char *last = "";
    for (unsigned i = 0; i < b->nstages; i++)
        if (b->stages[i].plugin->query != NULL || b->stages[i].plugin->answer != NULL)
            last = b->stages[i].plugin->name;
    snprintf(out, ERROR_TEXT_SHOWN, "plugin/%s: %s", last, r->error_text);
    return out;
}

static void write_line(const struct request *r, enum log_level level, const char *why)
{
    static const char *const tags[] = {"[DEBUG]", "[INFO]", "[WARNING]", "[ERROR]"};
    char name[NAME_MAX_TEXT], type[16], line[NAME_MAX_TEXT + ERROR_TEXT_SHOWN + 128];
    int n = snprintf(line, sizeof line, "%s plugin/errors: %u %s %s: %.*s\n", tags[level], r->reply->rcode,
                     r->q.qname_len == 0 ? "." : name_to_text(r->q.lname, name),
                     rrtype_to_text(r->q.qtype, type), ERROR_TEXT_SHOWN, why);
    for (int i = 0; i < n - 1; i++) /* a reason may quote what came from outside */
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line_sink_write(r->worker, line, (size_t)n);
}

static void errors_answer(void *state, struct request *r)
{
    bool fine = r->reply->rcode == RCODE_NOERROR || r->reply->rcode == RCODE_NXDOMAIN;
    if (r->error_text == NULL || (fine && !r->disguised))
        return;
    char text[ERROR_TEXT_SHOWN];
    const char *why = reason(r, text);
    enum log_level level = LOG_LEVEL_ERROR;
    if (consolidate(state, why, &level))
        return;
    if (level != LOG_LEVEL_DEBUG || log_debug_on())
        write_line(r, level, why);
}

/* Answers from a zone are none. */
static bool errors_express(void *state, struct express_plan *p)
{
    (void)state, (void)p;
    return true;
}

const struct plugin plugin_errors = {
    .name = "errors",
    .setup = errors_setup,
    .free = errors_free,
    .start = errors_start,
    .stop = errors_stop,
    .worker_start = errors_worker_start,
    .worker_stop = errors_worker_stop,
    .answer = errors_answer,
    .express = errors_express,
};
