/* Evaluating pipelines, commands and their words: fields, variables, constants. */
#include <string.h>

#include "gotemplate/exec_p.h"

/* What a word is evaluated with: the words behind it in its command, and the value of the command before. */
struct place {
    const struct tpl_node *args;
    const struct tpl_value *final;
};

static const struct place alone = {0};

static bool has_args(const struct place *p)
{
    return p->args != NULL || p->final != NULL;
}

static int not_a_function(struct tpl_run *run, const struct tpl_node *n, const struct place *p)
{
    return has_args(p) ? tpl_exec_fail_node(run, "can't give argument to non-function ", n, "") : ERR_OK;
}

/* ---- fields ---- */

static const struct tpl_member *find_member(const struct tpl_type *type, struct tpl_slice name)
{
    for (size_t i = 0; i < type->nmembers; i++)
        if (strlen(type->members[i].name) == name.len &&
            memcmp(type->members[i].name, name.at, name.len) == 0)
            return &type->members[i];
    return NULL;
}

static int eval_member(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n,
                       const struct tpl_member *m, const struct place *p, const void *object,
                       struct tpl_value *out)
{
    if (m->method != NULL) {
        struct tpl_call call = {
            .function = m->method, .receiver = object, .node = n, .args = p->args, .final = p->final};
        return tpl_eval_call(run, dot, &call, out);
    }
    if (has_args(p))
        return tpl_exec_fail(run, "%s has arguments but cannot be invoked as function", m->name);
    *out = m->get(object);
    return ERR_OK;
}

static int eval_field(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n,
                      struct tpl_slice name, const struct place *p, const struct tpl_value *receiver,
                      struct tpl_value *out)
{
    const struct tpl_type *type = receiver->type;
    int ret = tpl_step(run, 1);
    if (ret != ERR_OK)
        return ret;
    if (type == NULL) { /* what is below nothing is nothing */
        *out = tpl_none;
        return ERR_OK;
    }
    if (type->kind == TPL_STRUCT) {
        const struct tpl_member *m = find_member(type, name);
        if (m != NULL)
            return eval_member(run, dot, n, m, p, receiver->object, out);
    } else if (type->kind == TPL_MAP) {
        if (has_args(p))
            return tpl_exec_fail(run, "%.*s is not a method but has arguments", (int)name.len, name.at);
        *out = tpl_map_get(receiver, name.at, name.len);
        return ERR_OK;
    }
    return tpl_exec_fail(run, "can't evaluate field %.*s in type %s", (int)name.len, name.at, type->name);
}

/* .a.b.c of a receiver; what stands behind belongs to the last of them. */
static int eval_fields(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n,
                       struct tpl_slice fields, const struct place *p, const struct tpl_value *receiver,
                       struct tpl_value *out)
{
    struct tpl_value value = *receiver;
    int ret = ERR_OK;
    while (ret == ERR_OK && fields.len > 0) {
        struct tpl_slice name = tpl_next_field(&fields);
        struct tpl_value of = value;
        ret = eval_field(run, dot, n, name, fields.len > 0 ? &alone : p, &of, &value);
    }
    *out = value;
    return ret;
}

static int eval_variable(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n,
                         const struct place *p, struct tpl_value *out)
{
    const char *dotted = memchr(n->text.at, '.', n->text.len);
    struct tpl_slice name = {.at = n->text.at, .len = dotted ? (size_t)(dotted - n->text.at) : n->text.len};
    struct tpl_slice fields = {.at = name.at + name.len, .len = n->text.len - name.len};
    run->at = n;
    unsigned i = run->nvars;
    while (i > run->frame && !tpl_slice_equal(run->vars[i - 1].name, name))
        i--;
    if (i == run->frame)
        return tpl_exec_fail(run, "undefined variable: %.*s", (int)name.len, name.at);
    struct tpl_value value = run->vars[i - 1].value;
    if (fields.len > 0)
        return eval_fields(run, dot, n, fields, p, &value, out);
    int ret = not_a_function(run, n, p);
    *out = value;
    return ret;
}

static int eval_chain(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n,
                      const struct place *p, struct tpl_value *out)
{
    struct tpl_value value;
    run->at = n;
    int ret = tpl_eval_arg(run, dot, 0, n->chain.operand, &value);
    return ret == ERR_OK ? eval_fields(run, dot, n, n->chain.fields, p, &value, out) : ret;
}

static int eval_number(struct tpl_run *run, const struct tpl_node *n, struct tpl_value *out)
{
    run->at = n;
    if (n->number.ideal.type == NULL)
        return tpl_exec_fail(run, "%.*s overflows int", (int)n->text.len, n->text.at);
    *out = n->number.ideal;
    return ERR_OK;
}

/* ---- commands and pipelines ---- */

/* A word that is no constant; false where it is one. `cmd` is the command that it begins, or itself. */
static bool eval_reference(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n,
                           const struct tpl_node *cmd, const struct place *p, struct tpl_value *out, int *ret)
{
    switch (n->kind) {
    case NODE_FIELD:
        run->at = n;
        *ret = eval_fields(run, dot, n, n->text, p, dot, out);
        return true;
    case NODE_CHAIN:
        *ret = eval_chain(run, dot, n, p, out);
        return true;
    case NODE_VARIABLE:
        *ret = eval_variable(run, dot, n, p, out);
        return true;
    case NODE_IDENTIFIER:
        run->at = n;
        *ret = tpl_eval_call(
            run, dot,
            &(struct tpl_call){.function = n->function, .node = cmd, .args = p->args, .final = p->final},
            out);
        return true;
    case NODE_PIPE:
        *ret = not_a_function(run, n, p);
        if (*ret == ERR_OK)
            *ret = tpl_eval_pipeline(run, dot, n, out);
        return true;
    default:
        return false;
    }
}

static int eval_command(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *cmd,
                        const struct tpl_value *final, struct tpl_value *out)
{
    const struct tpl_node *n = cmd->first;
    struct place p = {.args = n->next, .final = final};
    int ret = tpl_step(run, 1);
    if (ret != ERR_OK || eval_reference(run, dot, n, cmd, &p, out, &ret))
        return ret;
    run->at = n;
    ret = not_a_function(run, n, &p);
    if (ret != ERR_OK)
        return ret;
    if (n->kind == NODE_DOT)
        *out = *dot;
    else if (n->kind == NODE_NUMBER)
        return eval_number(run, n, out);
    else if (n->kind == NODE_NIL)
        return tpl_exec_fail(run, "nil is not a command");
    else
        *out = n->constant;
    return ERR_OK;
}

static int keep(struct tpl_run *run, const struct tpl_node *pipe, const struct tpl_value *value)
{
    for (const struct tpl_node *v = pipe->pipe.variables; v != NULL; v = v->next) {
        unsigned i = run->nvars;
        run->assigned++;
        if (!pipe->pipe.assigns) {
            if (run->nvars == TPL_VARS_MAX)
                return tpl_exec_limit(run, ERR_LIMIT, "variables");
            run->vars[run->nvars++] = (struct tpl_var){.name = v->text, .value = *value};
            continue;
        }
        while (i > run->frame && !tpl_slice_equal(run->vars[i - 1].name, v->text))
            i--;
        if (i == run->frame)
            return tpl_exec_fail(run, "undefined variable: %.*s", (int)v->text.len, v->text.at);
        run->vars[i - 1].value = *value;
    }
    return ERR_OK;
}

int tpl_eval_pipeline(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *pipe,
                      struct tpl_value *out)
{
    struct tpl_value value = tpl_none;
    int ret = ERR_OK;
    if (run->depth == TPL_DEPTH_MAX)
        return tpl_exec_fail(run, "exceeded maximum template depth (%d)", TPL_DEPTH_MAX);
    run->depth++;
    run->at = pipe;
    for (const struct tpl_node *cmd = pipe->pipe.first; ret == ERR_OK && cmd != NULL; cmd = cmd->next) {
        struct tpl_value final = value; /* the value of the command before is the last argument */
        ret = eval_command(run, dot, cmd, cmd == pipe->pipe.first ? NULL : &final, &value);
    }
    run->depth--;
    *out = value;
    return ret == ERR_OK ? keep(run, pipe, &value) : ret;
}

/* ---- arguments ---- */

static const char *param_type(char param)
{
    return param == 's' ? "string" : param == 'i' ? "int" : "interface {}";
}

int tpl_check_type(struct tpl_run *run, char param, const struct tpl_value *value)
{
    if (param != 's' && param != 'i')
        return ERR_OK;
    if (value->type == NULL)
        return tpl_exec_fail(run, "invalid value; expected %s", param_type(param));
    if (param == 's' ? value->type->kind != TPL_STRING : value->type != &tpl_type_int)
        return tpl_exec_fail(run, "wrong type for value; expected %s; got %s", param_type(param),
                             value->type->name);
    return ERR_OK;
}

static int eval_constant(struct tpl_run *run, const struct tpl_value *dot, char param,
                         const struct tpl_node *n, struct tpl_value *out)
{
    if (n->kind == NODE_DOT) {
        *out = *dot;
        return tpl_check_type(run, param, out);
    }
    if (n->kind == NODE_NIL) {
        *out = tpl_none;
        return param == 's' || param == 'i' ? tpl_exec_fail(run, "cannot assign nil to %s", param_type(param))
                                            : ERR_OK;
    }
    if (param == 's' && n->kind != NODE_STRING)
        return tpl_exec_fail_node(run, "expected string; found ", n, "");
    if (param == 'i') {
        if (n->kind != NODE_NUMBER || !n->number.is_int)
            return tpl_exec_fail_node(run, "expected integer; found ", n, "");
        *out = tpl_int(n->number.integer);
        return ERR_OK;
    }
    if (n->kind == NODE_NUMBER)
        return eval_number(run, n, out);
    *out = n->constant;
    return ERR_OK;
}

int tpl_eval_arg(struct tpl_run *run, const struct tpl_value *dot, char param, const struct tpl_node *n,
                 struct tpl_value *out)
{
    int ret = tpl_step(run, 1);
    run->at = n;
    if (ret != ERR_OK)
        return ret;
    if (!eval_reference(run, dot, n, n, &alone, out, &ret))
        return eval_constant(run, dot, param, n, out);
    return ret == ERR_OK ? tpl_check_type(run, param, out) : ret;
}
