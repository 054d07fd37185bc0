/* Executing a tree: text and actions, {{if}}, {{with}}, {{range}}, {{template}}. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gotemplate/exec_p.h"
#include "gotemplate/format_p.h"

static int walk_list(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *list);

/* ---- variables ---- */

static int set_variable(struct tpl_run *run, struct tpl_slice name, const struct tpl_value *value)
{
    run->assigned++;
    for (unsigned i = run->nvars; i-- > run->frame;)
        if (tpl_slice_equal(run->vars[i].name, name)) {
            run->vars[i].value = *value;
            return ERR_OK;
        }
    return tpl_exec_fail(run, "undefined variable: %.*s", (int)name.len, name.at);
}

/* ---- actions ---- */

static int written(struct tpl_run *run)
{
    return run->out.error == ERR_OK ? ERR_OK : tpl_exec_limit(run, run->out.error, "output");
}

static int action(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n)
{
    struct arena_mark mark = arena_mark_now(&run->memory);
    unsigned assigned = run->assigned, nvars = run->nvars;
    struct tpl_value value;
    int ret = tpl_eval_pipeline(run, dot, n->first, &value);
    if (ret == ERR_OK && n->first->pipe.variables == NULL) {
        run->at = n;
        tpl_print(&run->out, &value);
        ret = written(run);
    }
    if (run->assigned == assigned && run->nvars == nvars) /* nothing holds on to what was made */
        arena_release(&run->memory, mark);
    return ret;
}

static int branch(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n)
{
    struct tpl_value value;
    unsigned known = run->nvars;
    int ret = tpl_eval_pipeline(run, dot, n->branch.pipe, &value);
    if (ret != ERR_OK)
        return ret;
    if (tpl_truth(&value))
        ret = walk_list(run, n->kind == NODE_WITH ? &value : dot, n->branch.list);
    else if (n->branch.otherwise != NULL)
        ret = walk_list(run, dot, n->branch.otherwise);
    run->nvars = known;
    return ret;
}

/* ---- {{range}} ---- */

static int iteration(struct tpl_run *run, const struct tpl_node *n, const struct tpl_value *index,
                     const struct tpl_value *item)
{
    const struct tpl_node *first = n->branch.pipe->pipe.variables, *second = first ? first->next : NULL;
    unsigned known = run->nvars;
    int ret = tpl_step(run, 1);
    if (ret == ERR_OK && first != NULL && n->branch.pipe->pipe.assigns) {
        ret = set_variable(run, first->text, second != NULL ? index : item);
        if (ret == ERR_OK && second != NULL)
            ret = set_variable(run, second->text, item);
    } else if (first != NULL) {
        run->vars[known - 1].value = *item;
        if (second != NULL)
            run->vars[known - 2].value = *index;
    }
    if (ret == ERR_OK)
        ret = walk_list(run, item, n->branch.list);
    run->nvars = known;
    return ret == FLOW_CONTINUE ? ERR_OK : ret;
}

static int range_number(struct tpl_run *run, const struct tpl_node *n, const struct tpl_value *value,
                        bool *any)
{
    const struct tpl_node *first = n->branch.pipe->pipe.variables;
    bool natural = value->type->kind == TPL_UINT;
    if (first != NULL && first->next != NULL)
        return tpl_exec_fail_value(run, "can't use ", value, " to iterate over more than one variable");
    int ret = ERR_OK;
    for (uint64_t i = 0; ret == ERR_OK && (natural || value->integer >= 0) && i < value->natural; i++) {
        struct tpl_value item = {.type = value->type, .natural = i};
        *any = true;
        ret = iteration(run, n, &tpl_none, &item);
    }
    return ret;
}

static int range_list(struct tpl_run *run, const struct tpl_node *n, const struct tpl_value *value, bool *any)
{
    int ret = ERR_OK;
    for (uint32_t i = 0; ret == ERR_OK && i < value->list.len; i++) {
        struct tpl_value index = tpl_int(i);
        *any = true;
        ret = iteration(run, n, &index, &value->list.items[i]);
    }
    return ret;
}

static int range_map(struct tpl_run *run, const struct tpl_node *n, const struct tpl_value *value, bool *any)
{
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < value->map.len; i++) {
        const struct tpl_entry *entry = &value->map.entries[i];
        struct tpl_value key = tpl_text(entry->key, entry->key_len);
        *any = true;
        ret = iteration(run, n, &key, &entry->value);
    }
    return ret;
}

static int range(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n)
{
    struct tpl_value value;
    unsigned known = run->nvars;
    bool any = false;
    int ret = tpl_eval_pipeline(run, dot, n->branch.pipe, &value);
    if (ret != ERR_OK)
        return ret;
    if (value.type == NULL)
        ret = ERR_OK;
    else if (value.type->kind == TPL_INT || value.type->kind == TPL_UINT)
        ret = range_number(run, n, &value, &any);
    else if (value.type->kind == TPL_LIST)
        ret = range_list(run, n, &value, &any);
    else if (value.type->kind == TPL_MAP)
        ret = range_map(run, n, &value, &any);
    else
        ret = tpl_exec_fail_value(run, "range can't iterate over ", &value, "");
    if (ret == FLOW_BREAK)
        ret = ERR_OK;
    if (ret == ERR_OK && !any && n->branch.otherwise != NULL)
        ret = walk_list(run, dot, n->branch.otherwise);
    run->nvars = known;
    return ret;
}

/* ---- {{template}} ---- */

static const struct tpl_tree *find_tree(const struct tpl *t, struct tpl_slice name)
{
    const struct tpl_tree *tree = t->trees;
    while (tree != NULL && !tpl_slice_equal(tree->name, name))
        tree = tree->next;
    return tree;
}

static int call_template(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n)
{
    const struct tpl_tree *caller = run->tree, *tree = find_tree(run->tpl, n->call.name);
    unsigned known = run->nvars, frame = run->frame;
    struct tpl_value value = tpl_none;
    if (tree == NULL)
        return tpl_exec_fail(run, "template \"%.*s\" not defined", (int)n->call.name.len, n->call.name.at);
    int ret = n->call.pipe == NULL ? ERR_OK : tpl_eval_pipeline(run, dot, n->call.pipe, &value);
    if (ret == ERR_OK && run->nvars == TPL_VARS_MAX)
        ret = tpl_exec_limit(run, ERR_LIMIT, "variables");
    if (ret != ERR_OK)
        return ret;
    run->frame = run->nvars;
    run->vars[run->nvars++] = (struct tpl_var){.name = {.at = "$", .len = 1}, .value = value};
    run->tree = tree;
    ret = walk_list(run, &value, tree->root);
    run->tree = caller;
    run->frame = frame;
    run->nvars = known;
    return ret;
}

/* ---- all of them ---- */

static int walk(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *n)
{
    run->at = n;
    int ret = tpl_step(run, 1);
    if (ret != ERR_OK)
        return ret;
    switch (n->kind) {
    case NODE_TEXT:
        bytes_append(&run->out, n->text.at, n->text.len);
        return written(run);
    case NODE_ACTION:
        return action(run, dot, n);
    case NODE_IF:
    case NODE_WITH:
        return branch(run, dot, n);
    case NODE_RANGE:
        return range(run, dot, n);
    case NODE_TEMPLATE:
        return call_template(run, dot, n);
    case NODE_BREAK:
        return FLOW_BREAK;
    default: /* the parser lets nothing else in */
        return FLOW_CONTINUE;
    }
}

static int walk_list(struct tpl_run *run, const struct tpl_value *dot, const struct tpl_node *list)
{
    int ret = ERR_OK;
    if (run->depth == TPL_DEPTH_MAX)
        return tpl_exec_fail(run, "exceeded maximum template depth (%d)", TPL_DEPTH_MAX);
    run->depth++;
    for (const struct tpl_node *n = list->first; ret == ERR_OK && n != NULL; n = n->next)
        ret = walk(run, dot, n);
    run->depth--;
    return ret;
}

int tpl_execute(const struct tpl *t, struct tpl_run *run, const struct tpl_value *dot, const char **out,
                size_t *len, struct errtext *e)
{
    run->tpl = t;
    run->tree = t->main;
    run->at = t->main->root;
    run->e = e;
    run->steps = run->depth = run->assigned = run->frame = 0;
    run->nvars = 1;
    run->vars[0] = (struct tpl_var){.name = {.at = "$", .len = 1}, .value = *dot};
    bytes_reset(&run->out);
    arena_release(&run->memory, (struct arena_mark){0});
    bytes_append(&run->out, "", 0); /* so that there is a NUL */
    int ret = walk_list(run, dot, t->main->root);
    if (ret != ERR_OK)
        return ret;
    *out = run->out.data;
    *len = run->out.len;
    return run->out.error;
}

int tpl_run_new(struct tpl_run **out)
{
    struct tpl_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return -ENOMEM;
    arena_init(&run->memory, TPL_MEMORY_MAX, TPL_MEMORY_MAX);
    bytes_init(&run->out, TPL_OUTPUT_MAX);
    bytes_init(&run->text, TPL_MEMORY_MAX);
    *out = run;
    return ERR_OK;
}

void tpl_run_free(struct tpl_run *run)
{
    if (run == NULL)
        return;
    arena_free(&run->memory);
    bytes_free(&run->out);
    bytes_free(&run->text);
    free(run);
}
