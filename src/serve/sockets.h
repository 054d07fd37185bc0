/*
 * Listening sockets. Every listener (address and port) has one UDP and one TCP socket for each worker, shared
 * out by the kernel (SO_REUSEPORT). A set of sockets is kept across reloads as long as a configuration wants
 * its address, so no query is lost. Control thread; workers look at the table only while the control thread
 * waits for them (workers_call).
 */
#ifndef SEAMARK_SERVE_SOCKETS_H
#define SEAMARK_SERVE_SOCKETS_H

#include <sys/queue.h>

#include "serve/config.h"
#include "serve/worker.h"

struct socket_set {
    char address[ADDRESS_TEXT_MAX]; /* "" for all */
    uint16_t port;
    bool wildcard; /* answers must be sent from the address that was asked */
    int udp[WORKERS_MAX];
    int tcp[WORKERS_MAX];
    LIST_ENTRY(socket_set) link;
};

/* Opens what `c` wants and is not open yet. On failure nothing that was opened here stays open. */
int sockets_open(const struct config *c, struct errtext *e);
/* Closes the sets that `c` does not want; NULL closes all. Workers must have let go of them. */
void sockets_keep(const struct config *c);
/* The set for an address and port, NULL where there is none. */
struct socket_set *sockets_find(const char *address, uint16_t port);

#endif
