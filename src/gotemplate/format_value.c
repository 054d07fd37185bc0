/* A value by a verb. */
#include <stdio.h>
#include <string.h>

#include "base/rune.h"
#include "gotemplate/format_p.h"

#define STRUCTS_MAX 8 /* structs within structs that are shown */

/* ---- padding ---- */

void tpl_format_padding(struct tpl_format *f, int n)
{
    char c = f->zero && !f->minus ? '0' : ' ';
    if (n <= 0)
        return;
    char *at = bytes_reserve(f->out, (size_t)n);
    if (at == NULL)
        return;
    memset(at, c, (size_t)n);
    f->out->len += (size_t)n;
    f->out->data[f->out->len] = '\0';
}

void tpl_format_padded(struct tpl_format *f, const char *text, size_t len)
{
    int padding = f->has_width ? f->width - (int)rune_count(text, len) : 0;
    if (!f->minus)
        tpl_format_padding(f, padding);
    bytes_append(f->out, text, len);
    if (f->minus)
        tpl_format_padding(f, padding);
}

/* ---- strings ---- */

/* The octets of the first characters, as many as the precision says. */
static size_t cut(const struct tpl_format *f, const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    unsigned width;
    if (!f->has_precision)
        return len;
    for (int n = f->precision; n > 0 && at < end; n--, at += width)
        rune_read(at, end, &width);
    return (size_t)(at - text);
}

static void format_hex(struct tpl_format *f, const char *text, size_t len, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef", *prefix = upper ? "0X" : "0x";
    if (f->has_precision && (size_t)f->precision < len)
        len = (size_t)f->precision;
    size_t width = 2 * len;
    if (len == 0) {
        tpl_format_padding(f, f->has_width ? f->width : 0);
        return;
    }
    if (f->space)
        width = (f->sharp ? 2 * width : width) + len - 1;
    else if (f->sharp)
        width += 2;
    int padding = f->has_width && (size_t)f->width > width ? f->width - (int)width : 0;
    if (!f->minus)
        tpl_format_padding(f, padding);
    for (size_t i = 0; i < len && f->out->error == 0; i++) {
        uint8_t c = (uint8_t)text[i];
        if (f->space && i > 0)
            bytes_append_str(f->out, " ");
        if (f->sharp && (f->space || i == 0))
            bytes_append_str(f->out, prefix);
        bytes_printf(f->out, "%c%c", digits[c >> 4], digits[c & 15]);
    }
    if (f->minus)
        tpl_format_padding(f, padding);
}

/* Whether the text may stand between back-quotes. */
static bool fits_back_quotes(const char *text, size_t len)
{
    unsigned width;
    for (const char *at = text, *end = text + len; at < end; at += width) {
        int32_t c = rune_read(at, end, &width);
        if ((c == RUNE_ERROR && width == 1) || (c < 0x20 && c != '\t') || c == '`' || c == 0x7F ||
            c == 0xFEFF)
            return false;
    }
    return true;
}

static void format_quoted(struct tpl_format *f, const char *text, size_t len)
{
    struct bytes quoted;
    bytes_init(&quoted, f->out->max);
    len = cut(f, text, len);
    if (f->sharp && fits_back_quotes(text, len)) {
        bytes_append_str(&quoted, "`");
        bytes_append(&quoted, text, len);
        bytes_append_str(&quoted, "`");
    } else {
        rune_quote_text(&quoted, text, len, f->plus);
    }
    if (quoted.error != 0)
        f->out->error = quoted.error;
    else
        tpl_format_padded(f, quoted.data, quoted.len);
    bytes_free(&quoted);
}

static bool format_string(struct tpl_format *f, const char *text, size_t len, int32_t verb)
{
    switch (verb) {
    case 'v':
        if (f->sharp_v)
            format_quoted(f, text, len);
        else
            tpl_format_padded(f, text, cut(f, text, len));
        return true;
    case 's':
        tpl_format_padded(f, text, cut(f, text, len));
        return true;
    case 'x':
    case 'X':
        format_hex(f, text, len, verb == 'X');
        return true;
    case 'q':
        format_quoted(f, text, len);
        return true;
    default:
        return false;
    }
}

/* ---- what holds others ---- */

static void separate(struct tpl_format *f, bool first)
{
    if (!first)
        bytes_append_str(f->out, f->sharp_v ? ", " : " ");
}

static void format_list(struct tpl_format *f, const struct tpl_value *v, int32_t verb, unsigned depth)
{
    if (f->sharp_v)
        bytes_printf(f->out, "%s{", v->type->name);
    else
        bytes_append_str(f->out, "[");
    for (uint32_t i = 0; i < v->list.len && f->out->error == 0; i++) {
        separate(f, i == 0);
        tpl_format_arg(f, &v->list.items[i], verb, depth + 1);
    }
    bytes_append_str(f->out, f->sharp_v ? "}" : "]");
}

static void format_map(struct tpl_format *f, const struct tpl_value *v, int32_t verb, unsigned depth)
{
    if (f->sharp_v)
        bytes_printf(f->out, "%s{", v->type->name);
    else
        bytes_append_str(f->out, "map[");
    for (size_t i = 0; i < v->map.len && f->out->error == 0; i++) {
        const struct tpl_entry *entry = &v->map.entries[i];
        struct tpl_value key = tpl_text(entry->key, entry->key_len);
        separate(f, i == 0);
        tpl_format_arg(f, &key, verb, depth + 1);
        bytes_append_str(f->out, ":");
        tpl_format_arg(f, &entry->value, verb, depth + 1);
    }
    bytes_append_str(f->out, f->sharp_v ? "}" : "]");
}

static void format_members(struct tpl_format *f, const struct tpl_value *v, int32_t verb, unsigned depth)
{
    const struct tpl_type *type = v->type;
    bool pointer = type->name[0] == '*', first = true;
    if (pointer && depth == 0)
        bytes_append_str(f->out, "&");
    if (f->sharp_v)
        bytes_append_str(f->out, type->name + pointer);
    bytes_append_str(f->out, "{");
    for (size_t i = 0; depth < STRUCTS_MAX && i < type->nmembers && f->out->error == 0; i++) {
        const struct tpl_member *m = &type->members[i];
        if (m->get == NULL)
            continue;
        separate(f, first);
        first = false;
        if (f->plus_v || f->sharp_v)
            bytes_printf(f->out, "%s:", m->name);
        struct tpl_value field = m->get(v->object);
        tpl_format_arg(f, &field, verb, depth + 1);
    }
    bytes_append_str(f->out, "}");
}

static void format_struct(struct tpl_format *f, const struct tpl_value *v, int32_t verb, unsigned depth)
{
    if (v->type->text == NULL || f->sharp_v || strchr("vsxXq", (int)verb) == NULL) {
        format_members(f, v, verb, depth);
        return;
    }
    struct bytes text;
    bytes_init(&text, f->out->max);
    v->type->text(v->object, &text);
    format_string(f, text.data == NULL ? "" : text.data, text.len, verb);
    bytes_free(&text);
}

/* ---- all of them ---- */

static void bad_verb(struct tpl_format *f, const struct tpl_value *v, int32_t verb)
{
    char octets[4];
    bytes_append_str(f->out, "%!");
    bytes_append(f->out, octets, rune_write(verb, octets));
    bytes_append_str(f->out, "(");
    if (v->type == NULL) {
        bytes_append_str(f->out, "<nil>");
    } else {
        bytes_printf(f->out, "%s=", v->type->name);
        tpl_format_arg(f, v, 'v', 1);
    }
    bytes_append_str(f->out, ")");
}

static bool format_bool(struct tpl_format *f, bool truth, int32_t verb)
{
    if (verb == 't' || verb == 'v')
        tpl_format_padded(f, truth ? "true" : "false", truth ? 4 : 5);
    return verb == 't' || verb == 'v';
}

static bool format_kind(struct tpl_format *f, const struct tpl_value *v, int32_t verb, unsigned depth)
{
    switch (v->type->kind) {
    case TPL_BOOL:
        return format_bool(f, v->truth, verb);
    case TPL_INT:
    case TPL_UINT:
        return tpl_format_integer(f, v->natural, v->type->kind == TPL_INT, verb);
    case TPL_FLOAT:
        return tpl_format_float(f, v->real, verb);
    case TPL_STRING:
        return format_string(f, v->text.at, v->text.len, verb);
    case TPL_LIST:
        format_list(f, v, verb, depth);
        return true;
    case TPL_MAP:
        format_map(f, v, verb, depth);
        return true;
    default:
        format_struct(f, v, verb, depth);
        return true;
    }
}

void tpl_format_arg(struct tpl_format *f, const struct tpl_value *v, int32_t verb, unsigned depth)
{
    if (v->type == NULL && depth > 0)
        bytes_append_str(f->out, "<nil>");
    else if (v->type == NULL && (verb == 'v' || verb == 'T'))
        tpl_format_padded(f, "<nil>", 5);
    else if (v->type != NULL && verb == 'T' && depth == 0)
        tpl_format_padded(f, v->type->name, cut(f, v->type->name, strlen(v->type->name)));
    else if (v->type == NULL || !format_kind(f, v, verb, depth))
        bad_verb(f, v, verb);
}
