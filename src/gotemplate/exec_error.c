/* What an execution fails by, in words; and its limits. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/rune.h"
#include "gotemplate/exec_p.h"
#include "gotemplate/format_p.h"

#define SHOWN_MAX 2048 /* octets of a node or value in an error's text, which itself is shorter */

/* Where run->at stands: NAME:LINE:COLUMN. */
static void location(const struct tpl_run *run, struct bytes *out)
{
    const char *text = run->tpl->text, *line_begin = text;
    unsigned line = 1;
    for (const char *p = text; p < text + run->at->pos; p++)
        if (*p == '\n') {
            line++;
            line_begin = p + 1;
        }
    bytes_printf(out, "%.*s:%u:%zu", (int)run->tpl->main->name.len, run->tpl->main->name.at, line,
                 (size_t)(text + run->at->pos - line_begin));
}

static int fail_with(struct tpl_run *run, const char *text)
{
    struct bytes where;
    bytes_init(&where, SHOWN_MAX);
    location(run, &where);
    bytes_append_str(&where, ": executing ");
    rune_quote_text(&where, run->tree->name.at, run->tree->name.len, false);
    bytes_append_str(&where, " at <");
    tpl_node_show(run->at, &where);
    int ret = errtext_set(run->e, ERR_MALFORMED, "template: %.*s>: %s", (int)where.len,
                          where.data == NULL ? "" : where.data, text);
    bytes_free(&where);
    return ret;
}

int tpl_exec_fail(struct tpl_run *run, const char *format, ...)
{
    char text[768];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return fail_with(run, text);
}

static int fail_around(struct tpl_run *run, struct bytes *shown)
{
    int ret = fail_with(run, shown->data == NULL ? "" : shown->data);
    bytes_free(shown);
    return ret;
}

int tpl_exec_fail_node(struct tpl_run *run, const char *before, const struct tpl_node *n, const char *after)
{
    struct bytes shown;
    bytes_init(&shown, SHOWN_MAX);
    bytes_append_str(&shown, before);
    tpl_node_show(n, &shown);
    bytes_append_str(&shown, after);
    return fail_around(run, &shown);
}

int tpl_exec_fail_value(struct tpl_run *run, const char *before, const struct tpl_value *v, const char *after)
{
    struct bytes shown;
    bytes_init(&shown, SHOWN_MAX);
    bytes_append_str(&shown, before);
    tpl_print(&shown, v);
    bytes_append_str(&shown, after);
    return fail_around(run, &shown);
}

int tpl_exec_limit(struct tpl_run *run, int error, const char *what)
{
    if (error != ERR_LIMIT)
        return error;
    struct bytes where;
    bytes_init(&where, SHOWN_MAX);
    location(run, &where);
    int ret = errtext_set(run->e, ERR_LIMIT, "template: %.*s: more %s than Seamark allows", (int)where.len,
                          where.data == NULL ? "" : where.data, what);
    bytes_free(&where);
    return ret;
}

int tpl_step(struct tpl_run *run, size_t n)
{
    if (n > TPL_STEPS_MAX - run->steps)
        return tpl_exec_limit(run, ERR_LIMIT, "steps");
    run->steps += (unsigned)n;
    return ERR_OK;
}

void *tpl_alloc(struct tpl_run *run, size_t size)
{
    return arena_alloc(&run->memory, size);
}

int tpl_fail(struct tpl_run *run, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(run->why, sizeof run->why, format, ap);
    va_end(ap);
    return ERR_MALFORMED;
}
