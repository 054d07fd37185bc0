#include "serve/log_put.h"

#include <stdbool.h>
#include <string.h>

/* ---- numbers ---- */

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
    "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
    "9899";

static inline char *put_pair(char *at, unsigned v)
{
    memcpy(at, pairs + 2 * (size_t)v, 2);
    return at + 2;
}

static inline char *put_digit(char *at, unsigned v)
{
    *at = (char)('0' + v);
    return at + 1;
}

static inline char *put_below_1000(char *at, unsigned n)
{
    if (n >= 100)
        return put_pair(put_digit(at, n / 100), n % 100);
    return n >= 10 ? put_pair(at, n) : put_digit(at, n);
}

char *log_put_number(char *at, uint64_t n)
{
    if (n < 1000)
        return put_below_1000(at, (unsigned)n);
    if (n < 100000) { /* ports, ids */
        unsigned v = (unsigned)n, upper = v / 100;
        return put_pair(put_below_1000(at, upper), v - upper * 100);
    }
    at = log_put_number(at, n / 10000);
    unsigned v = (unsigned)(n % 10000);
    return put_pair(put_pair(at, v / 100), v % 100);
}

char *log_put_seconds(char *at, uint64_t ns)
{
    unsigned seconds = (unsigned)(ns / 1000000000u), rest = (unsigned)(ns % 1000000000u);
    at = log_put_number(at, seconds);
    if (rest > 0) {
        *at++ = '.';
        unsigned upper = rest / 10000, lower = rest % 10000; /* five digits and four */
        at = put_digit(at, upper / 10000);
        at = put_pair(at, upper / 100 % 100);
        at = put_pair(at, upper % 100);
        at = put_pair(at, lower / 100);
        at = put_pair(at, lower % 100);
        while (at[-1] == '0')
            at--;
    }
    *at++ = 's';
    return at;
}

/* ---- names ---- */

#define ONES 0x0101010101010101u
#define HIGH 0x8080808080808080u

/* Of eight octets below 0x80 (`low`), the high bits of those from `first` to `last`. */
static inline uint64_t within(uint64_t low, uint8_t first, uint8_t last)
{
    return (low + ONES * (0x80u - first)) & ~(low + ONES * (0x7fu - last));
}

/* Whether `text` has nothing in it but what stands for itself in presentation form (small letters, digits,
 * '-', '_' and some more) and `dots` dots. Eight octets at a time: seven more can be read. */
static bool is_plain(const char *text, size_t len, unsigned dots)
{
    uint64_t all = HIGH, seen = 0;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t w;
        memcpy(&w, text + i, sizeof w);
        if (len - i < 8) {
            unsigned bits = 8 * (unsigned)(len - i);
            w = (w & ((UINT64_C(1) << bits) - 1)) | (ONES * 'a') << bits;
        }
        uint64_t low = w & ~HIGH;
        all &= (within(low, '-', ':') | within(low, ']', '~')) &
               ~w; /* from '-' to ':' there are the digits and "./" */
        seen += (~((low ^ ONES * '.') + ONES * 0x7f) & HIGH) >>
                7; /* a counter in each octet, of 32 at the most */
    }
    return all == HIGH && (seen * ONES) >> 56 == dots;
}

char *log_put_name(char *at, const uint8_t *name, size_t len)
{
    unsigned labels = 0;
    memcpy(at, name + 1, len - 1); /* length octets stand where dots are to be, the root's as the last */
    for (size_t i = name[0]; i < len - 1; labels++) {
        size_t next = (uint8_t)at[i];
        at[i] = '.';
        i += 1 + next;
    }
    if (len > 1 && is_plain(at, len - 1, labels))
        return at + len - 1;
    name_to_text(name, at);
    return at + strlen(at);
}

/* ---- addresses ---- */

static char *put_four(char *at, const uint8_t *octets)
{
    for (unsigned i = 0; i < 4; i++) {
        at = put_below_1000(at, octets[i]);
        *at++ = '.';
    }
    return at - 1;
}

static char *put_hex(char *at, unsigned v)
{
    for (int shift = v >= 0x1000 ? 12 : v >= 0x100 ? 8 : v >= 0x10 ? 4 : 0; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[v >> shift & 15];
    return at;
}

/* RFC 5952: the longest run of zeros, of two groups or more, as "::", the first of equal ones. */
static char *put_six(char *at, const uint8_t *octets)
{
    unsigned group[8], start = 8, longest = 1, run = 0;
    for (unsigned i = 0; i < 8; i++) {
        group[i] = (unsigned)octets[2 * i] << 8 | octets[2 * i + 1];
        run = group[i] == 0 ? run + 1 : 0;
        if (run > longest) {
            longest = run;
            start = i + 1 - run;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i == start) {
            at = log_put_text(at, i == 0 ? "::" : ":");
            i += longest - 1;
            continue;
        }
        at = put_hex(at, group[i]);
        if (i < 7)
            *at++ = ':';
    }
    return at;
}

char *log_put_address(char *at, const union address *a)
{
    const uint8_t *six = a->in6.sin6_addr.s6_addr;
    if (a->sa.sa_family != AF_INET6)
        return put_four(at, (const uint8_t *)&a->in.sin_addr);
    if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) /* a dual-stack socket shows IPv4 clients so */
        return put_four(at, six + 12);
    *at++ = '[';
    if (IN6_IS_ADDR_V4COMPAT(&a->in6.sin6_addr)) { /* with dots in it */
        char text[ADDRESS_TEXT_MAX];
        at = log_put_text(at, address_text(a, text));
    } else {
        at = put_six(at, six);
    }
    *at++ = ']';
    return at;
}

/* ---- flags ---- */

char *log_put_flags(char *at, uint16_t flags)
{
    static const struct {
        uint16_t flag;
        char text[4];
    } names[] = {{FLAG_QR, "qr,"}, {FLAG_AA, "aa,"}, {FLAG_TC, "tc,"}, {FLAG_RD, "rd,"},
                 {FLAG_RA, "ra,"}, {FLAG_AD, "ad,"}, {FLAG_CD, "cd,"}};
    const char *begin = at;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (flags & names[i].flag) {
            memcpy(at, names[i].text, sizeof names[i].text);
            at += 3;
        }
    return at == begin ? at : at - 1;
}
