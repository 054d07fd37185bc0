/* What the parts of the HTTP server (httpd.c, httpd_conn.c, httpd_socket.c) share. Nobody else includes this.
 */
#ifndef SEAMARK_HTTP_HTTPD_P_H
#define SEAMARK_HTTP_HTTPD_P_H

#include <event2/listener.h>
#include <sys/queue.h>

#include "http/httpd.h"

struct http_endpoint {
    struct http_server *server;
    struct http_service service;
    LIST_ENTRY(http_endpoint) link; /* the newest first */
};

/* One address. */
struct http_server {
    char *address;
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *rest; /* after a failed accept: time to accept again */
    LIST_HEAD(, http_endpoint) endpoints;
    LIST_ENTRY(http_server) link;
};

/* httpd_socket.c: a listening socket, or -errno / ERR_MALFORMED with `e` set. */
int httpd_listen(const char *address, struct errtext *e);

/* httpd_conn.c */
void httpd_conn_new(struct http_server *server, evutil_socket_t fd); /* takes the socket over in every case */
void httpd_conn_drop_all(
    const struct http_server *server); /* its connections that have no answer yet; others end by themselves */

#endif
