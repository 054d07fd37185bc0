/* Datagrams in and out, in batches. In the worker's thread. */
#ifndef SEAMARK_SERVE_IO_UDP_H
#define SEAMARK_SERVE_IO_UDP_H

#include <event2/util.h>

struct worker;
struct udp_batch;

struct udp_batch *udp_batch_new(void);
void udp_batch_free(struct udp_batch *b);

/* libevent callback of a UDP socket; ctx is its struct endpoint. */
void udp_readable(evutil_socket_t fd, short what, void *ctx);

/* Sends the answers that are waiting in the worker's batch. */
void udp_flush(struct worker *w);

#endif
