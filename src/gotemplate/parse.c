/* Templates, their words and named parts; parse_control.c has {{if}} and its like, parse_pipeline.c what
 * computes. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gotemplate/parse_p.h"

#define ARENA_CHUNK 4096
#define ARENA_MAX   (8 << 20) /* far more than a text of TPL_TEXT_MAX octets can take */

/* ---- words ---- */

struct tpl_token tpl_next(struct tpl_parser *p)
{
    if (p->error != ERR_OK)
        return (struct tpl_token){.kind = TOKEN_ERROR, .text = {.at = ""}};
    if (p->nahead > 0)
        p->nahead--;
    else
        tpl_lex_next(&p->lexer, &p->ahead[0]);
    return p->ahead[p->nahead];
}

void tpl_back(struct tpl_parser *p)
{
    if (p->error == ERR_OK)
        p->nahead++;
}

void tpl_back_before(struct tpl_parser *p, struct tpl_token word)
{
    if (p->error == ERR_OK && p->nahead < 3) /* it never is 3: the grammar looks no further ahead */
        p->ahead[p->nahead++] = word;
}

struct tpl_token tpl_peek(struct tpl_parser *p)
{
    struct tpl_token t = tpl_next(p);
    tpl_back(p);
    return t;
}

struct tpl_token tpl_next_word(struct tpl_parser *p)
{
    struct tpl_token t;
    do {
        t = tpl_next(p);
    } while (t.kind == TOKEN_SPACE);
    return t;
}

struct tpl_token tpl_peek_word(struct tpl_parser *p)
{
    struct tpl_token t = tpl_next_word(p);
    tpl_back(p);
    return t;
}

/* ---- failures ---- */

void *tpl_parse_fail(struct tpl_parser *p, const char *format, ...)
{
    if (p->error != ERR_OK)
        return NULL;
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    p->error = errtext_set(p->e, ERR_MALFORMED, "template: %s:%u: %s", p->name, p->ahead[0].line, text);
    return NULL;
}

void *tpl_unexpected(struct tpl_parser *p, const struct tpl_token *word, const char *context)
{
    struct bytes shown;
    bytes_init(&shown, 1024);
    tpl_token_show(word, &shown);
    const char *text = shown.data == NULL ? "" : shown.data;
    if (word->kind != TOKEN_ERROR) {
        tpl_parse_fail(p, "unexpected %s in %s", text, context);
    } else if (p->action_line != 0 && p->action_line != word->line) {
        bool says_action = shown.len >= 7 && strcmp(text + shown.len - 7, " action") == 0;
        tpl_parse_fail(p, "%s%s started at %s:%u", text, says_action ? "" : " in action", p->name,
                       p->action_line);
    } else {
        tpl_parse_fail(p, "%s", text);
    }
    bytes_free(&shown);
    return NULL;
}

struct tpl_node *tpl_new_node(struct tpl_parser *p, enum tpl_node_kind kind, uint32_t pos)
{
    struct tpl_node *n = p->error != ERR_OK ? NULL : arena_zalloc(&p->tpl->arena, sizeof *n);
    if (n == NULL) {
        if (p->error == ERR_OK)
            p->error = errtext_set(p->e, p->tpl->arena.error, "template: %s: %s", p->name,
                                   p->tpl->arena.error == ERR_LIMIT ? "too long" : "no memory");
        return NULL;
    }
    n->kind = kind;
    n->pos = pos;
    return n;
}

/* ---- named templates ---- */

static bool only_space(const struct tpl_node *list)
{
    for (const struct tpl_node *n = list->first; n != NULL; n = n->next) {
        if (n->kind != NODE_TEXT)
            return false;
        for (size_t i = 0; i < n->text.len; i++)
            if (strchr(" \t\n\v\f\r", n->text.at[i]) == NULL || n->text.at[i] == '\0')
                return false;
    }
    return true;
}

void tpl_add_tree(struct tpl_parser *p, struct tpl_slice name, struct tpl_node *root)
{
    if (p->error != ERR_OK)
        return;
    for (struct tpl_tree *t = p->tpl->trees; t != NULL; t = t->next) {
        if (!tpl_slice_equal(t->name, name))
            continue;
        if (only_space(t->root))
            t->root = root;
        else if (!only_space(root))
            tpl_parse_fail(p, "template: multiple definition of template \"%.*s\"", (int)name.len, name.at);
        return;
    }
    struct tpl_tree *t = arena_zalloc(&p->tpl->arena, sizeof *t);
    if (t == NULL) {
        p->error = p->tpl->arena.error;
        return;
    }
    *t = (struct tpl_tree){.name = name, .root = root, .next = p->tpl->trees};
    p->tpl->trees = t;
}

/* ---- the whole text ---- */

struct tpl_node *tpl_parse_text_or_action(struct tpl_parser *p)
{
    struct tpl_token t = tpl_next_word(p);
    if (t.kind == TOKEN_TEXT) {
        struct tpl_node *n = tpl_new_node(p, NODE_TEXT, t.pos);
        if (n != NULL)
            n->text = t.text;
        return n;
    }
    if (t.kind != TOKEN_LEFT_DELIM)
        return tpl_unexpected(p, &t, "input");
    p->action_line = t.line;
    struct tpl_node *n = tpl_parse_action(p);
    p->action_line = 0;
    return n;
}

/* {{define}} is known here, outside of everything, and nowhere else. */
static bool definition_begins(struct tpl_parser *p)
{
    struct tpl_token delim = tpl_next(p);
    if (tpl_next_word(p).kind == TOKEN_DEFINE)
        return true;
    tpl_back(p);
    tpl_back_before(p, delim);
    return false;
}

static struct tpl_node *parse_all(struct tpl_parser *p)
{
    struct tpl_node *root = tpl_new_node(p, NODE_LIST, tpl_peek(p).pos);
    struct tpl_node **last = root == NULL ? NULL : &root->first;
    while (p->error == ERR_OK && tpl_peek(p).kind != TOKEN_END_OF_TEXT) {
        if (tpl_peek(p).kind == TOKEN_LEFT_DELIM && definition_begins(p)) {
            tpl_parse_definition(p);
            continue;
        }
        struct tpl_node *n = tpl_parse_text_or_action(p);
        if (n == NULL)
            break;
        if (n->kind == NODE_END || n->kind == NODE_ELSE) {
            tpl_parse_fail(p, "unexpected {{%s}}", n->kind == NODE_END ? "end" : "else");
            break;
        }
        *last = n;
        last = &n->next;
    }
    return p->error == ERR_OK ? root : NULL;
}

static int parse_into(struct tpl *t, const char *name, struct errtext *e)
{
    struct tpl_parser *p = calloc(1, sizeof *p);
    size_t name_len = strlen(name);
    char *copy = arena_alloc(&t->arena, name_len + 1);
    if (p == NULL || copy == NULL) {
        free(p);
        return -ENOMEM;
    }
    memcpy(copy, name, name_len + 1);
    *p = (struct tpl_parser){.tpl = t, .name = copy, .e = e, .nvars = 1, .vars = {{.at = "$", .len = 1}}};
    tpl_lex_begin(&p->lexer, t->text, t->len);
    struct tpl_slice main_name = {.at = copy, .len = name_len};
    struct tpl_node *root = parse_all(p);
    if (root != NULL)
        tpl_add_tree(p, main_name, root);
    int ret = p->error;
    free(p);
    for (t->main = t->trees; t->main != NULL && !tpl_slice_equal(t->main->name, main_name);)
        t->main = t->main->next;
    return ret;
}

int tpl_parse(const char *name, const char *text, size_t len, const struct tpl_func *functions,
              size_t nfunctions, struct tpl **out, struct errtext *e)
{
    if (len > TPL_TEXT_MAX)
        return errtext_set(e, ERR_LIMIT, "template: %s: longer than %d octets", name, TPL_TEXT_MAX);
    struct tpl *t = calloc(1, sizeof *t);
    if (t == NULL)
        return -ENOMEM;
    *t = (struct tpl){.len = len, .functions = functions, .nfunctions = nfunctions};
    arena_init(&t->arena, ARENA_CHUNK, ARENA_MAX);
    bytes_init(&t->shown, 2 * TPL_TEXT_MAX + 1024);
    char *copy = arena_alloc(&t->arena, len + 1);
    if (copy != NULL) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    t->text = copy;
    int ret = copy == NULL ? -ENOMEM : parse_into(t, name, e);
    if (ret == ERR_OK) {
        tpl_node_show(t->main->root, &t->shown);
        ret = t->shown.error;
    }
    if (ret != ERR_OK) {
        tpl_free(t);
        return ret;
    }
    *out = t;
    return ERR_OK;
}

void tpl_free(struct tpl *t)
{
    if (t == NULL)
        return;
    arena_free(&t->arena);
    bytes_free(&t->shown);
    free(t);
}

const char *tpl_text_of(const struct tpl *t)
{
    return t->shown.data == NULL ? "" : t->shown.data;
}
