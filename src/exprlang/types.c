/* Types as far as they are known beforehand, and which of them an operator takes. */
#include <stdlib.h>
#include <string.h>

#include "exprlang/expr_p.h"

const struct tpl_type expr_type_nil = {.name = "nil", .kind = TPL_STRUCT};

/* Arrays are []interface {} to Go; what is known of their items beyond that is these types' own. */
#define ARRAY "[]interface {}"
static const struct tpl_type any_list = {.name = ARRAY, .kind = TPL_LIST};
static const struct tpl_type lists[] = {
    {.name = ARRAY, .kind = TPL_LIST, .elem = &tpl_type_bool},
    {.name = ARRAY, .kind = TPL_LIST, .elem = &tpl_type_int},
    {.name = ARRAY, .kind = TPL_LIST, .elem = &tpl_type_float64},
    {.name = ARRAY, .kind = TPL_LIST, .elem = &tpl_type_string},
    {.name = ARRAY, .kind = TPL_LIST, .elem = &tpl_type_any_map},
    {.name = ARRAY, .kind = TPL_LIST, .elem = &any_list},
};

const struct tpl_type *expr_list_of(const struct tpl_type *item)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i].elem == item)
            return &lists[i];
    return &any_list;
}

const char *expr_type_name(const struct tpl_type *type)
{
    return type == NULL || type == &expr_type_nil ? "unknown" : type->name;
}

bool expr_is(const struct tpl_type *type, enum tpl_kind kind)
{
    return type != NULL && type->kind == kind;
}

bool expr_is_number(const struct tpl_type *type)
{
    return expr_is(type, TPL_INT) || expr_is(type, TPL_UINT) || expr_is(type, TPL_FLOAT);
}

static bool is_integer(const struct tpl_type *type)
{
    return expr_is(type, TPL_INT) || expr_is(type, TPL_UINT);
}

static bool is_string(const struct tpl_type *type)
{
    return expr_is(type, TPL_STRING);
}

static bool is_bool(const struct tpl_type *type)
{
    return expr_is(type, TPL_BOOL);
}

const struct tpl_type *expr_common(const struct tpl_type *a, const struct tpl_type *b)
{
    if (a == &expr_type_nil)
        return b;
    if (b == &expr_type_nil || a == b)
        return a;
    return expr_is(a, TPL_LIST) && expr_is(b, TPL_LIST) ? &any_list : NULL;
}

/* ---- operators ---- */

typedef bool is_of_kind(const struct tpl_type *type);

/* Both are of the kind, or may turn out to be. */
static bool both(const struct expr_node *n, is_of_kind *is)
{
    const struct tpl_type *a = n->a->type, *b = n->b->type;
    return (a == NULL || is(a)) && (b == NULL || is(b));
}

static bool comparable(const struct tpl_type *a, const struct tpl_type *b)
{
    return a == NULL || b == NULL || a == &expr_type_nil || b == &expr_type_nil || a == b ||
           (expr_is_number(a) && expr_is_number(b)) || (expr_is(a, TPL_LIST) && expr_is(b, TPL_LIST));
}

static struct expr_node *mismatch(struct expr_parser *p, const struct expr_node *n, const char *op)
{
    return expr_refuse(p, n->pos, "invalid operation: %s (mismatched types %s and %s)", op,
                       expr_type_name(n->a->type), expr_type_name(n->b->type));
}

static struct expr_node *check_in(struct expr_parser *p, struct expr_node *n)
{
    const struct tpl_type *a = n->a->type, *b = n->b->type;
    n->type = &tpl_type_bool;
    if (expr_is(b, TPL_MAP))
        return a == NULL || is_string(a)
                   ? n
                   : expr_refuse(p, n->pos, "cannot use %s as type string in map key", expr_type_name(a));
    if (expr_is(b, TPL_LIST))
        return comparable(a, b->elem) ? n
                                      : expr_refuse(p, n->pos, "cannot use %s as type %s in array",
                                                    expr_type_name(a), expr_type_name(b->elem));
    return b == NULL || (a == NULL && is_string(b)) ? n : mismatch(p, n, "in");
}

/* The expression behind `matches` is compiled once; so it has to be known now. */
static struct expr_node *check_matches(struct expr_parser *p, struct expr_node *n)
{
    struct errtext why = {0};
    n->type = &tpl_type_bool;
    if (!both(n, is_string))
        return mismatch(p, n, "matches");
    if (n->b->kind != EXPR_CONSTANT)
        return expr_refuse(
            p, n->b->pos,
            "an expression behind matches that is no constant is not supported by this version of "
            "Seamark yet");
    char *pattern = arena_alloc(&p->x->arena, n->b->constant.text.len + 1);
    struct expr_regex *kept = arena_alloc(&p->x->arena, sizeof *kept);
    if (pattern == NULL || kept == NULL)
        return expr_refuse(p, n->pos, "the expression takes too much memory");
    memcpy(pattern, n->b->constant.text.at, n->b->constant.text.len);
    pattern[n->b->constant.text.len] = '\0';
    *kept = (struct expr_regex){.next = p->x->regexes};
    if (regex_new(pattern, &kept->regex, &why) != ERR_OK)
        return expr_refuse(p, n->pos, "%s", why.text);
    p->x->regexes = kept;
    n->regex = kept->regex;
    return n;
}

static const struct tpl_type *promoted(const struct expr_node *n)
{
    const struct tpl_type *a = n->a->type, *b = n->b->type;
    if (a == NULL || b == NULL)
        return NULL;
    return expr_is(a, TPL_FLOAT) || expr_is(b, TPL_FLOAT) ? &tpl_type_float64 : &tpl_type_int;
}

static struct expr_node *check_arithmetic(struct expr_parser *p, struct expr_node *n)
{
    static const char *const names[] = {
        [OP_RANGE] = "..", [OP_ADD] = "+",    [OP_SUBTRACT] = "-", [OP_MULTIPLY] = "*",
        [OP_DIVIDE] = "/", [OP_MODULO] = "%", [OP_POWER] = "**"};
    bool whole = n->op == OP_RANGE || n->op == OP_MODULO;
    if (n->op == OP_ADD && both(n, is_string) && (n->a->type != NULL || n->b->type != NULL)) {
        n->type = n->a->type != NULL && n->b->type != NULL ? &tpl_type_string : NULL;
        return n;
    }
    if (!both(n, whole ? is_integer : expr_is_number))
        return mismatch(p, n, names[n->op]);
    if (n->op == OP_RANGE)
        n->type = expr_list_of(&tpl_type_int);
    else if (n->op == OP_MODULO)
        n->type = &tpl_type_int;
    else if (n->op == OP_DIVIDE || n->op == OP_POWER)
        n->type = &tpl_type_float64;
    else
        n->type = promoted(n);
    return n;
}

static const char *name_of(enum expr_op op)
{
    static const char *const names[] = {
        [OP_OR] = "or",
        [OP_AND] = "and",
        [OP_EQUAL] = "==",
        [OP_UNEQUAL] = "!=",
        [OP_LESS] = "<",
        [OP_MORE] = ">",
        [OP_MORE_OR_EQUAL] = ">=",
        [OP_LESS_OR_EQUAL] = "<=",
        [OP_CONTAINS] = "contains",
        [OP_STARTS_WITH] = "startsWith",
        [OP_ENDS_WITH] = "endsWith",
    };
    return names[op];
}

struct expr_node *expr_check_binary(struct expr_parser *p, struct expr_node *n)
{
    if (n == NULL)
        return NULL;
    switch (n->op) {
    case OP_IN:
        return check_in(p, n);
    case OP_MATCHES:
        return check_matches(p, n);
    case OP_COALESCE:
        n->type = expr_common(n->a->type, n->b->type);
        return n;
    case OP_EQUAL:
    case OP_UNEQUAL:
        n->type = &tpl_type_bool;
        return comparable(n->a->type, n->b->type) ? n : mismatch(p, n, name_of(n->op));
    case OP_OR:
    case OP_AND:
        n->type = &tpl_type_bool;
        return both(n, is_bool) ? n : mismatch(p, n, name_of(n->op));
    case OP_CONTAINS:
    case OP_STARTS_WITH:
    case OP_ENDS_WITH:
        n->type = &tpl_type_bool;
        return both(n, is_string) ? n : mismatch(p, n, name_of(n->op));
    case OP_LESS:
    case OP_MORE:
    case OP_MORE_OR_EQUAL:
    case OP_LESS_OR_EQUAL:
        n->type = &tpl_type_bool;
        return both(n, is_string) || both(n, expr_is_number) ? n : mismatch(p, n, name_of(n->op));
    default:
        return check_arithmetic(p, n);
    }
}

struct expr_node *expr_check_unary(struct expr_parser *p, struct expr_node *n)
{
    if (n == NULL)
        return NULL;
    const struct tpl_type *type = n->a->type;
    if (n->op == OP_NOT) {
        n->type = &tpl_type_bool;
        if (type == NULL || is_bool(type))
            return n;
        return expr_refuse(p, n->pos, "invalid operation: %s (mismatched type %s)",
                           p->text[n->pos] == 'n' ? "not" : "!", expr_type_name(type));
    }
    n->type = type;
    if (type == NULL || expr_is_number(type))
        return n;
    return expr_refuse(p, n->pos, "invalid operation: %s (mismatched type %s)", n->op == OP_PLUS ? "+" : "-",
                       expr_type_name(type));
}

struct expr_node *expr_check_member(struct expr_parser *p, struct expr_node *n)
{
    if (n == NULL || n->a->type == NULL)
        return n;
    const struct tpl_type *of = n->a->type, *key = n->b->type;
    bool named = n->b->kind == EXPR_CONSTANT && is_string(key);
    int shown = named ? (int)n->b->constant.text.len : 0;
    if (of == &expr_type_nil && named)
        return expr_refuse(p, n->pos, "type nil has no field %.*s", shown, n->b->constant.text.at);
    if (expr_is(of, TPL_MAP)) {
        if (key != NULL && !is_string(key))
            return expr_refuse(p, n->b->pos, "cannot use %s to get an element from %s", expr_type_name(key),
                               of->name);
        n->type = of->elem;
        return n;
    }
    if (expr_is(of, TPL_LIST)) {
        if (key != NULL && !is_integer(key))
            return expr_refuse(p, n->b->pos, "array elements can only be selected using an integer (got %s)",
                               expr_type_name(key));
        n->type = of->elem;
        return n;
    }
    if (named)
        return expr_refuse(p, n->pos, "type %s has no field %.*s", expr_type_name(of), shown,
                           n->b->constant.text.at);
    return expr_refuse(p, n->pos, "type %s[%s] is undefined", expr_type_name(of), expr_type_name(key));
}
