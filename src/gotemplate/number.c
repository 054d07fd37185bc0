/* Numbers as they are written in a template. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rune.h"
#include "gotemplate/literal_p.h"

#define NUMBER_MAX 127 /* octets of a number that is written with a fraction or an exponent */

static bool has_any(struct tpl_slice text, const char *set)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '\0' && strchr(set, text.at[i]) != NULL)
            return true;
    return false;
}

/* By strtod() once the syntax is Go's: it also reads infinities and hexadecimals without exponent. */
static bool read_float(struct tpl_slice text, double *out)
{
    char plain[NUMBER_MAX + 1];
    size_t len = 0;
    bool hexadecimal = has_any(text, "xX");
    if (text.len > NUMBER_MAX || (hexadecimal && !has_any(text, "pP")))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i], before = i == 0 ? '.' : text.at[i - 1];
        bool last = i + 1 == text.len;
        if (c != '_')
            plain[len++] = c;
        else if (before == '.' || before == '_' || last || text.at[i + 1] == '.')
            return false;
    }
    plain[len] = '\0';
    char *end;
    errno = 0;
    *out = strtod(plain, &end);
    return end != plain && *end == '\0' && !(errno == ERANGE && (*out > 1 || *out < -1));
}

static struct tpl_value real(double value)
{
    return (struct tpl_value){.type = &tpl_type_float64, .real = value};
}

static void set_int(struct tpl_node *n, int64_t value)
{
    n->number.ideal = tpl_int(value);
    n->number.integer = value;
    n->number.is_int = true;
}

static bool read_char(struct tpl_node *n, char why[128])
{
    int32_t c;
    int len = tpl_unquote_char(n->text, &c);
    if (len <= 0) {
        snprintf(why, 128, "invalid syntax");
        return false;
    }
    if ((size_t)len + 2 != n->text.len) {
        snprintf(why, 128, "malformed character constant: %.*s", n->text.len > 80 ? 80 : (int)n->text.len,
                 n->text.at);
        return false;
    }
    set_int(n, c);
    return true;
}

/* A number without sign, point and exponent; an overflow of int leaves `ideal` none. */
static bool read_whole(struct tpl_node *n, bool *too_large)
{
    uint64_t value;
    bool negative = n->text.at[0] == '-', sign = negative || n->text.at[0] == '+';
    const char *why = tpl_parse_uint(n->text.at + sign, n->text.len - sign, 0, 64, &value);
    *too_large = why != NULL && strcmp(why, "value out of range") == 0;
    if (why != NULL)
        return false;
    if (negative ? value > (uint64_t)INT64_MAX + 1 : value > INT64_MAX) {
        *too_large = sign; /* without a sign it is good for an unsigned number, which no function takes */
        return !sign;
    }
    set_int(n, negative ? (int64_t)(0 - value) : (int64_t)value);
    return true;
}

bool tpl_read_number(struct tpl_node *n, char why[128])
{
    int shown = n->text.len > 80 ? 80 : (int)n->text.len;
    double value = 0;
    bool too_large = false;
    if (n->text.at[0] == '\'')
        return read_char(n, why);
    if (n->text.at[n->text.len - 1] == 'i') {
        snprintf(why, 128, "complex numbers are not supported: \"%.*s\"", shown, n->text.at);
        return false;
    }
    if (read_whole(n, &too_large))
        return true;
    bool is_float = read_float(n->text, &value);
    if (too_large || !is_float || !has_any(n->text, ".eEpP")) {
        snprintf(why, 128, "%s: \"%.*s\"",
                 too_large || is_float ? "integer overflow" : "illegal number syntax", shown, n->text.at);
        return false;
    }
    n->number.ideal = real(value);
    if (value >= -9223372036854775808.0 && value < 9223372036854775808.0 && (double)(int64_t)value == value) {
        n->number.integer = (int64_t)value;
        n->number.is_int = true;
    }
    return true;
}
