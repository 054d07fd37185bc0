/*
 * What the stages of a block say about the short way of a query (serve/express.h), once, when a configuration
 * is compiled: each stage from the first one down to the one that ends the way fills in what it does to an
 * answer from a zone. See `express` in serve/plugin.h.
 */
#ifndef SEAMARK_SERVE_EXPRESS_PLAN_H
#define SEAMARK_SERVE_EXPRESS_PLAN_H

#include "serve/express_kept.h"
#include "serve/zone_stage.h"

struct log_facts; /* serve/log_format.h */
struct worker;

/* The TTL that all records of an answer get: the least of theirs within these bounds. */
struct express_ttl {
    uint32_t least_s, most_s;
};

struct express_plan {
    bool rotate;      /* records of one name and type begin anywhere (loadbalance) */
    uint16_t max_udp; /* the most octets of an answer by UDP, and what a client is told; 0: no limit (bufsize)
                       */
    /* Answers for names in these zones get one TTL (cache); others keep theirs. Borrowed from the stage. */
    const uint8_t (*ttl_zones)[NAME_MAX_LEN];
    size_t nttl_zones;
    struct express_ttl found, denied;
    /* Whether the stage above the one that ends the way may answer that question itself: then the question
     * walks the chain. The name is in lower case, in a zone of the stage that ends the way; `hash` is its
     * name_hash(). In a read section. NULL: none does. */
    bool (*claims)(void *state, const uint8_t *lname, size_t len, uint64_t hash, uint16_t qtype);
    void *claims_state;
    /* Is told of each answer, soon, in the worker's thread (log): what the line says, and whether there were
     * no records. NULL: nobody wants to know. */
    void (*tell)(void *state, struct worker *w, const struct log_facts *facts, bool denied);
    void *tell_state;
    /* Answers that this stage has kept, for names in ttl_zones that no stage has zones for; NULL: none. The
     * stages above it say the rest of this plan for them too. */
    express_find_kept *kept;
    express_fetch_kept *fetch_kept;
    void *kept_state;
    unsigned kept_stage; /* set by the compiler of the table, like `stage` */
    /* Set by the stage that ends the way: it answers names in these zones, from zone files. It has no `adapt`
     * and no `keeps`. */
    const struct zone_stage *end;
    /* A quick test of a name that is not in the zone: false where the stage's `respell` would find nothing
     * for it. In front of the zone stand `below` labels, of `front` octets. NULL: ask it. */
    bool (*may_respell)(const uint8_t *lname, unsigned front, unsigned below);
    /* It makes up answers for names below "pod." in a zone where the file has none for them. */
    bool pods_made_up;
    unsigned stage; /* its index in the block; set by the compiler of the table */
};

#endif
