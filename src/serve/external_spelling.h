/*
 * Names of k8s_external's zones as CoreDNS reads them, where a zone file cannot say it:
 *
 *     http.tcp.web.shop.ZONE, _._tcp.web.shop.ZONE ...   ports as in the cluster's zone (cluster_spelling.h)
 *     x.web.shop.ZONE                  one label in front of a service with external addresses says nothing,
 *                                      also that of _tcp.web.shop.ZONE
 *
 * A service that its load balancer gives a host name is a CNAME, which in a zone has no neighbours. So its
 * SRV records stand at _._.SERVICE.NAMESPACE.ZONE, where a question for those of the service finds them; and
 * a question for the addresses of one of its ports finds the CNAME of the service.
 *
 * Any registered RCU reader, within one read section.
 */
#ifndef SEAMARK_SERVE_EXTERNAL_SPELLING_H
#define SEAMARK_SERVE_EXTERNAL_SPELLING_H

#include "serve/cluster_spelling.h"

/* A zone_respell and a zone_adapt (zone/zone_answer.h); `ctx` is a struct cluster_spelling. */
const struct node *external_spelling_find(const void *ctx, const struct zone_version *v, const uint8_t *lname,
                                          size_t len);
const struct node *external_spelling_adapt(const void *ctx, const struct zone_version *v,
                                           const struct node *n, uint16_t qtype);

#endif
