/*
 * A persistent hash trie of nodes, by name.
 *
 * The 64-bit hash of a name is read six bits at a time, lowest first. A branch has up to 64 slots, of which
 * only those in use are stored: a bitmap says which, and the number of bits set below one's own is the index.
 * A slot holds another branch or a leaf, which is a node. There is a branch only where two names go on with
 * the same bits, so a million names are some four branches deep. Names whose hashes are equal to the end
 * share a last branch that is a plain list.
 *
 *          branch ── 0b101 ──────────┐
 *          bitmap 0…0100101          leaf web.default.svc.cluster.local.
 *          slots  ├─ leaf   ├─ branch ── ...
 *
 * A version of the trie is its root. Changing begins with a root that is a copy of the present one: what is
 * on the way to the change and was not made by the same edit is copied, the rest is shared. What the edit
 * replaced is gathered in `retired`, to be freed when nobody reads the old version any more; what it made
 * itself is changed or freed at once. In the first edit of a zone all is its own, hence in place.
 *
 * Reading: any thread that holds a root (see base/rcu.h). Changing: one thread at a time.
 */
#ifndef SEAMARK_ZONE_TRIE_H
#define SEAMARK_ZONE_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "zone/node_p.h"

/* 0: empty; lowest bit set: a node; else a branch. */
typedef uintptr_t trie_ref;

/* Nodes and branches that an edit replaced, each by itself: a branch without what is below it. */
struct retired {
    size_t count;
    size_t cap;
    trie_ref *items;
    size_t size; /* octets of the items */
};

/* Frees the items and the list of them. */
void trie_retired_free(struct retired *r);

struct trie_edit {
    uint32_t id; /* differs from that of all blocks in the root it began with */
    struct retired retired;
};

/* Names that may share one hash. Chance never gets to two; who makes such names on purpose makes long lists.
 */
#define TRIE_COLLISIONS_MAX 1024

/* NULL where there is none. The node may be changed where its `edit` is one's own. */
struct node *trie_find(trie_ref root, const uint8_t *lname, size_t len, uint64_t hash);

/* Puts `n` in its place, instead of the node of that name where there is one. Takes `n` over on success;
 * ERR_LIMIT, -ENOMEM otherwise. */
int trie_put(trie_ref *root, struct node *n, uint64_t hash, struct trie_edit *edit);

/* Takes the node of that name out: ERR_NOT_FOUND, -ENOMEM. */
int trie_delete(trie_ref *root, const uint8_t *lname, size_t len, uint64_t hash, struct trie_edit *edit);

/* Calls visit for every node until it returns non-zero, which is then returned. */
int trie_walk(trie_ref root, int (*visit)(const struct node *n, void *ctx), void *ctx);

/* The same, piece by piece. Whoever does so must hold the version. */
void trie_cursor_begin(trie_ref root, struct zone_cursor *c);
const struct node *trie_cursor_next(struct zone_cursor *c);

/* Frees all that the edit made and that is still in `root`; leaves what it shares with older versions. */
void trie_undo(trie_ref root, uint32_t edit_id);

/* Frees everything. */
void trie_free(trie_ref root);

#endif
