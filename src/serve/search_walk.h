/*
 * Going through the candidates of a name on behalf of a resolver: which to ask next, and which answer to
 * give. No I/O, no memory: the caller asks and tells what came back.
 *
 * glibc's resolver, for which this is made, goes on with its search list at NXDOMAIN and where a name has no
 * data, and ends with the first candidate that has some; it asks for A and AAAA together, and data of either
 * family ends its search. Each of the two questions is walked by itself here, and both must end at the same
 * candidate. Hence, at a candidate without data of the family asked for, the walk looks for the other one: if
 * that has data, no data is the answer. An answer without data is always safe: the client then searches by
 * itself.
 *
 *                     data, an error
 *     ASK candidate i ─────────────────> TAKE
 *       ^   │  │ no data (A, AAAA)                data, an error
 *       │   │  └──────> ASK_OTHER at i ─────────────────────────> deny i
 *       └───┴── no such name, no data ──┘
 *     none left, or an error: deny the first one without data, where there was one; else PASS, or TAKE the
 * error deny i: ASK i once more ──> TAKE; PASS for the first candidate
 */
#ifndef SEAMARK_SERVE_SEARCH_WALK_H
#define SEAMARK_SERVE_SEARCH_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/reply.h"

enum search_step {
    SEARCH_ASK,       /* candidate `at` */
    SEARCH_ASK_OTHER, /* candidate `at` for search_other_type() */
    SEARCH_TAKE,      /* the answer at hand is the answer */
    SEARCH_PASS,      /* the question as it came is answered as if nobody had searched */
};

struct search_walk {
    uint16_t qtype;
    uint8_t count;  /* candidates: the name as it was asked is the first, the bare name the last */
    uint8_t at;     /* the one to be asked, or that was */
    int16_t nodata; /* the first without data; -1 none */
    bool other;     /* asked for the other family */
    bool final;     /* what comes is the answer */
};

enum search_outcome {
    SEARCH_NO_NAME, /* NXDOMAIN, or no answer at all */
    SEARCH_NO_DATA,
    SEARCH_DATA,
    SEARCH_ERROR, /* the client shall decide by itself how to go on */
};

/* What an answer, not finished yet, is to a resolver's search; NULL: none came. */
enum search_outcome search_outcome_of(const struct reply *answer);

/* AAAA for A, A for AAAA, 0 for other types. */
uint16_t search_other_type(uint16_t qtype);

/* Begins at the first candidate, which the caller then asks. */
void search_begin(struct search_walk *w, uint16_t qtype, unsigned count);

/* What to do after the answer to what was asked last. */
enum search_step search_next(struct search_walk *w, enum search_outcome outcome);

#endif
