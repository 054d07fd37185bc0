/*
 * Go's text/template: parsed once, when the configuration is loaded, and executed for each query.
 *
 * It has what Go 1.26 has but for complex numbers, functions as values (`call` has nothing to call), range
 * over channels and functions, and delimiters other than {{ }}. Error texts are Go's.
 *
 * Everything is bounded, by the limits below: a template that an author got wrong, or that a query's name
 * drives to its worst, fails with an error and costs no more than that.
 *
 *     ret = tpl_parse("answer", text, strlen(text), functions, nfunctions, &template, &e);
 *     ret = tpl_execute(template, run, &dot, &out, &len, &e);
 *
 * A parsed template is immutable: any thread may execute it, each with a run of its own.
 */
#ifndef SEAMARK_GOTEMPLATE_GOTEMPLATE_H
#define SEAMARK_GOTEMPLATE_GOTEMPLATE_H

#include <stddef.h>

#include "base/err.h"
#include "gotemplate/value.h"

#define TPL_TEXT_MAX    65536 /* octets of a template */
#define TPL_NESTING_MAX 100   /* of parentheses and of {{if}}, {{range}}, {{with}} in one another */
#define TPL_ARGS_MAX    32    /* arguments of a call */
#define TPL_VARS_MAX    256   /* variables at a time */

#define TPL_OUTPUT_MAX 65536 /* octets that an execution writes */
#define TPL_MEMORY_MAX 65536 /* octets of the values that it makes */
#define TPL_STEPS_MAX  50000 /* nodes that it evaluates, loops included: some milliseconds */
#define TPL_DEPTH_MAX  256   /* levels of evaluation, through {{template}} too: some 200 KiB of stack */

struct tpl;

/* Parses `text` under `name`. `functions` (kept by reference) are known beside Go's predefined ones.
 * ERR_MALFORMED with `e` set to Go's words ("template: answer:1: unclosed action"); ERR_LIMIT with `e` set;
 * -ENOMEM. */
int tpl_parse(const char *name, const char *text, size_t len, const struct tpl_func *functions,
              size_t nfunctions, struct tpl **out, struct errtext *e);
void tpl_free(struct tpl *t); /* NULL allowed */

/* The template as its tree says it: {{.Name}} for `{{ .Name }}`. Valid as long as the template. */
const char *tpl_text_of(const struct tpl *t);

/* Scratch memory for executions, one at a time. -ENOMEM. */
int tpl_run_new(struct tpl_run **out);
void tpl_run_free(struct tpl_run *run); /* NULL allowed */

/* Executes the template on `dot`. *out (NUL behind it) is valid until the run's next execution.
 * ERR_MALFORMED with `e` set to Go's words; ERR_LIMIT with `e` saying which limit; -ENOMEM. */
int tpl_execute(const struct tpl *t, struct tpl_run *run, const struct tpl_value *dot, const char **out,
                size_t *len, struct errtext *e);

#endif
