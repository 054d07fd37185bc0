/* Functions on arrays and maps. Their arguments have been checked. */
#include <string.h>

#include "exprlang/expr_p.h"

/* Room for `n` items, as an array that is filled in behind it. */
static int make_list(struct expr_run *run, size_t n, struct tpl_value **items, struct tpl_value *out)
{
    int ret = expr_step(run, n);
    *items = ret == ERR_OK ? expr_items(run, n) : NULL;
    if (ret == ERR_OK && *items == NULL)
        return expr_limit(run);
    *out = expr_list(expr_list_of(NULL), *items, n);
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_first)
{
    (void)run, (void)nargs;
    *out = args[0].list.len > 0 ? args[0].list.items[0] : tpl_none;
    return ERR_OK;
}

EXPR_BUILTIN_CALL(expr_call_last)
{
    (void)run, (void)nargs;
    *out = args[0].list.len > 0 ? args[0].list.items[args[0].list.len - 1] : tpl_none;
    return ERR_OK;
}

/* As [], but nothing where there is nothing. */
EXPR_BUILTIN_CALL(expr_call_get)
{
    (void)nargs;
    *out = tpl_none;
    if (expr_fetch(run, &args[0], &args[1], out) != ERR_OK) {
        *out = tpl_none;
        run->why[0] = '\0';
    }
    return ERR_OK;
}

EXPR_BUILTIN_CALL(expr_call_take)
{
    (void)nargs;
    int64_t n = args[1].integer;
    if (n < 0)
        return expr_fail(run, "cannot take %lld elements", (long long)n);
    *out = args[0];
    if (n < (int64_t)out->list.len)
        out->list.len = (uint32_t)n;
    return ERR_OK;
}

EXPR_BUILTIN_CALL(expr_call_keys)
{
    (void)nargs;
    struct tpl_value *items;
    int ret = make_list(run, args[0].map.len, &items, out);
    for (size_t i = 0; ret == ERR_OK && i < args[0].map.len; i++)
        items[i] = tpl_text(args[0].map.entries[i].key, args[0].map.entries[i].key_len);
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_values)
{
    (void)nargs;
    struct tpl_value *items;
    int ret = make_list(run, args[0].map.len, &items, out);
    for (size_t i = 0; ret == ERR_OK && i < args[0].map.len; i++)
        items[i] = args[0].map.entries[i].value;
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_reverse)
{
    (void)nargs;
    struct tpl_value *items;
    size_t n = args[0].list.len;
    int ret = make_list(run, n, &items, out);
    for (size_t i = 0; ret == ERR_OK && i < n; i++)
        items[i] = args[0].list.items[n - 1 - i];
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_uniq)
{
    (void)nargs;
    struct tpl_value *items;
    uint32_t kept = 0;
    int ret = make_list(run, args[0].list.len, &items, out);
    for (uint32_t i = 0; ret == ERR_OK && i < args[0].list.len; i++) {
        bool seen = false;
        for (uint32_t k = 0; ret == ERR_OK && !seen && k < kept; k++)
            ret = expr_equal(run, &args[0].list.items[i], &items[k], &seen);
        if (!seen)
            items[kept++] = args[0].list.items[i];
    }
    out->list.len = out->list.cap = kept;
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_concat)
{
    struct tpl_value *items;
    size_t n = 0, at = 0;
    for (size_t i = 0; i < nargs; i++)
        n += args[i].list.len;
    int ret = make_list(run, n, &items, out);
    for (size_t i = 0; ret == ERR_OK && i < nargs; i++)
        for (uint32_t k = 0; k < args[i].list.len; k++)
            items[at++] = args[i].list.items[k];
    return ret;
}

/* Counts the items of arrays within one another, and writes them where `items` is given. */
static int flatten(struct expr_run *run, const struct tpl_value *list, unsigned depth,
                   struct tpl_value *items, size_t *n)
{
    int ret = depth == EXPR_HEIGHT_MAX ? expr_limit(run) : expr_step(run, list->list.len);
    for (uint32_t i = 0; ret == ERR_OK && i < list->list.len; i++) {
        const struct tpl_value *item = &list->list.items[i];
        if (expr_value_is(item, TPL_LIST))
            ret = flatten(run, item, depth + 1, items, n);
        else if (items != NULL)
            items[(*n)++] = *item;
        else
            (*n)++;
    }
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_flatten)
{
    (void)nargs;
    struct tpl_value *items;
    size_t n = 0;
    int ret = flatten(run, &args[0], 0, NULL, &n);
    if (ret == ERR_OK)
        ret = make_list(run, n, &items, out);
    n = 0;
    return ret == ERR_OK ? flatten(run, &args[0], 0, items, &n) : ret;
}

/* By insertion: arrays are short, and every comparison counts as a step. */
EXPR_BUILTIN_CALL(expr_call_sort)
{
    struct tpl_value *items;
    bool down = nargs > 1 && args[1].text.len == 4 && memcmp(args[1].text.at, "desc", 4) == 0;
    bool up = nargs < 2 || (args[1].text.len == 3 && memcmp(args[1].text.at, "asc", 3) == 0);
    if (!down && !up)
        return expr_fail(run, "invalid order %.*s, expected asc or desc", (int)(args[1].text.len & 0xFF),
                         args[1].text.at);
    int ret = make_list(run, args[0].list.len, &items, out);
    for (uint32_t i = 0; ret == ERR_OK && i < args[0].list.len; i++) {
        struct tpl_value item = args[0].list.items[i];
        uint32_t at = i;
        bool before = true;
        while (ret == ERR_OK && at > 0) {
            ret = down ? expr_less(run, &items[at - 1], &item, &before)
                       : expr_less(run, &item, &items[at - 1], &before);
            if (ret == ERR_OK)
                ret = expr_step(run, 1);
            if (ret != ERR_OK || !before)
                break;
            items[at] = items[at - 1];
            at--;
        }
        items[at] = item;
    }
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_sum)
{
    (void)nargs;
    int ret = expr_step(run, args[0].list.len);
    *out = tpl_int(0);
    for (uint32_t i = 0; ret == ERR_OK && i < args[0].list.len; i++) {
        struct tpl_value total = *out;
        ret = expr_add(run, &total, &args[0].list.items[i], out);
    }
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_count)
{
    (void)nargs;
    int64_t n = 0;
    int ret = expr_step(run, args[0].list.len);
    for (uint32_t i = 0; ret == ERR_OK && i < args[0].list.len; i++) {
        if (!expr_value_is(&args[0].list.items[i], TPL_BOOL))
            return expr_fail(run, "count of %s", expr_value_type(&args[0].list.items[i]));
        n += args[0].list.items[i].truth;
    }
    *out = tpl_int(n);
    return ret;
}
