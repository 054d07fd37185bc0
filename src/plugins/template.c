/*
 * template: answers made up from the question.
 *
 *     template CLASS TYPE [ZONES...] {
 *         match REGEXP...
 *         var NAME EXPRESSION
 *         expr EXPRESSION
 *         answer|additional|authority RECORD...
 *         rcode RCODE
 *         ederror CODE [TEXT]
 *         fallthrough [ZONES...]
 *     }
 *
 * For questions of that class and type (ANY: all) in ZONES, those of the server block without. The first
 * REGEXP that matches the name decides; where none does, the question goes on to the next stage with
 * `fallthrough` and is SERVFAIL without. RECORD is a template of Go's, whose output is a record as in a
 * master file. Example: `template IN A example { match ^ip-(?P<a>[0-9]+)[.]; answer "{{ .Name }} 60 IN
 * A 10.0.0.{{ .Group.a }}"; fallthrough }`, each option on its line. The directive is read by
 * template/template_rule.c, answers are made in template/template_answer.c; the templates themselves are
 * gotemplate/.
 */
#include <errno.h>
#include <stdlib.h>

#include "serve/config.h"
#include "template/template_answer.h"

static void template_free(void *state)
{
    struct template_stage *s = state;
    template_series_free(s->series);
    template_rule_free(&s->rule);
    free(s);
}

static int template_setup(const struct plugin_setup *setup, const struct directive *d, void **state,
                          struct errtext *e)
{
    struct template_stage *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    s->config = setup->config;
    s->block = setup->block;
    int ret = template_rule_read(&s->rule, d, setup->source, e);
    if (ret != ERR_OK) {
        template_free(s);
        return ret;
    }
    *state = s;
    return ERR_OK;
}

static int template_start(void *state, struct errtext *e)
{
    struct template_stage *s = state;
    s->series = template_series_new(s->config, s->block, &s->rule);
    return s->series != NULL ? ERR_OK : errtext_set(e, -ENOMEM, "plugin/template: no memory");
}

static int template_worker_start(void *state, struct worker *w, struct errtext *e)
{
    (void)state;
    return template_scratch_open(w, e);
}

static void template_worker_stop(void *state, struct worker *w)
{
    (void)state;
    template_scratch_close(w);
}

static enum verdict template_query(void *state, struct request *r)
{
    return template_answer(state, r);
}

const struct plugin plugin_template = {
    .name = "template",
    .repeatable = true,
    .setup = template_setup,
    .free = template_free,
    .start = template_start,
    .worker_start = template_worker_start,
    .worker_stop = template_worker_stop,
    .query = template_query,
};
