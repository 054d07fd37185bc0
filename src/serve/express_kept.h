/*
 * Answers that a stage has kept whole (cache), for the short way of a query: how such a stage is asked for
 * one, and what it gives.
 */
#ifndef SEAMARK_SERVE_EXPRESS_KEPT_H
#define SEAMARK_SERVE_EXPRESS_KEPT_H

#include "dns/reply.h"

/* A question of class IN without EDNS options. */
struct express_question {
    const uint8_t *lname; /* lower case */
    uint8_t len;
    bool dnssec_ok, checking_disabled;
    bool ordered; /* a stage above puts records in order: only what needs none but the run's will do */
    uint16_t qtype;
    uint16_t room;      /* octets that the answer may take behind the question */
    unsigned listener;  /* its number: whom it is counted for */
    uint64_t name_hash; /* name_hash() of lname */
    uint64_t now_ns;    /* clock_ns() */
    uint64_t key;       /* the keeper's, set by its express_fetch_kept */
};

/* An answer, in its keeper's memory. */
struct express_kept {
    const uint8_t *body;       /* what follows the question in its message */
    const struct reply_rr *rr; /* its records; offsets are those in the message */
    uint16_t body_len;
    uint16_t count[3];   /* records a section */
    uint16_t flags;      /* AA, RA, AD */
    uint16_t rcode;      /* up to 15 */
    uint32_t ttl;        /* of all records */
    uint8_t kind;        /* the keeper's */
    uint8_t run_at, run; /* `run` addresses of one name and type, from record run_at on; 0: no addresses */
};

/* Ahead of the next: asks for the memory that it will need, so that this is there when it is needed. For all
 * questions of a batch step 0, then for all of them step 1. */
typedef void express_fetch_kept(void *state, struct express_question *q, unsigned step);

/* What is kept for the question and may be given as it is; the stage counts it as given then. False: the
 * chain decides. In a worker, in a read section, to whose end the answer is good. */
typedef bool express_find_kept(void *state, const struct express_question *q, struct express_kept *out);

#endif
