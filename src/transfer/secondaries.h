/*
 * What the secondaries of the configuration in force need: NOTIFY (RFC 1996) to the `to` addresses for every
 * zone that they may transfer, when the server starts and when a zone has changed; and the history of those
 * zones, for incremental transfers (historian.h).
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
#ifndef SEAMARK_TRANSFER_SECONDARIES_H
#define SEAMARK_TRANSFER_SECONDARIES_H

#include <sys/queue.h>

#include "serve/request.h"
#include "serve/served_zones.h"

/* Pairs of zone and address in the whole process; there is a log line about those beyond it. */
#define NOTIFY_PEERS_MAX 1024

struct notify_peer;

/* Those of one stage; belongs to the caller, who sets the first five. */
struct secondaries {
    /* Calls visit for every zone that may be transferred. Called from the turn of the event loop after
     * secondaries_join() on, when the stages below are started, until secondaries_leave(). */
    void (*each_zone)(void *state, void (*visit)(const struct served_zone *z, void *ctx), void *ctx);
    void *state;
    const union address *to;
    size_t nto;
    const union address *source; /* AF_UNSPEC where the system chooses */
    struct notify_peer **peers;
    size_t npeers;
    bool joined;
    bool ready; /* its zones are known */
    LIST_ENTRY(secondaries) link;
};

/* -ENOMEM, or another -errno where no thread can be started. */
int secondaries_join(struct secondaries *s);
void secondaries_leave(struct secondaries *s); /* also where it has not joined */

#endif
