/*
 * Three plugins of a test's own in place of the table of plugins: `upper`, `middle` (may stand several times)
 * and `lower`. What they do with a query is in the first label of its name:
 *
 *     upper, middle, lower      that one answers
 *     wait-...                  that one (wait-upper ...) keeps the request in `fake_waiting`
 *     drop-...                  that one drops it
 *     ask-self                  lower asks the server for "lower.test." and answers when that has come
 *     hold-...                  lower answers, and that one (hold-upper ...) holds the answer in
 * `fake_waiting` ask-below                 upper keeps a note, asks the stages below for "lower.test." and
 * answers then anything else             nobody answers
 *
 * Every call is noted in `fake_trace`, one worker at a time. Two more note nothing: `silent` has no part in
 * answering, `pending` keeps every request until a task of its worker's resumes it. Included by one file of a
 * program.
 */
#ifndef SEAMARK_TESTS_FAKE_PLUGINS_H
#define SEAMARK_TESTS_FAKE_PLUGINS_H

#include <stdlib.h>
#include <string.h>

#include "dns/rr.h"
#include "serve/config.h"
#include "serve/plugin.h"
#include "serve/worker.h"

struct fake_state {
    const char *name;
    char argument[16]; /* of the directive */
};

static char fake_trace[4096];
static struct request *fake_waiting;
static int fake_live, /* states that have been made and not freed */
    fake_setups, fake_frees, fake_starts, fake_stops, fake_worker_starts, fake_worker_stops; /* atomic */

static inline void fake_note(const char *what, const struct fake_state *s)
{
    size_t used = strlen(fake_trace);
    snprintf(fake_trace + used, sizeof fake_trace - used, "%s %s%s; ", what, s->name, s->argument);
}

static inline int fake_add(int *counter, int n)
{
    return __atomic_add_fetch(counter, n, __ATOMIC_SEQ_CST);
}

static inline int fake_get(int *counter)
{
    return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static inline int fake_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                             struct errtext *e)
{
    (void)s;
    struct fake_state *fresh = calloc(1, sizeof *fresh);
    if (d->nargs > 0 && strcmp(d->args[0], "wrong") == 0) {
        free(fresh);
        return errtext_set(e, ERR_CONFIG, "%s:%u - plugin/%s: wrong", d->file, d->line, d->name);
    }
    static const char *const names[] = {"upper", "middle", "lower"};
    for (size_t i = 0; i < 3; i++)
        if (strcmp(names[i], d->name) == 0)
            fresh->name = names[i];
    snprintf(fresh->argument, sizeof fresh->argument, "%s%s", d->nargs > 0 ? "-" : "",
             d->nargs > 0 ? d->args[0] : "");
    fake_add(&fake_setups, 1);
    fake_add(&fake_live, 1);
    *state = fresh;
    return ERR_OK;
}

static inline void fake_free(void *state)
{
    fake_add(&fake_frees, 1);
    fake_add(&fake_live, -1);
    free(state);
}

static inline int fake_start(void *state, struct errtext *e)
{
    struct fake_state *s = state;
    if (strcmp(s->argument, "-nostart") == 0)
        return errtext_set(e, ERR_CONFIG, "cannot start");
    fake_add(&fake_starts, 1);
    return ERR_OK;
}

static inline void fake_stop(void *state)
{
    (void)state;
    fake_add(&fake_stops, 1);
}

static inline int fake_worker_start_fn(void *state, struct worker *w, struct errtext *e)
{
    struct fake_state *s = state;
    if (strcmp(s->argument, "-noworker") == 0 && worker_index(w) + 1 == worker_count())
        return errtext_set(e, ERR_LIMIT, "worker %u has no room", worker_index(w));
    fake_add(&fake_worker_starts, 1);
    return ERR_OK;
}

static inline void fake_worker_stop_fn(void *state, struct worker *w)
{
    (void)state, (void)w;
    fake_add(&fake_worker_stops, 1);
}

static inline bool fake_label_is(const struct request *r, const char *prefix, const char *name)
{
    char label[NAME_MAX_LABEL + 1], wanted[64];
    memcpy(label, r->q.lname + 1, r->q.lname[0]);
    label[r->q.lname[0]] = '\0';
    snprintf(wanted, sizeof wanted, "%s%s", prefix, name);
    return strcmp(label, wanted) == 0;
}

static inline void fake_self_answered(struct request *inner)
{
    struct request *r = inner->origin;
    uint16_t rcode = inner->reply != NULL ? inner->reply->rcode : RCODE_SERVFAIL;
    if (strcmp(r->route->block->stages[r->stage].plugin->name, "upper") == 0 &&
        request_note_of(r, r->route->block->stages[r->stage].state) == NULL)
        rcode = RCODE_SERVFAIL; /* the note it kept is gone */
    request_reply(r)->rcode = rcode;
    request_resume(r, VERDICT_ANSWERED);
}

static int fake_notes; /* kept and not freed */

static inline void fake_forget(struct request_note *note)
{
    fake_add(&fake_notes, -1);
    free(note);
}

static inline enum verdict fake_ask_below(void *state, struct request *r)
{
    static const uint8_t lower_test[] = "\5lower\4test";
    struct request_note *note = calloc(1, sizeof *note);
    *note = (struct request_note){.owner = state, .free = fake_forget};
    request_keep(r, note);
    fake_add(&fake_notes, 1);
    if (request_ask_below(r, lower_test, RR_A, fake_self_answered, r) == ERR_OK)
        return VERDICT_PENDING;
    r->reply->rcode = RCODE_NOTIMP;
    return VERDICT_ANSWERED;
}

static inline enum verdict fake_query(void *state, struct request *r)
{
    static const uint8_t lower_test[] = "\5lower\4test";
    struct fake_state *s = state;
    fake_note("query", s);
    if (fake_label_is(r, "", s->name) ||
        (r->q.lname[0] > 5 && memcmp(r->q.lname + 1, "hold-", 5) == 0 && strcmp(s->name, "lower") == 0))
        return VERDICT_ANSWERED;
    if (fake_label_is(r, "drop-", s->name))
        return VERDICT_DROP;
    if (fake_label_is(r, "wait-", s->name)) {
        fake_waiting = r;
        return VERDICT_PENDING;
    }
    if (strcmp(s->name, "lower") == 0 && fake_label_is(r, "ask-self", "")) {
        if (request_ask_self(r, lower_test, RR_A, fake_self_answered, r) == ERR_OK)
            return VERDICT_PENDING;
        r->reply->rcode = RCODE_NOTIMP;
        return VERDICT_ANSWERED;
    }
    if (strcmp(s->name, "upper") == 0 && fake_label_is(r, "ask-below", ""))
        return fake_ask_below(state, r);
    return VERDICT_NEXT;
}

static inline void fake_resume_posted(void *ctx)
{
    struct request *r = ctx;
    request_reply(r);
    request_resume(r, VERDICT_ANSWERED);
}

static inline enum verdict fake_pending_query(void *state, struct request *r)
{
    (void)state;
    worker_post(r->worker, fake_resume_posted, r); /* runs after this call has come to its end */
    return VERDICT_PENDING;
}

static inline void fake_answer(void *state, struct request *r)
{
    struct fake_state *s = state;
    fake_note("answer", s);
    if (fake_label_is(r, "hold-", s->name)) {
        fake_waiting = r;
        request_hold(r);
    }
}

#define FAKE_PLUGIN(plugin_name, again)                                                                      \
    {                                                                                                        \
        .name = plugin_name, .repeatable = again, .setup = fake_setup, .free = fake_free,                    \
        .start = fake_start, .stop = fake_stop, .worker_start = fake_worker_start_fn,                        \
        .worker_stop = fake_worker_stop_fn, .query = fake_query, .answer = fake_answer,                      \
    }
static const struct plugin fake_upper = FAKE_PLUGIN("upper", false),
                           fake_middle = FAKE_PLUGIN("middle", true),
                           fake_lower = FAKE_PLUGIN("lower", false);
static const struct plugin fake_silent = {.name = "silent", .setup = fake_setup, .free = fake_free};
static const struct plugin fake_pending = {.name = "pending",
                                           .setup = fake_setup,
                                           .free = fake_free,
                                           .worker_start = fake_worker_start_fn,
                                           .worker_stop = fake_worker_stop_fn,
                                           .query = fake_pending_query};
const struct plugin *const plugin_table[] = {&fake_silent, &fake_upper, &fake_middle, &fake_lower,
                                             &fake_pending};
const size_t plugin_count = sizeof plugin_table / sizeof plugin_table[0];

static inline int fake_config(const char *text, struct config **out, struct errtext *e)
{
    struct corefile *corefile = NULL;
    struct config_options options = {.dns_port = 5300};
    *e = (struct errtext){0};
    int ret = corefile_parse("Corefile", text, strlen(text), &corefile, e);
    return ret != ERR_OK ? ret : config_build(corefile, &options, out, e);
}

#endif
