/* Actions that control what is written: {{if}}, {{range}}, {{with}}, {{template}}, {{block}}, {{define}}. */
#include <string.h>

#include "gotemplate/literal_p.h"
#include "gotemplate/parse_p.h"

/* The nodes up to an {{end}} or {{else}}, which is given in *stop. */
static struct tpl_node *item_list(struct tpl_parser *p, struct tpl_node **stop)
{
    struct tpl_node *list = tpl_new_node(p, NODE_LIST, tpl_peek_word(p).pos);
    struct tpl_node **last = list == NULL ? NULL : &list->first;
    while (p->error == ERR_OK) {
        if (tpl_peek_word(p).kind == TOKEN_END_OF_TEXT)
            return tpl_parse_fail(p, "unexpected EOF");
        struct tpl_node *n = tpl_parse_text_or_action(p);
        if (n == NULL)
            return NULL;
        if (n->kind == NODE_END || n->kind == NODE_ELSE) {
            *stop = n;
            return list;
        }
        *last = n;
        last = &n->next;
    }
    return NULL;
}

static struct tpl_node *control(struct tpl_parser *p, enum tpl_node_kind kind, const char *context);

/* What stands behind {{else}}, which may itself be an {{else if}} or {{else with}}. */
static struct tpl_node *otherwise(struct tpl_parser *p, enum tpl_node_kind kind, const char *context,
                                  const struct tpl_node *other)
{
    enum tpl_token_kind again = kind == NODE_IF ? TOKEN_IF : TOKEN_WITH;
    if (kind != NODE_RANGE && tpl_peek(p).kind == again) {
        tpl_next(p);
        struct tpl_node *list = tpl_new_node(p, NODE_LIST, other->pos);
        if (list != NULL)
            list->first = control(p, kind, context);
        return list;
    }
    struct tpl_node *stop = NULL, *list = item_list(p, &stop);
    if (list != NULL && stop->kind != NODE_END)
        return tpl_parse_fail(p, "expected end; found {{else}}");
    return list;
}

static struct tpl_node *control_parts(struct tpl_parser *p, enum tpl_node_kind kind, const char *context)
{
    struct tpl_node *pipe = tpl_parse_pipeline(p, context, TOKEN_RIGHT_DELIM);
    struct tpl_node *n = pipe == NULL ? NULL : tpl_new_node(p, kind, pipe->pos), *stop = NULL;
    if (n == NULL)
        return NULL;
    n->branch.pipe = pipe;
    p->ranges += kind == NODE_RANGE;
    n->branch.list = item_list(p, &stop);
    p->ranges -= kind == NODE_RANGE;
    if (n->branch.list != NULL && stop->kind == NODE_ELSE)
        n->branch.otherwise = otherwise(p, kind, context, stop);
    return p->error == ERR_OK ? n : NULL;
}

/* {{if}}, {{range}} or {{with}}; its variables are known until its end. */
static struct tpl_node *control(struct tpl_parser *p, enum tpl_node_kind kind, const char *context)
{
    if (p->nesting == TPL_NESTING_MAX)
        return tpl_parse_fail(p, "more than %d levels of nesting", TPL_NESTING_MAX);
    unsigned known = p->nvars;
    p->nesting++;
    struct tpl_node *n = control_parts(p, kind, context);
    p->nesting--;
    p->nvars = known;
    return n;
}

static struct tpl_node *jump(struct tpl_parser *p, const struct tpl_token *word, enum tpl_node_kind kind,
                             const char *context)
{
    struct tpl_token t = tpl_next_word(p);
    if (t.kind != TOKEN_RIGHT_DELIM)
        return tpl_unexpected(p, &t, context);
    if (p->ranges == 0)
        return tpl_parse_fail(p, "%s outside {{range}}", context);
    return tpl_new_node(p, kind, word->pos);
}

static struct tpl_node *end_control(struct tpl_parser *p)
{
    struct tpl_token t = tpl_next_word(p);
    if (t.kind != TOKEN_RIGHT_DELIM)
        return tpl_unexpected(p, &t, "end");
    return tpl_new_node(p, NODE_END, t.pos);
}

static struct tpl_node *else_control(struct tpl_parser *p)
{
    struct tpl_token t = tpl_peek_word(p);
    if (t.kind == TOKEN_IF || t.kind == TOKEN_WITH)
        return tpl_new_node(p, NODE_ELSE, t.pos);
    t = tpl_next_word(p);
    if (t.kind != TOKEN_RIGHT_DELIM)
        return tpl_unexpected(p, &t, "else");
    return tpl_new_node(p, NODE_ELSE, t.pos);
}

/* ---- named templates ---- */

static bool name_of(struct tpl_parser *p, const struct tpl_token *t, const char *context,
                    struct tpl_slice *out)
{
    if (t->kind != TOKEN_STRING && t->kind != TOKEN_RAW_STRING)
        return tpl_unexpected(p, t, context) != NULL;
    if (!tpl_unquote(&p->tpl->arena, t->text, out))
        return tpl_parse_fail(p, "invalid syntax") != NULL;
    return true;
}

/* The text of a named template up to its {{end}}. It knows none of the variables around it. */
static void named(struct tpl_parser *p, struct tpl_slice name, const char *context)
{
    struct tpl_slice around[TPL_VARS_MAX];
    unsigned count = p->nvars, ranges = p->ranges;
    uint32_t action_line = p->action_line;
    if (p->nesting == TPL_NESTING_MAX) {
        tpl_parse_fail(p, "more than %d levels of nesting", TPL_NESTING_MAX);
        return;
    }
    memcpy(around, p->vars, count * sizeof *around);
    p->nvars = 1;
    p->ranges = 0;
    p->action_line = 0;
    p->nesting++;
    struct tpl_node *stop = NULL, *list = item_list(p, &stop);
    p->nesting--;
    if (list != NULL && stop->kind != NODE_END)
        tpl_parse_fail(p, "unexpected {{else}} in %s", context);
    tpl_add_tree(p, name, list);
    memcpy(p->vars, around, count * sizeof *around);
    p->nvars = count;
    p->ranges = ranges;
    p->action_line = action_line;
}

void tpl_parse_definition(struct tpl_parser *p)
{
    static const char context[] = "define clause";
    struct tpl_token t = tpl_next_word(p);
    struct tpl_slice name;
    if (!name_of(p, &t, context, &name))
        return;
    t = tpl_next_word(p);
    if (t.kind != TOKEN_RIGHT_DELIM) {
        tpl_unexpected(p, &t, context);
        return;
    }
    named(p, name, context);
}

static struct tpl_node *call(struct tpl_parser *p, const struct tpl_token *word, struct tpl_slice name,
                             struct tpl_node *pipe)
{
    struct tpl_node *n = tpl_new_node(p, NODE_TEMPLATE, word->pos);
    if (n != NULL) {
        n->call.name = name;
        n->call.pipe = pipe;
    }
    return n;
}

static struct tpl_node *block_control(struct tpl_parser *p)
{
    static const char context[] = "block clause";
    struct tpl_token t = tpl_next_word(p);
    struct tpl_slice name;
    if (!name_of(p, &t, context, &name))
        return NULL;
    struct tpl_node *pipe = tpl_parse_pipeline(p, context, TOKEN_RIGHT_DELIM);
    if (pipe == NULL)
        return NULL;
    named(p, name, context);
    return call(p, &t, name, pipe);
}

static struct tpl_node *template_control(struct tpl_parser *p)
{
    static const char context[] = "template clause";
    struct tpl_token t = tpl_next_word(p);
    struct tpl_slice name;
    struct tpl_node *pipe = NULL;
    if (!name_of(p, &t, context, &name))
        return NULL;
    if (tpl_next_word(p).kind != TOKEN_RIGHT_DELIM) {
        tpl_back(p);
        pipe = tpl_parse_pipeline(p, context, TOKEN_RIGHT_DELIM);
        if (pipe == NULL)
            return NULL;
    }
    return call(p, &t, name, pipe);
}

struct tpl_node *tpl_parse_action(struct tpl_parser *p)
{
    struct tpl_token t = tpl_next_word(p);
    switch (t.kind) {
    case TOKEN_BLOCK:
        return block_control(p);
    case TOKEN_BREAK:
        return jump(p, &t, NODE_BREAK, "{{break}}");
    case TOKEN_CONTINUE:
        return jump(p, &t, NODE_CONTINUE, "{{continue}}");
    case TOKEN_ELSE:
        return else_control(p);
    case TOKEN_END:
        return end_control(p);
    case TOKEN_IF:
        return control(p, NODE_IF, "if");
    case TOKEN_RANGE:
        return control(p, NODE_RANGE, "range");
    case TOKEN_TEMPLATE:
        return template_control(p);
    case TOKEN_WITH:
        return control(p, NODE_WITH, "with");
    default:
        break;
    }
    tpl_back(p);
    t = tpl_peek(p);
    struct tpl_node *pipe = tpl_parse_pipeline(p, "command", TOKEN_RIGHT_DELIM);
    struct tpl_node *n = pipe == NULL ? NULL : tpl_new_node(p, NODE_ACTION, t.pos);
    if (n != NULL)
        n->first = pipe;
    return n;
}
