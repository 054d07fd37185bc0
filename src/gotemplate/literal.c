#include "gotemplate/literal_p.h"

#include <string.h>

#include "base/rune.h"

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* `count` digits of a base at *at. */
static bool digits(const char **at, const char *end, unsigned count, int base, int32_t *out)
{
    int64_t value = 0;
    if ((size_t)(end - *at) < count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        int digit = digit_of(*(*at)++);
        if (digit >= base)
            return false;
        value = value * base + digit;
    }
    *out = value > INT32_MAX ? -1 : (int32_t)value;
    return true;
}

/* One character of what stands between quotation marks. *octet: an octet by its number and not a character.
 */
static bool one(const char **at, const char *end, char mark, int32_t *out, bool *octet)
{
    static const char letters[] = "abfnrtv", meanings[] = "\a\b\f\n\r\t\v";
    unsigned width;
    *octet = false;
    if (**at == mark)
        return false;
    if (**at != '\\') {
        *out = rune_read(*at, end, &width);
        *octet = *out == RUNE_ERROR && width == 1;
        if (*octet)
            *out = (uint8_t) * *at;
        *at += width;
        return true;
    }
    if (++*at == end)
        return false;
    char c = *(*at)++;
    const char *letter = c == '\0' ? NULL : strchr(letters, c);
    if (letter != NULL) {
        *out = meanings[letter - letters];
        return true;
    }
    switch (c) {
    case 'x':
        *octet = true;
        return digits(at, end, 2, 16, out);
    case 'u':
    case 'U':
        return digits(at, end, c == 'u' ? 4 : 8, 16, out) && *out >= 0 && *out <= RUNE_MAX &&
               (*out < 0xD800 || *out > 0xDFFF);
    case '\\':
        *out = c;
        return true;
    case '\'':
    case '"':
        *out = c;
        return c == mark;
    default:
        *octet = true;
        --*at;
        return digits(at, end, 3, 8, out) && *out <= 255;
    }
}

bool tpl_unquote(struct arena *arena, struct tpl_slice text, struct tpl_slice *out)
{
    const char *at = text.at + 1, *end = text.at + text.len - 1; /* the lexer saw both marks */
    *out = (struct tpl_slice){.at = at, .len = (size_t)(end - at)};
    if (text.at[0] == '"' && memchr(at, '\\', out->len) == NULL)
        return true;
    char *to = arena_alloc(arena, 4 * out->len + 1);
    if (to == NULL)
        return false;
    out->at = to;
    if (text.at[0] == '`') { /* as it stands, but for carriage returns */
        for (; at < end; at++)
            if (*at != '\r')
                *to++ = *at;
    } else {
        while (at < end) {
            int32_t c;
            bool octet;
            if (!one(&at, end, '"', &c, &octet))
                return false;
            if (octet)
                *to++ = (char)c;
            else
                to += rune_write(c, to);
        }
    }
    out->len = (size_t)(to - out->at);
    return true;
}

int tpl_unquote_char(struct tpl_slice text, int32_t *out)
{
    bool octet;
    const char *at = text.at + 1, *end = text.at + text.len - 1;
    return at < end && one(&at, end, '\'', out, &octet) ? (int)(at - text.at) - 1 : 0;
}

/* Underscores stand between digits, or between a prefix and a digit. */
static bool underscores_are_good(const char *text, size_t len)
{
    char before = '^'; /* the beginning */
    size_t i = len > 0 && (text[0] == '-' || text[0] == '+');
    bool hexadecimal = false;
    if (len - i >= 2 && text[i] == '0' && strchr("bBoOxX", text[i + 1]) != NULL) {
        hexadecimal = (text[i + 1] | 0x20) == 'x';
        before = '0';
        i += 2;
    }
    for (; i < len; i++) {
        if (digit_of(text[i]) < (hexadecimal ? 16 : 10)) {
            before = '0';
        } else if (text[i] == '_') {
            if (before != '0')
                return false;
            before = '_';
        } else {
            if (before == '_')
                return false;
            before = '!';
        }
    }
    return before != '_';
}

/* The base that a prefix tells, and how many octets the prefix has. */
static int base_of(const char *text, size_t len, size_t *prefix)
{
    *prefix = 0;
    if (len == 0 || text[0] != '0')
        return 10;
    *prefix = 2;
    char c = len >= 3 ? (char)(text[1] | 0x20) : '\0';
    if (c == 'b')
        return 2;
    if (c == 'o')
        return 8;
    if (c == 'x')
        return 16;
    *prefix = 1;
    return 8;
}

const char *tpl_parse_uint(const char *text, size_t len, int base, int bits, uint64_t *out)
{
    static const char syntax[] = "invalid syntax", range[] = "value out of range";
    uint64_t value = 0, most = bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    size_t i = 0;
    bool any_base = base == 0;
    if (any_base)
        base = base_of(text, len, &i);
    if (len == 0)
        return syntax;
    for (; i < len; i++) {
        if (text[i] == '_' && any_base)
            continue;
        int digit = digit_of(text[i]);
        if (digit >= base)
            return syntax;
        if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value) || value > most)
            return range; /* what follows is not looked at, in Go either */
    }
    if (any_base && !underscores_are_good(text, len))
        return syntax;
    *out = value;
    return NULL;
}
