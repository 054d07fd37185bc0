/* One zone and one address that is told of its changes: the states of notifier.h. Control thread. */
#ifndef SEAMARK_TRANSFER_NOTIFY_PEER_H
#define SEAMARK_TRANSFER_NOTIFY_PEER_H

#include "serve/request.h"
#include "serve/served_zones.h"

/* Counters; before the first peer. */
void notify_peer_register(void);

/* `source` is left out where it is of another family than `to`. `heard` is called when there may be more to
 * tell. NULL without memory. */
struct notify_peer *notify_peer_new(const uint8_t *apex, const union address *to, const union address *source,
                                    void (*heard)(void));
void notify_peer_free(struct notify_peer *p);
bool notify_peer_is(const struct notify_peer *p, const uint8_t *apex, const union address *to,
                    const union address *source);

/* The zone to look at from now on; with NULL nothing is told. */
void notify_peer_watch(struct notify_peer *p, const struct watched_zone *watched);
/* Tells the zone's serial where it is another than was told, and nothing else is under way. */
void notify_peer_look(struct notify_peer *p);

#endif
