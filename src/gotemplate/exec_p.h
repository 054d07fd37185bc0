/*
 * An execution. Functions return ERR_OK or an error whose words are in run->e; a node that is executed may
 * also return FLOW_BREAK or FLOW_CONTINUE.
 */
#ifndef SEAMARK_GOTEMPLATE_EXEC_P_H
#define SEAMARK_GOTEMPLATE_EXEC_P_H

#include "gotemplate/node_p.h"

enum tpl_flow { FLOW_BREAK = 1, FLOW_CONTINUE = 2 };

struct tpl_var {
    struct tpl_slice name;
    struct tpl_value value;
};

struct tpl_run {
    const struct tpl *tpl;
    const struct tpl_tree *tree; /* the named template that is being executed */
    const struct tpl_node *at;   /* what is being evaluated, for errors */
    struct errtext *e;
    struct arena memory;
    struct bytes out;
    struct bytes text; /* printf's work */
    unsigned steps, depth;
    unsigned assigned; /* counts what variables got, so that an action knows whether it made any */
    unsigned nvars;
    unsigned frame; /* the first variable that is seen, "$" */
    char why[512];  /* what a function failed by */
    struct tpl_var vars[TPL_VARS_MAX];
};

/* ---- failures ---- */

/* "template: NAME:LINE:COLUMN: executing "NAME" at <NODE>: ...", for run->at. Returns ERR_MALFORMED. */
int tpl_exec_fail(struct tpl_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with a node's or a value's text between two pieces. */
int tpl_exec_fail_node(struct tpl_run *run, const char *before, const struct tpl_node *n, const char *after);
int tpl_exec_fail_value(struct tpl_run *run, const char *before, const struct tpl_value *v,
                        const char *after);
/* A limit of gotemplate.h is reached. Returns ERR_LIMIT, or -ENOMEM where that is `error`. */
int tpl_exec_limit(struct tpl_run *run, int error, const char *what);

/* Counts `n` steps. */
int tpl_step(struct tpl_run *run, size_t n);

/* ---- evaluation ---- */

int tpl_eval_pipeline(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *pipe,
                      struct tpl_value *out);
/* A word as an argument for a parameter of that letter (tpl_func.in; 0: of no type). */
int tpl_eval_arg(struct tpl_run *run, const struct tpl_value *dot, char param, const struct tpl_node *n,
                 struct tpl_value *out);

/* Whether a parameter of that letter takes the value. */
int tpl_check_type(struct tpl_run *run, char param, const struct tpl_value *value);

/* What a function or method is called with: the words behind its own, then the value of the command before
 * it (`final`, NULL where there is none). */
struct tpl_call {
    const struct tpl_func *function;
    const void *receiver;
    const struct tpl_node *node; /* what is called, for errors */
    const struct tpl_node *args; /* the words behind it */
    const struct tpl_value *final;
};
int tpl_eval_call(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_call *call,
                  struct tpl_value *out);

/* ---- values ---- */

bool tpl_truth(const struct tpl_value *v);
/* Name of the type of a value, and of what it points to where it is a pointer. */
const char *tpl_type_pointed_to(const struct tpl_value *v);

#endif
