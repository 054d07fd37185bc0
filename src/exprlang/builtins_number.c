/* Functions on numbers. Their arguments have been checked. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rune.h"
#include "exprlang/expr_p.h"

#define NUMBER_MAX 63 /* octets of a number in a string */

EXPR_BUILTIN_CALL(expr_call_len)
{
    (void)nargs;
    if (expr_value_is(&args[0], TPL_STRING))
        *out = tpl_int((int64_t)rune_count(args[0].text.at, args[0].text.len));
    else
        *out =
            tpl_int(expr_value_is(&args[0], TPL_LIST) ? (int64_t)args[0].list.len : (int64_t)args[0].map.len);
    return expr_step(run, expr_value_is(&args[0], TPL_STRING) ? args[0].text.len / 8 : 0);
}

EXPR_BUILTIN_CALL(expr_call_abs)
{
    (void)run, (void)nargs;
    *out = args[0];
    if (expr_value_is(out, TPL_FLOAT))
        out->real = fabs(out->real);
    else if (expr_value_is(out, TPL_INT) && out->integer < 0)
        out->natural = 0 - out->natural;
    return ERR_OK;
}

#define ROUNDING(name, function)                                                                             \
    EXPR_BUILTIN_CALL(name)                                                                                  \
    {                                                                                                        \
        (void)run, (void)nargs;                                                                              \
        *out = expr_float(function(expr_to_float(&args[0])));                                                \
        return ERR_OK;                                                                                       \
    }
ROUNDING(expr_call_ceil, ceil)
ROUNDING(expr_call_floor, floor)
ROUNDING(expr_call_round, round)

/* A string as a number: strtoll() and strtod() without what they take beyond Go's syntax. */
static bool plain_number(const struct tpl_value *s, const char *set, char text[NUMBER_MAX + 1])
{
    if (s->text.len == 0 || s->text.len > NUMBER_MAX)
        return false;
    memcpy(text, s->text.at, s->text.len);
    text[s->text.len] = '\0';
    return strspn(text, set) == s->text.len;
}

EXPR_BUILTIN_CALL(expr_call_int)
{
    (void)nargs;
    char text[NUMBER_MAX + 1], *end;
    if (expr_value_is(&args[0], TPL_FLOAT)) {
        double x = args[0].real;
        bool fits = x >= -9223372036854775808.0 && x < 9223372036854775808.0;
        *out = tpl_int(fits ? (int64_t)x : INT64_MIN); /* what Go's conversion gives on amd64 */
        return ERR_OK;
    }
    if (!expr_value_is(&args[0], TPL_STRING)) {
        *out = tpl_int(args[0].integer);
        return ERR_OK;
    }
    errno = 0;
    bool good = plain_number(&args[0], "+-0123456789", text);
    long long value = good ? strtoll(text, &end, 10) : 0;
    if (!good || errno != 0 || *end != '\0')
        return expr_fail(run, "invalid operation: int(%.*s)", (int)(args[0].text.len & 0xFF),
                         args[0].text.at);
    *out = tpl_int(value);
    return ERR_OK;
}

EXPR_BUILTIN_CALL(expr_call_float)
{
    (void)nargs;
    char text[NUMBER_MAX + 1], *end;
    if (!expr_value_is(&args[0], TPL_STRING)) {
        *out = expr_float(expr_to_float(&args[0]));
        return ERR_OK;
    }
    bool good = plain_number(&args[0], "+-0123456789.eE", text);
    double value = good ? strtod(text, &end) : 0;
    if (!good || *end != '\0' || !isfinite(value))
        return expr_fail(run, "invalid operation: float(%.*s)", (int)(args[0].text.len & 0xFF),
                         args[0].text.at);
    *out = expr_float(value);
    return ERR_OK;
}

/* ---- max, min, mean ---- */

/* Folds numbers, those in arrays too. */
struct fold {
    const char *name;
    bool largest;
    struct tpl_value best;
    double sum;
    size_t count;
};

static int fold(struct expr_run *run, struct fold *f, const struct tpl_value *v, unsigned depth)
{
    bool less;
    int ret = expr_step(run, 1);
    if (ret == ERR_OK && expr_value_is(v, TPL_LIST) && depth < EXPR_HEIGHT_MAX) {
        for (uint32_t i = 0; ret == ERR_OK && i < v->list.len; i++)
            ret = fold(run, f, &v->list.items[i], depth + 1);
        return ret;
    }
    if (ret == ERR_OK && !expr_value_is_number(v))
        return expr_fail(run, "invalid argument for %s (type %s)", f->name, expr_value_type(v));
    if (ret != ERR_OK)
        return ret;
    f->sum += expr_to_float(v);
    f->count++;
    if (f->best.type == NULL) {
        f->best = *v;
        return ERR_OK;
    }
    ret = f->largest ? expr_less(run, &f->best, v, &less) : expr_less(run, v, &f->best, &less);
    if (ret == ERR_OK && less)
        f->best = *v;
    return ret;
}

static int fold_all(struct expr_run *run, struct fold *f, const struct tpl_value *args, size_t nargs)
{
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < nargs; i++)
        ret = fold(run, f, &args[i], 0);
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_max)
{
    struct fold f = {.name = "max", .largest = true};
    int ret = fold_all(run, &f, args, nargs);
    *out = f.best;
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_min)
{
    struct fold f = {.name = "min"};
    int ret = fold_all(run, &f, args, nargs);
    *out = f.best;
    return ret;
}

EXPR_BUILTIN_CALL(expr_call_mean)
{
    struct fold f = {.name = "mean"};
    int ret = fold_all(run, &f, args, nargs);
    *out = expr_float(f.count == 0 ? 0 : f.sum / (double)f.count);
    return ret;
}

/* ---- bits ---- */

#define BITS(name, expression)                                                                               \
    EXPR_BUILTIN_CALL(name)                                                                                  \
    {                                                                                                        \
        uint64_t x = args[0].natural, y = nargs > 1 ? args[1].natural : 0;                                   \
        (void)run, (void)y;                                                                                  \
        *out = tpl_int((int64_t)(expression));                                                               \
        return ERR_OK;                                                                                       \
    }
BITS(expr_call_bitand, x &y)
BITS(expr_call_bitor, x | y)
BITS(expr_call_bitxor, x ^ y)
BITS(expr_call_bitnand, x & ~y)
BITS(expr_call_bitnot, ~x)

static int shift(struct expr_run *run, const struct tpl_value *args, char how, struct tpl_value *out)
{
    int64_t x = args[0].integer, n = args[1].integer;
    if (n < 0)
        return expr_fail(run, "invalid operation: negative shift count %lld (type int)", (long long)n);
    if (how == 's')
        *out = tpl_int(n > 63 ? (x < 0 ? -1 : 0) : x >> n);
    else if (n > 63)
        *out = tpl_int(0);
    else
        *out = tpl_int((int64_t)(how == 'l' ? args[0].natural << n : args[0].natural >> n));
    return ERR_OK;
}

EXPR_BUILTIN_CALL(expr_call_bitshl)
{
    (void)nargs;
    return shift(run, args, 'l', out);
}

EXPR_BUILTIN_CALL(expr_call_bitshr)
{
    (void)nargs;
    return shift(run, args, 's', out);
}

EXPR_BUILTIN_CALL(expr_call_bitushr)
{
    (void)nargs;
    return shift(run, args, 'u', out);
}
