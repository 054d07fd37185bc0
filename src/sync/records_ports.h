/*
 * Which ports a name asks for: one by name and protocol (_http._tcp), or any that fits, where a part is left
 * empty (_._tcp, _http._).
 *
 * The server makes names with an empty part up (serve/cluster_spelling.h): where all ports of a service are
 * of one protocol, `_._tcp` is the service itself, and `_http._` is the one of _http._tcp, _http._udp and
 * _http._sctp that exists. Only where that would be wrong the name stands in the zone: records_open_names()
 * finds those. A slice without ports has one without name and protocol, in CoreDNS's eyes.
 */
#ifndef SEAMARK_SYNC_RECORDS_PORTS_H
#define SEAMARK_SYNC_RECORDS_PORTS_H

#include "dns/name.h"
#include "sync/store.h"

/* Wire labels ("\5_http", "\4_tcp"); NULL fits any. */
struct port_pick {
    const uint8_t *port;
    const uint8_t *protocol;
};

/* The ports of one object, whose block is `data`. */
struct port_list {
    const void *data;
    const struct store_port *ports;
    size_t count;
};

/* The ports that may fit a pick lie together: the first of them, and how many. */
const struct store_port *port_list_range(const struct port_list *l, const struct port_pick *pick,
                                         size_t *count);
/* Whether one of that range does fit. */
bool port_fits(const struct port_list *l, const struct store_port *port, const struct port_pick *pick);
/* How many fit; where any port will do, a list without ports counts as having one. */
uint64_t port_list_matches(const struct port_list *l, const struct port_pick *pick);

/* The pick of a port that has a name; false for others. */
bool port_pick_of(const struct port_list *l, const struct store_port *port, struct port_pick *out);
int port_pick_compare(const struct port_pick *a, const struct port_pick *b); /* without NULLs */

/* Owner of the pick's records: "_http._tcp.base", an empty part written as "_". False where it would be too
 * long. */
bool port_pick_owner(const struct port_pick *pick, const uint8_t *base, uint8_t out[NAME_MAX_LEN]);

/* The picks with an empty part that need a name of their own for a service with these lists of ports, few as
 * they are: at most `max`, which bounds what a strange object makes. Returns their number, or -ENOMEM. */
#define RECORDS_OPEN_MAX 64
int records_open_names(const struct port_list *lists, size_t count, struct port_pick out[RECORDS_OPEN_MAX]);

#endif
