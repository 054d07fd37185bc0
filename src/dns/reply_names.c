/* Names in a reply, and which of them later ones point to. */
#include <string.h>

#include "dns/reply_p.h"

#define LABELS_MAX 128

/* Label offsets of a name, and a hash of each suffix, from the right. */
struct suffixes {
    unsigned count;
    uint8_t at[LABELS_MAX];
    uint32_t hash[LABELS_MAX];
};

static inline uint64_t load(const uint8_t *p, unsigned len)
{
    uint64_t w = 0;
    memcpy(&w, p, len);
    return w;
}

/* A label's octets, its length in front, into the hash of what stands behind it: a few loads, some octets
 * twice. */
static inline uint32_t label_hash(uint32_t hash, const uint8_t *label)
{
    const uint64_t multiplier = 0x9e3779b97f4a7c15u;
    unsigned len = label[0] + 1u, i = 0;
    uint64_t h = hash;
    if (len < 4) {
        h ^= (uint64_t)label[1] << 8 | (uint64_t)label[len - 1] << 16 | label[0] * UINT64_C(0x1000000);
    } else if (len < 8) {
        h ^= load(label, 4) | load(label + len - 4, 4) << 32;
    } else {
        for (; i + 8 < len; i += 8) {
            h = (h ^ load(label + i, 8)) * multiplier;
            h ^= h >> 32;
        }
        h ^= load(label + len - 8, 8);
    }
    h *= multiplier;
    return (uint32_t)(h ^ h >> 32);
}

static void suffixes_of(const uint8_t *name, struct suffixes *s)
{
    s->count = 0;
    for (const uint8_t *p = name; *p != 0 && s->count < LABELS_MAX; p += *p + 1)
        s->at[s->count++] = (uint8_t)(p - name);
    uint32_t hash = 2166136261u;
    for (unsigned i = s->count; i-- > 0;)
        s->hash[i] = hash = label_hash(hash, name + s->at[i]);
}

/* Whether the name written at `at` is `name`, octet by octet: a target keeps its case. */
static bool written_equal(const struct reply *r, size_t at, const uint8_t *name)
{
    for (;;) {
        while ((r->wire[at] & 0xc0) == 0xc0) /* only our own pointers, all backward */
            at = wire_u16(r->wire + at) & 0x3fff;
        if (r->wire[at] != *name || memcmp(r->wire + at + 1, name + 1, *name) != 0)
            return false;
        if (*name == 0)
            return true;
        at += 1u + *name;
        name += 1u + *name;
    }
}

size_t reply_last_owner(const struct reply *r, const uint8_t *owner)
{
    size_t at = r->nrecords > 0 ? r->rr[r->nrecords - 1].at : 0;
    while (at != 0 && (r->wire[at] & 0xc0) == 0xc0)
        at = wire_u16(r->wire + at) & 0x3fff; /* to the name itself: readers follow few pointers */
    return at != 0 && at < 0x4000 && *owner != 0 && written_equal(r, at, owner) ? at : 0;
}

static uint8_t *bucket_of(struct reply *r, uint32_t hash)
{
    return &r->name_buckets[hash % REPLY_NAMES_MAX];
}

static void remember(struct reply *r, uint32_t hash, size_t at)
{
    if (r->nnames == REPLY_NAMES_MAX || at >= 0x4000)
        return;
    if (r->nnames == 0)
        memset(r->name_buckets, 0, sizeof r->name_buckets);
    uint8_t *bucket = bucket_of(r, hash);
    r->names[r->nnames].hash = hash;
    r->names[r->nnames].at = (uint16_t)at;
    r->names[r->nnames].next = *bucket;
    *bucket = (uint8_t)++r->nnames;
}

void reply_forget_names(struct reply *r, unsigned keep)
{
    while (r->nnames > keep) {
        r->nnames--;
        *bucket_of(r, r->names[r->nnames].hash) = r->names[r->nnames].next;
    }
}

static void remember_question(struct reply *r)
{
    struct suffixes s;
    suffixes_of(r->q->qname, &s);
    for (unsigned i = 0; i < s.count && i < REPLY_NAMES_MAX / 2; i++)
        remember(r, s.hash[i], DNS_HEADER_LEN + (size_t)s.at[i]);
}

/* Offset at which a suffix of that hash and text stands, 0 where none. */
static size_t find_written(const struct reply *r, uint32_t hash, const uint8_t *suffix)
{
    if (r->nnames == 0)
        return 0;
    for (unsigned i = r->name_buckets[hash % REPLY_NAMES_MAX]; i != 0; i = r->names[i - 1].next)
        if (r->names[i - 1].hash == hash && written_equal(r, r->names[i - 1].at, suffix))
            return r->names[i - 1].at;
    return 0;
}

void reply_put_name(struct reply *r, struct cursor *c, const uint8_t *name)
{
    struct suffixes s;
    if (r->nnames == 0 && r->q->qname_len > 0)
        remember_question(r);
    suffixes_of(name, &s);
    unsigned i = 0;
    size_t found = 0;
    for (; i < s.count; i++) {
        found = find_written(r, s.hash[i], name + s.at[i]);
        if (found != 0)
            break;
    }
    size_t start = (size_t)(c->at - r->wire);
    cursor_put(c, name, i < s.count ? s.at[i] : name_len(name) - 1);
    if (found != 0)
        cursor_put_u16(c, (uint16_t)(0xc000 | found));
    else
        cursor_put_u8(c, 0);
    if (c->failed)
        return;
    for (unsigned k = 0; k < i; k++)
        remember(r, s.hash[k], start + s.at[k]);
}

void reply_remember_written(struct reply *r, const struct cursor *c, const uint8_t *name)
{
    struct suffixes s;
    if (r->nnames == 0 && r->q->qname_len > 0)
        remember_question(r);
    suffixes_of(name, &s);
    size_t start = (size_t)(c->at - r->wire) - name_len(name);
    for (unsigned k = 0; k < s.count && find_written(r, s.hash[k], name + s.at[k]) == 0; k++)
        remember(r, s.hash[k], start + s.at[k]);
}
