/* A question on its way: shared by upstream_ask.c, which has the events, and upstream_choice.c, which says
 * who is asked next. */
#ifndef SEAMARK_UPSTREAM_UPSTREAM_ASK_P_H
#define SEAMARK_UPSTREAM_UPSTREAM_ASK_P_H

#include <event2/event_struct.h>

#include "upstream/upstream_ask.h"

/* One question put to one upstream. */
struct attempt {
    struct upstream_ask *ask;
    struct exchange *exchange;
    struct exchange_call *call; /* NULL where it could not be sent: as good as lost on the way */
    uint64_t began_ns;          /* when the upstream was first asked in this try */
    uint8_t index;              /* of the upstream */
    bool used;                  /* the slot is not free */
    bool direct;
    bool late; /* UPSTREAM_LATE_MS are over */
    bool over; /* read_timeout is, or another is asked in its place: it may still be answered */
};

struct upstream_ask {
    struct upstream_set *set;
    struct worker *worker;
    struct exchange_question question; /* its name points to `name` */
    bool tcp;
    bool as_it_is; /* past libunbound from the beginning */
    bool silent;   /* some upstream did not answer */
    upstream_ask_done *done;
    void *ctx;
    struct event timer; /* for the first of what the attempts wait for */
    struct attempt attempts[UPSTREAM_ATTEMPTS_MAX];
    uint64_t deadline_ns;
    struct exchange_answer *last; /* an error that is given if nothing better comes; a reference, or NULL */
    unsigned tries_left;
    unsigned next;    /* in `order` */
    unsigned skipped; /* passed over since the beginning of the present round */
    unsigned errors;  /* bit i: upstream i answered this question with an error; it is not asked again */
    uint8_t order[UPSTREAMS_MAX];
    uint8_t name[NAME_MAX_LEN];
    uint8_t options[]; /* of the question */
};

/* The order in which this question tries the upstreams. */
void upstream_choice_order(struct upstream_ask *a);

/* The upstream to try next; false: there is none. */
bool upstream_choice_next(struct upstream_ask *a, uint8_t *index);

/* Whether some other upstream than `index` is there that has not answered this question with an error. */
bool upstream_choice_other(const struct upstream_ask *a, uint8_t index);

/* Whether every upstream leads back here. */
bool upstream_choice_all_loop(const struct upstream_ask *a);

#endif
