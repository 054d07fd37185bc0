/*
 * `var` and `expr` of a `template` directive: expressions on the question, whose values templates see as
 * .Var, and conditions that have to hold. Immutable once read; evaluation in workers.
 */
#ifndef SEAMARK_TEMPLATE_TEMPLATE_EXPR_H
#define SEAMARK_TEMPLATE_TEMPLATE_EXPR_H

#include "conf/args.h"
#include "exprlang/exprlang.h"

#define TEMPLATE_VARS_MAX       32 /* of one directive */
#define TEMPLATE_CONDITIONS_MAX 32

struct template_data;

struct template_expressions {
    const char *names[TEMPLATE_VARS_MAX]; /* borrowed from the Corefile */
    const struct tpl_type *types[TEMPLATE_VARS_MAX];
    struct expr *vars[TEMPLATE_VARS_MAX];
    uint8_t order[TEMPLATE_VARS_MAX]; /* of their names */
    size_t nvars;
    struct expr *conditions[TEMPLATE_CONDITIONS_MAX];
    size_t nconditions;
};

/* Read an option; ERR_CONFIG with `e` set, -ENOMEM. What has been read is to be freed in any case. */
int template_var_read(struct template_expressions *x, const struct directive *o, struct errtext *e);
int template_condition_read(struct template_expressions *x, const struct directive *o, struct errtext *e);
void template_expressions_free(struct template_expressions *x);

/* Evaluates all of them for the question of `d` and gives d its variables. *holds: whether every condition is
 * true. ERR_MALFORMED, ERR_LIMIT, -ENOMEM: expr_run_why() says why. */
int template_expressions_evaluate(const struct template_expressions *x, struct expr_run *run,
                                  struct template_data *d, bool *holds);

#endif
