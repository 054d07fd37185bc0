/* What the parts of the exchange over HTTPS (exchange_doh.c: questions; doh_conns.c: connections) share.
 * Nobody else includes this. */
#ifndef SEAMARK_EXCHANGE_DOH_P_H
#define SEAMARK_EXCHANGE_DOH_P_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "exchange/direct_series.h"
#include "exchange/doh_session.h"

/* Connections of one worker to one upstream. Another one is opened where all have so many questions out: the
 * least number of requests that RFC 9113 section 6.5.2 recommends that servers allow. */
#define DOH_CONNS  4
#define DOH_SPREAD 100

#define DOH_DEAD_MS 500 /* as STREAM_DEAD_MS */

struct doh_conn;

struct exchange_call {
    LIST_ENTRY(exchange_call) link; /* among the connection's, or the doomed */
    struct doh_exchange *x;
    struct doh_conn *conn; /* NULL: doomed */
    struct doh_request *request;
    exchange_done *done;
    void *ctx;
    uint64_t sent_ns;
    bool again; /* asked a second time */
    uint16_t len, question_len;
    uint8_t message[];
};
LIST_HEAD(doh_call_list, exchange_call);

struct doh_conn {
    LIST_ENTRY(doh_conn) link;
    struct doh_exchange *x;
    struct doh_session *session;
    struct doh_call_list calls;
    unsigned out;
    bool connected, retired;
    uint64_t born_ns, idle_ns;
    struct event idle;
};

struct doh_exchange {
    struct exchange base;
    struct direct_series series;
    LIST_HEAD(, doh_conn) conns;
    unsigned nconns, ncalls;
    struct doh_call_list doomed;
    struct event tell;
    bool delivering, closed;
};

/* ---- doh_conns.c ---- */

/* The connection for the next question, opened where need be. NULL with the reason in *error: ERR_LIMIT where
 * there is no room, or why none could be opened. */
struct doh_conn *doh_conn_pick(struct doh_exchange *x, int *error);
/* No question is out on it any more. */
void doh_conn_idle(struct doh_conn *c);
/* No question goes there any more; it is closed, from the loop, when none is out. */
void doh_conn_retire(struct doh_conn *c);
void doh_conn_free(struct doh_conn *c); /* nothing may be out */

/* ---- exchange_doh.c: a connection has ended ---- */

void doh_exchange_closed(void *ctx);

#endif
