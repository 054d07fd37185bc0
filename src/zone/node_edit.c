#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "zone/node_p.h"

/* Each record in data: 16-bit length, rdata. */
#define HEAD 2u

static struct edit_rrset *find(struct node_edit *e, uint16_t type)
{
    for (unsigned i = 0; i < e->rrset_count; i++)
        if (e->rrsets[i].type == type)
            return &e->rrsets[i];
    return NULL;
}

/* A new, empty rrset in its place by type. The slots behind rrset_count keep their memory for use here. */
static struct edit_rrset *insert(struct node_edit *e, uint16_t type)
{
    if (e->rrset_count == e->rrset_cap) {
        unsigned cap = e->rrset_cap + 4;
        struct edit_rrset *rrsets = realloc(e->rrsets, cap * sizeof *rrsets);
        if (rrsets == NULL)
            return NULL;
        e->rrsets = rrsets;
        for (; e->rrset_cap < cap; e->rrset_cap++)
            bytes_init(&e->rrsets[e->rrset_cap].data, RRSET_DATA_MAX);
    }
    struct edit_rrset spare = e->rrsets[e->rrset_count];
    unsigned at = e->rrset_count++;
    for (; at > 0 && e->rrsets[at - 1].type > type; at--)
        e->rrsets[at] = e->rrsets[at - 1];
    bytes_reset(&spare.data);
    spare.type = type;
    spare.count = 0;
    spare.ttl = 0;
    spare.last = 0;
    spare.hint = 0;
    e->rrsets[at] = spare;
    return &e->rrsets[at];
}

static void drop(struct node_edit *e, struct edit_rrset *s)
{
    struct edit_rrset spare = *s;
    unsigned at = (unsigned)(s - e->rrsets);
    for (; at + 1 < e->rrset_count; at++)
        e->rrsets[at] = e->rrsets[at + 1];
    e->rrsets[at] = spare;
    e->rrset_count--;
}

static const uint8_t *entry(const struct edit_rrset *s, size_t at)
{
    return (const uint8_t *)s->data.data + at;
}

static int compare(const uint8_t *one, const struct rr *rr)
{
    uint16_t len = wire_u16(one), shorter = len < rr->rdlen ? len : rr->rdlen;
    int diff = shorter == 0 ? 0 : memcmp(one + HEAD, rr->rdata, shorter);
    return diff != 0 ? diff : (int)len - (int)rr->rdlen;
}

/* Where the record is, or would be inserted: the first entry that is not before it. */
static size_t position(const struct edit_rrset *s, const struct rr *rr, bool *found)
{
    size_t at = 0;
    *found = false;
    if (s->count > 0 && compare(entry(s, s->last), rr) < 0)
        return s->data.len;
    if (s->hint < s->data.len && compare(entry(s, s->hint), rr) <= 0)
        at = s->hint; /* changes come in order more often than not */
    while (at < s->data.len) {
        int diff = compare(entry(s, at), rr);
        if (diff >= 0) {
            *found = diff == 0;
            break;
        }
        at += HEAD + wire_u16(entry(s, at));
    }
    return at;
}

static void find_last(struct edit_rrset *s)
{
    for (size_t at = s->last = 0; at < s->data.len; at += HEAD + wire_u16(entry(s, at)))
        s->last = at;
}

int node_edit_open(struct node_edit *e, const uint8_t *lname, size_t len, uint64_t hash, const struct node *n)
{
    memcpy(e->name, lname, len);
    e->name_len = (uint8_t)len;
    e->hash = hash;
    e->exists = n != NULL;
    e->changed = false;
    e->children = n != NULL ? n->children : 0;
    e->rrset_count = 0;
    for (unsigned i = 0; n != NULL && i < n->rrset_count; i++) {
        struct rrset from;
        node_rrset_at(n, i, &from);
        struct edit_rrset *s = insert(e, from.type);
        if (s == NULL || bytes_append(&s->data, from.data, from.data_len) != ERR_OK) {
            e->name_len = 0;
            return -ENOMEM;
        }
        s->count = from.count;
        s->ttl = from.ttl;
        find_last(s);
    }
    return ERR_OK;
}

static int insert_record(struct edit_rrset *s, size_t at, const struct rr *rr)
{
    size_t len = HEAD + rr->rdlen, behind = s->data.len - at;
    if (s->count == UINT16_MAX || len > RRSET_DATA_MAX - s->data.len)
        return ERR_LIMIT;
    if (bytes_reserve(&s->data, len) == NULL)
        return -ENOMEM;
    uint8_t *to = (uint8_t *)s->data.data + at;
    memmove(to + len, to, behind);
    wire_put_u16(to, rr->rdlen);
    if (rr->rdlen > 0)
        memcpy(to + HEAD, rr->rdata, rr->rdlen);
    s->data.len += len;
    s->last = behind == 0 ? at : s->last + len;
    s->hint = at;
    s->count++;
    return ERR_OK;
}

int node_edit_add(struct node_edit *e, const struct rr *rr)
{
    struct edit_rrset *s = find(e, rr->type);
    if (s == NULL && e->rrset_count == NODE_TYPES_MAX)
        return ERR_LIMIT;
    if (s == NULL)
        s = insert(e, rr->type);
    if (s == NULL)
        return -ENOMEM;
    bool found;
    size_t at = position(s, rr, &found);
    int ret = found ? ERR_EXISTS : insert_record(s, at, rr);
    if (ret == ERR_OK || (found && s->ttl != rr->ttl)) {
        s->ttl = rr->ttl;
        e->changed = true;
    }
    if (s->count == 0)
        drop(e, s); /* its first record did not fit */
    return ret;
}

int node_edit_remove(struct node_edit *e, const struct rr *rr)
{
    struct edit_rrset *s = find(e, rr->type);
    bool found = false;
    size_t at = s == NULL ? 0 : position(s, rr, &found);
    if (!found)
        return ERR_NOT_FOUND;
    size_t len = HEAD + rr->rdlen;
    uint8_t *from = (uint8_t *)s->data.data + at;
    memmove(from, from + len, s->data.len - at - len);
    s->data.len -= len;
    s->hint = at;
    if (--s->count == 0)
        drop(e, s);
    else if (at < s->last)
        s->last -= len;
    else
        find_last(s);
    e->changed = true;
    return ERR_OK;
}

void node_edit_free(struct node_edit *e)
{
    for (unsigned i = 0; i < e->rrset_cap; i++)
        bytes_free(&e->rrsets[i].data);
    free(e->rrsets);
    *e = (struct node_edit){0};
}
