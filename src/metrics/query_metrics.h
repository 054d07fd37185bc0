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

/* The same in two steps, for those that are answered in bulk without a request: each query with the stage
 * that answers, and then the time that each of `n` took. */
void route_metrics_count_facts(const struct route_metrics *m, const struct query_facts *f, unsigned stage);
void route_metrics_count_durations(const struct route_metrics *m, uint64_t ns, unsigned n);

#endif
