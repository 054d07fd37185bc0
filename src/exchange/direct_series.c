#include "exchange/direct_series.h"

#include "exchange/upstream_address.h"

static const struct metric_desc hits = {
    .name = "coredns_proxy_conn_cache_hits_total",
    .help = "Counter of connection cache hits per upstream and protocol.",
    .type = METRIC_COUNTER,
    .hide_zero = true,
};
static const struct metric_desc misses = {
    .name = "coredns_proxy_conn_cache_misses_total",
    .help = "Counter of connection cache misses per upstream and protocol.",
    .type = METRIC_COUNTER,
    .hide_zero = true,
};
static const struct metric_desc unexpected = {
    .name = "seamark_forward_unexpected_replies_total",
    .help = "Counter of replies that fitted no question under way: forged, late or twice.",
    .type = METRIC_COUNTER,
    .hide_zero = true,
};

static const struct metric_desc handshakes = {
    .name = "seamark_forward_tls_handshakes_total",
    .help = "Counter of TLS handshakes with upstreams: full ones, and short ones by an earlier session.",
    .type = METRIC_COUNTER,
};
static const char *const kinds[] = {"full", "resumed"};

static const char *protocol_of(const struct exchange_target *t)
{
    if (t->transport.protocol == PROTOCOL_HTTPS)
        return "https";
    return t->transport.tls != NULL ? "tcp-tls" : t->tcp ? "tcp" : "udp";
}

void direct_series_register(struct direct_series *s, const struct exchange_target *target)
{
    char to[UPSTREAM_TEXT_MAX];
    upstream_address_text(&target->address, to);
    const struct metric_label cache[] = {LABEL("proxy_name", "forward"), LABEL("proto", protocol_of(target)),
                                         LABEL("to", to)};
    const struct metric_label replies[] = {LABEL("to", to)};
    s->reused = metrics_register(&hits, cache, 3);
    s->opened = metrics_register(&misses, cache, 3);
    s->unexpected = metrics_register(&unexpected, replies, 1);
    const struct metric_label shaken[] = {LABEL_TABLE("kind", kinds, 2), LABEL("to", to)};
    if (target->transport.tls != NULL)
        s->handshakes = metrics_register(&handshakes, shaken, 2);
}
