/*
 * One owner name with its rrsets, as one block of memory:
 *
 *     struct node | rrset heads, by type | name, lower case | data of the first rrset | of the second | ...
 *
 * Where a record's rdata ends in the name itself, the name is read there and has no octets of its own. So it
 * is with most names of a cluster: an endpoint or a service that has an address has an SRV record with itself
 * as the target.
 *
 * A node that a reader may see never changes, but for nobody: a transaction makes another and puts it in its
 * place. Nodes made within a transaction carry its number in `edit` and may still be changed by it.
 */
#ifndef SEAMARK_ZONE_NODE_P_H
#define SEAMARK_ZONE_NODE_P_H

#include "zone/zone.h"

/* Octets of one rrset's data. 500,000 addresses fit; an answer over TCP holds a thousandth of this. */
#define RRSET_DATA_MAX (16u << 20)

/* Types at one name. There are some 90 in all the world. */
#define NODE_TYPES_MAX UINT8_MAX

struct rrset_head {
    uint16_t type;
    uint16_t count;
    uint32_t ttl;
    uint32_t data_len;
};

struct node {
    uint32_t edit;     /* the transaction that made it */
    uint32_t children; /* names in the zone that are one label longer */
    uint16_t name_at;  /* where in the data the name is; 0 (a length stands there): in front of it */
    uint8_t rrset_count;
    uint8_t name_len;
    struct rrset_head rrsets[];
};

/* node_name(), for those within. */
static inline const uint8_t *node_name_at(const struct node *n)
{
    return (const uint8_t *)(n->rrsets + n->rrset_count) + n->name_at;
}

static inline const uint8_t *node_data(const struct node *n)
{
    return (const uint8_t *)(n->rrsets + n->rrset_count) + (n->name_at == 0 ? n->name_len : 0);
}

/* Octets of the block. */
size_t node_size(const struct node *n);
/* NULL allowed. */
void node_free(struct node *n);
/* A node without rrsets, or a copy of one with another number of children. NULL without memory. */
struct node *node_new(const uint8_t *lname, size_t len, uint32_t children, uint32_t edit);
struct node *node_copy(const struct node *n, uint32_t children, uint32_t edit);

/*
 * A node being changed: one owner's records taken apart. Within an rrset records are kept in the order of
 * their octets, so adding them in canonical order, as a zone file has them, costs one comparison each. The
 * memory is used again for the next owner.
 */
struct edit_rrset {
    uint16_t type;
    uint16_t count;
    uint32_t ttl;
    size_t last; /* where in data the last record begins */
    size_t hint; /* where a record was put in or taken out last */
    struct bytes data;
};

struct node_edit {
    uint8_t name[NAME_MAX_LEN];
    uint8_t name_len; /* 0: no owner is open */
    bool exists;      /* in the zone, when it was opened */
    bool changed;
    uint64_t hash;
    uint32_t children;
    unsigned rrset_count;
    unsigned rrset_cap;
    struct edit_rrset *rrsets;
};

/* Opens an owner; `n` is its present node or NULL. ERR_OK or -ENOMEM. */
int node_edit_open(struct node_edit *e, const uint8_t *lname, size_t len, uint64_t hash,
                   const struct node *n);
/* As zone_add and zone_remove. Moreover ERR_LIMIT: too many records in one rrset, or types. */
int node_edit_add(struct node_edit *e, const struct rr *rr);
int node_edit_remove(struct node_edit *e, const struct rr *rr);
/* The node as it is now; NULL without memory. */
struct node *node_edit_build(const struct node_edit *e, uint32_t edit);
void node_edit_free(struct node_edit *e);

#endif
