#include "zone/trie.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"

#define BITS      6
#define SLOTS     (1u << BITS)
#define HASH_BITS 64
/* Branches on the way to a leaf: those with a bitmap, then the list of equal hashes. */
#define DEPTH_MAX ((HASH_BITS + BITS - 1) / BITS + 1)
static_assert(DEPTH_MAX <= ZONE_CURSOR_DEPTH, "a cursor is on one branch of each level");

struct branch {
    uint64_t bitmap; /* 0 in a list of equal hashes */
    uint32_t edit;
    uint16_t count; /* of slots in use */
    uint16_t cap;
    trie_ref slots[];
};

static inline bool is_leaf(trie_ref ref)
{
    return ref & 1;
}

static inline struct node *leaf(trie_ref ref)
{
    return (struct node *)(ref & ~(trie_ref)1);
}

static inline trie_ref leaf_ref(struct node *n)
{
    return (trie_ref)n | 1;
}

static inline struct branch *branch(trie_ref ref)
{
    return (struct branch *)ref;
}

static inline uint64_t bit_of(uint64_t hash, unsigned shift)
{
    return (uint64_t)1 << (hash >> shift & (SLOTS - 1));
}

static inline unsigned ones_in(uint64_t x)
{
    return (unsigned)__builtin_popcountll(x);
}

static inline unsigned index_of(const struct branch *b, uint64_t bit)
{
    return ones_in(b->bitmap & (bit - 1));
}

static inline bool has_name(const struct node *n, const uint8_t *lname, size_t len)
{
    return n->name_len == len && memcmp(node_name_at(n), lname, len) == 0;
}

/* Index in a list of equal hashes, or its count. */
static unsigned search(const struct branch *b, const uint8_t *lname, size_t len)
{
    unsigned i = 0;
    while (i < b->count && !has_name(leaf(b->slots[i]), lname, len))
        i++;
    return i;
}

static inline __attribute__((always_inline)) struct node *
find(trie_ref root, const uint8_t *lname, size_t len, uint64_t hash, unsigned (*ones)(uint64_t))
{
    for (uint64_t rest = hash; !is_leaf(root); rest >>= BITS) {
        const struct branch *b = branch(root);
        /* The slot's own bit becomes the highest one, and those of the slots before it are below. */
        uint64_t used = b->bitmap << (~rest & (SLOTS - 1));
        if ((int64_t)used < 0) {
            root = b->slots[ones(used) - 1];
            continue;
        }
        unsigned i = b->bitmap == 0 ? search(b, lname, len) : b->count;
        return i < b->count ? leaf(b->slots[i]) : NULL;
    }
    return has_name(leaf(root), lname, len) ? leaf(root) : NULL;
}

#if defined(__x86_64__)
/* Debian's amd64 is the oldest one, for which compilers count in a library call; nearly every machine has an
 * instruction for it. Volatile, so that it is nowhere executed where it is not asked for. */
static inline unsigned ones_by_popcnt(uint64_t x)
{
    uint64_t n;
    __asm__ volatile("popcnt %1, %0" : "=r"(n) : "r"(x) : "cc");
    return (unsigned)n;
}
#endif

struct node *trie_find(trie_ref root, const uint8_t *lname, size_t len, uint64_t hash)
{
    if (root == 0)
        return NULL;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt"))
        return find(root, lname, len, hash, ones_by_popcnt);
#endif
    return find(root, lname, len, hash, ones_in);
}

/* ---- changing ---- */

/* Makes room for all that one change can retire: the branches of a path and a node. */
static int reserve_retired(struct retired *r)
{
    if (r->cap - r->count > DEPTH_MAX)
        return ERR_OK;
    size_t cap = r->cap + r->cap / 2 + DEPTH_MAX + 1;
    trie_ref *items = realloc(r->items, cap * sizeof *items);
    if (items == NULL)
        return -ENOMEM;
    r->items = items;
    r->cap = cap;
    return ERR_OK;
}

static size_t branch_size(unsigned cap)
{
    return sizeof(struct branch) + cap * sizeof(trie_ref);
}

/* The node or the branch alone. */
static void block_free(trie_ref ref)
{
    if (is_leaf(ref))
        node_free(leaf(ref));
    else
        pool_free(branch(ref), branch_size(branch(ref)->cap));
}

static size_t block_room(trie_ref ref)
{
    return pool_room(is_leaf(ref) ? node_size(leaf(ref)) : branch_size(branch(ref)->cap));
}

static uint32_t made_by(trie_ref ref)
{
    return is_leaf(ref) ? leaf(ref)->edit : branch(ref)->edit;
}

static void discard(struct trie_edit *edit, trie_ref ref)
{
    if (made_by(ref) == edit->id)
        block_free(ref);
    else {
        edit->retired.items[edit->retired.count++] = ref;
        edit->retired.size += block_room(ref);
    }
}

void trie_retired_free(struct retired *r)
{
    for (size_t i = 0; i < r->count; i++)
        block_free(r->items[i]);
    free(r->items);
}

static struct branch *branch_new(unsigned cap, uint32_t edit_id)
{
    struct branch *b = pool_alloc(branch_size(cap));
    if (b != NULL)
        *b = (struct branch){.edit = edit_id, .cap = (uint16_t)cap};
    return b;
}

static struct branch *branch_copy(const struct branch *b, unsigned cap, uint32_t edit_id)
{
    struct branch *copy = branch_new(cap, edit_id);
    if (copy != NULL) {
        copy->bitmap = b->bitmap;
        copy->count = b->count;
        memcpy(copy->slots, b->slots, b->count * sizeof b->slots[0]);
    }
    return copy;
}

/* The branch at *at, made this edit's own. NULL without memory. */
static struct branch *own(trie_ref *at, struct trie_edit *edit)
{
    struct branch *b = branch(*at);
    if (b->edit == edit->id)
        return b;
    struct branch *copy = branch_copy(b, b->count, edit->id);
    if (copy == NULL)
        return NULL;
    discard(edit, *at);
    *at = (trie_ref)copy;
    return copy;
}

/* Inserts a slot in a branch of one's own, which may move. */
static int insert_slot(trie_ref *at, unsigned index, uint64_t bit, trie_ref slot)
{
    struct branch *b = branch(*at);
    if (b->count == b->cap) {
        struct branch *larger = branch_copy(b, b->cap + 2u, b->edit);
        if (larger == NULL)
            return -ENOMEM;
        block_free(*at);
        b = larger;
        *at = (trie_ref)b;
    }
    memmove(b->slots + index + 1, b->slots + index, (b->count - index) * sizeof b->slots[0]);
    b->slots[index] = slot;
    b->bitmap |= bit;
    b->count++;
    return ERR_OK;
}

/* Puts a branch over the leaf at *at, which was reached with `shift` bits used. */
static int split(trie_ref *at, unsigned shift, uint32_t edit_id)
{
    struct branch *b = branch_new(2, edit_id);
    if (b == NULL)
        return -ENOMEM;
    const struct node *n = leaf(*at);
    if (shift < HASH_BITS)
        b->bitmap = bit_of(name_hash(node_name(n), n->name_len), shift);
    b->slots[0] = *at;
    b->count = 1;
    *at = (trie_ref)b;
    return ERR_OK;
}

static void replace_leaf(trie_ref *at, struct node *n, struct trie_edit *edit)
{
    discard(edit, *at);
    *at = leaf_ref(n);
}

static int put_in_list(trie_ref *at, struct node *n, struct trie_edit *edit)
{
    struct branch *b = branch(*at);
    unsigned i = search(b, node_name(n), n->name_len);
    if (i < b->count) {
        replace_leaf(&b->slots[i], n, edit);
        return ERR_OK;
    }
    return b->count < TRIE_COLLISIONS_MAX ? insert_slot(at, i, 0, leaf_ref(n)) : ERR_LIMIT;
}

int trie_put(trie_ref *root, struct node *n, uint64_t hash, struct trie_edit *edit)
{
    int ret = reserve_retired(&edit->retired);
    if (ret != ERR_OK)
        return ret;
    if (*root == 0) {
        *root = leaf_ref(n);
        return ERR_OK;
    }
    trie_ref *at = root;
    for (unsigned shift = 0;; shift += BITS) {
        if (is_leaf(*at)) {
            if (has_name(leaf(*at), node_name(n), n->name_len)) {
                replace_leaf(at, n, edit);
                return ERR_OK;
            }
            ret = split(at, shift, edit->id);
            if (ret != ERR_OK)
                return ret;
        }
        struct branch *b = own(at, edit);
        if (b == NULL)
            return -ENOMEM;
        if (shift >= HASH_BITS)
            return put_in_list(at, n, edit);
        uint64_t bit = bit_of(hash, shift);
        unsigned index = index_of(b, bit);
        if (!(b->bitmap & bit))
            return insert_slot(at, index, bit, leaf_ref(n));
        at = &b->slots[index];
    }
}

/* Takes a slot out of the branch at path[depth], and branches that are then needless out of the path. */
static void remove_slot(trie_ref **path, unsigned depth, unsigned index, uint64_t bit)
{
    struct branch *b = branch(*path[depth]);
    b->count--;
    b->bitmap &= ~bit;
    memmove(b->slots + index, b->slots + index + 1, (b->count - index) * sizeof b->slots[0]);
    /* A branch with nothing but one leaf gives way to the leaf, and so may the one above it then. None is
     * ever left empty: each had two slots, or one that is a branch. */
    while (b->count == 1 && is_leaf(b->slots[0])) {
        trie_ref needless = *path[depth];
        *path[depth] = b->slots[0];
        block_free(needless);
        if (depth == 0)
            return;
        b = branch(*path[--depth]);
    }
}

int trie_delete(trie_ref *root, const uint8_t *lname, size_t len, uint64_t hash, struct trie_edit *edit)
{
    trie_ref *path[DEPTH_MAX + 1];
    struct node *n = trie_find(*root, lname, len, hash);
    if (n == NULL)
        return ERR_NOT_FOUND;
    int ret = reserve_retired(&edit->retired);
    if (ret != ERR_OK)
        return ret;
    path[0] = root;
    unsigned depth = 0, index = 0;
    uint64_t bit = 0;
    for (unsigned shift = 0; !is_leaf(*path[depth]); shift += BITS) {
        struct branch *b = own(path[depth], edit);
        if (b == NULL)
            return -ENOMEM;
        bit = shift < HASH_BITS ? bit_of(hash, shift) : 0;
        index = shift < HASH_BITS ? index_of(b, bit) : search(b, lname, len);
        path[++depth] = &b->slots[index];
    }
    if (depth == 0)
        *root = 0;
    else
        remove_slot(path, depth - 1, index, bit);
    discard(edit, leaf_ref(n));
    return ERR_OK;
}

/* ---- walking ---- */

int trie_walk(trie_ref root, int (*visit)(const struct node *n, void *ctx), void *ctx)
{
    if (root == 0)
        return 0;
    if (is_leaf(root))
        return visit(leaf(root), ctx);
    int ret = 0;
    for (unsigned i = 0; ret == 0 && i < branch(root)->count; i++)
        ret = trie_walk(branch(root)->slots[i], visit, ctx);
    return ret;
}

static void cursor_enter(struct zone_cursor *c, trie_ref ref)
{
    c->at[c->depth].branch = branch(ref);
    c->at[c->depth++].next = 0;
}

void trie_cursor_begin(trie_ref root, struct zone_cursor *c)
{
    *c = (struct zone_cursor){.single = is_leaf(root) ? root : 0};
    if (root != 0 && !is_leaf(root))
        cursor_enter(c, root);
}

const struct node *trie_cursor_next(struct zone_cursor *c)
{
    trie_ref ref = c->single;
    c->single = 0;
    while (!is_leaf(ref)) {
        while (c->depth > 0) {
            const struct branch *b = c->at[c->depth - 1].branch;
            if (c->at[c->depth - 1].next < b->count)
                break;
            c->depth--;
        }
        if (c->depth == 0)
            return NULL;
        const struct branch *b = c->at[c->depth - 1].branch;
        ref = b->slots[c->at[c->depth - 1].next++];
        if (!is_leaf(ref))
            cursor_enter(c, ref);
    }
    return leaf(ref);
}

void trie_undo(trie_ref root, uint32_t edit_id)
{
    if (root == 0 || made_by(root) != edit_id)
        return; /* what is below an older branch is older too */
    for (unsigned i = 0; !is_leaf(root) && i < branch(root)->count; i++)
        trie_undo(branch(root)->slots[i], edit_id);
    block_free(root);
}

void trie_free(trie_ref root)
{
    if (root == 0)
        return;
    for (unsigned i = 0; !is_leaf(root) && i < branch(root)->count; i++)
        trie_free(branch(root)->slots[i]);
    block_free(root);
}
