/*
 * CoreDNS's counters of requests and answers (coredns_dns_*), for one route: a server, a zone and a block.
 * Made by the prometheus plugin in the control thread, counted in by workers.
 */
#ifndef SEAMARK_METRICS_QUERY_METRICS_H
#define SEAMARK_METRICS_QUERY_METRICS_H

#include "serve/config.h"

struct route_metrics;

/* `block` NULL: for requests that no block took. NULL without memory. */
struct route_metrics *route_metrics_new(const char *server, const char *zone, const struct block *block);
void route_metrics_free(struct route_metrics *m); /* the counts stay; NULL allowed */

/* What is counted of a query beside the time that it took. */
struct query_facts {
    uint16_t qtype;
    uint16_t rcode;
    size_t request_size;
    size_t response_size;
    bool tcp;
    bool ipv6; /* of the client: address_is_ipv6() */
    bool dnssec_ok;
};

/* IPv4 mapped into IPv6, as sockets for both show it, is IPv4. */
static inline bool address_is_ipv6(const union address *a)
{
    return a->sa.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr);
}

/* Counts a request whose answer is in r->reply, not yet finished. The answering stage is r->stage. */
void route_metrics_count(const struct route_metrics *m, const struct request *r);

/* The same for those that are answered in bulk, by UDP and with codes that have names, without a request: `n`
 * queries, whose facts stand `stride` octets apart, were answered by that stage, and each took `ns`. Those
 * whose response_size is 0 are not counted. */
void route_metrics_count_bulk(const struct route_metrics *m, const struct query_facts *f, size_t stride,
                              unsigned n, unsigned stage, uint64_t ns);

#endif
