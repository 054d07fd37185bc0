/*
 * The HTTP server of /health, /ready and /metrics: GET and HEAD of a few fixed paths, one answer a
 * connection, in the control thread.
 *
 * A plugin opens an endpoint, an address and a path. Endpoints of one address share its socket, whoever
 * opened them; the socket is closed with the last of them. Where one path is open twice the newer one
 * answers: during a reload the new configuration opens before the old one closes, so the socket stays and no
 * probe is refused.
 *
 * Fixed limits (httpd.c names them): size of a request's head, time for a request and for its answer,
 * connections (at the limit the one that has waited longest for its request gives way to the new one), size
 * of a page. Request bodies are not read. What cannot be served gets 400, 404, 405, 431 or 500.
 *
 * Control thread only.
 */
#ifndef SEAMARK_HTTP_HTTPD_H
#define SEAMARK_HTTP_HTTPD_H

#include <event2/event.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/err.h"

struct http_endpoint;

struct http_service {
    struct event_base *base;
    const char *address;      /* "host:port", ":port" for all addresses; copied */
    const char *path;         /* static */
    const char *content_type; /* static */
    /* Appends the page to `body` and returns the status (200, 503). It must not open or close endpoints. */
    int (*page)(void *ctx, struct bytes *body);
    void *ctx;
};

/* Whether `address` reads as an address to listen on; touches nothing. ERR_OK, ERR_MALFORMED with `e` set. */
int httpd_check_address(const char *address, struct errtext *e);

/* Opens an endpoint. -errno or ERR_LIMIT with `e` set: "cannot listen on ADDRESS (reason)". */
int httpd_open(const struct http_service *s, struct http_endpoint **out, struct errtext *e);
void httpd_close(struct http_endpoint *endpoint); /* NULL allowed */

/* Where a client on this host reaches the endpoint: the socket's own address, loopback where it is open on
 * all. Returns its length. */
socklen_t httpd_local_address(const struct http_endpoint *endpoint, struct sockaddr_storage *out);

#endif
