/* What the parts of the exchange over connections (exchange_stream.c: questions; stream_conns.c: connections)
 * share. Nobody else includes this. */
#ifndef SEAMARK_EXCHANGE_STREAM_P_H
#define SEAMARK_EXCHANGE_STREAM_P_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "exchange/byte_stream.h"
#include "exchange/direct_series.h"

/* Connections of one worker to one upstream. Another one is opened where all have so many questions out, for
 * servers that answer one after the other. */
#define STREAM_CONNS     4
#define STREAM_SPREAD    16
#define STREAM_CALLS_MAX 1024 /* questions on one connection */

/* A question that waited so long in vain, on a connection that has brought nothing since, says that the
 * connection is dead: no further question goes there. */
#define STREAM_DEAD_MS 500

#define STREAM_ID_BUCKETS 64

#define LENGTH_OCTETS 2 /* before a message (RFC 1035 section 4.2.2) */

struct stream_exchange;
struct stream_conn;

struct exchange_call {
    LIST_ENTRY(exchange_call) link; /* among the connection's with this bucket of ids, or the doomed */
    struct stream_exchange *x;
    struct stream_conn *conn; /* NULL: doomed */
    exchange_done *done;
    void *ctx;
    uint64_t sent_ns;
    bool again;      /* asked a second time: the first connection was closed */
    bool plain_edns; /* its OPT says nothing, and may be left out */
    uint16_t len, question_len;
    uint8_t wire[]; /* the length in front */
};
LIST_HEAD(stream_call_list, exchange_call);

struct stream_conn {
    LIST_ENTRY(stream_conn) link;
    struct stream_exchange *x;
    struct byte_stream *stream;
    unsigned out; /* questions */
    bool connected;
    bool answered; /* it has brought an answer */
    bool retired;  /* no question goes there any more; it is closed when none is out */
    bool busy;     /* within one of its callbacks: freed at the end of it */
    bool dead;     /* to be freed then */
    uint64_t born_ns, received_ns, idle_ns;
    struct event idle;
    struct stream_call_list calls[STREAM_ID_BUCKETS];
};

struct stream_exchange {
    struct exchange base;
    struct direct_series series;
    LIST_HEAD(, stream_conn) conns;
    unsigned nconns, ncalls;
    struct stream_call_list doomed; /* could not be sent: told of at the end of this turn */
    struct event tell;
    uint64_t plain_until_ns; /* the upstream does not know EDNS */
    bool delivering, closed;
};

/* ---- stream_conns.c ---- */

/* The connection for the next question, opened where need be. NULL with the reason in *error: ERR_LIMIT where
 * all are full, or why none could be opened. */
struct stream_conn *stream_conn_pick(struct stream_exchange *x, int *error);
void stream_conn_add(struct stream_conn *c, struct exchange_call *call); /* gives it an id */
void stream_conn_remove(struct exchange_call *call);
struct exchange_call *stream_conn_find(const struct stream_conn *c, const uint8_t *id);
void stream_conn_retire(struct stream_conn *c);
void stream_conn_free(struct stream_conn *c); /* nothing may be out */

/* ---- exchange_stream.c: a connection's events ---- */

size_t stream_exchange_received(void *ctx, const uint8_t *data, size_t len);
void stream_exchange_closed(void *ctx);

#endif
