/* Functions on strings. Their arguments have been checked. */
#include <string.h>

#include "base/rune.h"
#include "exprlang/expr_p.h"

#define TRIMMED_A_STEP  64 /* characters that are held against characters */
#define SEARCHED_A_STEP 16 /* octets in which something is replaced */

static bool starts(const struct tpl_value *s, const struct tpl_value *with)
{
    return with->text.len <= s->text.len && memcmp(s->text.at, with->text.at, with->text.len) == 0;
}

static bool ends(const struct tpl_value *s, const struct tpl_value *with)
{
    return with->text.len <= s->text.len &&
           memcmp(s->text.at + s->text.len - with->text.len, with->text.at, with->text.len) == 0;
}

/* ---- trim ---- */

/* Whether the character at the front or back of `s` is one of `set`; its octets. */
static unsigned one_of(const char *at, const char *end, const struct tpl_value *set)
{
    unsigned width, other;
    int32_t c = rune_read(at, end, &width);
    const char *stop = set->text.at + set->text.len;
    for (const char *p = set->text.at; p < stop; p += other)
        if (rune_read(p, stop, &other) == c)
            return width;
    return 0;
}

/* Octets of the last character. */
static unsigned last_width(const char *at, const char *end)
{
    unsigned width, back = 1;
    while (back < 4 && (size_t)(end - at) > back && ((uint8_t)end[-(int)back] & 0xC0) == 0x80)
        back++;
    rune_read(end - back, end, &width);
    return width == back ? back : 1;
}

EXPR_BUILTIN_CALL(expr_call_trim)
{
    struct tpl_value blanks = tpl_text(" \t\n\v\f\r", 6);
    const struct tpl_value *set = nargs > 1 ? &args[1] : &blanks;
    const char *at = args[0].text.at, *end = at + args[0].text.len;
    unsigned width;
    int ret = expr_step(run, args[0].text.len * set->text.len / TRIMMED_A_STEP);
    if (ret != ERR_OK)
        return ret;
    while (at < end && (width = one_of(at, end, set)) > 0)
        at += width;
    while (at < end && one_of(end - last_width(at, end), end, set) > 0)
        end -= last_width(at, end);
    *out = tpl_text(at, (size_t)(end - at));
    return ERR_OK;
}

EXPR_BUILTIN_CALL(expr_call_trim_prefix)
{
    struct tpl_value blank = tpl_text(" ", 1), what = nargs > 1 ? args[1] : blank;
    (void)run;
    *out = args[0];
    if (starts(out, &what)) {
        out->text.at += what.text.len;
        out->text.len -= what.text.len;
    }
    return ERR_OK;
}

EXPR_BUILTIN_CALL(expr_call_trim_suffix)
{
    struct tpl_value blank = tpl_text(" ", 1), what = nargs > 1 ? args[1] : blank;
    (void)run;
    *out = args[0];
    if (ends(out, &what))
        out->text.len -= what.text.len;
    return ERR_OK;
}

/* ---- case, in ASCII ---- */

static int change_case(struct expr_run *run, const struct tpl_value *s, char first, char last,
                       struct tpl_value *out)
{
    char *text = expr_alloc(run, s->text.len + 1);
    if (text == NULL)
        return expr_limit(run);
    for (size_t i = 0; i < s->text.len; i++) {
        char c = s->text.at[i];
        text[i] = c >= first && c <= last ? (char)(c ^ 0x20) : c;
    }
    text[s->text.len] = '\0';
    *out = tpl_text(text, s->text.len);
    return ERR_OK;
}

EXPR_BUILTIN_CALL(expr_call_upper)
{
    (void)nargs;
    return change_case(run, &args[0], 'a', 'z', out);
}

EXPR_BUILTIN_CALL(expr_call_lower)
{
    (void)nargs;
    return change_case(run, &args[0], 'A', 'Z', out);
}

/* ---- split and join ---- */

/* Where the next separator is behind `at`, or the end. An empty one stands behind every character. */
static const char *next_separator(const char *at, const char *end, const struct tpl_value *separator)
{
    unsigned width;
    if (separator->text.len == 0) {
        rune_read(at, end, &width);
        return at + width;
    }
    const char *found = memmem(at, (size_t)(end - at), separator->text.at, separator->text.len);
    return found == NULL ? end : found;
}

/* Pieces of s, at most `most` (-1: all); `kept` octets of the separator stay with the piece before it. */
static int split(struct expr_run *run, const struct tpl_value *s, const struct tpl_value *separator,
                 int64_t most, size_t kept, struct tpl_value *out)
{
    const char *at = s->text.at, *end = at + s->text.len;
    size_t count = 0, len = separator->text.len, room = len == 0 ? s->text.len : s->text.len / len + 1;
    if (most >= 0 && (size_t)most < room)
        room = (size_t)most;
    if (room > EXPR_MEMORY_MAX)
        return expr_limit(run);
    struct tpl_value *items = expr_items(run, room);
    if (items == NULL)
        return expr_limit(run);
    bool more = most != 0 && (len > 0 || at < end);
    while (more && count < room) {
        bool last = most > 0 && count + 1 == (size_t)most;
        const char *stop = last ? end : next_separator(at, end, separator);
        more = stop < end;
        items[count++] = tpl_text(at, (size_t)(stop - at) + (stop < end ? kept : 0));
        at = stop + (stop < end ? len : 0);
    }
    *out = expr_list(&tpl_type_strings, items, count);
    return expr_step(run, count + s->text.len / 64);
}

static int64_t count_of(const struct tpl_value *args, size_t nargs, size_t i)
{
    return nargs > i ? args[i].integer : -1;
}

EXPR_BUILTIN_CALL(expr_call_split)
{
    return split(run, &args[0], &args[1], count_of(args, nargs, 2), 0, out);
}

EXPR_BUILTIN_CALL(expr_call_split_after)
{
    return split(run, &args[0], &args[1], count_of(args, nargs, 2), args[1].text.len, out);
}

/* What has been written to run->text, as a value. */
static int written(struct expr_run *run, struct tpl_value *out)
{
    char *text = run->text.error != ERR_OK ? NULL : expr_alloc(run, run->text.len + 1);
    if (text == NULL)
        return expr_limit(run);
    if (run->text.len > 0)
        memcpy(text, run->text.data, run->text.len);
    text[run->text.len] = '\0';
    *out = tpl_text(text, run->text.len);
    return expr_step(run, run->text.len / 64);
}

EXPR_BUILTIN_CALL(expr_call_join)
{
    bytes_reset(&run->text);
    for (uint32_t i = 0; i < args[0].list.len; i++) {
        const struct tpl_value *item = &args[0].list.items[i];
        if (!expr_value_is(item, TPL_STRING))
            return expr_fail(run, "invalid argument for join (item of type %s)", expr_value_type(item));
        if (i > 0 && nargs > 1)
            bytes_append(&run->text, args[1].text.at, args[1].text.len);
        bytes_append(&run->text, item->text.at, item->text.len);
    }
    return written(run, out);
}

EXPR_BUILTIN_CALL(expr_call_replace)
{
    const struct tpl_value *old = &args[1], *new = &args[2];
    const char *at = args[0].text.at, *end = at + args[0].text.len;
    int64_t left = count_of(args, nargs, 3);
    int ret = expr_step(run, args[0].text.len / SEARCHED_A_STEP); /* what comes out may be nothing */
    if (ret != ERR_OK)
        return ret;
    bytes_reset(&run->text);
    if (old->text.len == 0 && left != 0) { /* in front of every character, and at the end */
        bytes_append(&run->text, new->text.at, new->text.len);
        left -= left > 0;
    }
    while (at < end && left != 0 && run->text.error == ERR_OK) {
        const char *found = next_separator(at, end, old);
        if (old->text.len > 0 && found == end)
            break;
        bytes_append(&run->text, at, (size_t)(found - at));
        bytes_append(&run->text, new->text.at, new->text.len);
        at = found + old->text.len;
        left -= left > 0;
    }
    bytes_append(&run->text, at, (size_t)(end - at));
    return written(run, out);
}

EXPR_BUILTIN_CALL(expr_call_repeat)
{
    (void)nargs;
    int64_t n = args[1].integer;
    if (n < 0)
        return expr_fail(run, "invalid argument for repeat (expected positive integer, got %lld)",
                         (long long)n);
    bytes_reset(&run->text);
    for (int64_t i = 0; args[0].text.len > 0 && i < n && run->text.error == ERR_OK; i++)
        bytes_append(&run->text, args[0].text.at, args[0].text.len);
    return written(run, out);
}

EXPR_BUILTIN_CALL(expr_call_string)
{
    (void)nargs;
    bytes_reset(&run->text);
    tpl_format_value(&run->text, &args[0]);
    return written(run, out);
}

/* ---- places ---- */

EXPR_BUILTIN_CALL(expr_call_index_of)
{
    (void)nargs;
    const char *found = args[1].text.len == 0
                            ? args[0].text.at
                            : memmem(args[0].text.at, args[0].text.len, args[1].text.at, args[1].text.len);
    *out = tpl_int(found == NULL ? -1 : found - args[0].text.at);
    return expr_step(run, args[0].text.len / 64);
}

EXPR_BUILTIN_CALL(expr_call_last_index_of)
{
    (void)nargs;
    int64_t at = (int64_t)args[0].text.len - (int64_t)args[1].text.len;
    while (at >= 0 && memcmp(args[0].text.at + at, args[1].text.at, args[1].text.len) != 0)
        at--;
    *out = tpl_int(at < 0 ? -1 : at);
    return expr_step(run, args[0].text.len / 8 + 1);
}

EXPR_BUILTIN_CALL(expr_call_has_prefix)
{
    (void)run, (void)nargs;
    *out = tpl_bool(starts(&args[0], &args[1]));
    return ERR_OK;
}

EXPR_BUILTIN_CALL(expr_call_has_suffix)
{
    (void)run, (void)nargs;
    *out = tpl_bool(ends(&args[0], &args[1]));
    return ERR_OK;
}
