#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "zone/zone_p.h"

struct zone *zone_new(const uint8_t *apex)
{
    struct zone *z = calloc(1, sizeof *z);
    if (z == NULL)
        return NULL;
    z->current = calloc(1, sizeof *z->current);
    if (z->current == NULL) {
        free(z);
        return NULL;
    }
    z->apex_len = (uint8_t)name_lower(z->apex, apex);
    return z;
}

void zone_free(struct zone *z)
{
    if (z == NULL)
        return;
    if (z->txn != NULL)
        zone_abort(z->txn);
    trie_free(z->current->root);
    free(z->current);
    free(z);
}

void zone_release(void *z)
{
    zone_free(z);
}

const uint8_t *zone_apex(const struct zone *z)
{
    return z->apex;
}

const struct zone_version *zone_current(const struct zone *z)
{
    return rcu_read(&z->current);
}

uint32_t zone_serial(const struct zone_version *v)
{
    return v->serial;
}

uint64_t zone_record_count(const struct zone_version *v)
{
    return v->records;
}

const struct node *zone_find(const struct zone_version *v, const uint8_t *lname, size_t len, uint64_t hash)
{
    return trie_find(v->root, lname, len, hash);
}

const struct node *zone_apex_node(const struct zone_version *v)
{
    return v->apex;
}

int zone_walk(const struct zone_version *v, int (*visit)(const struct node *n, void *ctx), void *ctx)
{
    return trie_walk(v->root, visit, ctx);
}
