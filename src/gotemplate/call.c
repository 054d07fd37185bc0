/* Calling functions and methods. */
#include <stdio.h>
#include <string.h>

#include "gotemplate/exec_p.h"

#define OCTETS_A_STEP 16 /* of a text that a function makes */

static char param_of(const struct tpl_func *f, size_t i)
{
    return i < strlen(f->in) ? f->in[i] : f->more;
}

static size_t count_args(const struct tpl_call *call)
{
    size_t n = 0;
    for (const struct tpl_node *arg = call->args; arg != NULL; arg = arg->next)
        n++;
    return n;
}

static int check_count(struct tpl_run *run, const struct tpl_call *call, size_t written, size_t given)
{
    const struct tpl_func *f = call->function;
    size_t want = strlen(f->in);
    if (f->more != 0 && given < want)
        return tpl_exec_fail(run, "wrong number of args for %s: want at least %zu got %zu", f->name, want,
                             written);
    if (f->more == 0 && given != want)
        return tpl_exec_fail(run, "wrong number of args for %s: want %zu got %zu", f->name, want, given);
    if (given > TPL_ARGS_MAX)
        return tpl_exec_limit(run, ERR_LIMIT, "arguments");
    return ERR_OK;
}

/* {{and}} and {{or}} evaluate no more of their arguments than they need. */
static int eval_logic(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_call *call,
                      struct tpl_value *out)
{
    bool until = call->function == tpl_func_or;
    for (const struct tpl_node *arg = call->args; arg != NULL; arg = arg->next) {
        int ret = tpl_eval_arg(run, dot, 'v', arg, out);
        if (ret != ERR_OK || tpl_truth(out) == until)
            return ret;
    }
    if (call->final != NULL)
        *out = *call->final;
    return ERR_OK;
}

static int eval_args(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_call *call,
                     struct tpl_value *argv)
{
    size_t i = 0;
    int ret = ERR_OK;
    for (const struct tpl_node *arg = call->args; ret == ERR_OK && arg != NULL; arg = arg->next, i++)
        ret = tpl_eval_arg(run, dot, param_of(call->function, i), arg, &argv[i]);
    if (ret != ERR_OK || call->final == NULL)
        return ret;
    argv[i] = *call->final;
    return tpl_check_type(run, param_of(call->function, i), &argv[i]);
}

/* {{call}}: there are no values that can be called, so all that is left is to say so. */
static int refuse_call(struct tpl_run *run, const struct tpl_call *call, const struct tpl_value *what)
{
    run->at = call->node;
    if (what->type == NULL)
        return tpl_exec_fail(run, "error calling call: call of nil");
    if (call->args == NULL && what->type->kind == TPL_STRING)
        return tpl_exec_fail(run, "error calling call: non-function %.*s of type string", (int)what->text.len,
                             what->text.at);
    if (call->args == NULL)
        return tpl_exec_fail(run, "error calling call: non-function <%s Value> of type %s", what->type->name,
                             what->type->name);
    char after[128];
    snprintf(after, sizeof after, " of type %s", what->type->name);
    return tpl_exec_fail_node(run, "error calling call: non-function ", call->args, after);
}

int tpl_eval_call(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_call *call,
                  struct tpl_value *out)
{
    struct tpl_value argv[TPL_ARGS_MAX + 1];
    size_t written = count_args(call), given = written + (call->final != NULL);
    int ret = check_count(run, call, written, given);
    if (ret != ERR_OK)
        return ret;
    if (call->function == tpl_func_and || call->function == tpl_func_or)
        return eval_logic(run, dot, call, out);
    ret = eval_args(run, dot, call, argv);
    if (ret != ERR_OK)
        return ret;
    if (call->function == tpl_func_call)
        return refuse_call(run, call, &argv[0]);
    ret = call->function->call(run, call->receiver, argv, given, out);
    if (ret == ERR_OK) /* its memory is taken back after the action, its time is not */
        return out->type == &tpl_type_string ? tpl_step(run, out->text.len / OCTETS_A_STEP) : ERR_OK;
    run->at = call->node;
    if (ret == ERR_MALFORMED)
        return tpl_exec_fail(run, "error calling %s: %s", call->function->name, run->why);
    return tpl_exec_limit(run, ret, "memory");
}
