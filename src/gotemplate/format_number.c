/* Numbers by a verb. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rune.h"
#include "gotemplate/format_p.h"

#define DIGITS_MAX 64 /* of a number in base 2 */

/* ---- integers ---- */

/* Digits of n, most significant first; returns how many. */
static unsigned digits_of(uint64_t n, unsigned base, bool upper, char out[DIGITS_MAX])
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char reversed[DIGITS_MAX];
    unsigned len = 0;
    do {
        reversed[len++] = digits[n % base];
        n /= base;
    } while (n > 0);
    for (unsigned i = 0; i < len; i++)
        out[i] = reversed[len - 1 - i];
    return len;
}

/* Text behind the padding, with zeros between what leads and the digits. */
static void put_number(struct tpl_format *f, const char *lead, int zeros, const char *digits,
                       unsigned ndigits)
{
    size_t len = strlen(lead) + (size_t)(zeros > 0 ? zeros : 0) + rune_count(digits, ndigits);
    int padding = f->has_width && (size_t)f->width > len ? f->width - (int)len : 0;
    struct tpl_format blank = {.out = f->out}, zero = {.out = f->out, .zero = true};
    if (!f->minus)
        tpl_format_padding(&blank, padding);
    bytes_append_str(f->out, lead);
    tpl_format_padding(&zero, zeros);
    bytes_append(f->out, digits, ndigits);
    if (f->minus)
        tpl_format_padding(&blank, padding);
}

static void format_base(struct tpl_format *f, uint64_t n, unsigned base, bool is_signed, int32_t verb)
{
    bool negative = is_signed && (int64_t)n < 0;
    char digits[DIGITS_MAX], lead[8] = "";
    int precision = f->has_precision ? f->precision : 0;
    if (f->has_precision && precision == 0 && n == 0) {
        struct tpl_format blank = {.out = f->out};
        tpl_format_padding(&blank, f->width);
        return;
    }
    if (!f->has_precision && f->zero && !f->minus && f->has_width)
        precision = f->width - (negative || f->plus || f->space);
    unsigned len = digits_of(negative ? 0 - n : n, base, verb == 'X', digits);
    int zeros = precision > (int)len ? precision - (int)len : 0;
    const char *sign = negative ? "-" : f->plus ? "+" : f->space ? " " : "";
    const char *prefix = "";
    if (verb == 'O')
        prefix = "0o";
    else if (f->sharp && base == 2)
        prefix = "0b";
    else if (f->sharp && base == 8)
        prefix = zeros > 0 || digits[0] == '0' ? "" : "0";
    else if (f->sharp && base == 16)
        prefix = verb == 'X' ? "0X" : "0x";
    snprintf(lead, sizeof lead, "%s%s", sign, prefix);
    put_number(f, lead, zeros, digits, len);
}

static void format_character(struct tpl_format *f, uint64_t n)
{
    char octets[4];
    tpl_format_padded(f, octets, rune_write(n > RUNE_MAX ? RUNE_ERROR : (int32_t)n, octets));
}

static void format_quoted_character(struct tpl_format *f, uint64_t n)
{
    struct bytes quoted;
    bytes_init(&quoted, 32);
    rune_quote(&quoted, n > RUNE_MAX ? RUNE_ERROR : (int32_t)n, f->plus);
    tpl_format_padded(f, quoted.data, quoted.len);
    bytes_free(&quoted);
}

/* U+0061, and with # the character too. */
static void format_unicode(struct tpl_format *f, uint64_t n)
{
    char digits[DIGITS_MAX], octets[4];
    unsigned len = digits_of(n, 16, true, digits);
    int precision = f->has_precision && f->precision > 4 ? f->precision : 4;
    int zeros = precision > (int)len ? precision - (int)len : 0;
    char behind[DIGITS_MAX + 16];
    bool shown = f->sharp && n <= RUNE_MAX && rune_is_print((int32_t)n);
    int end = shown ? snprintf(behind, sizeof behind, "%.*s '%.*s'", (int)len, digits,
                               (int)rune_write((int32_t)n, octets), octets)
                    : snprintf(behind, sizeof behind, "%.*s", (int)len, digits);
    put_number(f, "U+", zeros, behind, (unsigned)end);
}

bool tpl_format_integer(struct tpl_format *f, uint64_t n, bool is_signed, int32_t verb)
{
    struct tpl_format hexadecimal = *f;
    switch (verb) {
    case 'v':
        hexadecimal.sharp = true;
        if (f->sharp_v && !is_signed)
            format_base(&hexadecimal, n, 16, false, 'v');
        else
            format_base(f, n, 10, is_signed, verb);
        return true;
    case 'd':
        format_base(f, n, 10, is_signed, verb);
        return true;
    case 'b':
        format_base(f, n, 2, is_signed, verb);
        return true;
    case 'o':
    case 'O':
        format_base(f, n, 8, is_signed, verb);
        return true;
    case 'x':
    case 'X':
        format_base(f, n, 16, is_signed, verb);
        return true;
    case 'c':
        format_character(f, n);
        return true;
    case 'q':
        format_quoted_character(f, n);
        return true;
    case 'U':
        format_unicode(f, n);
        return true;
    default:
        return false;
    }
}

/* ---- floating-point numbers ---- */

#define FLOAT_MAX 400 /* octets of a number without its digits behind the point, and some */

/* The fewest digits that are read again as the same number, and the exponent of the first of them. */
static int shortest(double x, char digits[20], int *exponent)
{
    char text[40];
    int precision = 0;
    do {
        snprintf(text, sizeof text, "%.*e", precision, x);
    } while (strtod(text, NULL) != x && ++precision < 17);
    const char *e = strchr(text, 'e');
    int len = 0;
    for (const char *p = text; p < e; p++)
        if (*p >= '0' && *p <= '9')
            digits[len++] = *p;
    digits[len] = '\0';
    *exponent = (int)strtol(e + 1, NULL, 10);
    return len;
}

/* %g without a precision: as few digits as tell the number, an exponent below -4 and from 6 on. */
static int write_shortest(double x, bool upper, char *out, size_t cap)
{
    char digits[20];
    int exponent, len = shortest(x, digits, &exponent);
    if (exponent < -4 || exponent >= 6)
        return snprintf(out, cap, upper ? "%.*E" : "%.*e", len - 1, x);
    return snprintf(out, cap, "%.*f", len - 1 > exponent ? len - 1 - exponent : 0, x);
}

static int write_float(const struct tpl_format *f, double x, int32_t verb, char *out, size_t cap)
{
    int precision = f->has_precision ? f->precision : verb == 'g' || verb == 'G' || verb == 'v' ? -1 : 6;
    if (precision < 0 && !f->sharp)
        return write_shortest(x, verb == 'G', out, cap);
    if (precision < 0)
        precision = 6;
    switch (verb) {
    case 'e':
        return snprintf(out, cap, f->sharp ? "%#.*e" : "%.*e", precision, x);
    case 'E':
        return snprintf(out, cap, f->sharp ? "%#.*E" : "%.*E", precision, x);
    case 'G':
        return snprintf(out, cap, f->sharp ? "%#.*G" : "%.*G", precision, x);
    case 'g':
    case 'v':
        return snprintf(out, cap, f->sharp ? "%#.*g" : "%.*g", precision, x);
    default:
        return snprintf(out, cap, f->sharp ? "%#.*f" : "%.*f", precision, x);
    }
}

/* %x: as C's %a, with an exponent of at least two digits. */
static int write_hexadecimal(const struct tpl_format *f, double x, bool upper, char *out, size_t cap)
{
    int len = f->has_precision ? snprintf(out, cap, upper ? "%.*A" : "%.*a", f->precision, x)
                               : snprintf(out, cap, upper ? "%A" : "%a", x);
    if (len >= 2 && (out[len - 2] == '+' || out[len - 2] == '-')) {
        out[len] = out[len - 1];
        out[len - 1] = '0';
        out[++len] = '\0';
    }
    return len;
}

static void format_no_number(struct tpl_format *f, double x)
{
    const char *text = isnan(x)               ? (f->plus    ? "+NaN"
                                                 : f->space ? " NaN"
                                                            : "NaN")
                       : x < 0                ? "-Inf"
                       : f->space && !f->plus ? " Inf"
                                              : "+Inf";
    struct tpl_format blank = *f;
    blank.zero = false;
    tpl_format_padded(&blank, text, strlen(text));
}

bool tpl_format_float(struct tpl_format *f, double x, int32_t verb)
{
    if (verb < 0x20 || verb > 0x7E || strchr("veEfFgGxX", (int)verb) == NULL)
        return false;
    if (!isfinite(x)) {
        format_no_number(f, x);
        return true;
    }
    size_t cap = FLOAT_MAX + (f->has_precision ? (size_t)f->precision : 0);
    char *text = cap > f->out->max ? NULL : malloc(cap);
    if (text == NULL) {
        f->out->error = ERR_LIMIT;
        return true;
    }
    int len = verb == 'x' || verb == 'X' ? write_hexadecimal(f, fabs(x), verb == 'X', text, cap)
                                         : write_float(f, fabs(x), verb, text, cap);
    const char *sign = signbit(x) ? "-" : f->plus ? "+" : f->space ? " " : "";
    int zeros = f->zero && !f->minus && f->has_width ? f->width - len - (int)strlen(sign) : 0;
    put_number(f, sign, zeros, text, (unsigned)len);
    free(text);
    return true;
}
