/*
 * NOTIFY (RFC 1996) to the `to` addresses of the configuration in force, for every zone that they may
 * transfer: when the server starts, and when a zone has changed.
 *
 * For each pair of a zone and an address there is a peer, which outlives reloads:
 *
 *     IDLE ---the zone has another serial than was told---> TOLD ---acknowledged---> IDLE
 *                                                            |  \__no answer: again after 1, 2, 4, 8 s
 *                                                            no answer to all of them: a line in the log
 *                                                            v
 *                                                         RESTING ---after a minute---> IDLE
 *
 * So a burst of changes is one message, while an answer is awaited nothing else is sent, and the last serial
 * is told always: each message tells the serial of its moment, and IDLE looks whether that is still the
 * zone's.
 *
 * Control thread.
 */
#ifndef SEAMARK_TRANSFER_NOTIFIER_H
#define SEAMARK_TRANSFER_NOTIFIER_H

#include <sys/queue.h>

#include "serve/request.h"
#include "serve/served_zones.h"

/* Pairs of zone and address in the whole process; there is a log line about those beyond it. */
#define NOTIFY_PEERS_MAX 1024

struct notify_peer;

/* A stage with its addresses; belongs to the caller, who sets the first five. */
struct notifier_client {
    /* Calls visit for every zone that the addresses are to be told of. Not before the turn of the event loop
     * after notifier_join(): the stages below are started by then. */
    void (*each_zone)(void *state, void (*visit)(const struct served_zone *z, void *ctx), void *ctx);
    void *state;
    const union address *to;
    size_t nto;
    const union address *source; /* AF_UNSPEC where the system chooses */
    struct notify_peer **peers;
    size_t npeers;
    bool joined;
    bool ready; /* its zones are known */
    LIST_ENTRY(notifier_client) link;
};

/* -ENOMEM. */
int notifier_join(struct notifier_client *c);
void notifier_leave(struct notifier_client *c); /* also where it has not joined */

#endif
