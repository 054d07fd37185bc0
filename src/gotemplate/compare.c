/* eq, ne, lt, le, gt, ge. */
#include <string.h>

#include "gotemplate/exec_p.h"
#include "gotemplate/format_p.h"
#include "gotemplate/funcs_p.h"

#define OCTETS_A_STEP 64 /* of the strings that are compared */

static bool is_basic(const struct tpl_value *v)
{
    return v->type != NULL && v->type->kind <= TPL_STRING;
}

static bool is_nil(const struct tpl_value *v)
{
    if (v->type == NULL)
        return true;
    return (v->type->kind == TPL_LIST && v->list.items == NULL) ||
           (v->type->kind == TPL_MAP && v->map.entries == NULL);
}

static int compare_text(const struct tpl_value *a, const struct tpl_value *b)
{
    size_t len = a->text.len < b->text.len ? a->text.len : b->text.len;
    int order = len == 0 ? 0 : memcmp(a->text.at, b->text.at, len);
    return order != 0 ? order : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}

static int not_comparable(struct tpl_run *run, const struct tpl_value *v)
{
    struct bytes text;
    bytes_init(&text, sizeof run->why);
    tpl_format_value(&text, v);
    int ret = tpl_fail(run, "non-comparable type %s: %s", text.data == NULL ? "" : text.data, v->type->name);
    bytes_free(&text);
    return ret;
}

/* Lists, maps, structs and nothing. */
static int equal_others(struct tpl_run *run, const struct tpl_value *a, const struct tpl_value *b,
                        bool *equal)
{
    if (is_nil(a) || is_nil(b)) {
        *equal = is_nil(a) == is_nil(b);
        return ERR_OK;
    }
    if (a->type->kind != b->type->kind)
        return tpl_fail(run, "non-comparable types %s, %s", a->type->name, b->type->name);
    if (a->type->kind != TPL_STRUCT)
        return not_comparable(run, b);
    *equal = a->type == b->type && a->object == b->object;
    return ERR_OK;
}

static bool equal_basic(const struct tpl_value *a, const struct tpl_value *b)
{
    switch (a->type->kind) {
    case TPL_BOOL:
        return a->truth == b->truth;
    case TPL_FLOAT:
        return a->real == b->real;
    case TPL_STRING:
        return a->text.len == b->text.len && compare_text(a, b) == 0;
    default:
        return a->natural == b->natural;
    }
}

static bool are_integers(const struct tpl_value *a, const struct tpl_value *b)
{
    return (a->type->kind == TPL_INT || a->type->kind == TPL_UINT) &&
           (b->type->kind == TPL_INT || b->type->kind == TPL_UINT);
}

static int incompatible(struct tpl_run *run, const struct tpl_value *a, const struct tpl_value *b)
{
    return tpl_fail(run, "incompatible types for comparison: %s and %s", a->type->name, b->type->name);
}

static int charge(struct tpl_run *run, const struct tpl_value *a)
{
    return a->type != NULL && a->type->kind == TPL_STRING ? tpl_step(run, a->text.len / OCTETS_A_STEP)
                                                          : ERR_OK;
}

static int equal(struct tpl_run *run, const struct tpl_value *a, const struct tpl_value *b, bool *out)
{
    bool basic = is_basic(a) || is_basic(b);
    *out = false;
    if (!basic)
        return equal_others(run, a, b, out);
    if (a->type == NULL || b->type == NULL)
        return ERR_OK;
    if (a->type->kind == b->type->kind)
        *out = equal_basic(a, b);
    else if (are_integers(a, b))
        *out = a->natural == b->natural && a->integer >= 0;
    else
        return incompatible(run, a, b);
    return charge(run, a);
}

static int less(struct tpl_run *run, const struct tpl_value *a, const struct tpl_value *b, bool *out)
{
    if (!is_basic(a) || !is_basic(b))
        return tpl_fail(run, "invalid type for comparison");
    if (a->type->kind != b->type->kind) {
        if (!are_integers(a, b))
            return incompatible(run, a, b);
        if (a->type->kind == TPL_INT)
            *out = a->integer < 0 || a->natural < b->natural;
        else
            *out = b->integer >= 0 && a->natural < b->natural;
        return ERR_OK;
    }
    switch (a->type->kind) {
    case TPL_INT:
        *out = a->integer < b->integer;
        return ERR_OK;
    case TPL_UINT:
        *out = a->natural < b->natural;
        return ERR_OK;
    case TPL_FLOAT:
        *out = a->real < b->real;
        return ERR_OK;
    case TPL_STRING:
        *out = compare_text(a, b) < 0;
        return charge(run, a);
    default:
        return tpl_fail(run, "invalid type for comparison");
    }
}

static int less_or_equal(struct tpl_run *run, const struct tpl_value *a, const struct tpl_value *b, bool *out)
{
    int ret = less(run, a, b, out);
    return ret != ERR_OK || *out ? ret : equal(run, a, b, out);
}

TPL_CALL(tpl_call_eq)
{
    (void)receiver;
    bool found = false;
    int ret = nargs < 2 ? tpl_fail(run, "missing argument for comparison") : ERR_OK;
    for (size_t i = 1; ret == ERR_OK && !found && i < nargs; i++)
        ret = equal(run, &args[0], &args[i], &found);
    *out = tpl_bool(found);
    return ret;
}

TPL_CALL(tpl_call_ne)
{
    (void)receiver, (void)nargs;
    bool found;
    int ret = equal(run, &args[0], &args[1], &found);
    *out = tpl_bool(!found);
    return ret;
}

TPL_CALL(tpl_call_lt)
{
    (void)receiver, (void)nargs;
    bool found = false;
    int ret = less(run, &args[0], &args[1], &found);
    *out = tpl_bool(found);
    return ret;
}

TPL_CALL(tpl_call_le)
{
    (void)receiver, (void)nargs;
    bool found = false;
    int ret = less_or_equal(run, &args[0], &args[1], &found);
    *out = tpl_bool(found);
    return ret;
}

TPL_CALL(tpl_call_gt)
{
    (void)receiver, (void)nargs;
    bool found = false;
    int ret = less_or_equal(run, &args[0], &args[1], &found);
    *out = tpl_bool(!found);
    return ret;
}

TPL_CALL(tpl_call_ge)
{
    (void)receiver, (void)nargs;
    bool found = false;
    int ret = less(run, &args[0], &args[1], &found);
    *out = tpl_bool(!found);
    return ret;
}
