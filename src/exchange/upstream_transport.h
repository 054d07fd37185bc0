/*
 * What an upstream is spoken to in: plain DNS, DNS over TLS (RFC 7858), DNS over HTTPS (RFC 8484); and how it
 * is written among the TOs of a `forward`:
 *
 *     tls://9.9.9.9   tls://9.9.9.9%dns.quad9.net   tls://9.9.9.9%dns.quad9.net:10853 tls://[2620:fe::fe]:853
 *     https://9.9.9.9   https://9.9.9.9:8443/resolve   tls://dns.quad9.net%dns.quad9.net
 *
 * Any thread.
 */
#ifndef SEAMARK_EXCHANGE_UPSTREAM_TRANSPORT_H
#define SEAMARK_EXCHANGE_UPSTREAM_TRANSPORT_H

#include <stdbool.h>

#include "serve/request.h"

#define SERVER_NAME_MAX 256 /* a host name or an address, with the closing NUL */
#define HTTP_PATH_MAX   128 /* the same for the path of a URL */

enum upstream_protocol { PROTOCOL_DNS, PROTOCOL_TLS, PROTOCOL_HTTPS };

struct tls_client;

struct upstream_transport {
    enum upstream_protocol protocol;
    /* The rest is for TLS and HTTPS. */
    struct tls_client *tls; /* whoever keeps a transport keeps a reference, unless it says otherwise */
    char server_name[SERVER_NAME_MAX]; /* whom TLS is to find there; "": the address (tls_client.h) */
    bool get;                          /* HTTPS: GET instead of POST */
    char path[HTTP_PATH_MAX];
};

bool upstream_transport_equal(const struct upstream_transport *a, const struct upstream_transport *b);

/* Reads a TO with one of the two schemes: `out` without `tls`, `get` and, where none is written, server name;
 * and what stands before that, an IP address or a host name, which is not looked at. ERR_NOT_FOUND: it has
 * neither scheme; ERR_MALFORMED. */
int upstream_transport_parse(const char *to, struct upstream_transport *out, char host[SERVER_NAME_MAX],
                             uint16_t *port);

#endif
