#include <stdlib.h>
#include <string.h>

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

void node_rrset_at(const struct node *n, unsigned index, struct rrset *out)
{
    const uint8_t *data = node_data(n);
    for (unsigned i = 0; i < index; i++)
        data += n->rrsets[i].data_len;
    fill(&n->rrsets[index], data, out);
}

static size_t node_size(const struct node *n)
{
    size_t size = sizeof *n + n->rrset_count * sizeof n->rrsets[0] + n->name_len;
    for (unsigned i = 0; i < n->rrset_count; i++)
        size += n->rrsets[i].data_len;
    return size;
}

static struct node *node_alloc(unsigned rrset_count, const uint8_t *lname, size_t len, size_t data_len)
{
    struct node *n = malloc(sizeof *n + rrset_count * sizeof n->rrsets[0] + len + data_len);
    if (n == NULL)
        return NULL;
    n->rrset_count = (uint16_t)rrset_count;
    n->name_len = (uint8_t)len;
    memcpy(n->rrsets + rrset_count, lname, len);
    return n;
}

struct node *node_new(const uint8_t *lname, size_t len, uint32_t children, uint32_t edit)
{
    struct node *n = node_alloc(0, lname, len, 0);
    if (n != NULL) {
        n->children = children;
        n->edit = edit;
    }
    return n;
}

struct node *node_copy(const struct node *n, uint32_t children, uint32_t edit)
{
    size_t size = node_size(n);
    struct node *copy = malloc(size);
    if (copy != NULL) {
        memcpy(copy, n, size);
        copy->children = children;
        copy->edit = edit;
    }
    return copy;
}

struct node *node_edit_build(const struct node_edit *e, uint32_t edit)
{
    size_t data_len = 0;
    for (unsigned i = 0; i < e->rrset_count; i++)
        data_len += e->rrsets[i].data.len;
    struct node *n = node_alloc(e->rrset_count, e->name, e->name_len, data_len);
    if (n == NULL)
        return NULL;
    n->edit = edit;
    n->children = e->children;
    uint8_t *to = (uint8_t *)(n->rrsets + n->rrset_count) + n->name_len;
    for (unsigned i = 0; i < e->rrset_count; i++) {
        const struct edit_rrset *s = &e->rrsets[i];
        n->rrsets[i] = (struct rrset_head){
            .type = s->type, .count = s->count, .ttl = s->ttl, .data_len = (uint32_t)s->data.len};
        memcpy(to, s->data.data, s->data.len);
        to += s->data.len;
    }
    return n;
}
