/* Print, Println and Printf. */
#include <string.h>

#include "base/rune.h"
#include "gotemplate/format_p.h"

#define NUMBER_MAX 1000000 /* of a width, a precision or an argument's index, as in Go */

void tpl_format_value(struct bytes *out, const struct tpl_value *v)
{
    struct tpl_format f = {.out = out};
    tpl_format_arg(&f, v, 'v', 0);
}

void tpl_print(struct bytes *out, const struct tpl_value *v)
{
    struct tpl_format f = {.out = out};
    if (v->type == NULL)
        bytes_append_str(out, "<no value>");
    else /* what a pointer points to, so without its & */
        tpl_format_arg(&f, v, 'v', 1);
}

/* A blank stands between two arguments where neither is a string. */
void tpl_sprint(struct bytes *out, const struct tpl_value *args, size_t nargs)
{
    bool before = false;
    for (size_t i = 0; i < nargs; i++) {
        bool string = args[i].type != NULL && args[i].type->kind == TPL_STRING;
        if (i > 0 && !string && !before)
            bytes_append_str(out, " ");
        tpl_format_value(out, &args[i]);
        before = string;
    }
}

void tpl_sprintln(struct bytes *out, const struct tpl_value *args, size_t nargs)
{
    for (size_t i = 0; i < nargs; i++) {
        if (i > 0)
            bytes_append_str(out, " ");
        tpl_format_value(out, &args[i]);
    }
    bytes_append_str(out, "\n");
}

/* ---- Printf ---- */

struct printing {
    struct tpl_format f;
    const char *at, *end;
    const struct tpl_value *args;
    size_t nargs, next;
    bool reordered;   /* some verb has named its argument */
    bool good_index;  /* of the verb that is being read */
    bool after_index; /* the last piece was an index: [3] */
};

static bool too_large(int64_t n)
{
    return n > NUMBER_MAX || n < -NUMBER_MAX;
}

/* Digits at p->at. A number that is too large ends the format. */
static bool read_number(struct printing *p, int *out)
{
    int64_t n = 0;
    const char *begin = p->at;
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) {
        n = n * 10 + (*p->at - '0');
        if (too_large(n)) {
            *out = 0;
            p->at = p->end;
            return false;
        }
    }
    *out = (int)n;
    return p->at > begin;
}

/* [3]: the argument to take next. */
static void read_index(struct printing *p)
{
    p->after_index = false;
    if (p->at == p->end || *p->at != '[')
        return;
    p->reordered = true;
    const char *close = memchr(p->at, ']', (size_t)(p->end - p->at));
    if (p->end - p->at < 3 || close == NULL) {
        p->good_index = false;
        p->at++;
        return;
    }
    struct printing inner = {.at = p->at + 1, .end = close};
    int n;
    bool number = read_number(&inner, &n) && inner.at == close;
    p->at = close + 1;
    p->after_index = number;
    if (number && n >= 1 && (size_t)n <= p->nargs)
        p->next = (size_t)n - 1;
    else
        p->good_index = false;
}

/* An argument that is a width or precision: *. */
static bool take_number(struct printing *p, int *out)
{
    *out = 0;
    if (p->next >= p->nargs)
        return false;
    const struct tpl_value *v = &p->args[p->next++];
    if (v->type == NULL || (v->type->kind != TPL_INT && v->type->kind != TPL_UINT))
        return false;
    if (too_large(v->integer))
        return false;
    *out = (int)v->integer;
    return true;
}

static void read_flags(struct printing *p)
{
    for (; p->at < p->end; p->at++) {
        switch (*p->at) {
        case '#':
            p->f.sharp = true;
            break;
        case '0':
            p->f.zero = true;
            break;
        case '+':
            p->f.plus = true;
            break;
        case '-':
            p->f.minus = true;
            break;
        case ' ':
            p->f.space = true;
            break;
        default:
            return;
        }
    }
}

static void read_width(struct printing *p)
{
    if (p->at < p->end && *p->at == '*') {
        p->at++;
        p->f.has_width = take_number(p, &p->f.width);
        if (!p->f.has_width)
            bytes_append_str(p->f.out, "%!(BADWIDTH)");
        if (p->f.width < 0) {
            p->f.width = -p->f.width;
            p->f.minus = true;
            p->f.zero = false;
        }
        p->after_index = false;
        return;
    }
    p->f.has_width = read_number(p, &p->f.width);
    if (p->after_index && p->f.has_width)
        p->good_index = false;
}

static void read_precision(struct printing *p)
{
    if (p->end - p->at < 2 || *p->at != '.')
        return;
    p->at++;
    if (p->after_index)
        p->good_index = false;
    read_index(p);
    if (p->at < p->end && *p->at == '*') {
        p->at++;
        p->f.has_precision = take_number(p, &p->f.precision);
        if (p->f.precision < 0) {
            p->f.precision = 0;
            p->f.has_precision = false;
        }
        if (!p->f.has_precision)
            bytes_append_str(p->f.out, "%!(BADPREC)");
        p->after_index = false;
        return;
    }
    read_number(p, &p->f.precision); /* none is 0 */
    p->f.has_precision = true;
}

static void complain(struct printing *p, int32_t verb, const char *what)
{
    char octets[4];
    bytes_append_str(p->f.out, "%!");
    bytes_append(p->f.out, octets, rune_write(verb, octets));
    bytes_append_str(p->f.out, what);
}

static void print_verb(struct printing *p)
{
    unsigned width;
    if (p->at == p->end) {
        bytes_append_str(p->f.out, "%!(NOVERB)");
        return;
    }
    int32_t verb = rune_read(p->at, p->end, &width);
    p->at += width;
    if (verb == '%') {
        bytes_append_str(p->f.out, "%");
    } else if (!p->good_index) {
        complain(p, verb, "(BADINDEX)");
    } else if (p->next >= p->nargs) {
        complain(p, verb, "(MISSING)");
    } else {
        if (verb == 'v') {
            p->f.sharp_v = p->f.sharp;
            p->f.plus_v = p->f.plus;
            p->f.sharp = p->f.plus = false;
        }
        tpl_format_arg(&p->f, &p->args[p->next++], verb, 0);
    }
}

static void print_extra(struct printing *p)
{
    bytes_append_str(p->f.out, "%!(EXTRA ");
    for (size_t i = p->next; i < p->nargs; i++) {
        const struct tpl_value *v = &p->args[i];
        if (i > p->next)
            bytes_append_str(p->f.out, ", ");
        if (v->type != NULL)
            bytes_printf(p->f.out, "%s=", v->type->name);
        tpl_format_value(p->f.out, v);
    }
    bytes_append_str(p->f.out, ")");
}

void tpl_sprintf(struct bytes *out, const char *format, size_t len, const struct tpl_value *args,
                 size_t nargs)
{
    struct printing p = {.at = format, .end = format + len, .args = args, .nargs = nargs};
    while (p.at < p.end && out->error == 0) {
        const char *percent = memchr(p.at, '%', (size_t)(p.end - p.at));
        const char *stop = percent == NULL ? p.end : percent;
        bytes_append(out, p.at, (size_t)(stop - p.at));
        p.at = stop;
        if (percent == NULL)
            break;
        p.at++;
        p.f = (struct tpl_format){.out = out};
        p.good_index = true;
        p.after_index = false;
        read_flags(&p);
        read_index(&p);
        read_width(&p);
        read_precision(&p);
        if (!p.after_index)
            read_index(&p);
        print_verb(&p);
    }
    p.f = (struct tpl_format){.out = out};
    if (!p.reordered && p.next < nargs)
        print_extra(&p);
}
