/*
 * DNS over TCP (RFC 7766): framed messages, pipelined questions, answers in the order in which they are
 * ready. What was asked in one read is answered in one write. In the worker's thread.
 *
 * A connection lives between these states: OPEN (questions are read), FULL (reading rests: too many questions
 * under way or too much unread answer), ENDING (the client has closed its side, or the connection is to go:
 * answers under way are still written), gone. It is freed when it is ENDING, nothing is under way and
 * everything is written; or at once on an error, when it has asked no whole question for 10 seconds, or when
 * it has to make room (too many connections, or too much that they hold).
 */
#ifndef SEAMARK_SERVE_IO_TCP_H
#define SEAMARK_SERVE_IO_TCP_H

#include "serve/endpoint.h"

/* How many connections each of so many workers may have. */
unsigned tcp_connections_max(unsigned workers);

/* What the connections of a worker share; NULL without memory. Freed after its connections, before its loop.
 */
struct tcp_shared *tcp_shared_new(struct worker *w);
void tcp_shared_free(struct tcp_shared *s); /* NULL allowed */

int tcp_listen(struct endpoint *ep);
/* Stops accepting and ends the endpoint's connections. */
void tcp_unlisten(struct endpoint *ep);
/* Ends connections without anything under way, for a graceful stop. */
void tcp_end_idle(struct worker *w);
/* How many connections have answers that have not been sent yet. */
unsigned tcp_unsent(const struct worker *w);
/* Closes all connections; what is under way for them ends in silence. */
void tcp_close_all(struct worker *w);

#endif
