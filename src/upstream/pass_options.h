/*
 * EDNS options on their way through a direct exchange, as CoreDNS passes them: the client's to the upstream
 * and the upstream's to the client, extended errors (RFC 8914) among them. Left out are those that concern
 * two neighbours only and mean nothing further on: COOKIE (RFC 7873), TCP keepalive (RFC 7828) and padding
 * (RFC 7830). In the request's worker.
 */
#ifndef SEAMARK_UPSTREAM_PASS_OPTIONS_H
#define SEAMARK_UPSTREAM_PASS_OPTIONS_H

#include "exchange/exchange.h"
#include "serve/request.h"

/* Has the upstream get the options that the client sent, unless rewrite rules have said which it gets. Within
 * the stage's query(): the client's packet is needed. Without memory they are left out. */
void pass_options_to_upstream(struct request *r);

/* Gives the client the options of the answer, where it has EDNS. Without memory they are left out. */
void pass_options_to_client(struct request *r, const struct exchange_answer *a);

#endif
