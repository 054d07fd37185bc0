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
    z->current->references = 1;
    z->apex_len = (uint8_t)name_lower(z->apex, apex);
    return z;
}

/* ---- versions ---- */

static bool last_reference(struct zone_version *v)
{
    return __atomic_sub_fetch(&v->references, 1, __ATOMIC_ACQ_REL) == 0;
}

/* Frees a version without references, and those after it that were only there because of it. */
static void free_versions(void *object)
{
    struct zone_version *v = object;
    do {
        struct zone_version *next = v->next;
        trie_retired_free(&v->replaced);
        if (v->zone_gone)
            trie_free(v->root);
        free(v->denial);
        free(v);
        v = next;
    } while (v != NULL && last_reference(v));
}

void zone_version_unref(struct zone_version *v)
{
    if (last_reference(v))
        free_versions(v);
}

const struct zone_version *zone_hold(const struct zone *z)
{
    struct zone_version *v = rcu_read(&z->current);
    __atomic_fetch_add(&v->references, 1, __ATOMIC_RELAXED); /* it has one: it is or was just current */
    return v;
}

void zone_let_go(const struct zone_version *held)
{
    struct zone_version *v = (struct zone_version *)(uintptr_t)held;
    if (v != NULL && last_reference(v))
        rcu_free_later(v, free_versions); /* a whole zone takes its time, and the caller may be a worker */
}

uint64_t zone_replaced_since(const struct zone_version **at)
{
    uint64_t octets = 0;
    const struct zone_version *next;
    while ((next = rcu_read(&(*at)->next)) != NULL) {
        octets += (*at)->replaced.size;
        *at = next;
    }
    return octets;
}

/* ---- the zone ---- */

void zone_free(struct zone *z)
{
    if (z == NULL)
        return;
    if (z->txn != NULL)
        zone_abort(z->txn);
    z->current->zone_gone = true;
    zone_version_unref(z->current);
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

bool zone_has_wildcards(const struct zone_version *v)
{
    return v->wildcards > 0;
}

const struct node *zone_find(const struct zone_version *v, const uint8_t *lname, size_t len, uint64_t hash)
{
    return trie_find(v->root, lname, len, hash);
}

const struct node *zone_apex_node(const struct zone_version *v)
{
    return v->apex;
}

const struct zone_denial *zone_denial_of(const struct zone_version *v)
{
    return v->denial;
}

int zone_walk(const struct zone_version *v, int (*visit)(const struct node *n, void *ctx), void *ctx)
{
    return trie_walk(v->root, visit, ctx);
}

void zone_cursor_begin(const struct zone_version *v, struct zone_cursor *c)
{
    trie_cursor_begin(v->root, c);
}

const struct node *zone_cursor_next(struct zone_cursor *c)
{
    return trie_cursor_next(c);
}
