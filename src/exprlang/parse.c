/* Operators, `let`, `if` and what is around them; parse_primary.c has what they work on. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rune.h"
#include "exprlang/expr_p.h"

#define ARENA_CHUNK 4096
#define ARENA_MAX   (4 << 20) /* more than an expression of EXPR_TEXT_MAX octets takes but for many strings */

static const struct {
    const char *text;
    enum expr_op op;
    unsigned precedence;
} operators[] = {
    {"|", OP_PIPE, 0},
    {"or", OP_OR, 10},
    {"||", OP_OR, 10},
    {"and", OP_AND, 15},
    {"&&", OP_AND, 15},
    {"==", OP_EQUAL, 20},
    {"!=", OP_UNEQUAL, 20},
    {"<", OP_LESS, 20},
    {">", OP_MORE, 20},
    {">=", OP_MORE_OR_EQUAL, 20},
    {"<=", OP_LESS_OR_EQUAL, 20},
    {"in", OP_IN, 20},
    {"matches", OP_MATCHES, 20},
    {"contains", OP_CONTAINS, 20},
    {"startsWith", OP_STARTS_WITH, 20},
    {"endsWith", OP_ENDS_WITH, 20},
    {"..", OP_RANGE, 25},
    {"+", OP_ADD, 30},
    {"-", OP_SUBTRACT, 30},
    {"*", OP_MULTIPLY, 60},
    {"/", OP_DIVIDE, 60},
    {"%", OP_MODULO, 60},
    {"**", OP_POWER, 100},
    {"^", OP_POWER, 100},
    {"??", OP_COALESCE, 500},
};

/* ---- failures and nodes ---- */

void *expr_refuse(struct expr_parser *p, uint32_t pos, const char *format, ...)
{
    if (p->error != ERR_OK)
        return NULL;
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    unsigned line = 1;
    const char *begin = p->text;
    for (const char *at = p->text; at < p->text + pos && at < p->end; at++)
        if (*at == '\n') {
            line++;
            begin = at + 1;
        }
    p->error = errtext_set(p->e, ERR_MALFORMED, "%s (%u:%zu)", text, line,
                           rune_count(begin, (size_t)(p->text + pos - begin)) + 1);
    return NULL;
}

void *expr_refuse_word(struct expr_parser *p)
{
    static const char *const kinds[] = {"EOF", "Number", "String", "Identifier", "Operator", "Bracket"};
    const struct expr_token *t = &p->now;
    if (t->kind == TOKEN_END) /* expr-lang says its place by the last character */
        return expr_refuse(p, t->pos > 0 ? t->pos - 1 : 0, "unexpected token EOF");
    return expr_refuse(p, t->pos, "unexpected token %s(\"%.*s\")", kinds[t->kind],
                       (int)(t->len > 80 ? 80 : t->len), t->text);
}

struct expr_node *expr_new_node(struct expr_parser *p, enum expr_kind kind, uint32_t pos)
{
    if (p->error != ERR_OK)
        return NULL;
    struct expr_node *n = arena_zalloc(&p->x->arena, sizeof *n);
    if (n == NULL) {
        p->error = errtext_set(p->e, p->x->arena.error, "the expression takes too much memory");
        return NULL;
    }
    n->kind = kind;
    n->pos = pos;
    return n;
}

static unsigned height_of(const struct expr_node *n)
{
    unsigned most = 0;
    for (; n != NULL; n = n->next)
        most = n->height > most ? n->height : most;
    return most;
}

struct expr_node *expr_built(struct expr_parser *p, struct expr_node *n)
{
    if (p->error != ERR_OK || n == NULL)
        return NULL;
    unsigned a = height_of(n->a), b = height_of(n->b), c = height_of(n->c);
    unsigned most = a > b ? a : b;
    n->height = (uint16_t)(1 + (most > c ? most : c));
    if (n->height > EXPR_HEIGHT_MAX)
        return expr_refuse(p, n->pos, "more than %d operations within one another", EXPR_HEIGHT_MAX);
    return n;
}

/* ---- operators ---- */

static bool find_operator(const struct expr_parser *p, enum expr_op *op, unsigned *precedence)
{
    if (!expr_now_is(p, TOKEN_OPERATOR, NULL))
        return false;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (expr_same(&p->now, operators[i].text)) {
            *op = operators[i].op;
            *precedence = operators[i].precedence;
            return true;
        }
    return false;
}

static bool is_comparison(enum expr_op op)
{
    return op >= OP_LESS && op <= OP_LESS_OR_EQUAL;
}

static struct expr_node *binary(struct expr_parser *p, enum expr_op op, uint32_t pos, struct expr_node *a,
                                struct expr_node *b)
{
    struct expr_node *n = a == NULL || b == NULL ? NULL : expr_new_node(p, EXPR_BINARY, pos);
    if (n == NULL)
        return NULL;
    n->op = op;
    n->a = a;
    n->b = b;
    return expr_check_binary(p, expr_built(p, n));
}

/* a < b < c is a < b && b < c. */
static struct expr_node *comparison(struct expr_parser *p, enum expr_op op, uint32_t pos,
                                    struct expr_node *left)
{
    struct expr_node *all = NULL;
    for (;;) {
        unsigned precedence;
        struct expr_node *right = expr_parse(p, 21), *one = binary(p, op, pos, left, right);
        all = all == NULL ? one : binary(p, OP_AND, pos, all, one);
        if (all == NULL || !find_operator(p, &op, &precedence) || !is_comparison(op))
            return all;
        pos = p->now.pos;
        left = right;
        expr_next(p);
    }
}

static struct expr_node *negated(struct expr_parser *p, struct expr_node *n)
{
    struct expr_node *negation = n == NULL ? NULL : expr_new_node(p, EXPR_UNARY, n->pos);
    if (negation == NULL)
        return NULL;
    negation->op = OP_NOT;
    negation->a = n;
    return expr_check_unary(p, expr_built(p, negation));
}

/* `not` between two values: x not in y. */
static bool may_be_negated(struct expr_parser *p)
{
    static const char *const words[] = {"contains", "matches", "startsWith", "endsWith", "in"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (expr_now_is(p, TOKEN_OPERATOR, words[i]))
            return true;
    return expr_refuse_word(p) != NULL;
}

static struct expr_node *operate(struct expr_parser *p, struct expr_node *left, enum expr_op op,
                                 unsigned precedence, uint32_t pos)
{
    if (op == OP_PIPE) {
        struct expr_token name = p->now;
        expr_expect(p, TOKEN_NAME, NULL);
        return expr_parse_call(p, &name, left);
    }
    if (is_comparison(op))
        return comparison(p, op, pos, left);
    return binary(p, op, pos, left, expr_parse(p, precedence + (op != OP_POWER)));
}

static struct expr_node *condition(struct expr_parser *p, struct expr_node *a, struct expr_node *b,
                                   struct expr_node *c)
{
    struct expr_node *n =
        a == NULL || b == NULL || c == NULL ? NULL : expr_new_node(p, EXPR_CONDITION, a->pos);
    if (n == NULL)
        return NULL;
    if (a->type != NULL && !expr_is(a->type, TPL_BOOL))
        return expr_refuse(p, a->pos, "non-bool expression (type %s) used as condition",
                           expr_type_name(a->type));
    n->a = a;
    n->b = b;
    n->c = c;
    n->type = expr_common(b->type, c->type);
    return expr_built(p, n);
}

static struct expr_node *ternary(struct expr_parser *p, struct expr_node *n)
{
    while (n != NULL && expr_now_is(p, TOKEN_OPERATOR, "?")) {
        struct expr_node *then = n;
        expr_next(p);
        if (!expr_now_is(p, TOKEN_OPERATOR, ":"))
            then = expr_parse(p, 0);
        expr_expect(p, TOKEN_OPERATOR, ":");
        n = condition(p, n, then, expr_parse(p, 0));
    }
    return n;
}

static struct expr_node *if_else(struct expr_parser *p)
{
    if (++p->nesting > EXPR_HEIGHT_MAX)
        return expr_refuse(p, p->now.pos, "more than %d operations within one another", EXPR_HEIGHT_MAX);
    expr_next(p);
    struct expr_node *test = expr_parse(p, 0), *then, *otherwise;
    expr_expect(p, TOKEN_BRACKET, "{");
    then = expr_parse_sequence(p);
    expr_expect(p, TOKEN_BRACKET, "}");
    expr_expect(p, TOKEN_OPERATOR, "else");
    if (expr_now_is(p, TOKEN_OPERATOR, "if")) {
        otherwise = if_else(p);
    } else {
        expr_expect(p, TOKEN_BRACKET, "{");
        otherwise = expr_parse_sequence(p);
        expr_expect(p, TOKEN_BRACKET, "}");
    }
    p->nesting--;
    return condition(p, test, then, otherwise);
}

/* What the name is already, as an error says it; NULL where it is free. */
static const char *taken_by(const struct expr_parser *p, const struct expr_token *name)
{
    if (expr_find_builtin(name->text, name->len) != NULL || expr_known_elsewhere(name->text, name->len))
        return "builtin ";
    for (unsigned i = 0; i < p->nscopes; i++)
        if (p->scopes[i].name != NULL && p->scopes[i].len == name->len &&
            memcmp(p->scopes[i].name, name->text, name->len) == 0)
            return "variable ";
    for (size_t i = 0; i < p->env->nvariables; i++)
        if (expr_same(name, p->env->variables[i]))
            return "";
    for (size_t i = 0; i < p->env->nfunctions; i++)
        if (expr_same(name, p->env->functions[i].name))
            return "";
    return NULL;
}

static struct expr_node *let(struct expr_parser *p)
{
    expr_next(p);
    struct expr_token name = p->now;
    expr_expect(p, TOKEN_NAME, NULL);
    expr_expect(p, TOKEN_OPERATOR, "=");
    struct expr_node *n = expr_new_node(p, EXPR_LET, name.pos), *value = expr_parse(p, 0);
    expr_expect(p, TOKEN_OPERATOR, ";");
    if (n == NULL || value == NULL || p->error != ERR_OK)
        return NULL;
    const char *taken = taken_by(p, &name);
    if (taken != NULL)
        return expr_refuse(p, name.pos, "cannot redeclare %s%.*s", taken, (int)name.len, name.text);
    if (p->nscopes == EXPR_LOCALS_MAX)
        return expr_refuse(p, name.pos, "more than %d variables and predicates", EXPR_LOCALS_MAX);
    n->slot = (uint16_t)p->nscopes;
    p->scopes[p->nscopes++] = (struct expr_scope){.name = name.text, .len = name.len, .type = value->type};
    n->a = value;
    n->b = expr_parse_sequence(p);
    p->nscopes--;
    n->type = n->b == NULL ? NULL : n->b->type;
    return expr_built(p, n);
}

static struct expr_node *operations(struct expr_parser *p, unsigned precedence)
{
    struct expr_node *left = expr_parse_primary(p);
    bool coalesced = false;
    while (left != NULL && expr_now_is(p, TOKEN_OPERATOR, NULL)) {
        struct expr_token now = p->now;
        const char *at = p->at;
        bool negates = expr_same(&now, "not");
        enum expr_op op;
        unsigned strength;
        if (negates) {
            expr_next(p);
            if (!may_be_negated(p))
                return NULL;
        }
        if (!find_operator(p, &op, &strength) || strength < precedence) {
            if (negates) { /* it belongs to somebody further out */
                p->now = now;
                p->at = at;
            }
            break;
        }
        uint32_t pos = p->now.pos;
        if (coalesced && op != OP_COALESCE && op != OP_PIPE)
            return expr_refuse(p, pos,
                               "Operator (%.*s) and coalesce expressions (?"
                               "?) cannot be mixed. Wrap either by "
                               "parentheses.",
                               (int)p->now.len, p->now.text);
        expr_next(p);
        left = operate(p, left, op, strength, pos);
        if (negates)
            left = negated(p, left);
        coalesced = op == OP_COALESCE;
    }
    return precedence == 0 ? ternary(p, left) : left;
}

struct expr_node *expr_parse(struct expr_parser *p, unsigned precedence)
{
    if (p->error != ERR_OK)
        return NULL;
    if (++p->nesting > 2 * EXPR_HEIGHT_MAX)
        return expr_refuse(p, p->now.pos, "more than %d operations within one another", EXPR_HEIGHT_MAX);
    struct expr_node *n;
    if (precedence == 0 && expr_now_is(p, TOKEN_OPERATOR, "let"))
        n = let(p);
    else if (precedence == 0 && expr_now_is(p, TOKEN_OPERATOR, "if"))
        n = if_else(p);
    else
        n = operations(p, precedence);
    p->nesting--;
    return p->error == ERR_OK ? n : NULL;
}

struct expr_node *expr_parse_sequence(struct expr_parser *p)
{
    struct expr_node *first = expr_parse(p, 0), *last = first;
    while (first != NULL && expr_now_is(p, TOKEN_OPERATOR, ";")) {
        expr_next(p);
        if (expr_now_is(p, TOKEN_END, NULL))
            break;
        last->next = expr_parse(p, 0);
        last = last->next;
        if (last == NULL)
            return NULL;
    }
    if (first == last)
        return first;
    struct expr_node *n = expr_new_node(p, EXPR_SEQUENCE, first->pos);
    if (n == NULL)
        return NULL;
    n->a = first;
    n->type = last->type;
    return expr_built(p, n);
}
