/*
 * The base of the exchanges over connections that are kept and carry many questions: exchange_stream.c (TCP,
 * TLS) and exchange_doh.c (HTTPS), which say how a connection is opened and a question is sent on it. Here is
 * what they have in common: which connection takes a question, for how long one is kept (kept_conns.c), who
 * is told what, and when, and what becomes of questions that are out when a connection ends
 * (exchange_kept.c). Nobody else includes this.
 */
#ifndef SEAMARK_EXCHANGE_KEPT_P_H
#define SEAMARK_EXCHANGE_KEPT_P_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "exchange/byte_stream.h"
#include "exchange/direct_series.h"
#include "exchange/doh_session.h"

#define KEPT_CONNS 4 /* connections of one worker to one upstream */

/* A question that waited so long in vain, on a connection that has brought nothing since, says that the
 * connection is dead: no further question goes there. */
#define KEPT_DEAD_MS 500

#define KEPT_BUCKETS 64 /* of ids */

#define LENGTH_OCTETS 2 /* before a message (RFC 1035 section 4.2.2) */

struct kept_exchange;
struct kept_conn;

struct exchange_call {
    LIST_ENTRY(exchange_call) link; /* among the connection's with this bucket of ids, or the doomed */
    struct kept_exchange *x;
    struct kept_conn *conn;      /* NULL: doomed */
    struct doh_request *request; /* over HTTPS */
    exchange_done *done;
    void *ctx;
    uint64_t sent_ns;
    bool again;      /* asked a second time: the first connection was closed */
    bool plain_edns; /* its OPT says nothing, and may be left out */
    uint16_t len, question_len;
    uint8_t wire[]; /* the length in front */
};
LIST_HEAD(kept_call_list, exchange_call);

struct kept_conn {
    LIST_ENTRY(kept_conn) link;
    struct kept_exchange *x;
    union {
        struct byte_stream *stream;
        struct doh_session *session; /* over HTTPS */
    };
    unsigned out; /* questions */
    bool connected;
    bool answered; /* it has brought an answer */
    bool retired;  /* no question goes there any more; it is closed when none is out */
    bool busy;     /* within one of its callbacks: freed at the end of it */
    bool dead;     /* to be freed then */
    uint64_t born_ns, heard_ns, idle_ns;
    struct event idle;
    struct kept_call_list calls[KEPT_BUCKETS];
};

/* What tells the two apart. */
struct kept_kind {
    unsigned spread;    /* another connection is opened where all have so many questions out */
    unsigned calls_max; /* questions on one connection */
    bool ids;           /* each question on a connection has an id of its own; it is 0 otherwise */
    /* Its events are kept_connected() and kept_closed(), and one that sets heard_ns. */
    int (*open)(struct kept_conn *c);
    void (*close)(struct kept_conn *c);
    bool (*usable)(const struct kept_conn *c); /* takes further questions */
    bool (*resumed)(const struct kept_conn *c);
    /* Sends the question on call->conn. ERR_LIMIT, -ENOMEM. */
    int (*send)(struct exchange_call *call);
    void (*cancel)(struct exchange_call *call); /* before it is forgotten, where it is out on a connection */
};

struct kept_exchange {
    struct exchange base;
    const struct kept_kind *kind;
    struct direct_series series;
    LIST_HEAD(, kept_conn) conns;
    unsigned nconns, ncalls;
    struct kept_call_list doomed; /* could not be sent: told of at the end of this turn */
    struct event tell;
    uint64_t plain_until_ns; /* the upstream does not know EDNS */
    bool delivering, closed;
};

/* ---- kept_conns.c ---- */

/* The connection for the next question, opened where need be. NULL with the reason in *error: ERR_LIMIT where
 * all are full, or why none could be opened. */
struct kept_conn *kept_conn_pick(struct kept_exchange *x, int *error);
void kept_conn_add(struct kept_conn *c, struct exchange_call *call); /* gives it its id */
void kept_conn_remove(struct exchange_call *call);
struct exchange_call *kept_conn_find(const struct kept_conn *c, const uint8_t *id);
void kept_conn_retire(struct kept_conn *c);
void kept_conn_free(struct kept_conn *c); /* nothing may be out */

void kept_connected(void *ctx); /* a connection's event */

/* ---- exchange_kept.c ---- */

/* Telling may close the exchange: between these two it is only marked as closed. The first returns what the
 * second takes. */
bool kept_begin(struct kept_exchange *x);
void kept_end(struct kept_exchange *x, bool outer);

/* Tells the asker: the answer, whose reference is taken over, or with NULL that the upstream is gone. */
void kept_deliver(struct exchange_call *call, struct exchange_answer *answer);

/* Takes a question off its connection and sends it once more; tells of it later where it cannot be. */
void kept_send_again(struct exchange_call *call);

void kept_closed(void *ctx); /* a connection's event */

/* The functions of an exchange_kind; open() is the kind's own, by this one. */
int kept_open(const struct kept_kind *kind, struct worker *w, const struct exchange_target *target,
              struct exchange **out, struct errtext *e);
void kept_close(struct exchange *base);
int kept_ask(struct exchange *base, const struct exchange_question *q, exchange_done *done, void *ctx,
             struct exchange_call **out);
void kept_cancel(struct exchange *base, struct exchange_call *call);
void kept_renew(struct exchange *base);

#endif
