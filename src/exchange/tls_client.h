/*
 * TLS towards upstreams (RFC 7858, RFC 8310): what one `forward` says of it - certificates, authorities,
 * whether the other side is verified - and the sessions that make the next handshake a short one. TLS 1.2 and
 * later. The same settings over the same files are one object, so that a reload keeps connections and
 * sessions; a file that has changed makes another.
 *
 * tls_client_get() in the control thread, the rest in any.
 */
#ifndef SEAMARK_EXCHANGE_TLS_CLIENT_H
#define SEAMARK_EXCHANGE_TLS_CLIENT_H

#include <stdbool.h>

#include "base/err.h"
#include "serve/request.h"

struct ssl_st;
struct tls_client;

/* Paths; NULL where there is none. */
struct tls_settings {
    const char *cert, *key; /* of ours, where the upstream asks for one; PEM */
    const char *ca;         /* who vouches for the upstream; NULL: the system's authorities */
    bool insecure;          /* the upstream is not verified at all */
};

/* Upstreams whose sessions are kept; further ones have a whole handshake for each connection. */
#define TLS_SESSIONS_MAX 32

/* ERR_CONFIG with a text where a file cannot be read or used; -ENOMEM. One reference. */
int tls_client_get(const struct tls_settings *settings, struct tls_client **out, struct errtext *e);
struct tls_client *tls_client_ref(struct tls_client *c); /* NULL allowed */
void tls_client_unref(struct tls_client *c);             /* NULL allowed */

/* Our side of a handshake with the upstream at `address`, which is to prove that it is `name` (a host name,
 * or an address as text; "" is `address`). `alpn` as in byte_stream.h. What it reads from and writes to is
 * for the caller to set, who holds a reference to `c` as long; SSL_free() ends it. NULL without memory. */
struct ssl_st *tls_client_begin(struct tls_client *c, const char *name, const union address *address,
                                const char *alpn);

/* Why the present operation failed, for a log line; clears OpenSSL's list of errors. */
void tls_client_error(const struct ssl_st *ssl, char *out, size_t cap);

#endif
