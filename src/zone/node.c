#include <string.h>

#include "base/cursor.h"
#include "base/pool.h"
#include "zone/node_p.h"

const uint8_t *node_name(const struct node *n)
{
    return node_name_at(n);
}

unsigned node_rrset_count(const struct node *n)
{
    return n->rrset_count;
}

bool node_has_children(const struct node *n)
{
    return n->children > 0;
}

static void fill(const struct rrset_head *head, const uint8_t *data, struct rrset *out)
{
    *out = (struct rrset){
        .type = head->type, .count = head->count, .ttl = head->ttl, .data_len = head->data_len, .data = data};
}

bool node_rrset(const struct node *n, uint16_t type, struct rrset *out)
{
    const uint8_t *data = node_data(n);
    for (unsigned i = 0; i < n->rrset_count; i++) {
        if (n->rrsets[i].type == type) {
            fill(&n->rrsets[i], data, out);
            return true;
        }
        data += n->rrsets[i].data_len;
    }
    return false;
}

bool node_rrset_or_alias(const struct node *n, uint16_t type, struct rrset *out)
{
    const uint8_t *data = node_data(n);
    const struct rrset_head *end = n->rrsets + n->rrset_count;
    bool found = false;
    for (const struct rrset_head *head = n->rrsets; head < end; data += head++->data_len) {
        if (head->type == type) {
            fill(head, data, out);
            return true;
        }
        if (head->type == RR_CNAME) {
            fill(head, data, out);
            found = true;
        }
    }
    return found;
}

void node_rrset_at(const struct node *n, unsigned index, struct rrset *out)
{
    const uint8_t *data = node_data(n);
    for (unsigned i = 0; i < index; i++)
        data += n->rrsets[i].data_len;
    fill(&n->rrsets[index], data, out);
}

size_t node_size(const struct node *n)
{
    size_t size = (size_t)(node_data(n) - (const uint8_t *)n);
    for (unsigned i = 0; i < n->rrset_count; i++)
        size += n->rrsets[i].data_len;
    return size;
}

void node_free(struct node *n)
{
    if (n != NULL)
        pool_free(n, node_size(n));
}

struct node *node_new(const uint8_t *lname, size_t len, uint32_t children, uint32_t edit)
{
    struct node *n = pool_alloc(sizeof *n + len);
    if (n == NULL)
        return NULL;
    *n = (struct node){.edit = edit, .children = children, .name_len = (uint8_t)len};
    memcpy(n->rrsets, lname, len);
    return n;
}

struct node *node_copy(const struct node *n, uint32_t children, uint32_t edit)
{
    size_t size = node_size(n);
    struct node *copy = pool_alloc(size);
    if (copy != NULL) {
        memcpy(copy, n, size);
        copy->children = children;
        copy->edit = edit;
    }
    return copy;
}

/* Where in the data a record ends in the owner's name: of what node.name_at can say. 0: nowhere. */
static uint16_t name_in_data(const struct node_edit *e)
{
    size_t begin = 0;
    for (unsigned i = 0; i < e->rrset_count; begin += e->rrsets[i++].data.len) {
        const uint8_t *data = (const uint8_t *)e->rrsets[i].data.data;
        for (size_t at = 0, end; at < e->rrsets[i].data.len; at = end) {
            end = at + 2 + wire_u16(data + at);
            if (begin + end > UINT16_MAX)
                return 0;
            if (end - at >= 2u + e->name_len && memcmp(data + end - e->name_len, e->name, e->name_len) == 0)
                return (uint16_t)(begin + end - e->name_len);
        }
    }
    return 0;
}

struct node *node_edit_build(const struct node_edit *e, uint32_t edit)
{
    uint16_t name_at = name_in_data(e);
    size_t size =
        sizeof(struct node) + e->rrset_count * sizeof(struct rrset_head) + (name_at == 0 ? e->name_len : 0);
    for (unsigned i = 0; i < e->rrset_count; i++)
        size += e->rrsets[i].data.len;
    struct node *n = pool_alloc(size);
    if (n == NULL)
        return NULL;
    *n = (struct node){.edit = edit,
                       .children = e->children,
                       .name_at = name_at,
                       .rrset_count = (uint8_t)e->rrset_count,
                       .name_len = e->name_len};
    uint8_t *to = (uint8_t *)(n->rrsets + n->rrset_count);
    if (name_at == 0) {
        memcpy(to, e->name, e->name_len);
        to += e->name_len;
    }
    for (unsigned i = 0; i < e->rrset_count; i++) {
        const struct edit_rrset *s = &e->rrsets[i];
        n->rrsets[i] = (struct rrset_head){
            .type = s->type, .count = s->count, .ttl = s->ttl, .data_len = (uint32_t)s->data.len};
        memcpy(to, s->data.data, s->data.len);
        to += s->data.len;
    }
    return n;
}
