/* What computes: pipelines, commands and their words. */
#include <string.h>

#include "base/rune.h"
#include "gotemplate/literal_p.h"
#include "gotemplate/parse_p.h"

static const struct tpl_func *find_function(const struct tpl *t, struct tpl_slice name)
{
    for (size_t i = 0; i < t->nfunctions + tpl_npredefined; i++) {
        const struct tpl_func *f = i < t->nfunctions ? &t->functions[i] : &tpl_predefined[i - t->nfunctions];
        if (strlen(f->name) == name.len && memcmp(f->name, name.at, name.len) == 0)
            return f;
    }
    return NULL;
}

struct tpl_slice tpl_next_field(struct tpl_slice *fields)
{
    const char *at = fields->at + 1, *end = fields->at + fields->len;
    const char *dot = memchr(at, '.', (size_t)(end - at));
    const char *stop = dot == NULL ? end : dot;
    *fields = (struct tpl_slice){.at = stop, .len = (size_t)(end - stop)};
    return (struct tpl_slice){.at = at, .len = (size_t)(stop - at)};
}

/* ---- words of a command ---- */

static struct tpl_node *word_node(struct tpl_parser *p, enum tpl_node_kind kind, const struct tpl_token *t)
{
    struct tpl_node *n = tpl_new_node(p, kind, t->pos);
    if (n != NULL)
        n->text = t->text;
    return n;
}

static struct tpl_node *identifier(struct tpl_parser *p, const struct tpl_token *t)
{
    const struct tpl_func *f = find_function(p->tpl, t->text);
    if (f == NULL)
        return tpl_parse_fail(p, "function \"%.*s\" not defined", (int)t->text.len, t->text.at);
    struct tpl_node *n = word_node(p, NODE_IDENTIFIER, t);
    if (n != NULL)
        n->function = f;
    return n;
}

static struct tpl_node *variable(struct tpl_parser *p, const struct tpl_token *t)
{
    for (unsigned i = 0; i < p->nvars; i++)
        if (tpl_slice_equal(p->vars[i], t->text))
            return word_node(p, NODE_VARIABLE, t);
    return tpl_parse_fail(p, "undefined variable \"%.*s\"", (int)t->text.len, t->text.at);
}

static struct tpl_node *number(struct tpl_parser *p, const struct tpl_token *t)
{
    char why[128];
    struct tpl_node *n = word_node(p, NODE_NUMBER, t);
    if (n != NULL && !tpl_read_number(n, why))
        return tpl_parse_fail(p, "%s", why);
    return n;
}

static struct tpl_node *string(struct tpl_parser *p, const struct tpl_token *t)
{
    struct tpl_slice text;
    struct tpl_node *n = word_node(p, NODE_STRING, t);
    if (n == NULL)
        return NULL;
    if (!tpl_unquote(&p->tpl->arena, t->text, &text))
        return tpl_parse_fail(p, "invalid syntax");
    n->constant = tpl_text(text.at, text.len);
    return n;
}

static struct tpl_node *parenthesized(struct tpl_parser *p)
{
    if (p->nesting == TPL_NESTING_MAX)
        return tpl_parse_fail(p, "max expression depth exceeded");
    p->nesting++;
    struct tpl_node *n = tpl_parse_pipeline(p, "parenthesized pipeline", TOKEN_RIGHT_PAREN);
    p->nesting--;
    return n;
}

/* A word without the fields behind it; NULL, and no failure, where there is none. */
static struct tpl_node *term(struct tpl_parser *p)
{
    struct tpl_token t = tpl_next_word(p);
    struct tpl_node *n;
    switch (t.kind) {
    case TOKEN_IDENTIFIER:
        return identifier(p, &t);
    case TOKEN_DOT:
        return word_node(p, NODE_DOT, &t);
    case TOKEN_NIL:
        return word_node(p, NODE_NIL, &t);
    case TOKEN_VARIABLE:
        return variable(p, &t);
    case TOKEN_FIELD:
        return word_node(p, NODE_FIELD, &t);
    case TOKEN_BOOL:
        n = word_node(p, NODE_BOOL, &t);
        if (n != NULL)
            n->constant = tpl_bool(t.text.len == 4);
        return n;
    case TOKEN_CHAR_CONSTANT:
    case TOKEN_NUMBER:
        return number(p, &t);
    case TOKEN_LEFT_PAREN:
        return parenthesized(p);
    case TOKEN_STRING:
    case TOKEN_RAW_STRING:
        return string(p, &t);
    default:
        tpl_back(p);
        return NULL;
    }
}

static struct tpl_node *no_fields(struct tpl_parser *p, const struct tpl_node *n)
{
    struct bytes shown;
    bytes_init(&shown, TPL_TEXT_MAX);
    rune_quote_text(&shown, n->text.at, n->text.len, false);
    tpl_parse_fail(p, "unexpected . after term %s", shown.error == ERR_OK ? shown.data : "");
    bytes_free(&shown);
    return NULL;
}

/* A word with the fields behind it: (pipeline).a.b, $x.a.b, .a.b */
static struct tpl_node *operand(struct tpl_parser *p)
{
    struct tpl_node *n = term(p);
    struct tpl_token field = n == NULL ? (struct tpl_token){.kind = TOKEN_ERROR} : tpl_peek(p);
    if (field.kind != TOKEN_FIELD)
        return n;
    struct tpl_slice fields = {.at = field.text.at};
    while (tpl_peek(p).kind == TOKEN_FIELD) { /* they touch each other in the text */
        struct tpl_token t = tpl_next(p);
        fields.len = (size_t)(t.text.at + t.text.len - fields.at);
    }
    switch (n->kind) {
    case NODE_FIELD:
    case NODE_VARIABLE:
        n->pos = field.pos;
        n->text.len = (size_t)(fields.at + fields.len - n->text.at);
        return n;
    case NODE_BOOL:
    case NODE_STRING:
    case NODE_NUMBER:
    case NODE_NIL:
    case NODE_DOT:
        return no_fields(p, n);
    default:
        break;
    }
    struct tpl_node *chain = tpl_new_node(p, NODE_CHAIN, field.pos);
    if (chain != NULL) {
        chain->chain.operand = n;
        chain->chain.fields = fields;
    }
    return chain;
}

static struct tpl_node *command(struct tpl_parser *p)
{
    struct tpl_node *cmd = tpl_new_node(p, NODE_COMMAND, tpl_peek_word(p).pos);
    if (cmd == NULL)
        return NULL;
    struct tpl_node **last = &cmd->first;
    unsigned count = 0;
    for (;;) {
        tpl_peek_word(p); /* leaves spaces out */
        struct tpl_node *n = operand(p);
        if (n != NULL) {
            if (++count > TPL_ARGS_MAX)
                return tpl_parse_fail(p, "more than %d words in a command", TPL_ARGS_MAX);
            *last = n;
            last = &n->next;
        }
        struct tpl_token t = tpl_next(p);
        if (t.kind == TOKEN_SPACE)
            continue;
        if (t.kind == TOKEN_RIGHT_DELIM || t.kind == TOKEN_RIGHT_PAREN)
            tpl_back(p);
        else if (t.kind != TOKEN_PIPE)
            return tpl_unexpected(p, &t, "operand");
        break;
    }
    return cmd->first != NULL ? cmd : tpl_parse_fail(p, "empty command");
}

/* ---- pipelines ---- */

static bool declare(struct tpl_parser *p, struct tpl_node *pipe, const struct tpl_token *name)
{
    struct tpl_node **last = &pipe->pipe.variables;
    while (*last != NULL)
        last = &(*last)->next;
    *last = word_node(p, NODE_VARIABLE, name);
    if (p->nvars == TPL_VARS_MAX)
        tpl_parse_fail(p, "more than %d variables", TPL_VARS_MAX);
    else
        p->vars[p->nvars++] = name->text;
    return p->error == ERR_OK;
}

/* $x := and $x =, and in a range $i, $x := */
static bool declarations(struct tpl_parser *p, struct tpl_node *pipe, const char *context)
{
    bool range = strcmp(context, "range") == 0;
    for (unsigned count = 1;; count++) {
        struct tpl_token name = tpl_peek_word(p);
        if (name.kind != TOKEN_VARIABLE)
            return true;
        tpl_next(p);
        struct tpl_token behind = tpl_peek(p), next = tpl_peek_word(p);
        if (next.kind == TOKEN_ASSIGN || next.kind == TOKEN_DECLARE) {
            pipe->pipe.assigns = next.kind == TOKEN_ASSIGN;
            tpl_next_word(p);
            return declare(p, pipe, &name);
        }
        if (next.kind != TOKEN_CHAR || next.text.at[0] != ',') {
            if (behind.kind == TOKEN_SPACE)
                tpl_back_before(p, behind);
            tpl_back_before(p, name);
            return true;
        }
        tpl_next_word(p);
        if (!declare(p, pipe, &name))
            return false;
        if (!range || count > 1)
            return tpl_parse_fail(p, "too many declarations in %s", context) != NULL;
        enum tpl_token_kind kind = tpl_peek_word(p).kind;
        if (kind != TOKEN_VARIABLE && kind != TOKEN_RIGHT_DELIM && kind != TOKEN_RIGHT_PAREN)
            return tpl_parse_fail(p, "range can only initialize variables") != NULL;
    }
}

/* What takes the value of the command before it has to be something that can be called. */
static struct tpl_node *check_pipeline(struct tpl_parser *p, struct tpl_node *pipe, const char *context)
{
    unsigned stage = 1;
    if (pipe->pipe.first == NULL)
        return tpl_parse_fail(p, "missing value for %s", context);
    for (const struct tpl_node *cmd = pipe->pipe.first->next; cmd != NULL; cmd = cmd->next) {
        stage++;
        switch (cmd->first->kind) {
        case NODE_BOOL:
        case NODE_DOT:
        case NODE_NIL:
        case NODE_NUMBER:
        case NODE_STRING:
            return tpl_parse_fail(p, "non executable command in pipeline stage %u", stage);
        default:
            break;
        }
    }
    return pipe;
}

struct tpl_node *tpl_parse_pipeline(struct tpl_parser *p, const char *context, enum tpl_token_kind end)
{
    struct tpl_node *pipe = tpl_new_node(p, NODE_PIPE, tpl_peek_word(p).pos);
    if (pipe == NULL || !declarations(p, pipe, context))
        return NULL;
    struct tpl_node **last = &pipe->pipe.first;
    for (;;) {
        struct tpl_token t = tpl_next_word(p);
        if (t.kind == end)
            return check_pipeline(p, pipe, context);
        switch (t.kind) {
        case TOKEN_BOOL:
        case TOKEN_CHAR_CONSTANT:
        case TOKEN_DOT:
        case TOKEN_FIELD:
        case TOKEN_IDENTIFIER:
        case TOKEN_NUMBER:
        case TOKEN_NIL:
        case TOKEN_RAW_STRING:
        case TOKEN_STRING:
        case TOKEN_VARIABLE:
        case TOKEN_LEFT_PAREN:
            break;
        default:
            return tpl_unexpected(p, &t, context);
        }
        tpl_back(p);
        *last = command(p);
        if (*last == NULL)
            return NULL;
        last = &(*last)->next;
    }
}
