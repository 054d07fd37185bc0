/* Functions that ask a predicate about each item of an array. */
#include <string.h>

#include "exprlang/expr_p.h"

/* Evaluates the predicate for item `i`. */
static int ask(struct expr_run *run, const struct expr_node *n, const struct tpl_value *list, uint32_t i,
               struct expr_frame *frame, struct tpl_value *out)
{
    struct expr_frame *around = run->frame;
    frame->item = list->list.items[i];
    frame->index = i;
    run->frame = frame;
    int ret = expr_eval(run, n->a->next, out);
    run->frame = around;
    return ret == EXPR_CUT ? ERR_OK : ret;
}

static int ask_truth(struct expr_run *run, const struct expr_node *n, const struct tpl_value *list,
                     uint32_t i, bool *out)
{
    struct expr_frame frame = {.index = 0};
    struct tpl_value v;
    int ret = ask(run, n, list, i, &frame, &v);
    if (ret == ERR_OK && v.type != NULL && !expr_value_is(&v, TPL_BOOL))
        return expr_fail(run, "predicate should return boolean (got %s)", expr_value_type(&v));
    *out = ret == ERR_OK && v.type != NULL && v.truth;
    return ret;
}

/* How many items fit, until there are `enough`. */
static int count_fitting(struct expr_run *run, const struct expr_node *n, const struct tpl_value *list,
                         uint32_t enough, uint32_t *found)
{
    int ret = ERR_OK;
    *found = 0;
    for (uint32_t i = 0; ret == ERR_OK && *found < enough && i < list->list.len; i++) {
        bool fits = false;
        ret = ask_truth(run, n, list, i, &fits);
        *found += fits;
    }
    return ret;
}

EXPR_EACH(expr_each_all)
{
    bool fits = true;
    int ret = ERR_OK;
    for (uint32_t i = 0; ret == ERR_OK && fits && i < list->list.len; i++)
        ret = ask_truth(run, n, list, i, &fits);
    *out = tpl_bool(fits);
    return ret;
}

EXPR_EACH(expr_each_any)
{
    uint32_t found;
    int ret = count_fitting(run, n, list, 1, &found);
    *out = tpl_bool(found > 0);
    return ret;
}

EXPR_EACH(expr_each_none)
{
    uint32_t found;
    int ret = count_fitting(run, n, list, 1, &found);
    *out = tpl_bool(found == 0);
    return ret;
}

EXPR_EACH(expr_each_one)
{
    uint32_t found;
    int ret = count_fitting(run, n, list, UINT32_MAX, &found);
    *out = tpl_bool(found == 1);
    return ret;
}

EXPR_EACH(expr_each_count)
{
    uint32_t found;
    int ret = count_fitting(run, n, list, UINT32_MAX, &found);
    *out = tpl_int(found);
    return ret;
}

EXPR_EACH(expr_each_filter)
{
    uint32_t kept = 0;
    int ret = ERR_OK;
    struct tpl_value *items = expr_items(run, list->list.len);
    if (items == NULL)
        return expr_limit(run);
    for (uint32_t i = 0; ret == ERR_OK && i < list->list.len; i++) {
        bool fits = false;
        ret = ask_truth(run, n, list, i, &fits);
        if (fits)
            items[kept++] = list->list.items[i];
    }
    *out = expr_list(expr_list_of(NULL), items, kept);
    return ret;
}

EXPR_EACH(expr_each_map)
{
    struct expr_frame frame = {.index = 0};
    int ret = ERR_OK;
    struct tpl_value *items = expr_items(run, list->list.len);
    if (items == NULL)
        return expr_limit(run);
    for (uint32_t i = 0; ret == ERR_OK && i < list->list.len; i++)
        ret = ask(run, n, list, i, &frame, &items[i]);
    *out = expr_list(expr_list_of(NULL), items, list->list.len);
    return ret;
}

EXPR_EACH(expr_each_sum)
{
    struct expr_frame frame = {.index = 0};
    int ret = ERR_OK;
    *out = tpl_int(0);
    for (uint32_t i = 0; ret == ERR_OK && i < list->list.len; i++) {
        struct tpl_value total = *out, v;
        ret = ask(run, n, list, i, &frame, &v);
        if (ret == ERR_OK)
            ret = expr_add(run, &total, &v, out);
    }
    return ret;
}

EXPR_EACH(expr_each_reduce)
{
    struct expr_frame frame = {.index = 0};
    const struct expr_node *begin = n->a->next->next;
    uint32_t i = 0;
    int ret = ERR_OK;
    if (begin != NULL)
        ret = expr_eval(run, begin, &frame.total);
    else if (list->list.len == 0)
        return expr_fail(run, "reduce of empty array with no initial value");
    else
        frame.total = list->list.items[i++];
    for (; ret == ERR_OK && i < list->list.len; i++) {
        struct tpl_value v;
        ret = ask(run, n, list, i, &frame, &v);
        frame.total = v;
    }
    *out = frame.total;
    return ret;
}

/* ---- find ---- */

/* The index of the first item that fits, from the beginning or the end; -1 where none does. */
static int find(struct expr_run *run, const struct expr_node *n, const struct tpl_value *list, bool last,
                int64_t *out)
{
    int ret = ERR_OK;
    *out = -1;
    for (uint32_t i = 0; ret == ERR_OK && *out < 0 && i < list->list.len; i++) {
        uint32_t at = last ? list->list.len - 1 - i : i;
        bool fits = false;
        ret = ask_truth(run, n, list, at, &fits);
        if (fits)
            *out = at;
    }
    return ret;
}

EXPR_EACH(expr_each_find)
{
    int64_t at;
    int ret = find(run, n, list, false, &at);
    *out = at < 0 ? tpl_none : list->list.items[at];
    return ret;
}

EXPR_EACH(expr_each_find_last)
{
    int64_t at;
    int ret = find(run, n, list, true, &at);
    *out = at < 0 ? tpl_none : list->list.items[at];
    return ret;
}

EXPR_EACH(expr_each_find_index)
{
    int64_t at;
    int ret = find(run, n, list, false, &at);
    *out = at < 0 ? tpl_none : tpl_int(at);
    return ret;
}

EXPR_EACH(expr_each_find_last_index)
{
    int64_t at;
    int ret = find(run, n, list, true, &at);
    *out = at < 0 ? tpl_none : tpl_int(at);
    return ret;
}
