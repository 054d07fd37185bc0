/* Items, fields and slices. */
#include <math.h>

#include "exprlang/expr_p.h"

int expr_fetch(struct expr_run *run, const struct tpl_value *from, const struct tpl_value *key,
               struct tpl_value *out)
{
    bool list = expr_value_is(from, TPL_LIST), text = expr_value_is(from, TPL_STRING);
    if (expr_value_is(from, TPL_MAP) && expr_value_is(key, TPL_STRING)) {
        *out = tpl_map_get(from, key->text.at, key->text.len);
        return ERR_OK;
    }
    if (!list && !text)
        return expr_fail(run, "cannot fetch from %s", expr_value_type(from));
    if (!expr_value_is_number(key))
        return expr_fail(run, "invalid operation: int(%s)", expr_value_type(key));
    int64_t len = list ? (int64_t)from->list.len : (int64_t)from->text.len;
    int64_t i = expr_value_is(key, TPL_FLOAT) ? (int64_t)fmin(fmax(key->real, -1e15), 1e15) : key->integer;
    if (i < 0)
        i += len;
    if (i < 0 || i >= len)
        return expr_fail(run, "index out of range: %lld (array length is %lld)", (long long)i,
                         (long long)len);
    if (list)
        *out = from->list.items[i];
    else
        *out = (struct tpl_value){.type = &tpl_type_uint8, .natural = (uint8_t)from->text.at[i]};
    return ERR_OK;
}

/* An end of a slice, counted from the end where it is negative, within 0 and `len`. */
static int64_t clamp(int64_t at, int64_t len)
{
    if (at < 0)
        at += len;
    return at < 0 ? 0 : at > len ? len : at;
}

int expr_slice(struct expr_run *run, const struct tpl_value *from, const struct tpl_value *low,
               const struct tpl_value *high, struct tpl_value *out)
{
    bool list = expr_value_is(from, TPL_LIST);
    if (!list && !expr_value_is(from, TPL_STRING))
        return expr_fail(run, "cannot slice %s", expr_value_type(from));
    if (!expr_value_is(low, TPL_INT) || !expr_value_is(high, TPL_INT))
        return expr_fail(run, "non-integer slice index");
    int64_t len = list ? (int64_t)from->list.len : (int64_t)from->text.len;
    int64_t a = clamp(low->integer, len), b = clamp(high->integer, len);
    if (a > b)
        a = b;
    *out = list ? expr_list(from->type, from->list.items + a, (size_t)(b - a))
                : tpl_text(from->text.at + a, (size_t)(b - a));
    return ERR_OK;
}
