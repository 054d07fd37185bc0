/* Calls, predicates, and what stands behind values. */
#include <stdlib.h>
#include <string.h>

#include "exprlang/expr_p.h"

/* ---- calls ---- */

static struct expr_node *arguments(struct expr_parser *p, struct expr_node *first, size_t *count)
{
    struct expr_node *all = first, **last = first == NULL ? &all : &first->next;
    *count = first != NULL;
    expr_expect(p, TOKEN_BRACKET, "(");
    bool any = false;
    while (p->error == ERR_OK && !expr_now_is(p, TOKEN_BRACKET, ")")) {
        if (any)
            expr_expect(p, TOKEN_OPERATOR, ",");
        if (expr_now_is(p, TOKEN_BRACKET, ")"))
            break;
        struct expr_node *arg = expr_parse(p, 0);
        if (arg == NULL)
            return NULL;
        if (++*count > EXPR_ARGS_MAX)
            return expr_refuse(p, arg->pos, "more than %d arguments", EXPR_ARGS_MAX);
        *last = arg;
        last = &arg->next;
        any = true;
    }
    expr_expect(p, TOKEN_BRACKET, ")");
    return all;
}

static struct expr_node *check_call(struct expr_parser *p, struct expr_node *n, size_t count)
{
    const struct expr_func *f = n->function;
    size_t want = strlen(f->in);
    if (count != want)
        return expr_refuse(p, n->pos, "%s arguments to call %s", count < want ? "not enough" : "too many",
                           f->name);
    const char *in = f->in;
    for (const struct expr_node *arg = n->a; arg != NULL; arg = arg->next, in++) {
        const struct tpl_type *wants = *in == 's' ? &tpl_type_string : *in == 'i' ? &tpl_type_int : NULL;
        if (wants != NULL && arg->type == &expr_type_nil)
            return expr_refuse(p, arg->pos, "cannot use nil as argument (type %s) to call %s", wants->name,
                               f->name);
        if (wants != NULL && arg->type != NULL && arg->type != wants)
            return expr_refuse(p, arg->pos, "cannot use %s as argument (type %s) to call %s ",
                               expr_type_name(arg->type), wants->name, f->name);
    }
    n->type = f->out;
    return expr_built(p, n);
}

/* What is called over items: the first argument, and a predicate. */
static struct expr_node *call_each(struct expr_parser *p, struct expr_node *n, struct expr_node *first)
{
    const struct expr_builtin *b = n->builtin;
    expr_expect(p, TOKEN_BRACKET, "(");
    if (first == NULL) {
        if (expr_now_is(p, TOKEN_BRACKET, ")"))
            return expr_refuse(p, p->now.pos, "expected at least 2 arguments");
        first = expr_parse(p, 0);
        if (first == NULL)
            return NULL;
        if (!expr_now_is(p, TOKEN_BRACKET, ")"))
            expr_expect(p, TOKEN_OPERATOR, ",");
    }
    if (first->type != NULL && !expr_is(first->type, TPL_LIST))
        return expr_refuse(p, first->pos, "builtin %s takes only array (got %s)", b->name,
                           expr_type_name(first->type));
    n->a = first;
    size_t count = 1;
    if (!expr_now_is(p, TOKEN_BRACKET, ")")) {
        first->next = expr_parse_predicate(p, first->type == NULL ? NULL : first->type->elem, b->extra);
        count = 2;
    } else if (b->call == NULL) {
        return expr_refuse(p, p->now.pos, "expected at least 2 arguments");
    }
    if (expr_now_is(p, TOKEN_OPERATOR, ",")) {
        expr_next(p);
        if (!expr_now_is(p, TOKEN_BRACKET, ")") && first->next != NULL && b->each == expr_each_reduce) {
            first->next->next = expr_parse(p, 0);
            count = 3;
        }
    }
    expr_expect(p, TOKEN_BRACKET, ")");
    return p->error == ERR_OK ? expr_check_builtin(p, n, count) : NULL;
}

struct expr_node *expr_parse_call(struct expr_parser *p, const struct expr_token *t, struct expr_node *first)
{
    struct expr_node *n = expr_new_node(p, EXPR_CALL, t->pos);
    size_t count;
    for (size_t i = 0; n != NULL && i < p->env->nfunctions; i++)
        if (expr_same(t, p->env->functions[i].name)) {
            n->function = &p->env->functions[i];
            n->a = arguments(p, first, &count);
            return p->error == ERR_OK ? check_call(p, n, count) : NULL;
        }
    if (n == NULL)
        return NULL;
    n->kind = EXPR_BUILTIN;
    n->builtin = expr_find_builtin(t->text, t->len);
    if (n->builtin != NULL && n->builtin->each != NULL)
        return call_each(p, n, first);
    if (n->builtin != NULL) {
        n->a = arguments(p, first, &count);
        return p->error == ERR_OK ? expr_check_builtin(p, n, count) : NULL;
    }
    if (expr_known_elsewhere(t->text, t->len))
        return expr_refuse(p, t->pos, "the function %.*s is not supported by this version of Seamark yet",
                           (int)t->len, t->text);
    n = expr_parse_name(p, t);
    return n == NULL ? NULL : expr_refuse(p, t->pos, "%s is not callable", expr_type_name(n->type));
}

struct expr_node *expr_parse_predicate(struct expr_parser *p, const struct tpl_type *items, const char *extra)
{
    bool braces = expr_now_is(p, TOKEN_BRACKET, "{");
    if (p->nscopes == EXPR_LOCALS_MAX)
        return expr_refuse(p, p->now.pos, "more than %d variables and predicates", EXPR_LOCALS_MAX);
    p->scopes[p->nscopes++] = (struct expr_scope){.type = items, .extra = extra};
    if (braces)
        expr_next(p);
    struct expr_node *n = braces ? expr_parse_sequence(p) : expr_parse(p, 0);
    if (!braces && expr_now_is(p, TOKEN_OPERATOR, ";"))
        expr_refuse(p, p->now.pos, "wrap predicate with brackets { and }");
    p->nscopes--;
    if (braces)
        expr_expect(p, TOKEN_BRACKET, "}");
    return p->error == ERR_OK ? n : NULL;
}

/* ---- # and what stands behind values ---- */

const struct expr_scope *expr_predicate_around(const struct expr_parser *p)
{
    unsigned i = p->nscopes;
    while (i > 0 && p->scopes[i - 1].name != NULL)
        i--;
    return i == 0 ? NULL : &p->scopes[i - 1];
}

/* #, #index, #acc; a dot alone stands for #. */
struct expr_node *expr_parse_item(struct expr_parser *p, const struct expr_scope *scope)
{
    struct expr_node *n = expr_new_node(p, EXPR_ITEM, p->now.pos);
    if (n == NULL)
        return NULL;
    n->type = scope->type;
    if (expr_now_is(p, TOKEN_OPERATOR, "#")) {
        bool touches = p->at < p->end && p->at == p->now.text + 1;
        const char *at = p->at;
        expr_next(p);
        if (touches && expr_now_is(p, TOKEN_NAME, NULL) && p->now.text == at) {
            bool index = expr_same(&p->now, "index"), total = expr_same(&p->now, "acc");
            if ((!index && !total) || strstr(scope->extra, index ? "index" : "acc") == NULL)
                return expr_refuse(p, n->pos, "unknown pointer #%.*s", (int)p->now.len, p->now.text);
            n->kind = index ? EXPR_INDEX : EXPR_TOTAL;
            n->type = index ? &tpl_type_int : NULL;
            expr_next(p);
        }
    }
    return expr_parse_postfix(p, expr_built(p, n));
}

static struct expr_node *member(struct expr_parser *p, struct expr_node *of, struct expr_node *key,
                                bool optional, uint32_t pos)
{
    bool chained = of->kind == EXPR_CHAIN;
    struct expr_node *n = key == NULL ? NULL : expr_new_node(p, EXPR_MEMBER, pos);
    if (n == NULL)
        return NULL;
    n->a = chained ? of->a : of;
    n->b = key;
    n->optional = optional;
    n = expr_check_member(p, expr_built(p, n));
    if (n == NULL || (!chained && !optional))
        return n;
    struct expr_node *chain = expr_new_node(p, EXPR_CHAIN, pos);
    if (chain == NULL)
        return NULL;
    chain->a = n;
    chain->type = n->type;
    return expr_built(p, chain);
}

static struct expr_node *slice(struct expr_parser *p, struct expr_node *of, struct expr_node *low,
                               uint32_t pos)
{
    struct expr_node *n = expr_new_node(p, EXPR_SLICE, pos);
    expr_next(p);
    if (n == NULL)
        return NULL;
    n->a = of;
    n->b = low;
    if (!expr_now_is(p, TOKEN_BRACKET, "]") && (n->c = expr_parse(p, 0)) == NULL)
        return NULL;
    expr_expect(p, TOKEN_BRACKET, "]");
    if (of->type != NULL && !expr_is(of->type, TPL_STRING) && !expr_is(of->type, TPL_LIST))
        return expr_refuse(p, pos, "cannot slice %s", expr_type_name(of->type));
    const struct expr_node *ends[] = {n->b, n->c};
    for (unsigned i = 0; i < 2; i++)
        if (ends[i] != NULL && ends[i]->type != NULL && !expr_is(ends[i]->type, TPL_INT))
            return expr_refuse(p, ends[i]->pos, "non-integer slice index %s", expr_type_name(ends[i]->type));
    n->type = of->type;
    return expr_built(p, n);
}

/* [1] or [1:2]; the bracket has been read. */
static struct expr_node *indexed(struct expr_parser *p, struct expr_node *of, bool optional, uint32_t pos)
{
    struct expr_node *low = NULL;
    if (!expr_now_is(p, TOKEN_OPERATOR, ":")) {
        low = expr_parse(p, 0);
        if (low == NULL)
            return NULL;
        if (!expr_now_is(p, TOKEN_OPERATOR, ":")) {
            expr_expect(p, TOKEN_BRACKET, "]");
            return member(p, of, low, optional, pos);
        }
    }
    return slice(p, of, low, pos);
}

struct expr_node *expr_parse_postfix(struct expr_parser *p, struct expr_node *n)
{
    while (n != NULL && p->error == ERR_OK) {
        bool optional = expr_now_is(p, TOKEN_OPERATOR, "?.");
        uint32_t pos = p->now.pos;
        if (optional || expr_now_is(p, TOKEN_OPERATOR, ".")) {
            expr_next(p);
            if (!optional || !expr_now_is(p, TOKEN_BRACKET, "[")) {
                struct expr_token t = p->now;
                if (t.kind != TOKEN_NAME && (t.kind != TOKEN_OPERATOR || t.len < 2 || t.text[0] < 'a'))
                    return expr_refuse(p, t.pos, "expected name");
                expr_next(p);
                n = member(p, n, expr_constant(p, t.pos, tpl_text(t.text, t.len)), optional, t.pos);
                continue;
            }
        } else if (!expr_now_is(p, TOKEN_BRACKET, "[")) {
            return n;
        }
        expr_next(p);
        n = indexed(p, n, optional, pos);
    }
    return p->error == ERR_OK ? n : NULL;
}
