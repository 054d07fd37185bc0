#include "exprlang/exprlang.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exprlang/expr_p.h"

#define ARENA_CHUNK 4096
#define ARENA_MAX   (8 << 20) /* a string of EXPR_TEXT_MAX octets may be read again for each of its words */

/* ---- compiling ---- */

static int compile(struct expr *x, const char *text, const struct expr_env *env, struct errtext *e)
{
    size_t len = strlen(text);
    char *copy = arena_alloc(&x->arena, len + 1); /* constants point into it */
    struct expr_parser *p = calloc(1, sizeof *p);
    if (copy == NULL || p == NULL) {
        free(p);
        return -ENOMEM;
    }
    memcpy(copy, text, len + 1);
    *p = (struct expr_parser){.x = x, .env = env, .text = copy, .at = copy, .end = copy + len, .e = e};
    expr_next(p);
    x->root = expr_parse_sequence(p);
    if (p->error == ERR_OK && p->now.kind != TOKEN_END)
        expr_refuse_word(p);
    int ret = p->error;
    free(p);
    return ret;
}

int expr_compile(const char *text, const struct expr_env *env, struct expr **out, struct errtext *e)
{
    if (strlen(text) > EXPR_TEXT_MAX)
        return errtext_set(e, ERR_LIMIT, "more than %d octets", EXPR_TEXT_MAX);
    struct expr *x = calloc(1, sizeof *x);
    if (x == NULL)
        return -ENOMEM;
    arena_init(&x->arena, ARENA_CHUNK, ARENA_MAX);
    int ret = compile(x, text, env, e);
    if (ret != ERR_OK) {
        expr_free(x);
        return ret == -ENOMEM ? ret : errtext_set(e, ret, "the expression takes too much memory");
    }
    *out = x;
    return ERR_OK;
}

void expr_free(struct expr *x)
{
    if (x == NULL)
        return;
    for (struct expr_regex *r = x->regexes; r != NULL; r = r->next)
        regex_free(r->regex);
    arena_free(&x->arena);
    free(x);
}

const struct tpl_type *expr_type(const struct expr *x)
{
    return x->root->type == &expr_type_nil ? NULL : x->root->type;
}

/* ---- running ---- */

int expr_run_new(struct expr_run **out)
{
    struct expr_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return -ENOMEM;
    arena_init(&run->memory, EXPR_MEMORY_MAX, EXPR_MEMORY_MAX);
    bytes_init(&run->text, EXPR_MEMORY_MAX);
    *out = run;
    return ERR_OK;
}

void expr_run_free(struct expr_run *run)
{
    if (run == NULL)
        return;
    arena_free(&run->memory);
    bytes_free(&run->text);
    free(run);
}

void expr_run_reset(struct expr_run *run)
{
    arena_release(&run->memory, (struct arena_mark){0});
}

int expr_evaluate(const struct expr *x, struct expr_run *run, const void *ctx,
                  const struct tpl_value *variables, struct tpl_value *out)
{
    run->ctx = ctx;
    run->variables = variables;
    run->steps = 0;
    run->frame = NULL;
    run->why[0] = '\0';
    return expr_eval(run, x->root, out);
}

const char *expr_run_why(const struct expr_run *run)
{
    return run->why;
}

void *expr_alloc(struct expr_run *run, size_t size)
{
    return arena_alloc(&run->memory, size);
}

int expr_fail(struct expr_run *run, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(run->why, sizeof run->why, format, ap);
    va_end(ap);
    return ERR_MALFORMED;
}

int expr_limit(struct expr_run *run)
{
    snprintf(run->why, sizeof run->why, "more memory than Seamark allows");
    return run->memory.error == -ENOMEM ? -ENOMEM : ERR_LIMIT;
}

int expr_step(struct expr_run *run, size_t n)
{
    if (n > EXPR_STEPS_MAX - run->steps) {
        snprintf(run->why, sizeof run->why, "more steps than Seamark allows");
        return ERR_LIMIT;
    }
    run->steps += (unsigned)n;
    return ERR_OK;
}
