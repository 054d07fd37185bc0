#include "dns/name.h"

#include <string.h>

#include "base/err.h"
#include "base/octets16.h"

/* Length octets are at most 63 and letters start at 65: a whole name can be lower-cased or compared without
 * regard to case octet by octet, without a look at where its labels begin. */
static inline uint8_t lower(uint8_t c)
{
    return (uint8_t)(c + ((unsigned)(c - 'A') < 26u ? 'a' - 'A' : 0));
}

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

size_t name_len(const uint8_t *name)
{
    size_t at = 0;
    while (name[at] != 0)
        at += 1u + name[at];
    return at + 1;
}

int name_check(const uint8_t *wire, size_t len)
{
    size_t at = 0;
    if (len > NAME_MAX_LEN)
        len = NAME_MAX_LEN;
    while (at < len) {
        if (wire[at] == 0)
            return (int)at + 1;
        if (wire[at] > NAME_MAX_LABEL)
            return ERR_MALFORMED;
        at += 1u + wire[at];
    }
    return ERR_MALFORMED;
}

unsigned name_label_count(const uint8_t *name)
{
    unsigned count = 0;
    for (; *name != 0; name += 1u + *name)
        count++;
    return count;
}

/* Capitals among eight octets made small. */
static inline uint64_t lower64(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t low = w & ~high, from_a = low + ones * (0x80 - 'A'), above_z = low + ones * (0x7f - 'Z');
    return w | (from_a & ~above_z & ~w & high) >> 2;
}

static bool octets_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t x = load64(a + i), y = load64(b + i);
        if (x != y && lower64(x) != lower64(y))
            return false;
    }
    for (; i < len; i++)
        if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool name_equal(const uint8_t *a, const uint8_t *b)
{
    if (a[0] != b[0])
        return false;
    size_t len = name_len(a);
    return name_len(b) == len && octets_equal(a, b, len);
}

static int label_compare(const uint8_t *a, const uint8_t *b)
{
    unsigned shorter = a[0] < b[0] ? a[0] : b[0];
    for (unsigned i = 1; i <= shorter; i++) {
        int diff = lower(a[i]) - lower(b[i]);
        if (diff != 0)
            return diff;
    }
    return a[0] - b[0];
}

/* Where the labels of `name` begin, first label first. */
static unsigned label_starts(const uint8_t *name, uint8_t starts[NAME_MAX_LEN / 2 + 1])
{
    unsigned count = 0;
    for (size_t at = 0; name[at] != 0; at += 1u + name[at])
        starts[count++] = (uint8_t)at;
    return count;
}

int name_compare(const uint8_t *a, const uint8_t *b)
{
    uint8_t starts_a[NAME_MAX_LEN / 2 + 1], starts_b[NAME_MAX_LEN / 2 + 1];
    unsigned left_a = label_starts(a, starts_a), left_b = label_starts(b, starts_b);
    while (left_a > 0 && left_b > 0) {
        int diff = label_compare(a + starts_a[--left_a], b + starts_b[--left_b]);
        if (diff != 0)
            return diff;
    }
    return (int)left_a - (int)left_b;
}

bool name_in(const uint8_t *name, const uint8_t *apex)
{
    return name_in_len(name, name_len(name), apex, name_len(apex));
}

bool name_ends_in(const uint8_t *name, size_t len, const uint8_t *apex, size_t apex_len)
{
    size_t start = len - apex_len, at = 0;
    if (!octets_equal(name + start, apex, apex_len))
        return false;
    while (at < start) /* is it a label that begins there? */
        at += 1u + name[at];
    return at == start;
}

size_t name_lower(uint8_t *out, const uint8_t *name)
{
    size_t len = name_len(name), i = 0;
    for (; i + 8 <= len; i += 8) { /* eight octets at once: this runs for every query */
        uint64_t w = lower64(load64(name + i));
        memcpy(out + i, &w, sizeof w);
    }
    for (; i < len; i++)
        out[i] = lower(name[i]);
    return len;
}

/* Until name_hash_seed() is called: any two numbers will do that have ones and zeros in a jumble. */
static uint64_t hash_start = 0x8a5cd789635d2dffu, hash_multiplier = 0x9e3779b97f4a7c15u;

void name_hash_seed(uint64_t start, uint64_t multiplier)
{
    hash_start = start;
    hash_multiplier = multiplier | 1;
}

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Sixteen octets at `at` for one multiplication: half as many as with one for eight. Who does not know the
 * seeds cannot choose octets that make a factor 0, nor any others that collide. */
static inline uint64_t fold16(uint64_t h, const uint8_t *at)
{
    return fold(load64(at) ^ hash_multiplier, load64(at + 8) ^ h);
}

static uint64_t hash_short(const uint8_t *name, size_t len)
{
    uint8_t padded[16] = {0};
    memcpy(padded, name, len);
    return fold16(hash_start ^ len, padded);
}

uint64_t name_hash(const uint8_t *name, size_t len)
{
    if (len < 16)
        return hash_short(name, len);
    uint64_t h = hash_start ^ len;
    for (size_t i = 0; i + 16 < len; i += 16)
        h = fold16(h, name + i);
    return fold16(h, name + len - 16); /* some octets for the second time */
}

typedef unsigned char unsigned_octets16 __attribute__((vector_size(16)));

static inline void lower16(uint8_t *out, const uint8_t *name)
{
    octets16 w = octets16_load(name), from_a;
    from_a = (octets16)((unsigned_octets16)w + (0x80 - 'A')); /* A is the least octet, then B ... */
    w |= (from_a < -0x80 + 26) & ('a' - 'A');
    memcpy(out, &w, sizeof w);
}

/* Not inlined: longer names shall not pay for its stack. */
static __attribute__((noinline)) uint64_t lower_hash_short(uint8_t *out, const uint8_t *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = lower(name[i]);
    return hash_short(out, len);
}

uint64_t name_lower_hash(uint8_t *out, const uint8_t *name, size_t len)
{
    if (len < 16)
        return lower_hash_short(out, name, len);
    uint64_t h = hash_start ^ len;
    for (size_t i = 0; i + 16 < len; i += 16) {
        lower16(out + i, name + i);
        h = fold16(h, out + i);
    }
    lower16(out + len - 16, name + len - 16);
    return fold16(h, out + len - 16);
}

/* A sensible pointer leads to at least one label, and a name has no more than these. More is an attempt to
 * make us work: a message has room for chains of thousands. */
#define POINTERS_MAX ((NAME_MAX_LEN - 1) / 2)

int name_unpack(const uint8_t *message, size_t message_len, size_t at, uint8_t *out)
{
    size_t len = 0, pos = at, segment = at; /* segment: where the run of labels being read began */
    unsigned pointers = 0;
    int taken = 0; /* octets at `at`, known at the first pointer or the end */
    for (;;) {
        if (pos >= message_len)
            return ERR_MALFORMED;
        uint8_t c = message[pos];
        if (c >= 0xc0) {
            if (message_len - pos < 2)
                return ERR_MALFORMED;
            size_t target = (size_t)(c & 0x3f) << 8 | message[pos + 1];
            /* Each run begins before the one that led to it, so there is no loop. */
            if (target >= segment || ++pointers > POINTERS_MAX)
                return ERR_MALFORMED;
            if (taken == 0)
                taken = (int)(pos - at) + 2;
            pos = segment = target;
            continue;
        }
        if (c > NAME_MAX_LABEL || message_len - pos <= c || len + c + 1u > NAME_MAX_LEN)
            return ERR_MALFORMED;
        memcpy(out + len, message + pos, c + 1u);
        len += c + 1u;
        pos += c + 1u;
        if (c == 0)
            return taken != 0 ? taken : (int)(pos - at);
    }
}
