/* A question on its way: shared by upstream_ask.c, which has the events, and upstream_choice.c, which says
 * who is asked next. */
#ifndef SEAMARK_UPSTREAM_UPSTREAM_ASK_P_H
#define SEAMARK_UPSTREAM_UPSTREAM_ASK_P_H

#include <event2/event_struct.h>

#include "upstream/upstream_ask.h"

#define NS_PER_MS UINT64_C(1000000)

/* One question put to one upstream. */
struct attempt {
    struct upstream_ask *ask;
    struct exchange *exchange;
    struct exchange_call *call; /* NULL where it could not be sent: as good as lost on the way */
    uint64_t began_ns;          /* when the upstream was first asked in this try */
    uint64_t again_ns;          /* when it is sent again; 0: not by us */
    uint64_t gap_ns;            /* from the last sending to that one */
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
    bool begun;    /* the first try is out */
    bool silent;   /* some upstream did not answer */
    upstream_ask_done *done;
    void *ctx;
    struct event timer; /* for the first of what the attempts wait for */
    struct attempt attempts[UPSTREAM_ATTEMPTS_MAX];
    uint64_t deadline_ns;
    uint64_t hedge_ns;            /* when the next one is asked as well; 0: not */
    struct exchange_answer *last; /* an error that is given if nothing better comes; a reference, or NULL */
    unsigned tries_left;
    unsigned refused;     /* tries that were over at once */
    uint64_t last_try_ns; /* when the last try began */
    uint64_t next_try_ns; /* after a round of refusals: not before; 0: at once */
    unsigned next;        /* in `order` */
    unsigned skipped;     /* passed over since the beginning of the present round */
    unsigned errors;      /* bit i: upstream i answered this question with an error; it is not asked again */
    uint8_t order[UPSTREAMS_MAX];
    uint8_t name[NAME_MAX_LEN];
    uint8_t options[]; /* of the question */
};

/* ---- upstream_choice.c ---- */

/* Whether libunbound alone may ask: it recurses, or validates, and what goes past it would do neither. */
static inline bool upstream_ask_by_libunbound_alone(const struct upstream_ask *a)
{
    return a->set->settings.unbound != NULL;
}

/* The order in which this question tries the upstreams. */
void upstream_choice_order(struct upstream_ask *a);

/* The upstream to try next; false: there is none. */
bool upstream_choice_next(struct upstream_ask *a, uint8_t *index);

/* The upstream to ask beside those that are being asked; false: there is none that would be better. */
bool upstream_choice_beside(const struct upstream_ask *a, uint8_t *index);

/* How long the first one asked may take before another is asked beside it, nanoseconds; 0: for ever. */
uint64_t upstream_choice_patience(const struct upstream_ask *a, uint8_t index);

/* max_qps: takes a place in the budget of `*index` or, where it has none now, of another that could be asked.
 * When the question may be put, to *index; 0: not within UPSTREAM_BUDGET_WAIT_MS. */
uint64_t upstream_choice_budget(struct upstream_ask *a, uint8_t *index, uint64_t now);

/* Whether some other upstream than `index` is there that has not answered this question with an error. */
bool upstream_choice_other(const struct upstream_ask *a, uint8_t index);

/* Whether every upstream leads back here. */
bool upstream_choice_all_loop(const struct upstream_ask *a);

/* ---- upstream_attempt.c ---- */

/* Puts the question to an upstream. `as_before`: NULL, or the attempt that this goes on with; then what
 * comes of it counts for that. The error of the exchange where it takes no question; unless it is the first
 * one of all it counts as lost on the way then. */
int upstream_attempt_put(struct upstream_ask *a, uint8_t index, bool direct, const struct attempt *as_before);
/* The same at that time, to which its place in the budget belongs. */
void upstream_attempt_put_later(struct upstream_ask *a, uint8_t index, uint64_t at);
/* It is time to send it again (again_ns). */
void upstream_attempt_put_again(struct upstream_ask *a, struct attempt *t);
/* It is time to ask a second upstream (hedge_ns). */
void upstream_attempt_beside(struct upstream_ask *a);
/* Whether one more question to it, that is no try of its own, is within the budget; takes it from there. */
bool upstream_attempt_affordable(struct upstream_ask *a, uint8_t index);
/* Cancels it and frees its slot. */
void upstream_attempt_clear(struct attempt *t);
/* When the next thing has to be done about it. */
uint64_t upstream_attempt_due(const struct upstream_ask *a, const struct attempt *t);
uint64_t upstream_attempt_timeout_ns(const struct upstream_ask *a);

/* ---- upstream_ask.c ---- */

/* What the exchange says; ctx is the attempt. */
exchange_done upstream_ask_told;

#endif
