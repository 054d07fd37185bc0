/*
 * A connection to a DNS over HTTPS server (RFC 8484) with HTTP/2 on it (RFC 9113, by libnghttp2): questions
 * go out as requests, as many at once as the server allows (others wait inside), and each brings a message or
 * a failure. The thread that runs `base`. Callbacks come from the event loop and never from within a function
 * of this header; they may call any of them.
 */
#ifndef SEAMARK_EXCHANGE_DOH_SESSION_H
#define SEAMARK_EXCHANGE_DOH_SESSION_H

#include <event2/event.h>

#include "exchange/exchange.h"

struct doh_session;
struct doh_request;

struct doh_session_events {
    void (*connected)(void *ctx); /* may be NULL */
    void (*heard)(void *ctx);     /* something has come; may be NULL */
    /* It has ended. Requests that are out are not told of. The owner frees it. */
    void (*closed)(void *ctx);
};

/* `message` is lent; NULL where the server gave none: another status, another type, too long, or broken off.
 */
typedef void doh_done(void *ctx, const uint8_t *message, size_t len);

int doh_session_open(struct event_base *base, const struct exchange_target *target,
                     const struct doh_session_events *events, void *ctx, struct doh_session **out);

/* Sends a message, which is copied; its id should be 0 (RFC 8484 section 4.1). ERR_LIMIT: the session takes
 * no further ones (the server is going away, or too much waits to be sent); -ENOMEM. */
int doh_session_ask(struct doh_session *s, const uint8_t *message, size_t len, doh_done *done, void *ctx,
                    struct doh_request **out);
void doh_session_cancel(struct doh_session *s, struct doh_request *r); /* done() is not called */

/* Whether it takes further questions. */
bool doh_session_usable(const struct doh_session *s);
bool doh_session_resumed(const struct doh_session *s); /* byte_stream_resumed() */

void doh_session_free(struct doh_session *s); /* NULL allowed; requests that are out are not told of */

#endif
