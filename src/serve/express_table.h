/*
 * Which names of a listener go the short way: the zones of its routes and those that their blocks answer from
 * files, in one table, in which a name's longest zone is found by a comparison or two. Made with a
 * configuration, immutable, read by workers.
 */
#ifndef SEAMARK_SERVE_EXPRESS_TABLE_H
#define SEAMARK_SERVE_EXPRESS_TABLE_H

#include <string.h>

#include "serve/config.h"
#include "serve/express_plan.h"

/* What holds for names whose longest zone in the table is `name`. */
struct express_zone {
    uint8_t name[NAME_MAX_LEN]; /* lower case */
    uint8_t len;
    uint8_t labels;
    uint16_t next; /* in its bucket, counted from 1; 0 ends */
    /* The zone to answer from and its stage, or NULL. */
    const struct served_zone *served;
    express_find_kept *kept; /* without `served`: what is asked for these names first; NULL: the chain is */
    express_fetch_kept *fetch_kept;
    void *kept_state;
    unsigned listener;
    const struct zone_stage *end;
    const struct route *route;
    uint8_t stage; /* the index of `end`, or of what has `kept`, in the route's block */
    uint8_t apex_len;
    /* A name that ends in its octets is no other zone's: none in the table has more labels. And they are
     * those of the apex, so a name that the zone has is such a name. */
    bool by_end;
    bool rotate;
    bool one_ttl;       /* `found` and `denied` hold */
    bool falls_through; /* names that do not exist may be another stage's */
    bool pods_made_up;
    uint16_t max_udp;                                                          /* 0: no limit */
    bool (*may_respell)(const uint8_t *lname, unsigned front, unsigned below); /* of the plan */
    struct express_ttl found, denied;
    bool (*claims)(void *state, const uint8_t *lname, size_t len, uint64_t hash, uint16_t qtype);
    void *claims_state;
    void (*tell)(void *state, struct worker *w, const struct log_facts *facts, bool denied);
    void *tell_state;
};

struct express_table;

/* Gives each listener of a compiled configuration its table; NULL to those where every question walks the
 * chain. ERR_OK or -ENOMEM. Control thread. */
int express_tables_build(struct config *c);
void express_tables_free(struct config *c);

/* memcmp() == 0 for names, which are short. */
static inline bool express_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint64_t x, y;
    size_t at = 0;
    if (len < sizeof x) {
        while (at < len && a[at] == b[at])
            at++;
        return at == len;
    }
    for (; at + sizeof x < len; at += sizeof x) {
        memcpy(&x, a + at, sizeof x);
        memcpy(&y, b + at, sizeof y);
        if (x != y)
            return false;
    }
    memcpy(&x, a + len - sizeof x, sizeof x); /* some octets for the second time */
    memcpy(&y, b + len - sizeof y, sizeof y);
    return x == y;
}

/* Whether the lower-case name of `len` octets is the zone's. */
static inline bool express_zone_is(const struct express_zone *z, const uint8_t *lname, size_t len)
{
    return z->len == len && express_same(z->name, lname, len);
}

/* The longest zone of a lower-case name of `len` octets, whose `labels` labels begin at `starts`; NULL: it
 * walks the chain. Any thread. */
const struct express_zone *express_table_find(const struct express_table *t, const uint8_t *lname, size_t len,
                                              const uint8_t *starts, unsigned labels);

#endif
