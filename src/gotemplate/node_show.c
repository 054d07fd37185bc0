/* A tree as text again: what error messages and the labels of metrics show. */
#include "base/rune.h"
#include "gotemplate/node_p.h"

static void slice(struct bytes *out, struct tpl_slice text)
{
    bytes_append(out, text.at, text.len);
}

static void word(const struct tpl_node *n, struct bytes *out)
{
    if (n->kind == NODE_PIPE)
        bytes_append_str(out, "(");
    tpl_node_show(n, out);
    if (n->kind == NODE_PIPE)
        bytes_append_str(out, ")");
}

static void pipeline(const struct tpl_node *n, struct bytes *out)
{
    for (const struct tpl_node *v = n->pipe.variables; v != NULL; v = v->next) {
        slice(out, v->text);
        bytes_append_str(out, v->next != NULL ? ", " : n->pipe.assigns ? " = " : " := ");
    }
    for (const struct tpl_node *cmd = n->pipe.first; cmd != NULL; cmd = cmd->next) {
        tpl_node_show(cmd, out);
        if (cmd->next != NULL)
            bytes_append_str(out, " | ");
    }
}

static void branch(const struct tpl_node *n, const char *name, struct bytes *out)
{
    bytes_printf(out, "{{%s ", name);
    tpl_node_show(n->branch.pipe, out);
    bytes_append_str(out, "}}");
    tpl_node_show(n->branch.list, out);
    if (n->branch.otherwise != NULL) {
        bytes_append_str(out, "{{else}}");
        tpl_node_show(n->branch.otherwise, out);
    }
    bytes_append_str(out, "{{end}}");
}

static void call(const struct tpl_node *n, struct bytes *out)
{
    bytes_append_str(out, "{{template ");
    rune_quote_text(out, n->call.name.at, n->call.name.len, false);
    if (n->call.pipe != NULL) {
        bytes_append_str(out, " ");
        tpl_node_show(n->call.pipe, out);
    }
    bytes_append_str(out, "}}");
}

void tpl_node_show(const struct tpl_node *n, struct bytes *out)
{
    switch (n->kind) {
    case NODE_LIST:
        for (const struct tpl_node *item = n->first; item != NULL; item = item->next)
            tpl_node_show(item, out);
        break;
    case NODE_ACTION:
        bytes_append_str(out, "{{");
        tpl_node_show(n->first, out);
        bytes_append_str(out, "}}");
        break;
    case NODE_IF:
        branch(n, "if", out);
        break;
    case NODE_RANGE:
        branch(n, "range", out);
        break;
    case NODE_WITH:
        branch(n, "with", out);
        break;
    case NODE_TEMPLATE:
        call(n, out);
        break;
    case NODE_BREAK:
        bytes_append_str(out, "{{break}}");
        break;
    case NODE_CONTINUE:
        bytes_append_str(out, "{{continue}}");
        break;
    case NODE_PIPE:
        pipeline(n, out);
        break;
    case NODE_COMMAND:
        for (const struct tpl_node *arg = n->first; arg != NULL; arg = arg->next) {
            word(arg, out);
            if (arg->next != NULL)
                bytes_append_str(out, " ");
        }
        break;
    case NODE_CHAIN:
        word(n->chain.operand, out);
        slice(out, n->chain.fields);
        break;
    default: /* as they were written */
        slice(out, n->text);
        break;
    }
}
