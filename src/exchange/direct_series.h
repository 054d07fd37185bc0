/*
 * What the direct exchanges count, by upstream: whether a question found a socket or a connection that was
 * there already (CoreDNS's names), and replies that were to no question that was out; and handshakes of TLS.
 * In a worker.
 */
#ifndef SEAMARK_EXCHANGE_DIRECT_SERIES_H
#define SEAMARK_EXCHANGE_DIRECT_SERIES_H

#include "exchange/exchange.h"
#include "metrics/metrics.h"

struct direct_series {
    const struct metric *reused, *opened, *unexpected;
    const struct metric *handshakes; /* over TLS alone */
};

/* Not on the way of a query. */
void direct_series_register(struct direct_series *s, const struct exchange_target *target);

static inline void direct_series_count(const struct direct_series *s, bool reused)
{
    metrics_add(reused ? s->reused : s->opened, 0, 1);
}

static inline void direct_series_count_handshake(const struct direct_series *s, bool resumed)
{
    metrics_add(s->handshakes, resumed, 1);
}

static inline void direct_series_count_unexpected(const struct direct_series *s)
{
    metrics_add(s->unexpected, 0, 1);
}

#endif
