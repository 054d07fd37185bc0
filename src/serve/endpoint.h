/*
 * A worker's listening sockets with the listener of the present configuration behind each. In the worker's
 * thread.
 */
#ifndef SEAMARK_SERVE_ENDPOINT_H
#define SEAMARK_SERVE_ENDPOINT_H

#include <event2/event.h>
#include <event2/listener.h>
#include <sys/queue.h>

#include "serve/config.h"
#include "serve/sockets.h"
#include "serve/worker.h"

struct endpoint {
    struct worker *worker;
    const struct socket_set *sockets;
    const struct listener *listener; /* of the present configuration */
    struct event *udp;
    struct evconnlistener *tcp;
    struct event *tcp_rest; /* timer: accepting rests while there are no descriptors */
    LIST_ENTRY(endpoint) link;
};

/* Answers what the sockets that `c` does not have have received so far, before they are let go; of all
 * sockets where `c` is NULL. */
void endpoints_answer_received(struct worker *w, const struct config *c);

/* Makes the worker's endpoints those of `c`: takes up new sockets, lets go of those that `c` does not have
 * (their connections are closed). NULL lets go of all. Called while the control thread waits (workers_call).
 * On failure the sockets that could be taken up are; the first failure is returned. */
int endpoints_follow(struct worker *w, const struct config *c, struct errtext *e);

#endif
