/* Names in presentation form, read and written. */
#include <string.h>

#include "base/err.h"
#include "base/octets16.h"
#include "dns/name.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One octet of a label at text[*at], escapes resolved; steps over it. -1 where it is not one. */
static int label_octet(const char *text, size_t len, size_t *at)
{
    unsigned char c = (unsigned char)text[(*at)++];
    if (c != '\\')
        return c <= ' ' || c == 0x7f ? -1 : c;
    if (*at >= len)
        return -1;
    if (!is_digit(text[*at]))
        return (unsigned char)text[(*at)++];
    if (len - *at < 3 || !is_digit(text[*at + 1]) || !is_digit(text[*at + 2]))
        return -1;
    int value = (text[*at] - '0') * 100 + (text[*at + 1] - '0') * 10 + (text[*at + 2] - '0');
    *at += 3;
    return value > 255 ? -1 : value;
}

/* Nonzero where one of 16 octets does not stand for itself; also where it is above 127. */
static inline octets16 odd_octets(const char *text)
{
    octets16 w = octets16_load(text);
    return (w <= ' ') | (w == 0x7f) | (w == '\\');
}

/* Whether every octet stands for itself, and a dot ends the last label; not tried for short names. */
static bool is_plain(const char *text, size_t len)
{
    if (len < sizeof(octets16) || len >= NAME_MAX_LEN || text[len - 1] != '.')
        return false;
    octets16 odd = odd_octets(text + len - sizeof odd); /* some octets are looked at twice */
    for (size_t i = 0; i + sizeof odd < len; i += sizeof odd)
        odd |= odd_octets(text + i);
    return !octets16_any(odd);
}

/* Such a text is the wire form already, one octet further on and with a length in place of the dot before
 * each label: zone files have millions of them. */
static int from_plain(const char *text, size_t len, uint8_t *out)
{
    memcpy(out + 1, text, len);
    for (size_t start = 0, end; start < len; start = end + 1) {
        end = (size_t)((const char *)memchr(text + start, '.', len - start) - text);
        if (end == start || end - start > NAME_MAX_LABEL)
            return ERR_MALFORMED;
        out[start] = (uint8_t)(end - start);
    }
    out[len] = 0;
    return (int)len + 1;
}

static int from_any(const char *text, size_t len, uint8_t *out)
{
    size_t start = 0, end = 1; /* of the label being read: its length octet, and where its next octet goes */
    for (size_t at = 0; at < len;) {
        if (text[at] == '.') {
            if (end == start + 1 || end >= NAME_MAX_LEN)
                return ERR_MALFORMED; /* an empty label, or no room for the next length octet */
            out[start] = (uint8_t)(end - start - 1);
            start = end++;
            at++;
            continue;
        }
        int c = label_octet(text, len, &at);
        if (c < 0 || end - start > NAME_MAX_LABEL || end >= NAME_MAX_LEN)
            return ERR_MALFORMED;
        out[end++] = (uint8_t)c;
    }
    if (end > start + 1) { /* no final dot */
        if (end >= NAME_MAX_LEN)
            return ERR_MALFORMED;
        out[start] = (uint8_t)(end - start - 1);
        start = end;
    } else if (start == 0) {
        return ERR_MALFORMED; /* no text at all */
    }
    out[start] = 0;
    return (int)start + 1;
}

int name_from_text(const char *text, size_t len, uint8_t *out)
{
    if (len == 1 && text[0] == '.') {
        out[0] = 0;
        return 1;
    }
    return is_plain(text, len) ? from_plain(text, len, out) : from_any(text, len, out);
}

char *name_to_text(const uint8_t *name, char *out)
{
    char *to = out;
    if (*name == 0)
        *to++ = '.';
    while (*name != 0) {
        for (unsigned left = *name++; left > 0; left--) {
            uint8_t c = *name++;
            if (c <= ' ' || c >= 0x7f) {
                *to++ = '\\';
                *to++ = (char)('0' + c / 100);
                *to++ = (char)('0' + c / 10 % 10);
                *to++ = (char)('0' + c % 10);
                continue;
            }
            /* what has a meaning somewhere in a master file, RFC 1035 section 5.1 */
            if (c == '.' || c == '\\' || c == ';' || c == '(' || c == ')' || c == '"' || c == '@' || c == '$')
                *to++ = '\\';
            *to++ = (char)c;
        }
        *to++ = '.';
    }
    *to = '\0';
    return out;
}
