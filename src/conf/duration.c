#include "conf/duration_p.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"

/* Longest first where one is the beginning of another. Both spellings of the micro sign, as in Go. */
static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xC2\xB5s", 1000},
    {"\xCE\xBCs", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60 * (int64_t)1000000000},
    {"h", 3600 * (int64_t)1000000000},
};

static int64_t unit_ns(const char **at)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t len = strlen(units[i].name);
        if (strncmp(*at, units[i].name, len) == 0) {
            *at += len;
            return units[i].ns;
        }
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One "12.5s": number, fraction, unit, added to *ns. */
static int read_part(const char **at, int64_t *ns)
{
    int64_t whole = 0;
    const char *p = *at;
    for (; is_digit(*p); p++)
        if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, *p - '0', &whole))
            return ERR_MALFORMED;
    bool digits = p > *at;
    const char *fraction = p + 1;
    if (*p == '.') {
        for (p++; is_digit(*p); p++)
            digits = true;
    }
    const char *fraction_end = p;
    int64_t unit = digits ? unit_ns(&p) : 0;
    if (unit == 0 || __builtin_mul_overflow(whole, unit, &whole))
        return ERR_MALFORMED;
    int64_t scale = unit;
    for (; fraction < fraction_end && scale > 0; fraction++) {
        int64_t digit = *fraction - '0';
        if (__builtin_add_overflow(whole, scale / 10 * digit + scale % 10 * digit / 10, &whole))
            return ERR_MALFORMED;
        scale /= 10;
    }
    if (__builtin_add_overflow(*ns, whole, ns))
        return ERR_MALFORMED;
    *at = p;
    return ERR_OK;
}

int duration_read(const char *text, int64_t *out_ms)
{
    bool negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    if (strcmp(text, "0") == 0) {
        *out_ms = 0;
        return ERR_OK;
    }
    if (*text == '\0')
        return ERR_MALFORMED;
    int64_t ns = 0;
    while (*text != '\0') {
        int ret = read_part(&text, &ns);
        if (ret != ERR_OK)
            return ret;
    }
    int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    *out_ms = negative ? -ms : ms;
    return ERR_OK;
}
