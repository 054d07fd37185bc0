#include "http/httpd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "http/httpd_p.h"

#define SERVERS_MAX 32 /* addresses: three plugins use one each, in how many blocks ever */
#define REST_S      1  /* out of descriptors: time to wait before accepting again */

static LIST_HEAD(, http_server) servers = LIST_HEAD_INITIALIZER(servers);
static unsigned nservers;

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *ctx)
{
    (void)l, (void)sa, (void)len;
    httpd_conn_new(ctx, fd);
}

static void on_accept_error(struct evconnlistener *l, void *ctx)
{
    struct http_server *s = ctx;
    log_limited(LOG_LEVEL_WARNING, "http: connections to %s wait (%s)", s->address, strerror(errno));
    struct timeval tv = {.tv_sec = REST_S};
    if (event_add(s->rest, &tv) == 0)
        evconnlistener_disable(l);
}

static void on_rested(evutil_socket_t fd, short what, void *ctx)
{
    struct http_server *s = ctx;
    (void)fd, (void)what;
    evconnlistener_enable(s->listener);
}

static void server_free(struct http_server *s)
{
    httpd_conn_drop_all(s);
    if (s->listener != NULL)
        evconnlistener_free(s->listener);
    if (s->rest != NULL)
        event_free(s->rest);
    free(s->address);
    free(s);
}

static int server_new(const struct http_service *service, struct http_server **out, struct errtext *e)
{
    if (nservers == SERVERS_MAX)
        return errtext_set(e, ERR_LIMIT, "cannot listen on %s (more than %d addresses)", service->address,
                           SERVERS_MAX);
    int fd = httpd_listen(service->address, e);
    if (fd < 0)
        return fd;
    struct http_server *s = calloc(1, sizeof *s);
    if (s == NULL) {
        close(fd);
        return errtext_set(e, -ENOMEM, "cannot listen on %s (no memory)", service->address);
    }
    s->base = service->base;
    s->address = strdup(service->address);
    s->rest = evtimer_new(s->base, on_rested, s);
    s->listener =
        evconnlistener_new(s->base, on_accept, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (s->address == NULL || s->rest == NULL || s->listener == NULL) {
        if (s->listener == NULL)
            close(fd);
        server_free(s);
        return errtext_set(e, -ENOMEM, "cannot listen on %s (no memory)", service->address);
    }
    evconnlistener_set_error_cb(s->listener, on_accept_error);
    LIST_INSERT_HEAD(&servers, s, link);
    nservers++;
    *out = s;
    return ERR_OK;
}

static struct http_server *find_server(const char *address)
{
    struct http_server *s;
    LIST_FOREACH(s, &servers, link)
    {
        if (strcmp(s->address, address) == 0)
            return s;
    }
    return NULL;
}

static void drop_if_unused(struct http_server *s)
{
    if (!LIST_EMPTY(&s->endpoints))
        return;
    LIST_REMOVE(s, link);
    nservers--;
    server_free(s);
}

int httpd_open(const struct http_service *service, struct http_endpoint **out, struct errtext *e)
{
    struct http_server *s = find_server(service->address);
    int ret = s != NULL ? ERR_OK : server_new(service, &s, e);
    if (ret != ERR_OK)
        return ret;
    struct http_endpoint *ep = calloc(1, sizeof *ep);
    if (ep == NULL) {
        drop_if_unused(s);
        return errtext_set(e, -ENOMEM, "cannot listen on %s (no memory)", service->address);
    }
    ep->server = s;
    ep->service = *service;
    ep->service.address = s->address;
    LIST_INSERT_HEAD(&s->endpoints, ep, link);
    *out = ep;
    return ERR_OK;
}

void httpd_close(struct http_endpoint *ep)
{
    if (ep == NULL)
        return;
    struct http_server *s = ep->server;
    LIST_REMOVE(ep, link);
    free(ep);
    drop_if_unused(s);
}

socklen_t httpd_local_address(const struct http_endpoint *ep, struct sockaddr_storage *out)
{
    socklen_t len = sizeof *out;
    memset(out, 0, sizeof *out);
    getsockname(evconnlistener_get_fd(ep->server->listener), (struct sockaddr *)out, &len);
    if (out->ss_family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        if (in->sin_addr.s_addr == htonl(INADDR_ANY))
            in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    if (IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr)) {
        /* An open socket of both families: IPv4 loopback is there on hosts with no IPv6 loopback too. */
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = in6->sin6_port};
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        memset(out, 0, sizeof *out);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    return len;
}
