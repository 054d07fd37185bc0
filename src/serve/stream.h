/*
 * An answer of several messages: a zone transfer. Over TCP alone.
 *
 * The stage's query() opens a stream, keeps it with what it needs in r->waiting, and returns VERDICT_PENDING.
 * `more` is then called from the worker's event loop each time that the connection has sent what it had to
 * send (so a client that reads slowly costs one message of memory), and does one of these:
 *
 *     - makes the next message with request_reply() and hands it to stream_send();
 *     - makes the last one with request_reply(), calls stream_close() and
 *       request_resume(r, VERDICT_ANSWERED): so the answer walks up the chain once, with its end;
 *     - has nothing to send yet, and calls stream_wake() when it has;
 *     - gives up, as it has to where stream_gone(): stream_close(), request_resume(r, VERDICT_DROP).
 *
 * One message a turn: the worker answers other questions in between. A client that reads nothing for the
 * connection's write time-out loses the connection, and one that reads too slowly to be done in time loses it
 * too. In the worker's thread.
 */
#ifndef SEAMARK_SERVE_STREAM_H
#define SEAMARK_SERVE_STREAM_H

#include <stdbool.h>

#include "serve/request.h"

struct stream;
typedef void stream_more(struct stream *s, struct request *r);

/* NULL where the request came by another transport, or without memory. `seconds`: all that it may take. */
struct stream *stream_open(struct request *r, stream_more *more, unsigned seconds);
void stream_close(struct stream *s);

/* Finishes r->reply and sends it, or a message that is finished already; the stream may be gone then. */
void stream_send(struct stream *s);
void stream_send_message(struct stream *s, const void *message, size_t len);

/* Has `more` called soon. */
void stream_wake(struct stream *s);

/* Why nothing can be sent any more, in few words; NULL while it can. */
const char *stream_gone(const struct stream *s);
/* Closes its connection, if that is not closed yet: an answer that breaks off cannot be told otherwise. */
void stream_break(struct stream *s, const char *why);

#endif
