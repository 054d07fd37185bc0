/* Go's predefined functions. */
#include "gotemplate/funcs_p.h"

#include <stdio.h>
#include <string.h>

#include "base/rune.h"
#include "gotemplate/exec_p.h"
#include "gotemplate/format_p.h"
#include "gotemplate/literal_p.h"

/* ---- not, len, index, slice ---- */

static int call_not(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                    struct tpl_value *out)
{
    (void)run, (void)receiver, (void)nargs;
    *out = tpl_bool(!tpl_truth(&args[0]));
    return ERR_OK;
}

static int call_len(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                    struct tpl_value *out)
{
    (void)receiver, (void)nargs;
    const struct tpl_value *v = &args[0];
    if (v->type == NULL)
        return tpl_fail(run, "reflect: call of reflect.Value.Type on zero Value");
    if (v->type->kind == TPL_STRING)
        *out = tpl_int((int64_t)v->text.len);
    else if (v->type->kind == TPL_LIST)
        *out = tpl_int(v->list.len);
    else if (v->type->kind == TPL_MAP)
        *out = tpl_int((int64_t)v->map.len);
    else
        return tpl_fail(run, "len of type %s", tpl_type_pointed_to(v));
    return ERR_OK;
}

/* An index from 0 to `cap`, which may still be one too high for an item. */
static int read_index(struct tpl_run *run, const struct tpl_value *v, size_t cap, size_t *out)
{
    if (v->type == NULL)
        return tpl_fail(run, "cannot index slice/array with nil");
    if (v->type->kind != TPL_INT && v->type->kind != TPL_UINT)
        return tpl_fail(run, "cannot index slice/array with type %s", v->type->name);
    if (v->integer < 0 || v->natural > cap)
        return tpl_fail(run, "index out of range: %lld", (long long)v->integer);
    *out = (size_t)v->natural;
    return ERR_OK;
}

static int index_map(struct tpl_run *run, const struct tpl_value *key, struct tpl_value *item)
{
    const struct tpl_type *elem = item->type->elem;
    if (key->type == NULL)
        return tpl_fail(run, "value is nil; should be of type string");
    if (key->type->kind != TPL_STRING)
        return tpl_fail(run, "value has type %s; should be string", key->type->name);
    *item = tpl_map_get(item, key->text.at, key->text.len);
    if (item->type == NULL)
        *item = (struct tpl_value){.type = elem}; /* Go's zero value, or none */
    if (item->type == &tpl_type_string && item->text.at == NULL)
        item->text.at = "";
    return ERR_OK;
}

static int index_one(struct tpl_run *run, const struct tpl_value *by, struct tpl_value *item)
{
    size_t i;
    int ret = ERR_OK;
    switch (item->type->kind) {
    case TPL_STRING:
        ret = read_index(run, by, item->text.len, &i);
        if (ret == ERR_OK && i == item->text.len)
            ret = tpl_fail(run, "reflect: string index out of range");
        if (ret == ERR_OK)
            *item = (struct tpl_value){.type = &tpl_type_uint8, .natural = (uint8_t)item->text.at[i]};
        return ret;
    case TPL_LIST:
        ret = read_index(run, by, item->list.len, &i);
        if (ret == ERR_OK && i == item->list.len)
            ret = tpl_fail(run, "reflect: slice index out of range");
        if (ret == ERR_OK)
            *item = item->list.items[i];
        return ret;
    case TPL_MAP:
        return index_map(run, by, item);
    default:
        return tpl_fail(run, "can't index item of type %s", tpl_type_pointed_to(item));
    }
}

static int call_index(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                      struct tpl_value *out)
{
    (void)receiver;
    struct tpl_value item = args[0];
    int ret = item.type == NULL ? tpl_fail(run, "index of untyped nil") : ERR_OK;
    for (size_t i = 1; ret == ERR_OK && i < nargs; i++)
        ret = item.type == NULL ? tpl_fail(run, "index of nil pointer") : index_one(run, &args[i], &item);
    *out = item;
    return ret;
}

static int check_slice(struct tpl_run *run, const struct tpl_value *item, size_t nargs, size_t *len,
                       size_t *cap)
{
    if (item->type == NULL)
        return tpl_fail(run, "slice of untyped nil");
    if (nargs > 4)
        return tpl_fail(run, "too many slice indexes: %zu", nargs - 1);
    if (item->type->kind == TPL_STRING) {
        *len = *cap = item->text.len;
        return nargs == 4 ? tpl_fail(run, "cannot 3-index slice a string") : ERR_OK;
    }
    if (item->type->kind != TPL_LIST)
        return tpl_fail(run, "can't slice item of type %s", tpl_type_pointed_to(item));
    *len = item->list.len;
    *cap = item->list.cap;
    return ERR_OK;
}

static int call_slice(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                      struct tpl_value *out)
{
    (void)receiver;
    struct tpl_value item = args[0];
    size_t at[3] = {0}, cap = 0;
    int ret = check_slice(run, &item, nargs, &at[1], &cap);
    at[2] = cap;
    for (size_t i = 1; ret == ERR_OK && i < nargs; i++)
        ret = read_index(run, &args[i], cap, &at[i - 1]);
    for (unsigned i = 0; ret == ERR_OK && i < 2; i++)
        if (at[i] > at[i + 1])
            ret = tpl_fail(run, "invalid slice index: %zu > %zu", at[i], at[i + 1]);
    if (ret != ERR_OK)
        return ret;
    if (item.type->kind == TPL_STRING) {
        item.text.at += at[0];
        item.text.len = at[1] - at[0];
    } else {
        item.list.items = item.list.cap > 0 ? item.list.items + at[0] : NULL;
        item.list.len = (uint32_t)(at[1] - at[0]);
        item.list.cap = (uint32_t)(at[2] - at[0]);
    }
    *out = item;
    return ERR_OK;
}

/* ---- print, println, printf ---- */

int tpl_text_result(struct tpl_run *run, const struct bytes *text, struct tpl_value *out)
{
    if (text->error != ERR_OK)
        return text->error;
    char *copy = tpl_alloc(run, text->len + 1);
    if (copy == NULL)
        return run->memory.error;
    if (text->len > 0)
        memcpy(copy, text->data, text->len);
    copy[text->len] = '\0';
    *out = tpl_text(copy, text->len);
    return ERR_OK;
}

static int call_print(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                      struct tpl_value *out)
{
    (void)receiver;
    bytes_reset(&run->text);
    tpl_sprint(&run->text, args, nargs);
    return tpl_text_result(run, &run->text, out);
}

static int call_println(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                        struct tpl_value *out)
{
    (void)receiver;
    bytes_reset(&run->text);
    tpl_sprintln(&run->text, args, nargs);
    return tpl_text_result(run, &run->text, out);
}

static int call_printf(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                       struct tpl_value *out)
{
    (void)receiver;
    bytes_reset(&run->text);
    tpl_sprintf(&run->text, args[0].text.at, args[0].text.len, args + 1, nargs - 1);
    return tpl_text_result(run, &run->text, out);
}

/* ---- what a plugin may add ---- */

int tpl_call_parse_uint(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                        struct tpl_value *out)
{
    (void)receiver, (void)nargs;
    int64_t base = args[1].integer, bits = args[2].integer;
    uint64_t value = 0;
    char number[48];
    const char *why = number;
    if (args[0].text.len == 0)
        why = "invalid syntax";
    else if (base != 0 && (base < 2 || base > 36))
        snprintf(number, sizeof number, "invalid base %lld", (long long)base);
    else if (bits < 0 || bits > 64)
        snprintf(number, sizeof number, "invalid bit size %lld", (long long)bits);
    else
        why =
            tpl_parse_uint(args[0].text.at, args[0].text.len, (int)base, bits == 0 ? 64 : (int)bits, &value);
    *out = (struct tpl_value){.type = &tpl_type_uint64, .natural = value};
    if (why == NULL)
        return ERR_OK;
    bytes_reset(&run->text);
    rune_quote_text(&run->text, args[0].text.at, args[0].text.len, false);
    return tpl_fail(run, "strconv.ParseUint: parsing %s: %s",
                    run->text.error == ERR_OK ? run->text.data : "a number", why);
}

const struct tpl_func tpl_predefined[] = {
    {"and", "v", 'v', NULL},
    {"or", "v", 'v', NULL},
    {"call", "v", 'v', NULL},
    {"not", "v", 0, call_not},
    {"len", "v", 0, call_len},
    {"index", "v", 'v', call_index},
    {"slice", "v", 'v', call_slice},
    {"print", "", 'a', call_print},
    {"println", "", 'a', call_println},
    {"printf", "s", 'a', call_printf},
    {"html", "", 'a', tpl_call_html},
    {"js", "", 'a', tpl_call_js},
    {"urlquery", "", 'a', tpl_call_urlquery},
    {"eq", "v", 'v', tpl_call_eq},
    {"ne", "vv", 0, tpl_call_ne},
    {"lt", "vv", 0, tpl_call_lt},
    {"le", "vv", 0, tpl_call_le},
    {"gt", "vv", 0, tpl_call_gt},
    {"ge", "vv", 0, tpl_call_ge},
};
const size_t tpl_npredefined = sizeof tpl_predefined / sizeof *tpl_predefined;
const struct tpl_func *const tpl_func_and = &tpl_predefined[0];
const struct tpl_func *const tpl_func_or = &tpl_predefined[1];
const struct tpl_func *const tpl_func_call = &tpl_predefined[2];
