/* Walking the tree. */
#include <stdlib.h>
#include <string.h>

#include "exprlang/expr_p.h"

/* ---- values ---- */

bool expr_value_is(const struct tpl_value *v, enum tpl_kind kind)
{
    return expr_is(v->type, kind);
}

bool expr_value_is_number(const struct tpl_value *v)
{
    return expr_is_number(v->type);
}

double expr_to_float(const struct tpl_value *v)
{
    return expr_value_is(v, TPL_FLOAT)  ? v->real
           : expr_value_is(v, TPL_UINT) ? (double)v->natural
                                        : (double)v->integer;
}

const char *expr_value_type(const struct tpl_value *v)
{
    return v->type == NULL ? "<nil>" : v->type->name;
}

struct tpl_value expr_float(double x)
{
    return (struct tpl_value){.type = &tpl_type_float64, .real = x};
}

struct tpl_value *expr_items(struct expr_run *run, size_t n)
{
    return expr_alloc(run, (n > 0 ? n : 1) * sizeof(struct tpl_value));
}

struct tpl_value expr_list(const struct tpl_type *type, const struct tpl_value *items, size_t n)
{
    return (struct tpl_value){.type = type, .list = {.items = items, .len = (uint32_t)n, .cap = (uint32_t)n}};
}

/* ---- nodes ---- */

static size_t count(const struct expr_node *n)
{
    size_t k = 0;
    for (; n != NULL; n = n->next)
        k++;
    return k;
}

static int eval_array(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    size_t len = count(n->a), i = 0;
    struct tpl_value *items = expr_items(run, len);
    int ret = items == NULL ? expr_limit(run) : ERR_OK;
    for (const struct expr_node *item = n->a; ret == ERR_OK && item != NULL; item = item->next)
        ret = expr_eval(run, item, &items[i++]);
    *out = expr_list(expr_list_of(NULL), items, len);
    return ret;
}

static int compare_entries(const void *a, const void *b)
{
    const struct tpl_entry *x = a, *y = b;
    size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
    int order = memcmp(x->key, y->key, len);
    return order != 0 ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static int eval_map(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    size_t len = 0;
    struct tpl_entry *entries = expr_alloc(run, (count(n->a) + 1) * sizeof *entries);
    int ret = entries == NULL ? expr_limit(run) : ERR_OK;
    for (const struct expr_node *pair = n->a; ret == ERR_OK && pair != NULL; pair = pair->next) {
        struct tpl_value key, value;
        size_t i = 0;
        ret = expr_eval(run, pair->a, &key);
        if (ret == ERR_OK && !expr_value_is(&key, TPL_STRING))
            ret = expr_fail(run, "a map key is %s and no string", expr_value_type(&key));
        if (ret == ERR_OK)
            ret = expr_eval(run, pair->b, &value);
        if (ret != ERR_OK)
            break;
        struct tpl_entry e = {.key = key.text.at, .key_len = key.text.len, .value = value};
        while (i < len && compare_entries(&entries[i], &e) != 0)
            i++;
        entries[i] = e; /* of two with the same key the last one counts */
        len += i == len;
    }
    if (ret == ERR_OK)
        qsort(entries, len, sizeof *entries, compare_entries);
    *out = (struct tpl_value){.type = &tpl_type_any_map, .map = {.entries = entries, .len = len}};
    return ret;
}

static int eval_args(struct expr_run *run, const struct expr_node *n, struct tpl_value *argv, size_t *argc)
{
    int ret = ERR_OK;
    *argc = 0;
    for (const struct expr_node *arg = n->a; ret == ERR_OK && arg != NULL; arg = arg->next)
        ret = expr_eval(run, arg, &argv[(*argc)++]);
    return ret;
}

static int eval_call(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    struct tpl_value argv[EXPR_ARGS_MAX];
    size_t argc;
    int ret = eval_args(run, n, argv, &argc);
    for (size_t i = 0; ret == ERR_OK && i < argc; i++) { /* what was not known beforehand */
        char in = n->function->in[i];
        if ((in == 's' && !expr_value_is(&argv[i], TPL_STRING)) ||
            (in == 'i' && !expr_value_is(&argv[i], TPL_INT)))
            ret = expr_fail(run, "cannot use %s as argument to call %s", expr_value_type(&argv[i]),
                            n->function->name);
    }
    if (ret == ERR_OK)
        ret = n->function->call(run, run->ctx, argv, argc, out);
    return ret == ERR_LIMIT && run->why[0] == '\0' ? expr_limit(run) : ret;
}

static int eval_builtin(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    struct tpl_value argv[EXPR_ARGS_MAX];
    size_t argc;
    if (n->builtin->each == NULL || n->a->next == NULL) {
        int ret = eval_args(run, n, argv, &argc);
        if (ret == ERR_OK)
            ret = expr_check_values(run, n->builtin, argv, argc);
        return ret == ERR_OK ? n->builtin->call(run, argv, argc, out) : ret;
    }
    int ret = expr_eval(run, n->a, &argv[0]);
    if (ret == ERR_OK && !expr_value_is(&argv[0], TPL_LIST))
        ret = expr_fail(run, "builtin %s takes only array (got %s)", n->builtin->name,
                        expr_value_type(&argv[0]));
    return ret == ERR_OK ? n->builtin->each(run, n, &argv[0], out) : ret;
}

static int eval_bool(struct expr_run *run, const struct expr_node *n, bool *out)
{
    struct tpl_value v;
    int ret = expr_eval(run, n, &v);
    if (ret == ERR_OK && v.type != NULL && !expr_value_is(&v, TPL_BOOL))
        return expr_fail(run, "%s used as a truth value", expr_value_type(&v));
    *out = ret == ERR_OK && v.type != NULL && v.truth;
    return ret;
}

static int eval_binary(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    struct tpl_value a, b;
    bool truth = false;
    int ret;
    if (n->op == OP_AND || n->op == OP_OR) {
        ret = eval_bool(run, n->a, &truth);
        if (ret == ERR_OK && truth == (n->op == OP_AND))
            ret = eval_bool(run, n->b, &truth);
        *out = tpl_bool(truth);
        return ret;
    }
    ret = expr_eval(run, n->a, &a);
    if (n->op == OP_COALESCE && (ret != ERR_OK || a.type != NULL)) {
        *out = a;
        return ret;
    }
    if (ret == ERR_OK)
        ret = expr_eval(run, n->b, &b);
    if (n->op == OP_COALESCE) {
        *out = b;
        return ret;
    }
    return ret == ERR_OK ? expr_binary(run, n, &a, &b, out) : ret;
}

static int eval_member(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    struct tpl_value from, key;
    int ret = expr_eval(run, n->a, &from);
    if (ret == ERR_OK && n->optional && from.type == NULL)
        return EXPR_CUT;
    if (ret == ERR_OK)
        ret = expr_eval(run, n->b, &key);
    return ret == ERR_OK ? expr_fetch(run, &from, &key, out) : ret;
}

static int eval_chain(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    int ret = expr_eval(run, n->a, out);
    if (ret != EXPR_CUT)
        return ret;
    *out = tpl_none;
    return ERR_OK;
}

static int eval_slice(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    struct tpl_value from, low = tpl_int(0), high = tpl_int(INT64_MAX);
    int ret = expr_eval(run, n->a, &from);
    if (ret == ERR_OK && n->b != NULL)
        ret = expr_eval(run, n->b, &low);
    if (ret == ERR_OK && n->c != NULL)
        ret = expr_eval(run, n->c, &high);
    return ret == ERR_OK ? expr_slice(run, &from, &low, &high, out) : ret;
}

static int eval_condition(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    bool truth = false;
    int ret = eval_bool(run, n->a, &truth);
    return ret == ERR_OK ? expr_eval(run, truth ? n->b : n->c, out) : ret;
}

static int eval_unary(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    int ret = expr_eval(run, n->a, out);
    return ret == ERR_OK ? expr_unary(run, n->op, out) : ret;
}

static int eval_let(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    int ret = expr_eval(run, n->a, &run->locals[n->slot]);
    return ret == ERR_OK ? expr_eval(run, n->b, out) : ret;
}

static int eval_sequence(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    int ret = ERR_OK;
    for (const struct expr_node *part = n->a; ret == ERR_OK && part != NULL; part = part->next)
        ret = expr_eval(run, part, out);
    return ret;
}

int expr_eval(struct expr_run *run, const struct expr_node *n, struct tpl_value *out)
{
    int ret = expr_step(run, 1);
    *out = tpl_none;
    if (ret != ERR_OK)
        return ret;
    switch (n->kind) {
    case EXPR_CONSTANT:
        *out = n->constant;
        return ERR_OK;
    case EXPR_VARIABLE:
        *out = run->variables[n->slot];
        return ERR_OK;
    case EXPR_LOCAL:
        *out = run->locals[n->slot];
        return ERR_OK;
    case EXPR_ITEM:
        *out = run->frame->item;
        return ERR_OK;
    case EXPR_INDEX:
        *out = tpl_int(run->frame->index);
        return ERR_OK;
    case EXPR_TOTAL:
        *out = run->frame->total;
        return ERR_OK;
    case EXPR_UNARY:
        return eval_unary(run, n, out);
    case EXPR_BINARY:
        return eval_binary(run, n, out);
    case EXPR_CONDITION:
        return eval_condition(run, n, out);
    case EXPR_MEMBER:
        return eval_member(run, n, out);
    case EXPR_CHAIN:
        return eval_chain(run, n, out);
    case EXPR_SLICE:
        return eval_slice(run, n, out);
    case EXPR_CALL:
        return eval_call(run, n, out);
    case EXPR_BUILTIN:
        return eval_builtin(run, n, out);
    case EXPR_ARRAY:
        return eval_array(run, n, out);
    case EXPR_MAP:
        return eval_map(run, n, out);
    case EXPR_LET:
        return eval_let(run, n, out);
    default:
        return eval_sequence(run, n, out);
    }
}
