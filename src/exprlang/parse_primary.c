/* What operators work on: constants, names, arrays, maps. parse_call.c has calls and what stands behind
 * values. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exprlang/expr_p.h"

#define NUMBER_MAX 63 /* octets of a number */

struct expr_node *expr_constant(struct expr_parser *p, uint32_t pos, struct tpl_value value)
{
    struct expr_node *n = expr_new_node(p, EXPR_CONSTANT, pos);
    if (n == NULL)
        return NULL;
    n->constant = value;
    n->type = value.type == NULL ? &expr_type_nil : value.type;
    return expr_built(p, n);
}

/* ---- constants ---- */

static struct expr_node *number(struct expr_parser *p)
{
    struct expr_token t = p->now;
    char text[NUMBER_MAX + 1], *end = text;
    size_t len = 0;
    for (size_t i = 0; i < t.len && len < NUMBER_MAX; i++)
        if (t.text[i] != '_')
            text[len++] = t.text[i];
    text[len] = '\0';
    expr_next(p);
    bool based = len > 2 && text[0] == '0' && strchr("xXoObB", text[1]) != NULL;
    errno = 0;
    if (!based && strpbrk(text, ".eE") != NULL) {
        double value = strtod(text, &end);
        if (*end == '\0' && isfinite(value))
            return expr_constant(p, t.pos, expr_float(value));
        return expr_refuse(p, t.pos, "invalid float literal: \"%s\"", text);
    }
    int base = !based ? 10 : (text[1] | 0x20) == 'x' ? 16 : (text[1] | 0x20) == 'o' ? 8 : 2;
    long long value = strtoll(text + (based ? 2 : 0), &end, base);
    if (errno != 0 || *end != '\0' || len == NUMBER_MAX)
        return expr_refuse(p, t.pos, "invalid integer literal: \"%s\"", text);
    return expr_constant(p, t.pos, tpl_int(value));
}

static struct expr_node *array(struct expr_parser *p)
{
    struct expr_node *n = expr_new_node(p, EXPR_ARRAY, p->now.pos), **last = n == NULL ? NULL : &n->a;
    const struct tpl_type *type = NULL;
    bool same = true;
    expr_next(p);
    while (n != NULL && p->error == ERR_OK && !expr_now_is(p, TOKEN_BRACKET, "]")) {
        if (n->a != NULL)
            expr_expect(p, TOKEN_OPERATOR, ",");
        if (expr_now_is(p, TOKEN_BRACKET, "]"))
            break;
        struct expr_node *item = expr_parse(p, 0);
        if (item == NULL)
            return NULL;
        same = same && (n->a == NULL || item->type == type);
        type = item->type;
        *last = item;
        last = &item->next;
    }
    expr_expect(p, TOKEN_BRACKET, "]");
    if (n != NULL)
        n->type = expr_list_of(same ? type : NULL);
    return expr_built(p, n);
}

static struct expr_node *map_key(struct expr_parser *p)
{
    struct expr_token t = p->now;
    if (t.kind == TOKEN_NUMBER || t.kind == TOKEN_STRING || t.kind == TOKEN_NAME) {
        expr_next(p);
        return expr_constant(p, t.pos, tpl_text(t.text, t.len));
    }
    if (expr_now_is(p, TOKEN_BRACKET, "("))
        return expr_parse(p, 0);
    return expr_refuse(
        p, t.pos,
        "a map key must be a quoted string, a number, a identifier, or an expression enclosed in "
        "parentheses");
}

static struct expr_node *map(struct expr_parser *p)
{
    struct expr_node *n = expr_new_node(p, EXPR_MAP, p->now.pos), **last = n == NULL ? NULL : &n->a;
    expr_next(p);
    while (n != NULL && p->error == ERR_OK && !expr_now_is(p, TOKEN_BRACKET, "}")) {
        if (n->a != NULL)
            expr_expect(p, TOKEN_OPERATOR, ",");
        if (expr_now_is(p, TOKEN_BRACKET, "}"))
            break;
        struct expr_node *key = map_key(p),
                         *pair = key == NULL ? NULL : expr_new_node(p, EXPR_PAIR, key->pos);
        expr_expect(p, TOKEN_OPERATOR, ":");
        struct expr_node *value = expr_parse(p, 0);
        if (pair == NULL || value == NULL)
            return NULL;
        pair->a = key;
        pair->b = value;
        *last = expr_built(p, pair);
        last = &pair->next;
    }
    expr_expect(p, TOKEN_BRACKET, "}");
    if (n != NULL)
        n->type = &tpl_type_any_map;
    return expr_built(p, n);
}

/* ---- names ---- */

struct expr_node *expr_parse_name(struct expr_parser *p, const struct expr_token *t)
{
    struct expr_node *n = expr_new_node(p, EXPR_LOCAL, t->pos);
    if (n == NULL)
        return NULL;
    for (unsigned i = p->nscopes; i-- > 0;) {
        const struct expr_scope *s = &p->scopes[i];
        if (s->name == NULL || s->len != t->len || memcmp(s->name, t->text, t->len) != 0)
            continue;
        n->slot = (uint16_t)i;
        n->type = s->type;
        return expr_built(p, n);
    }
    n->kind = EXPR_VARIABLE;
    for (size_t i = 0; i < p->env->nvariables; i++)
        if (expr_same(t, p->env->variables[i])) {
            n->slot = (uint16_t)i;
            n->type = p->env->types[i];
            return expr_built(p, n);
        }
    for (size_t i = 0; i < p->env->nfunctions; i++)
        if (expr_same(t, p->env->functions[i].name))
            return expr_refuse(p, t->pos, "function %.*s is not called", (int)t->len, t->text);
    return expr_refuse(p, t->pos, "unknown name %.*s", (int)t->len, t->text);
}

static struct expr_node *word(struct expr_parser *p)
{
    struct expr_token t = p->now;
    expr_next(p);
    if (expr_same(&t, "true") || expr_same(&t, "false"))
        return expr_constant(p, t.pos, tpl_bool(t.len == 4));
    if (expr_same(&t, "nil"))
        return expr_constant(p, t.pos, tpl_none);
    if (expr_now_is(p, TOKEN_BRACKET, "("))
        return expr_parse_postfix(p, expr_parse_call(p, &t, NULL));
    return expr_parse_postfix(p, expr_parse_name(p, &t));
}

/* ---- all of them ---- */

static struct expr_node *unary(struct expr_parser *p, enum expr_op op, unsigned precedence)
{
    struct expr_node *n = expr_new_node(p, EXPR_UNARY, p->now.pos);
    expr_next(p);
    struct expr_node *of = expr_parse(p, precedence);
    if (n == NULL || of == NULL)
        return NULL;
    n->op = op;
    n->a = of;
    return expr_parse_postfix(p, expr_check_unary(p, expr_built(p, n)));
}

struct expr_node *expr_parse_primary(struct expr_parser *p)
{
    struct expr_token t = p->now;
    const struct expr_scope *around = expr_predicate_around(p);
    if (expr_now_is(p, TOKEN_OPERATOR, "not") || expr_now_is(p, TOKEN_OPERATOR, "!"))
        return unary(p, OP_NOT, 50);
    if (expr_now_is(p, TOKEN_OPERATOR, "-") || expr_now_is(p, TOKEN_OPERATOR, "+"))
        return unary(p, t.text[0] == '-' ? OP_NEGATE : OP_PLUS, 90);
    if (expr_now_is(p, TOKEN_BRACKET, "(")) {
        expr_next(p);
        struct expr_node *n = expr_parse_sequence(p);
        expr_expect(p, TOKEN_BRACKET, ")");
        return expr_parse_postfix(p, n);
    }
    if (around != NULL && (expr_now_is(p, TOKEN_OPERATOR, "#") || expr_now_is(p, TOKEN_OPERATOR, ".")))
        return expr_parse_item(p, around);
    if (expr_now_is(p, TOKEN_NAME, NULL))
        return word(p);
    if (expr_now_is(p, TOKEN_NUMBER, NULL))
        return number(p);
    if (expr_now_is(p, TOKEN_STRING, NULL)) {
        expr_next(p);
        return expr_parse_postfix(p, expr_constant(p, t.pos, tpl_text(t.text, t.len)));
    }
    if (expr_now_is(p, TOKEN_BRACKET, "["))
        return expr_parse_postfix(p, array(p));
    if (expr_now_is(p, TOKEN_BRACKET, "{"))
        return expr_parse_postfix(p, map(p));
    return expr_refuse_word(p);
}
