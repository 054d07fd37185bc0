/* What the parts of TCP (io_tcp.c, stream.c) share. */
#ifndef SEAMARK_SERVE_IO_TCP_P_H
#define SEAMARK_SERVE_IO_TCP_P_H

#include <event2/bufferevent.h>

#include "serve/worker_p.h"

struct conn {
    struct worker *worker;
    struct endpoint *endpoint; /* NULL once its listener is gone */
    struct bufferevent *bev;   /* NULL once closed: what is under way ends in silence */
    union address client;
    union address local;
    unsigned in_flight;
    bool ending;
    uint64_t active_ms;          /* when it asked a whole question, was answered or accepted last */
    LIST_HEAD(, stream) streams; /* answers of several messages under way */
    TAILQ_ENTRY(conn) link;      /* in the worker's list, while open */
};

/* Frames a message and queues it; the connection has to go where that fails, since half an answer would spoil
 * all that follow. */
bool tcp_put(struct conn *c, const void *message, size_t len);
/* Closes connections until the worker's hold no more than they may; true where `c` was among them and was
 * freed. */
bool tcp_shed(struct conn *c);
void tcp_close(struct conn *c);

/* stream.c: there is room in the connection; it has been closed. */
void streams_turn(struct conn *c);
void streams_lose(struct conn *c);

#endif
