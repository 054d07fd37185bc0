/* What the parts of the exchange over UDP (exchange_udp.c: questions; udp_sockets.c: sockets) share. Nobody
 * else includes this. */
#ifndef SEAMARK_EXCHANGE_UDP_P_H
#define SEAMARK_EXCHANGE_UDP_P_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "exchange/direct_series.h"
#include "exchange/exchange.h"

/* Sockets that questions leave from, for one worker and upstream. Whoever forges an answer has to hit port
 * and id: 28,000 x 65,536 on a stock Linux, however many sockets there are. */
#define UDP_SOCKETS 8
/* A socket is given up after so many questions, or so long after it was opened, so that a port that somebody
 * has found out is soon worth nothing. Opening one costs as much as some three questions. */
#define UDP_SOCKET_USES   256
#define UDP_SOCKET_AGE_MS 5000
/* Sockets given up that still wait for answers; beyond it those in use are kept in use. */
#define UDP_RETIRED_MAX 64

/* Replies to a socket with an id that never left from it, or with another question: somebody who has found
 * the port tries ids. After so many the socket is given up, and what was asked from it is asked from another.
 */
#define UDP_FORGED_MAX 50
/* Ids that are known to have left from a socket, so that a late reply is not taken for a forged one. Twice as
 * many as it usually has. */
#define UDP_IDS_KEPT (2 * UDP_SOCKET_USES)

#define UDP_BATCH 32 /* questions sent, or answers received, with one system call */

/* How often one question is sent at the most, and without regard to the others (exchange_udp.c). */
#define UDP_SENDS_MAX  8
#define UDP_SENDS_FREE 3

#define UDP_CREDIT_MAX 64 /* further packets that may be sent in a row */

#define UDP_ID_BUCKETS 64 /* of a socket: four ids in each at the worst */

struct udp_exchange;
struct udp_socket;

/* One packet that was sent: the answer to it is found by socket and id. */
struct udp_send {
    LIST_ENTRY(udp_send) link; /* among the socket's with this bucket of ids */
    struct exchange_call *call;
    struct udp_socket *socket; /* NULL: it was given up */
    uint64_t at_ns;
    uint16_t id; /* as it stands in the message: first octet in the first octet */
};
LIST_HEAD(udp_send_list, udp_send);

struct udp_socket {
    LIST_ENTRY(udp_socket) link; /* among the retired */
    struct udp_exchange *x;
    int fd;
    struct event event;
    uint64_t born_ns;
    unsigned uses;
    unsigned out; /* sends that may still be answered */
    unsigned forged;
    bool retired;
    bool busy;    /* being read: freed when that is done */
    bool refused; /* the kernel said so when sending; told of when reading */
    struct udp_send_list sends[UDP_ID_BUCKETS];
    uint16_t ids[UDP_IDS_KEPT]; /* the latest; `uses` says how many */
};

struct exchange_call {
    LIST_ENTRY(exchange_call) link; /* in a slot of the wheel, or among the spent */
    struct udp_exchange *x;
    exchange_done *done;
    void *ctx;
    uint64_t due_ns; /* when it is sent again */
    uint32_t wait_ms;
    bool queued;     /* in the batch, not sent yet */
    bool plain_edns; /* its OPT says nothing, and may be left out */
    uint8_t nsends;
    uint16_t len, question_len;
    struct udp_send sends[UDP_SENDS_MAX];
    uint8_t message[];
};
LIST_HEAD(udp_call_list, exchange_call);

#define WHEEL_SLOTS   128
#define WHEEL_TICK_MS 16 /* 2 s in one round; what is due later is looked at once a round */

struct udp_exchange {
    struct exchange base;
    struct direct_series series;
    struct udp_socket *sockets[UDP_SOCKETS]; /* NULL: not open */
    LIST_HEAD(, udp_socket) retired;
    unsigned nretired;
    struct {
        struct udp_socket *socket;
        unsigned n;
        struct exchange_call *calls[UDP_BATCH];
    } batch; /* leaves at the end of this turn of the loop */
    struct event flush;
    struct udp_call_list wheel[WHEEL_SLOTS];
    struct udp_call_list spent;  /* sent often enough: they wait */
    struct udp_call_list doomed; /* could not be sent at all: told of with the next flush */
    unsigned ncalls;
    uint64_t tick_at; /* the tick that the wheel has come to */
    struct event tick;
    struct event age;            /* looks for sockets to give up */
    uint64_t srtt_us, rttvar_us; /* RFC 6298; 0: nothing known */
    unsigned credit;             /* further sends that answers have earned */
    uint64_t plain_until_ns;     /* the upstream does not know EDNS */
    bool delivering, closed;
};

/* ---- udp_sockets.c ---- */

void udp_sockets_init(struct udp_exchange *x);
/* A socket to send from, not `other` if that can be; opened where there is none. NULL: none could be had. */
struct udp_socket *udp_socket_pick(struct udp_exchange *x, const struct udp_socket *other);
/* No question leaves from it any more; it goes when nothing is out. */
void udp_socket_retire(struct udp_socket *s);
/* Gives the send an id that is free on the socket and keeps it there. */
void udp_send_add(struct udp_socket *s, struct udp_send *send);
void udp_send_remove(struct udp_send *send);
struct udp_send *udp_send_find(const struct udp_socket *s, uint16_t id);
/* Whether a question with this id has left from the socket. */
bool udp_socket_has_used(const struct udp_socket *s, uint16_t id);
void udp_socket_free(struct udp_socket *s);
void udp_sockets_close(struct udp_exchange *x); /* all; nothing may be out */

/* ---- udp_receive.c: the event of a socket ---- */

void udp_exchange_readable(evutil_socket_t fd, short what, void *ctx);

/* ---- exchange_udp.c ---- */

/* Sends what is in the batch. */
void udp_exchange_flush(struct udp_exchange *x);

/* Sends a question that is in no list, and sees to it that it is sent again. */
void udp_send_call(struct exchange_call *call, uint64_t now);
/* Tells the asker: the answer, whose reference is taken over, or with NULL that the upstream is gone. */
void udp_deliver(struct exchange_call *call, struct exchange_answer *answer);
/* Telling may close the exchange: between these two it is only marked as closed. The first returns what the
 * second takes. */
bool udp_begin_delivering(struct udp_exchange *x);
void udp_end_delivering(struct udp_exchange *x, bool outer);

#endif
