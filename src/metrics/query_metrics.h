/*
 * CoreDNS's counters of requests and answers (coredns_dns_*), for one route: a server, a zone and a block.
 * Made by the prometheus plugin in the control thread, counted in by workers.
 */
#ifndef SEAMARK_SERVE_QUERY_METRICS_H
#define SEAMARK_SERVE_QUERY_METRICS_H

#include "serve/config.h"

struct route_metrics;

/* `block` NULL: for requests that no block took. NULL without memory. */
struct route_metrics *route_metrics_new(const char *server, const char *zone, const struct block *block);
void route_metrics_free(struct route_metrics *m); /* the counts stay; NULL allowed */

/* Counts a request whose answer is in r->reply, not yet finished. The answering stage is r->stage. */
void route_metrics_count(const struct route_metrics *m, const struct request *r);

#endif
