/* Transactions: the next version of a zone, built beside the present one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/rcu.h"
#include "zone/zone_p.h"

static void unref_later(void *object)
{
    zone_version_unref(object);
}

bool zone_is_data(const struct rr *rr)
{
    return rr->class == CLASS_IN && rr->type != 0 && rr->type != RR_OPT && (rr->type < 128 || rr->type > 255);
}

bool zone_covers(const struct zone *z, const uint8_t *lname, size_t len)
{
    while (len > z->apex_len) {
        len -= 1u + *lname;
        lname += 1u + *lname;
    }
    return len == z->apex_len && memcmp(lname, z->apex, len) == 0;
}

/* A number that came again would make blocks that readers have look like the transaction's own. */
bool zone_is_worn(const struct zone *z)
{
    return z->edit_id > UINT32_MAX / 2;
}

struct zone_txn *zone_begin(struct zone *z)
{
    if (z->txn != NULL || z->edit_id == UINT32_MAX)
        return NULL;
    struct zone_txn *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->zone = z;
    t->edit.id = ++z->edit_id;
    t->root = z->current->root;
    t->records = z->current->records;
    t->wildcards = z->current->wildcards;
    z->txn = t;
    return t;
}

static void txn_free(struct zone_txn *t)
{
    t->zone->txn = NULL;
    node_edit_free(&t->owner);
    free(t->edit.retired.items);
    free(t);
}

void zone_abort(struct zone_txn *t)
{
    trie_undo(t->root, t->edit.id);
    txn_free(t);
}

/* ---- ancestors: every node counts its children, and a node without records and children does not exist ----
 */

static bool is_apex(const struct zone *z, size_t len)
{
    return len == z->apex_len;
}

static bool is_wildcard(const uint8_t *lname)
{
    return lname[0] == 1 && lname[1] == '*';
}

/* A name comes into being: `n` is taken over on success. */
static int put_new(struct zone_txn *t, struct node *n, uint64_t hash)
{
    int ret = n == NULL ? -ENOMEM : trie_put(&t->root, n, hash, &t->edit);
    if (ret != ERR_OK)
        node_free(n);
    else if (is_wildcard(node_name(n)))
        t->wildcards++;
    return ret;
}

/* A name ceases to be. */
static int delete_name(struct zone_txn *t, const uint8_t *lname, size_t len, uint64_t hash)
{
    t->parent = NULL;
    int ret = trie_delete(&t->root, lname, len, hash, &t->edit);
    if (ret == ERR_OK && is_wildcard(lname))
        t->wildcards--;
    return ret;
}

/* One child more, or fewer, for the node `n`, which becomes this transaction's own. */
static int set_children(struct zone_txn *t, struct node *n, uint32_t children, uint64_t hash)
{
    if (n->edit == t->edit.id) {
        n->children = children;
        t->parent = n;
        return ERR_OK;
    }
    struct node *copy = node_copy(n, children, t->edit.id);
    int ret = copy == NULL ? -ENOMEM : trie_put(&t->root, copy, hash, &t->edit);
    if (ret != ERR_OK)
        node_free(copy);
    return ret;
}

/* `lname` has come into being: its ancestors up to the apex exist too. */
static int add_to_parent(struct zone_txn *t, const uint8_t *lname, size_t len)
{
    while (!is_apex(t->zone, len)) {
        len -= 1u + *lname;
        lname += 1u + *lname;
        if (t->parent != NULL && t->parent->name_len == len &&
            memcmp(node_name(t->parent), lname, len) == 0) {
            t->parent->children++;
            return ERR_OK;
        }
        uint64_t hash = name_hash(lname, len);
        struct node *n = trie_find(t->root, lname, len, hash);
        if (n != NULL)
            return set_children(t, n, n->children + 1, hash);
        int ret = put_new(t, node_new(lname, len, 1, t->edit.id), hash);
        if (ret != ERR_OK)
            return ret;
    }
    return ERR_OK;
}

/* `lname` is gone: so are those of its ancestors that were only there because of it. */
static int drop_from_parent(struct zone_txn *t, const uint8_t *lname, size_t len)
{
    while (!is_apex(t->zone, len)) {
        len -= 1u + *lname;
        lname += 1u + *lname;
        uint64_t hash = name_hash(lname, len);
        struct node *n = trie_find(t->root, lname, len, hash);
        if (n->children > 1 || n->rrset_count > 0)
            return set_children(t, n, n->children - 1, hash);
        int ret = delete_name(t, lname, len, hash);
        if (ret != ERR_OK)
            return ret;
    }
    return ERR_OK;
}

/* ---- the owner being changed ---- */

static int store_owner(struct zone_txn *t)
{
    const struct node_edit *o = &t->owner;
    if (o->rrset_count == 0 && o->children == 0) {
        if (!o->exists)
            return ERR_OK;
        int ret = delete_name(t, o->name, o->name_len, o->hash);
        return ret != ERR_OK ? ret : drop_from_parent(t, o->name, o->name_len);
    }
    struct node *n = node_edit_build(o, t->edit.id);
    if (!o->exists) {
        int ret = put_new(t, n, o->hash);
        return ret != ERR_OK ? ret : add_to_parent(t, o->name, o->name_len);
    }
    t->parent = NULL; /* it may be what is replaced */
    int ret = n == NULL ? -ENOMEM : trie_put(&t->root, n, o->hash, &t->edit);
    if (ret != ERR_OK)
        node_free(n);
    return ret;
}

/* Puts what was changed of the present owner into the trie; none is open afterwards. */
static int close_owner(struct zone_txn *t)
{
    if (t->owner.name_len > 0 && t->owner.changed && t->error == ERR_OK)
        t->error = store_owner(t);
    t->owner.name_len = 0;
    return t->error;
}

static int open_owner(struct zone_txn *t, const uint8_t *owner)
{
    uint8_t lname[NAME_MAX_LEN];
    if (t->error != ERR_OK)
        return t->error;
    size_t len = name_lower(lname, owner);
    if (len == t->owner.name_len && memcmp(lname, t->owner.name, len) == 0)
        return ERR_OK;
    if (!zone_covers(t->zone, lname, len))
        return ERR_MALFORMED;
    int ret = close_owner(t);
    if (ret != ERR_OK)
        return ret;
    uint64_t hash = name_hash(lname, len);
    ret = node_edit_open(&t->owner, lname, len, hash, trie_find(t->root, lname, len, hash));
    t->error = ret;
    return ret;
}

int zone_add(struct zone_txn *t, const struct rr *rr)
{
    if (!zone_is_data(rr))
        return ERR_MALFORMED;
    int ret = open_owner(t, rr->owner);
    if (ret == ERR_OK)
        ret = node_edit_add(&t->owner, rr);
    if (ret == ERR_OK)
        t->records++;
    if (ret == -ENOMEM)
        t->error = ret;
    return ret;
}

/* Adds the records of `n` to those of the name, which is there already. */
static int add_records(struct zone_txn *t, const struct node *n, struct node *there, uint64_t hash)
{
    struct rrset set;
    int ret = node_edit_open(&t->owner, node_name(n), n->name_len, hash, there);
    for (unsigned i = 0; ret == ERR_OK && i < n->rrset_count; i++) {
        node_rrset_at(n, i, &set);
        struct rr rr = {.type = set.type, .class = CLASS_IN, .ttl = set.ttl, .rdata = set.data};
        for (; ret == ERR_OK && rr.rdata < set.data + set.data_len; rr.rdata += rr.rdlen) {
            rr.rdlen = wire_u16(rr.rdata);
            rr.rdata += 2;
            ret = node_edit_add(&t->owner, &rr);
            t->records += ret == ERR_OK;
            if (ret == ERR_EXISTS)
                ret = ERR_OK;
        }
    }
    return ret;
}

int zone_add_node(struct zone_txn *t, struct node *n, uint64_t hash)
{
    int ret = close_owner(t);
    struct node *there = ret == ERR_OK ? trie_find(t->root, node_name(n), n->name_len, hash) : NULL;
    if (ret != ERR_OK || there != NULL) {
        if (ret == ERR_OK)
            ret = add_records(t, n, there, hash);
        node_free(n);
    } else {
        for (unsigned i = 0; i < n->rrset_count; i++)
            t->records += n->rrsets[i].count;
        ret = put_new(t, n, hash);
        if (ret == ERR_OK)
            ret = add_to_parent(t, node_name(n), n->name_len);
    }
    if (ret == -ENOMEM)
        t->error = ret;
    return ret;
}

int zone_remove(struct zone_txn *t, const struct rr *rr)
{
    if (!zone_is_data(rr))
        return ERR_NOT_FOUND;
    int ret = open_owner(t, rr->owner);
    if (ret == ERR_MALFORMED)
        return ERR_NOT_FOUND; /* outside of the zone */
    if (ret == ERR_OK)
        ret = node_edit_remove(&t->owner, rr);
    if (ret == ERR_OK)
        t->records--;
    return ret;
}

/* Where the serial stands in the rdata of an SOA, or NULL. */
static const uint8_t *soa_serial(const uint8_t *rdata, uint16_t rdlen)
{
    size_t at = 0;
    for (int i = 0; i < 2; i++) {
        int len = name_check(rdata + at, rdlen - at);
        if (len < 0)
            return NULL;
        at += (size_t)len;
    }
    return rdlen - at == 20 ? rdata + at : NULL;
}

/* The zone's one SOA in `n`: *serial points at the serial. */
static bool one_soa(const struct node *n, struct rrset *soa, const uint8_t **serial)
{
    if (n == NULL || !node_rrset(n, RR_SOA, soa) || soa->count != 1)
        return false;
    *serial = soa_serial(soa->data + 2, wire_u16(soa->data));
    return *serial != NULL;
}

static struct node *apex_node(struct zone_txn *t)
{
    const struct zone *z = t->zone;
    return trie_find(t->root, z->apex, z->apex_len, name_hash(z->apex, z->apex_len));
}

int zone_set_serial(struct zone_txn *t, uint32_t serial)
{
    struct rrset soa;
    const uint8_t *old;
    int ret = close_owner(t);
    if (ret != ERR_OK)
        return ret;
    if (!one_soa(apex_node(t), &soa, &old))
        return ERR_NOT_FOUND;
    uint8_t rdata[2 * NAME_MAX_LEN + 20];
    struct rr rr = {.owner = t->zone->apex,
                    .type = RR_SOA,
                    .class = CLASS_IN,
                    .ttl = soa.ttl,
                    .rdlen = wire_u16(soa.data),
                    .rdata = rdata};
    memcpy(rdata, soa.data + 2, rr.rdlen);
    ret = zone_remove(t, &rr);
    wire_put_u32(rdata + (old - (soa.data + 2)), serial);
    return ret == ERR_OK ? zone_add(t, &rr) : ret;
}

int zone_commit(struct zone_txn *t)
{
    struct rrset soa;
    const uint8_t *serial;
    int ret = close_owner(t);
    const struct node *apex = ret == ERR_OK ? apex_node(t) : NULL;
    if (ret == ERR_OK && !one_soa(apex, &soa, &serial))
        ret = ERR_MALFORMED;
    struct zone_version *v = ret == ERR_OK ? malloc(sizeof *v) : NULL, *old = t->zone->current;
    struct zone_denial *denial = v != NULL ? zone_denial_new(t->zone->apex, &soa) : NULL;
    if (denial == NULL) {
        free(v);
        zone_abort(t);
        return ret != ERR_OK ? ret : -ENOMEM;
    }
    *v = (struct zone_version){.root = t->root,
                               .apex = apex,
                               .denial = denial,
                               .serial = wire_u32(serial),
                               .records = t->records,
                               .wildcards = t->wildcards,
                               .references = 2}; /* as the current one, and of the one before */
    old->replaced = t->edit.retired;
    rcu_publish(&old->next, v); /* for zone_replaced_since() */
    t->edit.retired = (struct retired){0};
    rcu_publish(&t->zone->current, v);
    rcu_free_later(old, unref_later);
    txn_free(t);
    return ERR_OK;
}
