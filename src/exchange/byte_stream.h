/*
 * A connection to an upstream that carries octets, plain or inside TLS. It is opened without waiting; what is
 * written meanwhile leaves when it is there, and otherwise at the end of the present turn of the loop, so
 * that what is written in one turn leaves together.
 *
 *     open ──> connecting ──> (TLS handshake) ──> connected() ... received() ... ──> closed()
 *                  └──────────────────┴───────────────────────────────────────────────^
 *
 * The thread that runs `base`. No callback is called from within byte_stream_open(), _write() or _free().
 */
#ifndef SEAMARK_EXCHANGE_BYTE_STREAM_H
#define SEAMARK_EXCHANGE_BYTE_STREAM_H

#include <event2/event.h>

#include "exchange/exchange.h"

/* Octets that wait to be sent, on one connection. Some thousand questions; beyond it ERR_LIMIT. */
#define BYTE_STREAM_OUT_MAX (1u << 20)

/* Octets at the start of a read that the owner may leave until there are more: a message of DNS over TCP. */
#define BYTE_STREAM_REST_MAX (2 + 65535)

struct byte_stream;

/* All may call byte_stream_free(). */
struct byte_stream_events {
    void (*connected)(void *ctx); /* may be NULL */
    /* Returns how many octets were taken; the others come again, with what follows them. */
    size_t (*received)(void *ctx, const uint8_t *data, size_t len);
    /* It has ended, in whatever way. The owner frees it. */
    void (*closed)(void *ctx);
};

/* `target` is copied. `alpn`: what is spoken inside TLS, as a protocol list of RFC 7301 ("\2h2"); the
 * connection ends where the other side does not agree; NULL: nothing is said, and what is written are
 * messages of DNS with their lengths, each whole by the end of the turn. -ENOMEM, or -errno where the kernel
 * says at once that it cannot be. */
int byte_stream_open(struct event_base *base, const struct exchange_target *target, const char *alpn,
                     const struct byte_stream_events *events, void *ctx, struct byte_stream **out);

/* ERR_LIMIT, -ENOMEM: nothing of it is written. */
int byte_stream_write(struct byte_stream *s, const void *data, size_t len);

/* What was received is acknowledged now, and not some 40 ms later (RFC 1122 section 4.2.3.2): to be called
 * where more answers are waited for, since the other side may hold them back until then (Nagle's algorithm,
 * RFC 896). Nothing where something is about to be sent, which says so too. */
void byte_stream_acknowledge(struct byte_stream *s);

/* TLS: whether the handshake was a short one (RFC 8446 section 2.2). Once it is connected. */
bool byte_stream_resumed(const struct byte_stream *s);

void byte_stream_free(struct byte_stream *s); /* NULL allowed */

#endif
