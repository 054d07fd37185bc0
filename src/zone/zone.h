/*
 * A zone in memory, as the server answers from it.
 *
 * A zone is a chain of versions, of which one is current. A version is immutable: a persistent hash trie
 * (names hashed, 6 bits a level, nodes in compressed arrays) whose leaves are nodes; a node is one owner name
 * with its rrsets, in one block of memory. A transaction copies only the path to each name it changes and
 * shares the rest, so its cost depends on the transaction and not on the zone, and whoever holds a version
 * sees all of a transaction or none. A fresh zone is filled in place, since nobody reads it yet.
 *
 * Empty non-terminals are nodes without rrsets: every node knows how many children it has, and ancestors up
 * to the apex are made and dropped with them. So whether a name exists is one look-up.
 *
 * Readers (any registered RCU reader): zone_current() inside a read section, and what comes from it, are
 * valid until the section ends; zone_hold() is for those who need a version for longer. Writers: one at a
 * time, the thread that owns the zone. What a transaction replaced is freed after a grace period.
 */
#ifndef SEAMARK_ZONE_ZONE_H
#define SEAMARK_ZONE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "dns/rr.h"

/* Records of one owner and type. `data` is `count` runs of (16-bit length in network order, rdata). */
struct rrset {
    uint16_t type;
    uint16_t count;
    uint32_t ttl;
    uint32_t data_len;
    const uint8_t *data;
};

struct node; /* opaque: one owner name */
struct zone_version;
struct zone;

/* A zone without records. `apex` is copied and lower-cased. NULL without memory. */
struct zone *zone_new(const uint8_t *apex);
/* After the last reader: use rcu_free_later(zone, zone_release) where readers may be under way. */
void zone_free(struct zone *z);
void zone_release(void *z);

const uint8_t *zone_apex(const struct zone *z);

/* ---- reading ---- */
const struct zone_version *zone_current(const struct zone *z);
uint32_t zone_serial(const struct zone_version *v); /* of the SOA */
uint64_t zone_record_count(const struct zone_version *v);
/* Whether any name begins with the label "*" (RFC 4592): look-ups in a zone without pay nothing for them. */
bool zone_has_wildcards(const struct zone_version *v);

/* The node of a lower-case name of `len` octets; NULL where it does not exist. `hash` is name_hash(lname,
 * len). */
const struct node *zone_find(const struct zone_version *v, const uint8_t *lname, size_t len, uint64_t hash);
const struct node *zone_apex_node(const struct zone_version *v);
const uint8_t *node_name(const struct node *n);
/* False where the node has no such rrset. */
bool node_rrset(const struct node *n, uint16_t type, struct rrset *out);
/* The same, but where there is no such rrset, it is that of the type CNAME: both in one pass. */
bool node_rrset_or_alias(const struct node *n, uint16_t type, struct rrset *out);
unsigned node_rrset_count(const struct node *n);
bool node_has_children(const struct node *n); /* there are names below it */
void node_rrset_at(const struct node *n, unsigned index, struct rrset *out);

/* Calls visit for every node, in no order, until it returns non-zero, which is then returned. */
int zone_walk(const struct zone_version *v, int (*visit)(const struct node *n, void *ctx), void *ctx);

/* The same, piece by piece: where a walk is. */
#define ZONE_CURSOR_DEPTH 12
struct zone_cursor {
    uintptr_t single; /* a version with one node: that node, until it is handed out */
    unsigned depth;
    struct {
        const void *branch;
        unsigned next;
    } at[ZONE_CURSOR_DEPTH];
};
void zone_cursor_begin(const struct zone_version *v, struct zone_cursor *c);
const struct node *zone_cursor_next(struct zone_cursor *c); /* NULL after the last */

/* ---- a version for longer than a read section: a transfer ---- */

/* The current version, to be kept until zone_let_go(). Called within a read section; afterwards it may be
 * read outside of them, in any thread, also when the zone has been freed. What later transactions replace
 * stays in memory for as long. Never NULL. */
const struct zone_version *zone_hold(const struct zone *z);
/* What it costs to hold a version: the octets of memory that transactions have replaced since *at, which is
 * moved on to the newest version. *at begins with a held version, and serves for as long as that is held. */
uint64_t zone_replaced_since(const struct zone_version **at);
/* Any thread; takes little time in every case. NULL allowed. */
void zone_let_go(const struct zone_version *held);

/* ---- changing ---- */
struct zone_txn;

/* Begins a transaction; NULL without memory, and where all numbers of transactions are used up. One at a time
 * for a zone. */
struct zone_txn *zone_begin(struct zone *z);
/* Whether half of the numbers are used up, which takes four months of 200 transactions a second: the zone is
 * to be loaded anew when that can be done. The thread that owns the zone. */
bool zone_is_worn(const struct zone *z);
/* Adds a record. Already there: ERR_EXISTS (no harm done, the TTL is that of the new one). Owner outside of
 * the zone, another class than IN, a type that is no data: ERR_MALFORMED. All records of an rrset share one
 * TTL: the last added wins (RFC 2181 section 5.2). More than 65,535 records or 16 MiB in one rrset, or
 * 255 types at one name: ERR_LIMIT. After -ENOMEM the transaction can only be undone, and zone_commit() does
 * that. */
int zone_add(struct zone_txn *t, const struct rr *rr);
/* Removes the record with that owner, type and rdata: ERR_NOT_FOUND where there is none. */
int zone_remove(struct zone_txn *t, const struct rr *rr);
/* Makes the changes visible in one step. The zone must have exactly one SOA at its apex: else ERR_MALFORMED
 * and the transaction is undone. Frees `t` in every case. */
int zone_commit(struct zone_txn *t);
void zone_abort(struct zone_txn *t);
/* Sets the serial in the SOA within a transaction. ERR_NOT_FOUND without SOA. */
int zone_set_serial(struct zone_txn *t, uint32_t serial);

#endif
