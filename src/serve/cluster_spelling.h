/*
 * Names of a cluster in other spellings than the zone's own, read as CoreDNS reads them. They stand in no
 * zone file; the server finds the node that answers for them when a look-up has found nothing:
 *
 *     http.tcp.web.shop.svc.ZONE       underscores are optional: _http._tcp.web.shop.svc.ZONE
 *     _._tcp.web.shop.svc.ZONE         an empty part fits any: every port of the service that is TCP
 *     _http._.web.shop.svc.ZONE        ... the port of that name, whatever its protocol
 *     _._.web.shop.svc.ZONE            ... the service
 *     x.y.1-2-3-4.shop.pod.ZONE        one or two labels in front of a pod's name say nothing
 *
 * Which ports of a service are of one protocol a zone file does not say. It need not where all are of the
 * same; where they are not, seamark-sync writes the name with the empty part into the file.
 *
 * Any registered RCU reader, within one read section.
 */
#ifndef SEAMARK_SERVE_CLUSTER_SPELLING_H
#define SEAMARK_SERVE_CLUSTER_SPELLING_H

#include "serve/cluster_name.h"
#include "zone/zone.h"

struct cluster_spelling {
    const uint8_t *apex; /* lower case */
    size_t apex_len;
    struct cluster_name_rules rules;
};

/* A zone_respell (zone/zone_answer.h); `ctx` is a struct cluster_spelling. */
const struct node *cluster_spelling_find(const void *ctx, const struct zone_version *v, const uint8_t *lname,
                                         size_t len);

/* False where that finds nothing, for most names by a look at two labels. In front of the zone stand `below`
 * labels, of `front` octets. */
bool cluster_spelling_possible(const uint8_t *lname, unsigned front, unsigned below);

/* The same for one port: "port.protocol.service", given as labels, of which `service` is the rest of the
 * name. NULL where there is none, or where it is the zone's own spelling. */
const struct node *cluster_spelling_port(const struct zone_version *v, const uint8_t *port,
                                         const uint8_t *protocol, const uint8_t *service);

#endif
