/* The inside of a zone, for the files that make one up. */
#ifndef SEAMARK_ZONE_ZONE_P_H
#define SEAMARK_ZONE_ZONE_P_H

#include "zone/trie.h"
#include "zone/zone.h"
#include "zone/zone_denial.h"

/*
 * Versions are a chain, from the oldest that somebody still has to the current one. What a transaction
 * replaced was in the version before it, and maybe in versions before that: so it is freed with the version
 * before, and a version goes after all that are older. That is what the references count: one while it is the
 * current one (until a grace period after that), one of the version before it, one for each zone_hold().
 */
struct zone_version {
    trie_ref root;
    const struct node *apex;    /* NULL in a zone that never had a transaction */
    struct zone_denial *denial; /* likewise */
    uint32_t serial;
    uint64_t records;
    uint64_t wildcards;        /* names that begin with the label "*" */
    unsigned references;       /* atomic */
    struct zone_version *next; /* the version after it, published; NULL while it is the last */
    struct retired replaced;   /* what `next` no longer has; set before `next` */
    bool zone_gone;            /* the last version of a zone that was freed: it goes with the whole trie */
};

/* Drops one reference, and frees what nobody has any more. Any thread. */
void zone_version_unref(struct zone_version *v);

struct zone {
    struct zone_version *current; /* published through base/rcu.h */
    struct zone_txn *txn;         /* the one that is open, or NULL */
    uint32_t edit_id;             /* of the last transaction: never used twice, see zone_is_worn() */
    uint8_t apex_len;
    uint8_t apex[NAME_MAX_LEN];
};

struct zone_txn {
    struct zone *zone;
    struct trie_edit edit;
    trie_ref root;
    struct node
        *parent; /* the transaction's own that got a child last: names stand beside their like; or NULL */
    uint64_t records;
    uint64_t wildcards;
    struct node_edit owner; /* the owner whose records are being changed */
    int error; /* sticky, out of memory: the trie no longer counts right, the transaction can only be undone
                */
};

/* A type that stands for data; the others are questions and signatures of messages (RFC 6895 section 3.1). */
bool zone_is_data(const struct rr *rr);
/* Whether a lower-case name is the apex or below it. */
bool zone_covers(const struct zone *z, const uint8_t *lname, size_t len);

/* zone_add() of all records of a node at once, made with t->edit.id: its owner is covered, its records are
 * data. Takes the node over in every case. ERR_LIMIT, -ENOMEM (then the transaction can only be undone). */
int zone_add_node(struct zone_txn *t, struct node *n, uint64_t hash);

#endif
