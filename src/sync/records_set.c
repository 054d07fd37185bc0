#include "sync/records_set.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

void record_set_init(struct record_set *set)
{
    *set = (struct record_set){.last_owner = UINT32_MAX};
    bytes_init(&set->data, RECORD_SET_MAX);
}

void record_set_free(struct record_set *set)
{
    free(set->items);
    bytes_free(&set->data);
    record_set_init(set);
}

void record_set_reset(struct record_set *set)
{
    set->count = 0;
    set->error = ERR_OK;
    set->last_owner = UINT32_MAX;
    bytes_reset(&set->data);
}

static uint32_t put(struct record_set *set, const void *data, size_t len)
{
    uint32_t at = (uint32_t)set->data.len;
    if (bytes_append(&set->data, data, len) != ERR_OK)
        set->error = set->data.error;
    return at;
}

static uint32_t put_owner(struct record_set *set, const uint8_t *owner)
{
    size_t len = name_len(owner);
    if (set->last_owner != UINT32_MAX && len <= set->data.len - set->last_owner &&
        memcmp(set->data.data + set->last_owner, owner, len) == 0)
        return set->last_owner;
    set->last_owner = put(set, owner, len);
    return set->last_owner;
}

int record_set_add(struct record_set *set, const uint8_t *owner, uint16_t type, uint32_t ttl,
                   const void *rdata, size_t rdlen)
{
    if (set->error == ERR_OK && rdlen > RDATA_MAX)
        set->error = ERR_LIMIT;
    if (set->error != ERR_OK)
        return set->error;
    if (set->count == set->cap) {
        size_t cap = set->cap == 0 ? 16 : set->cap * 2;
        struct record *items = reallocarray(set->items, cap, sizeof *items);
        if (items == NULL)
            return set->error = -ENOMEM;
        set->items = items;
        set->cap = cap;
    }
    struct record r = {.ttl = ttl, .type = type, .rdlen = (uint16_t)rdlen};
    r.owner = put_owner(set, owner);
    r.rdata = put(set, rdata, rdlen);
    if (set->error == ERR_OK)
        set->items[set->count++] = r;
    return set->error;
}

int record_set_append(struct record_set *set, const struct record_set *from)
{
    if (from->error != ERR_OK && set->error == ERR_OK)
        set->error = from->error;
    for (size_t i = 0; i < from->count && set->error == ERR_OK; i++) {
        struct rr rr;
        record_set_rr(from, i, &rr);
        record_set_add(set, rr.owner, rr.type, rr.ttl, rr.rdata, rr.rdlen);
    }
    return set->error;
}

static void item_rr(const struct record_set *set, const struct record *r, struct rr *out)
{
    const uint8_t *data = (const uint8_t *)set->data.data;
    *out = (struct rr){.owner = data + r->owner,
                       .type = r->type,
                       .class = CLASS_IN,
                       .ttl = r->ttl,
                       .rdlen = r->rdlen,
                       .rdata = data + r->rdata};
}

void record_set_rr(const struct record_set *set, size_t index, struct rr *out)
{
    item_rr(set, &set->items[index], out);
}

static int compare_items(const void *a, const void *b, void *ctx)
{
    const struct record *x = a, *y = b;
    struct rr left, right;
    item_rr(ctx, x, &left);
    item_rr(ctx, y, &right);
    if (x->owner != y->owner)
        return rr_compare(&left, &right);
    right.owner = left.owner = (const uint8_t *)""; /* the common case, without comparing the names */
    return rr_compare(&left, &right);
}

static void log_cut(const struct record_set *set, const struct record *r, size_t count)
{
    struct rr rr;
    char owner[NAME_MAX_TEXT], type[16];
    item_rr(set, r, &rr);
    log_limited(LOG_LEVEL_WARNING, "sync: %s %s: %zu records left out (no answer has room for them)",
                name_to_text(rr.owner, owner), rrtype_to_text(rr.type, type), count);
}

static bool same_rrset(const struct record_set *set, const struct record *a, const struct record *b)
{
    const uint8_t *data = (const uint8_t *)set->data.data;
    return a->type == b->type && (a->owner == b->owner || name_equal(data + a->owner, data + b->owner));
}

/* Drops duplicates and what no answer has room for, of items in order. */
static void thin_out(struct record_set *set)
{
    size_t kept = 0, octets = 0, cut = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct record *last = kept > 0 ? &set->items[kept - 1] : NULL;
        size_t size = 12u + set->items[i].rdlen; /* owner as a pointer, type, class, TTL, length */
        bool same = last != NULL && same_rrset(set, &set->items[i], last);
        if (same && compare_items(&set->items[i], last, set) == 0)
            continue;
        if (!same && cut > 0)
            log_cut(set, last, cut);
        if (!same)
            octets = cut = 0;
        if (octets + size > RECORD_RRSET_MAX) {
            cut++;
            continue;
        }
        octets += size;
        set->items[kept++] = set->items[i];
    }
    if (cut > 0)
        log_cut(set, &set->items[kept - 1], cut);
    set->count = kept;
}

void record_set_sort(struct record_set *set)
{
    if (set->count < 2)
        return;
    qsort_r(set->items, set->count, sizeof *set->items, compare_items, set);
    thin_out(set);
}

int record_set_diff(const struct record_set *before, const struct record_set *after,
                    int (*visit)(void *ctx, char op, const struct rr *rr), void *ctx)
{
    size_t i = 0, k = 0;
    int ret = ERR_OK;
    while (ret == ERR_OK && (i < before->count || k < after->count)) {
        struct rr old = {0}, new = {0};
        if (i < before->count)
            record_set_rr(before, i, &old);
        if (k < after->count)
            record_set_rr(after, k, &new);
        int order = i >= before->count ? 1 : k >= after->count ? -1 : rr_compare(&old, &new);
        bool differs = order != 0 || old.ttl != new.ttl;
        if (order <= 0 && differs)
            ret = visit(ctx, '-', &old);
        if (order >= 0 && differs && ret == ERR_OK)
            ret = visit(ctx, '+', &new);
        i += order <= 0;
        k += order >= 0;
    }
    return ret;
}
