/* The inside of a zone, for the files that make one up. */
#ifndef SEAMARK_ZONE_ZONE_P_H
#define SEAMARK_ZONE_ZONE_P_H

#include "zone/trie.h"
#include "zone/zone.h"

struct zone_version {
    trie_ref root;
    const struct node *apex; /* NULL in a zone that never had a transaction */
    uint32_t serial;
    uint64_t records;
};

struct zone {
    struct zone_version *current; /* published through base/rcu.h */
    struct zone_txn *txn;         /* the one that is open, or NULL */
    uint32_t edit_id;             /* of the last transaction; wraps after 27 years of five a second */
    uint8_t apex_len;
    uint8_t apex[NAME_MAX_LEN];
};

struct zone_txn {
    struct zone *zone;
    struct trie_edit edit;
    trie_ref root;
    uint64_t records;
    struct node_edit owner; /* the owner whose records are being changed */
    int error; /* sticky, out of memory: the trie no longer counts right, the transaction can only be undone
                */
};

#endif
