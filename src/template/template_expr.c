#include "template/template_expr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "template/template_data.h"
#include "template/template_env.h"

#define SHOWN 200 /* octets of a word in an error */

/* ---- reading ---- */

static bool is_name(const char *word)
{
    if (word[0] >= '0' && word[0] <= '9')
        return false;
    size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return len > 0 && word[len] == '\0';
}

static bool is_taken(const struct template_expressions *x, const char *name)
{
    for (size_t i = 0; i < x->nvars; i++)
        if (strcmp(x->names[i], name) == 0)
            return true;
    for (size_t i = 0; i < template_nfunctions; i++)
        if (strcmp(template_functions[i].name, name) == 0)
            return true;
    return expr_word_is_reserved(name);
}

/* Compiles the words from number `first` on, with blanks between them. */
static int compile(const struct template_expressions *x, const struct directive *o, size_t first,
                   struct expr **out, struct errtext *why)
{
    struct expr_env env = {.functions = template_functions,
                           .nfunctions = template_nfunctions,
                           .variables = x->names,
                           .types = x->types,
                           .nvariables = x->nvars};
    struct bytes text;
    bytes_init(&text, EXPR_TEXT_MAX + 1);
    for (size_t i = first; i < o->nargs; i++) {
        bytes_append_str(&text, i > first ? " " : "");
        bytes_append_str(&text, o->args[i]);
    }
    int ret = text.error == ERR_OK ? expr_compile(text.data, &env, out, why)
                                   : errtext_set(why, text.error, "more than %d octets", EXPR_TEXT_MAX);
    bytes_free(&text);
    return ret;
}

static int wrong_count(const struct directive *o, struct errtext *e)
{
    return args_error(e, "template", o, "Wrong argument count or unexpected line ending after '%.*s'", SHOWN,
                      o->nargs == 0 ? o->name : o->args[o->nargs - 1]);
}

static void keep_order(struct template_expressions *x)
{
    size_t at = x->nvars - 1;
    for (; at > 0 && strcmp(x->names[x->order[at - 1]], x->names[x->nvars - 1]) > 0; at--)
        x->order[at] = x->order[at - 1];
    x->order[at] = (uint8_t)(x->nvars - 1);
}

int template_var_read(struct template_expressions *x, const struct directive *o, struct errtext *e)
{
    struct errtext why = {0};
    if (o->nargs < 2)
        return wrong_count(o, e);
    const char *name = o->args[0];
    if (!is_name(name))
        return args_error(e, "template", o, "invalid variable name \"%.*s\"", SHOWN, name);
    if (is_taken(x, name))
        return args_error(e, "template", o, "variable name \"%.*s\" is reserved", SHOWN, name);
    if (x->nvars == TEMPLATE_VARS_MAX)
        return args_error(e, "template", o, "more than %d variables", TEMPLATE_VARS_MAX);
    int ret = compile(x, o, 1, &x->vars[x->nvars], &why);
    if (ret == -ENOMEM)
        return ret;
    if (ret != ERR_OK)
        return args_error(e, "template", o, "could not compile expression: %.*s, %s", SHOWN, name, why.text);
    x->names[x->nvars] = name;
    x->types[x->nvars] = expr_type(x->vars[x->nvars]);
    x->nvars++;
    keep_order(x);
    return ERR_OK;
}

int template_condition_read(struct template_expressions *x, const struct directive *o, struct errtext *e)
{
    struct errtext why = {0};
    if (o->nargs == 0)
        return wrong_count(o, e);
    if (x->nconditions == TEMPLATE_CONDITIONS_MAX)
        return args_error(e, "template", o, "more than %d expressions", TEMPLATE_CONDITIONS_MAX);
    int ret = compile(x, o, 0, &x->conditions[x->nconditions], &why);
    if (ret == -ENOMEM)
        return ret;
    if (ret != ERR_OK)
        return args_error(e, "template", o, "could not compile expression: %s", why.text);
    x->nconditions++;
    return ERR_OK;
}

void template_expressions_free(struct template_expressions *x)
{
    for (size_t i = 0; i < x->nvars; i++)
        expr_free(x->vars[i]);
    for (size_t i = 0; i < x->nconditions; i++)
        expr_free(x->conditions[i]);
}

/* ---- evaluation ---- */

int template_expressions_evaluate(const struct template_expressions *x, struct expr_run *run,
                                  struct template_data *d, bool *holds)
{
    struct tpl_value values[TEMPLATE_VARS_MAX];
    int ret = ERR_OK;
    *holds = true;
    if (x->nvars + x->nconditions == 0)
        return ERR_OK;
    expr_run_reset(run);
    for (size_t i = 0; ret == ERR_OK && i < x->nvars; i++)
        ret = expr_evaluate(x->vars[i], run, d, values, &values[i]);
    for (size_t i = 0; ret == ERR_OK && i < x->nvars; i++) {
        const char *name = x->names[x->order[i]];
        d->vars[i] = (struct tpl_entry){.key = name, .key_len = strlen(name), .value = values[x->order[i]]};
    }
    d->nvars = x->nvars;
    for (size_t i = 0; ret == ERR_OK && *holds && i < x->nconditions; i++) {
        struct tpl_value v;
        ret = expr_evaluate(x->conditions[i], run, d, values, &v);
        *holds = ret == ERR_OK && v.type == &tpl_type_bool && v.truth;
    }
    return ret;
}
