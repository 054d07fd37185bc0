/* What the parts of TCP (io_tcp.c, tcp_conn.c, stream.c) share. */
#ifndef SEAMARK_SERVE_IO_TCP_P_H
#define SEAMARK_SERVE_IO_TCP_P_H

#include "base/bytes.h"
#include "serve/endpoint.h"
#include "serve/worker_p.h"

/* RFC 7766 section 6.2.3 asks for seconds; CoreDNS's idle time-out is 10 s, its write time-out 5 s. */
#define TCP_IDLE_SECONDS  10
#define TCP_WRITE_SECONDS 5
/* Octets that all connections of a worker may hold, received or not yet sent: what 500 clients that read
 * nothing can take, or 1,000 that begin the longest message and never end it. Beyond it the one that has
 * asked nothing for longest among those that hold any is closed. */
#define TCP_BUFFERED_MAX (64u << 20)

/* Octets that are read at once. */
#define TCP_READ 16384
/* Room for the answers to them, which nearly always leave at once: lent to one connection after the other. */
#define TCP_SPARE 65536

/* Of a worker: what its connections share. */
struct tcp_shared {
    uint8_t read[TCP_READ];
    uint8_t *spare;      /* of TCP_SPARE octets; NULL while it is lent, and before there was one */
    struct event *sweep; /* timer: looks for time-outs while there are connections */
};

struct conn {
    struct worker *worker;
    struct endpoint *endpoint; /* NULL once its listener is gone */
    int fd;                    /* -1 once closed: what is under way ends in silence */
    bool ending;
    bool resting; /* its questions are not read */
    unsigned in_flight;
    struct event *readable;
    struct event *writable; /* made when something cannot be sent at once */
    union address client;
    union address local; /* AF_UNSPEC where the socket has one address only */
    uint64_t active_ms;  /* when it asked a whole question, was answered or accepted last */
    uint64_t stuck_ms;   /* when it was first seen that its answers do not leave; 0 while they do */
    struct bytes in;     /* received: a message's beginning, or questions that have to rest */
    struct {
        uint8_t *data;
        size_t at, len, cap;
    } out;                       /* answers to be sent, from `at` on */
    LIST_HEAD(, stream) streams; /* answers of several messages under way */
    TAILQ_ENTRY(conn) link;      /* in the worker's list, while open */
};

/* ---- tcp_conn.c ---- */

/* Takes over the descriptor in every case; NULL without memory. */
struct conn *tcp_conn_new(struct endpoint *ep, int fd);
void tcp_close(struct conn *c);
/* Closes it where it is ending and has nothing left to do; true where it is gone. */
bool tcp_ended(struct conn *c);
/* Reads no more questions. */
void tcp_rest(struct conn *c);

/* Frames a message and puts it behind what is to be sent; the connection has to go where that fails, since
 * half an answer would spoil all that follow. */
bool tcp_put(struct conn *c, const void *message, size_t len);
/* Has it sent, and what else is to be done gone on with, from the event loop when the client takes something.
 */
void tcp_want_write(struct conn *c);

static inline size_t tcp_unwritten(const struct conn *c)
{
    return c->out.len - c->out.at;
}

/* Octets of memory for what was received and what is to be sent. */
static inline size_t tcp_held(const struct conn *c)
{
    return c->in.cap + c->out.cap;
}

/* ---- io_tcp.c ---- */

/* Closes connections until the worker's hold no more than they may; true where `c` was among them and was
 * freed. */
bool tcp_shed(struct conn *c);

/* ---- stream.c: there is room in the connection; it has been closed. ---- */

void streams_turn(struct conn *c);
void streams_lose(struct conn *c);

#endif
