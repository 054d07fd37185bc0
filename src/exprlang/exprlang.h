/*
 * Expressions of expr-lang (https://expr-lang.org), which CoreDNS has in `template` and `view`: compiled
 * once, when the configuration is loaded, and evaluated for each query.
 *
 * It has the operators, `let`, `if`, predicates with #, and the functions of expr-lang 1.17 but for those of
 * dates, JSON, base64, pairs and groups; bytes, methods, $env and patterns of `matches` that are no constants
 * are refused too. Types are checked at compile time as far as they are known. Error texts are expr-lang's,
 * with the place but without the piece of the expression behind it.
 *
 * Values are Go's, as templates have them (gotemplate/value.h). What an evaluation may cost is bounded by the
 * limits below. A compiled expression is immutable: any thread may evaluate it, each with a run of its own.
 */
#ifndef SEAMARK_EXPRLANG_EXPRLANG_H
#define SEAMARK_EXPRLANG_EXPRLANG_H

#include "base/err.h"
#include "gotemplate/value.h"

#define EXPR_TEXT_MAX   10000 /* octets of an expression */
#define EXPR_HEIGHT_MAX 200   /* levels of operations within one another */
#define EXPR_LOCALS_MAX 32    /* `let` variables and predicates within one another */
#define EXPR_ARGS_MAX   16    /* arguments of a call */
#define EXPR_STEPS_MAX  50000 /* operations of an evaluation */
#define EXPR_MEMORY_MAX 65536 /* octets of the values that all evaluations of a query make */

struct expr;
struct expr_run;

/* A function that the host has. `in` has a letter for each parameter: 's' a string, 'i' an int, 'a'
 * anything. */
struct expr_func {
    const char *name;
    const char *in;
    const struct tpl_type *out; /* what it gives */
    /* `ctx` is that of expr_evaluate(). What *out points to stays as long as the values of the run, or is
     * made by expr_alloc(). On failure: expr_fail(), or ERR_LIMIT where expr_alloc() gives nothing. */
    int (*call)(struct expr_run *run, const void *ctx, const struct tpl_value *args, size_t nargs,
                struct tpl_value *out);
};

/* What an expression may refer to. */
struct expr_env {
    const struct expr_func *functions;
    size_t nfunctions;
    const char *const *variables;
    const struct tpl_type *const *types; /* of the variables; NULL: unknown */
    size_t nvariables;
};

/* Compiles `text`; `env` need not outlive the call, but its functions do. ERR_MALFORMED with `e` saying why
 * ("unknown name foo (1:5)"), ERR_LIMIT likewise, -ENOMEM. */
int expr_compile(const char *text, const struct expr_env *env, struct expr **out, struct errtext *e);
void expr_free(struct expr *x); /* NULL allowed */

/* The type of its value where that is known beforehand, else NULL. */
const struct tpl_type *expr_type(const struct expr *x);

/* Whether expr-lang means something by the word, so that no variable may be called so. */
bool expr_word_is_reserved(const char *word);

/* Memory for evaluations. -ENOMEM. */
int expr_run_new(struct expr_run **out);
void expr_run_free(struct expr_run *run); /* NULL allowed */
/* Takes back the values that evaluations have made. */
void expr_run_reset(struct expr_run *run);

/* Evaluates with the variables' values, in the order of the env. *out is valid until expr_run_reset().
 * ERR_MALFORMED, ERR_LIMIT, -ENOMEM: expr_run_why() says why. */
int expr_evaluate(const struct expr *x, struct expr_run *run, const void *ctx,
                  const struct tpl_value *variables, struct tpl_value *out);
const char *expr_run_why(const struct expr_run *run);

/* ---- for functions ---- */

void *expr_alloc(struct expr_run *run, size_t size); /* until expr_run_reset(); NULL at the limit */
/* Says why a function fails. Returns ERR_MALFORMED. */
int expr_fail(struct expr_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
