#include "serve/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/io_tcp.h"
#include "serve/io_udp.h"
#include "serve/worker_p.h"

/* Rounds of reading what a socket has received before it is let go: more than its buffer holds. */
#define RECEIVED_TURNS 16

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

void endpoints_answer_received(struct worker *w, const struct config *c)
{
    struct endpoint *ep;
    LIST_FOREACH(ep, &w->endpoints, link)
    for (unsigned turn = 0; turn < RECEIVED_TURNS && listener_for(c, ep->sockets) == NULL; turn++)
        udp_readable(ep->sockets->udp[w->index], EV_READ, ep);
}

int endpoints_follow(struct worker *w, const struct config *c, struct errtext *e)
{
    int ret = ERR_OK;
    udp_flush(w); /* while the sockets that its answers leave by are still open */
    for (size_t i = 0; c != NULL && i < c->nlisteners; i++) {
        const struct listener *l = &c->listeners[i];
        const struct socket_set *s = sockets_find(l->address, l->port);
        if (s == NULL || has_endpoint(w, s))
            continue;
        int failed = endpoint_new(w, s, l, e);
        ret = ret == ERR_OK ? failed : ret;
    }
    /* Whatever has failed: no endpoint may go on pointing into the configuration before. */
    struct endpoint *ep = LIST_FIRST(&w->endpoints);
    while (ep != NULL) {
        struct endpoint *next = LIST_NEXT(ep, link);
        ep->listener = listener_for(c, ep->sockets);
        if (ep->listener == NULL)
            endpoint_free(ep);
        ep = next;
    }
    return ret;
}
