/*
 * The TLS of one connection to an upstream, between the octets on the network and those of its owner. It
 * does no input or output: what came from the network is fed in, and what is to go there waits in a buffer
 * that the owner of the socket empties. So the socket is read and written once a turn of the loop, however
 * many records there are.
 *
 *     socket ── tls_channel_feed() ──> tls_channel_read() ──> owner
 *     socket <── tls_channel_sealed() ── tls_channel_write() <── owner
 *
 * One thread at a time.
 */
#ifndef SEAMARK_EXCHANGE_TLS_CHANNEL_H
#define SEAMARK_EXCHANGE_TLS_CHANNEL_H

#include <sys/types.h>

#include "base/bytes.h"
#include "exchange/tls_client.h"

/* The largest record's content (RFC 8446 section 5.1). */
#define TLS_RECORD_MAX 16384

struct tls_channel;

/* Arguments as those of tls_client_begin(). `c` is referenced. -ENOMEM. */
int tls_channel_open(struct tls_client *c, const char *name, const union address *address, const char *alpn,
                     struct tls_channel **out);

/* Octets from the network, lent until they are taken: shake or read until tls_channel_fed() says so. */
void tls_channel_feed(struct tls_channel *t, const uint8_t *data, size_t len);
bool tls_channel_fed(const struct tls_channel *t); /* there are some left */

/* What is to be sent; the owner consumes what it has sent. */
struct bytes *tls_channel_sealed(struct tls_channel *t);

/* Goes on with the handshake. 1: it is done; 0: more has to come; -1: it has failed. */
int tls_channel_shake(struct tls_channel *t);

/* The next octets in the clear, of one record at the most. 0: more has to come; -1: it is over. */
ssize_t tls_channel_read(struct tls_channel *t, void *out, size_t cap);

/* Seals `len` octets, at least one, in a record (in several, where they are more than TLS_RECORD_MAX).
 * False: it is over. */
bool tls_channel_write(struct tls_channel *t, const void *data, size_t len);

void tls_channel_say_goodbye(struct tls_channel *t); /* close_notify */

bool tls_channel_resumed(const struct tls_channel *t); /* the handshake was a short one (RFC 8446, 2.2) */

/* Why the last operation failed, for a log line. Right after it. */
void tls_channel_why(const struct tls_channel *t, char *out, size_t cap);

void tls_channel_free(struct tls_channel *t); /* NULL allowed */

#endif
