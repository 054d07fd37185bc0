/* html, js, urlquery. */
#include <string.h>

#include "base/rune.h"
#include "gotemplate/exec_p.h"
#include "gotemplate/format_p.h"
#include "gotemplate/funcs_p.h"

/* The arguments as one text: a string as it is, others as print has them. */
static int text_of(struct tpl_run *run, const struct tpl_value *args, size_t nargs, struct tpl_value *out)
{
    if (nargs == 1 && args[0].type != NULL && args[0].type->kind == TPL_STRING) {
        *out = args[0];
        return ERR_OK;
    }
    struct tpl_value shown[TPL_ARGS_MAX];
    for (size_t i = 0; i < nargs; i++)
        shown[i] = args[i].type == NULL ? tpl_text("<no value>", 10) : args[i];
    bytes_reset(&run->text);
    tpl_sprint(&run->text, shown, nargs);
    return tpl_text_result(run, &run->text, out);
}

static const char *html_escape(char c)
{
    switch (c) {
    case '\0':
        return "\xEF\xBF\xBD";
    case '"':
        return "&#34;";
    case '\'':
        return "&#39;";
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    default:
        return NULL;
    }
}

TPL_CALL(tpl_call_html)
{
    (void)receiver;
    struct tpl_value text;
    int ret = text_of(run, args, nargs, &text);
    if (ret != ERR_OK)
        return ret;
    bytes_reset(&run->text);
    for (size_t i = 0; i < text.text.len; i++) {
        const char *escape = html_escape(text.text.at[i]);
        if (escape != NULL)
            bytes_append_str(&run->text, escape);
        else
            bytes_append(&run->text, &text.text.at[i], 1);
    }
    return tpl_text_result(run, &run->text, out);
}

static void js_rune(struct bytes *out, int32_t c, const char *octets, unsigned width)
{
    if (c == '\\' || c == '\'' || c == '"')
        bytes_printf(out, "\\%c", (int)c);
    else if (c < ' ' || c == '<' || c == '>' || c == '&' || c == '=' || (c >= 0x80 && !rune_is_print(c)))
        bytes_printf(out, "\\u%04X", (unsigned)c);
    else if (c == RUNE_ERROR && width == 1)
        bytes_append(out, octets, 1);
    else
        bytes_append(out, octets, width);
}

TPL_CALL(tpl_call_js)
{
    (void)receiver;
    struct tpl_value text;
    int ret = text_of(run, args, nargs, &text);
    if (ret != ERR_OK)
        return ret;
    bytes_reset(&run->text);
    unsigned width;
    for (const char *at = text.text.at, *end = at + text.text.len; at < end; at += width) {
        int32_t c = rune_read(at, end, &width);
        js_rune(&run->text, c, at, width);
    }
    return tpl_text_result(run, &run->text, out);
}

TPL_CALL(tpl_call_urlquery)
{
    (void)receiver;
    struct tpl_value text;
    int ret = text_of(run, args, nargs, &text);
    if (ret != ERR_OK)
        return ret;
    bytes_reset(&run->text);
    for (size_t i = 0; i < text.text.len; i++) {
        uint8_t c = (uint8_t)text.text.at[i];
        if (c < 0x80 && (rune_is_word(c) || c == '-' || c == '.' || c == '~'))
            bytes_append(&run->text, &text.text.at[i], 1);
        else if (c == ' ')
            bytes_append_str(&run->text, "+");
        else
            bytes_printf(&run->text, "%%%02X", c);
    }
    return tpl_text_result(run, &run->text, out);
}
