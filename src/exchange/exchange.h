/*
 * An exchange: one worker's way to ask one upstream over one transport. It takes one question and gives one
 * answer or a failure, and knows nothing of policies, health, deadlines, caches or metrics, which stand above
 * it (upstream_ask.h) and do not know which kind of exchange they stand on. A kind is a table of functions:
 * exchange_unbound.h is one, exchange_direct.h has others.
 *
 * The rules that every kind keeps:
 *   - done() is called exactly once for a question that was taken and not cancelled, from the worker's event
 * loop, never from within exchange_ask() or exchange_cancel(); done() may ask, cancel and release.
 *   - The exchange may send again what was lost, but the answer given is an answer to this question from this
 * upstream.
 *   - It has no deadline of its own that the asker could rely on: the asker sets a timer and cancels.
 *   - After exchange_cancel() nothing of the call is touched again and done() is not called.
 *
 * Exchanges are pooled by worker: the same target asked for twice is the same exchange with two references,
 * so that a configuration reload that keeps an upstream keeps its connections and what is known of it. All
 * functions here belong to the worker's own thread; the references of an answer may be dropped in any.
 */
#ifndef SEAMARK_EXCHANGE_H
#define SEAMARK_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "exchange/unbound_settings.h"
#include "exchange/upstream_transport.h"
#include "serve/request.h"

/* An answer in wire form, shared by all who asked, of any worker. Immutable. */
struct exchange_answer {
    int references;         /* atomic */
    uint64_t serial;        /* no other answer of this process has it */
    union address upstream; /* who gave it: set by the exchange; family 0 until then */
    size_t len;
    uint8_t wire[];
};

/* Copies `wire`; one reference. NULL without memory. */
struct exchange_answer *exchange_answer_new(const void *wire, size_t len);
struct exchange_answer *exchange_answer_ref(struct exchange_answer *a);
void exchange_answer_unref(struct exchange_answer *a); /* NULL allowed */

/* What is asked. */
struct exchange_question {
    const uint8_t *name; /* lower case; borrowed during exchange_ask() */
    uint16_t qtype;
    uint16_t qclass;
    bool dnssec_ok;
    bool checking_disabled;
    bool recursion_desired; /* as the client has it: only the direct exchanges can; libunbound sets it */
    const uint8_t *options; /* EDNS options to send, borrowed like the name; only the direct ones can */
    uint16_t options_len;
};

/* Whom, and how. Compared field by field: keep it free of what does not tell two exchanges apart. */
struct exchange_target {
    union address address; /* port included */
    bool tcp;
    uint32_t expire_ms;   /* an idle connection is closed after this; no meaning for UDP */
    uint32_t max_age_ms;  /* a connection takes no further questions at this age; 0: no such limit */
    union address source; /* where it is asked from, of the same family, without a port; family 0: anywhere */
    /* Only libunbound's exchange knows this: NULL, or a reference that the exchange holds. Where it says
     * recursion there is no address: its family is 0. */
    struct unbound_settings *unbound;
    /* Only the direct exchanges know the rest. */
    bool case_randomisation; /* letters of the question have random case, and the answer is to have the same
                              */
    bool once;               /* a question is sent once, whatever becomes of it: the asker counts packets */
    unsigned max_idle;       /* idle connections that are kept; 0: all */
    struct upstream_transport transport; /* TLS and HTTPS have `tcp` set */
};

enum exchange_outcome {
    EXCHANGE_ANSWER, /* `answer` is a message of 12 octets at least; its rcode may be anything that the kind
                        lets through */
    EXCHANGE_FAILED, /* no answer that could be used, and this exchange will not try on */
    EXCHANGE_GONE,   /* the same, and as good as silence: port unreachable, connection refused or closed */
};

/* `answer` is lent for the call (take a reference to keep it), NULL unless EXCHANGE_ANSWER. */
typedef void exchange_done(void *ctx, enum exchange_outcome outcome, struct exchange_answer *answer);

/* Whether it is a question of class IN that is no meta type (RFC 6895 section 3.1): others are not asked. */
bool exchange_is_ordinary(const struct exchange_question *q);

struct exchange;
struct exchange_call; /* a question under way */

struct exchange_kind {
    const char *name;
    int (*open)(struct worker *w, const struct exchange_target *target, struct exchange **out,
                struct errtext *e);
    void (*close)(struct exchange *x); /* calls under way are cancelled */
    int (*ask)(struct exchange *x, const struct exchange_question *q, exchange_done *done, void *ctx,
               struct exchange_call **call);
    void (*cancel)(struct exchange *x, struct exchange_call *call);
    /* The upstream was out and is back: forget what was learnt while it was out. Calls under way go on.
     * Optional. */
    void (*renew)(struct exchange *x);
};

/* What every kind's exchange begins with. */
struct exchange {
    const struct exchange_kind *kind;
    struct exchange_target target;
    struct worker *worker;
    unsigned references;
    struct exchange *next; /* in the worker's pool */
};

/* Finds or opens the exchange with `target`. Not on the way of a query: opening takes about a millisecond. */
int exchange_acquire(struct worker *w, const struct exchange_kind *kind, const struct exchange_target *target,
                     struct exchange **out, struct errtext *e);
void exchange_release(struct exchange *x); /* NULL allowed */

/* Renews all of the worker's exchanges with this address. */
void exchange_renew(struct worker *w, const union address *address);

static inline int exchange_ask(struct exchange *x, const struct exchange_question *q, exchange_done *done,
                               void *ctx, struct exchange_call **call)
{
    return x->kind->ask(x, q, done, ctx, call);
}

static inline void exchange_cancel(struct exchange *x, struct exchange_call *call)
{
    x->kind->cancel(x, call);
}

/* Same family, address, port and scope. */
bool address_equal(const union address *a, const union address *b);

#endif
