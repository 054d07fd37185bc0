#include "serve/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/io_tcp.h"
#include "serve/io_udp.h"
#include "serve/worker_p.h"

static const struct listener *listener_for(const struct config *c, const struct socket_set *s)
{
    for (size_t i = 0; c != NULL && i < c->nlisteners; i++)
        if (c->listeners[i].port == s->port && strcmp(c->listeners[i].address, s->address) == 0)
            return &c->listeners[i];
    return NULL;
}

static void endpoint_free(struct endpoint *ep)
{
    tcp_unlisten(ep);
    if (ep->udp != NULL)
        event_free(ep->udp);
    LIST_REMOVE(ep, link);
    free(ep);
}

static int endpoint_new(struct worker *w, const struct socket_set *s, const struct listener *l,
                        struct errtext *e)
{
    struct endpoint *ep = calloc(1, sizeof *ep);
    if (ep == NULL)
        return errtext_set(e, -ENOMEM, "worker: no memory for a socket");
    *ep = (struct endpoint){.worker = w, .sockets = s, .listener = l};
    LIST_INSERT_HEAD(&w->endpoints, ep, link);
    ep->udp = event_new(w->base, s->udp[w->index], EV_READ | EV_PERSIST, udp_readable, ep);
    if (ep->udp == NULL || event_add(ep->udp, NULL) < 0 || tcp_listen(ep) != ERR_OK) {
        endpoint_free(ep);
        return errtext_set(e, -ENOMEM, "worker: a socket cannot be watched");
    }
    return ERR_OK;
}

static bool has_endpoint(const struct worker *w, const struct socket_set *s)
{
    const struct endpoint *ep;
    LIST_FOREACH(ep, &w->endpoints, link)
    if (ep->sockets == s)
        return true;
    return false;
}

int endpoints_follow(struct worker *w, const struct config *c, struct errtext *e)
{
    for (size_t i = 0; c != NULL && i < c->nlisteners; i++) {
        const struct listener *l = &c->listeners[i];
        const struct socket_set *s = sockets_find(l->address, l->port);
        if (s == NULL || has_endpoint(w, s))
            continue;
        int ret = endpoint_new(w, s, l, e);
        if (ret != ERR_OK)
            return ret;
    }
    struct endpoint *ep = LIST_FIRST(&w->endpoints);
    while (ep != NULL) {
        struct endpoint *next = LIST_NEXT(ep, link);
        ep->listener = listener_for(c, ep->sockets);
        if (ep->listener == NULL)
            endpoint_free(ep);
        ep = next;
    }
    return ERR_OK;
}
