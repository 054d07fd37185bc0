#include "metrics/query_metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "metrics/metrics.h"
#include "serve/answer.h"

/* Every combination of labels below has its cells from the start, so that a worker finds them by arithmetic.
 */

static const char *const families[] = {"1", "2"}; /* IPv4, IPv6, as CoreDNS numbers them */
static const char *const protocols[] = {"udp", "tcp"};

/* Types with a count of their own: CoreDNS's list. All others are "other". */
static const char *const type_names[] = {"other", "A",     "AAAA", "CNAME", "DNSKEY", "DS",  "MX",
                                         "NSEC3", "NSEC",  "NS",   "PTR",   "RRSIG",  "SOA", "SRV",
                                         "TXT",   "HTTPS", "SVCB", "IXFR",  "AXFR",   "ANY"};
#define TYPES (sizeof type_names / sizeof type_names[0])
static const uint8_t type_index[256] = {
    [RR_A] = 1,      [RR_AAAA] = 2,  [RR_CNAME] = 3, [RR_DNSKEY] = 4, [RR_DS] = 5,
    [RR_MX] = 6,     [50] = 7,       [RR_NSEC] = 8,  [RR_NS] = 9,     [RR_PTR] = 10,
    [RR_RRSIG] = 11, [RR_SOA] = 12,  [RR_SRV] = 13,  [RR_TXT] = 14,   [RR_HTTPS] = 15,
    [RR_SVCB] = 16,  [RR_IXFR] = 17, [RR_AXFR] = 18, [RR_ANY] = 19,
};

/* Names of codes, and one for those without. */
#define RCODES (RCODE_NAMES + 1)
static const char *rcode_names[RCODES];

/* The buckets of the sizes that nearly all messages have. */
static uint8_t small_bucket[512];

/* The plugin that gave the answer: "" where none did, then the plugins of the table. */
#define PLUGINS_MAX 64
static const char *plugin_labels[PLUGINS_MAX + 1];

static const uint64_t size_bounds[] = {0,    100,  200,  300,   400,   511,   1023,
                                       2047, 4095, 8291, 16000, 32000, 48000, 64000};
#define SIZE_BOUNDS (sizeof size_bounds / sizeof size_bounds[0])

static const struct metric_desc requests_desc = {
    .name = "coredns_dns_requests_total",
    .help = "Counter of DNS requests made per zone, protocol and family.",
    .type = METRIC_COUNTER,
};
static const struct metric_desc duration_desc = {
    .name = "coredns_dns_request_duration_seconds",
    .help = "Histogram of the time (in seconds) each request took per zone.",
    .type = METRIC_HISTOGRAM,
    .unit = METRIC_NANOSECONDS,
    .bounds = metrics_time_bounds,
    .nbounds = METRICS_TIME_BOUNDS,
    .hide_zero = true,
};
static const struct metric_desc request_size_desc = {
    .name = "coredns_dns_request_size_bytes",
    .help = "Size of the request in bytes per zone and protocol.",
    .type = METRIC_HISTOGRAM,
    .bounds = size_bounds,
    .nbounds = SIZE_BOUNDS,
};
static const struct metric_desc response_size_desc = {
    .name = "coredns_dns_response_size_bytes",
    .help = "Size of the returned response in bytes.",
    .type = METRIC_HISTOGRAM,
    .bounds = size_bounds,
    .nbounds = SIZE_BOUNDS,
};
static const struct metric_desc dnssec_ok_desc = {
    .name = "coredns_dns_do_requests_total",
    .help = "Counter of DNS requests with DO bit set per zone.",
    .type = METRIC_COUNTER,
    .hide_zero = true,
};
static const struct metric_desc responses_desc = {
    .name = "coredns_dns_responses_total",
    .help = "Counter of response status codes.",
    .type = METRIC_COUNTER,
};

struct route_metrics {
    const struct metric *requests;
    const struct metric *duration;
    const struct metric *request_size;
    const struct metric *response_size;
    const struct metric *dnssec_ok;
    const struct metric *responses;
    struct { /* their first cells, at hand for those who count many */
        uint32_t requests, request_size, response_size, responses;
    } cell;
    uint8_t plugin[STAGES_MAX + 1]; /* index in plugin_labels of the stage that answered; the last: none */
};

static unsigned plugin_index(const struct plugin *p)
{
    for (unsigned i = 0; i < plugin_count && i < PLUGINS_MAX; i++)
        if (plugin_table[i] == p)
            return i + 1;
    return 0;
}

static void fill_names(void)
{
    if (plugin_labels[0] != NULL)
        return;
    for (uint16_t i = 0; i < RCODE_NAMES; i++)
        rcode_names[i] = rcode_name(i);
    rcode_names[RCODE_NAMES] = "other";
    for (unsigned i = 0; i < plugin_count && i < PLUGINS_MAX; i++)
        plugin_labels[i + 1] = plugin_table[i]->name;
    for (unsigned size = 0; size < sizeof small_bucket; size++)
        while (size > size_bounds[small_bucket[size]])
            small_bucket[size]++;
    plugin_labels[0] = "";
}

struct route_metrics *route_metrics_new(const char *server, const char *zone, const struct block *block)
{
    struct route_metrics *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    fill_names();
    unsigned plugins =
        block == NULL ? 1 : 1 + (unsigned)(plugin_count < PLUGINS_MAX ? plugin_count : PLUGINS_MAX);
    const struct metric_label requests[] = {LABEL("server", server),
                                            LABEL("zone", zone),
                                            LABEL("view", ""),
                                            LABEL_TABLE("proto", protocols, 2),
                                            LABEL_TABLE("family", families, 2),
                                            LABEL_TABLE("type", type_names, TYPES)};
    const struct metric_label responses[] = {LABEL("server", server), LABEL("zone", zone), LABEL("view", ""),
                                             LABEL_TABLE("plugin", plugin_labels, plugins),
                                             LABEL_TABLE("rcode", rcode_names, RCODES)};
    /* The first three, and four, of these are what the other families have. */
    m->requests = metrics_register(&requests_desc, requests, 6);
    m->duration = metrics_register(&duration_desc, requests, 3);
    m->dnssec_ok = metrics_register(&dnssec_ok_desc, requests, 3);
    m->request_size = metrics_register(&request_size_desc, requests, 4);
    m->response_size = metrics_register(&response_size_desc, requests, 4);
    m->responses = metrics_register(&responses_desc, responses, 5);
    m->cell.requests = m->requests->cell;
    m->cell.request_size = m->request_size->cell;
    m->cell.response_size = m->response_size->cell;
    m->cell.responses = m->responses->cell;
    for (unsigned i = 0; block != NULL && i < block->nstages; i++)
        m->plugin[i] = (uint8_t)plugin_index(block->stages[i].plugin);
    return m;
}

void route_metrics_free(struct route_metrics *m)
{
    free(m);
}

static inline unsigned type_of(uint16_t qtype)
{
    return qtype < 256 ? type_index[qtype] : 0;
}

static void count(const struct route_metrics *m, const struct query_facts *f, unsigned plugin)
{
    unsigned rcode = f->rcode < RCODE_NAMES ? f->rcode : RCODE_NAMES;
    metrics_add(m->requests, (f->tcp * 2u + f->ipv6) * (unsigned)TYPES + type_of(f->qtype), 1);
    metrics_observe(m->request_size, f->tcp, f->request_size);
    metrics_observe(m->response_size, f->tcp, f->response_size);
    metrics_add(m->responses, plugin * RCODES + rcode, 1);
    if (f->dnssec_ok)
        metrics_add(m->dnssec_ok, 0, 1);
}

static void count_request(const struct route_metrics *m, const struct request *r, unsigned plugin)
{
    const struct query_facts facts = {.qtype = r->q.qtype,
                                      .rcode = r->reply->rcode,
                                      .request_size = r->asked->size,
                                      .response_size = answer_size(r),
                                      .tcp = r->transport == TRANSPORT_TCP,
                                      .ipv6 = address_is_ipv6(&r->client),
                                      .dnssec_ok = r->q.dnssec_ok};
    count(m, &facts, plugin);
    uint64_t now = r->answered_ns != 0 ? r->answered_ns : clock_ns();
    metrics_observe(m->duration, 0, now - r->received_ns);
}

void route_metrics_count(const struct route_metrics *m, const struct request *r)
{
    count_request(m, r, m->plugin[r->stage < STAGES_MAX ? r->stage : STAGES_MAX]);
}

static inline unsigned size_bucket(size_t size)
{
    if (size < sizeof small_bucket)
        return small_bucket[size];
    unsigned bucket = small_bucket[sizeof small_bucket - 1];
    while (bucket < SIZE_BOUNDS && size > size_bounds[bucket])
        bucket++;
    return bucket;
}

static inline const struct query_facts *next_facts(const struct query_facts *f, size_t stride)
{
    return (const struct query_facts *)((const char *)f + stride);
}

/* Returns how many there were to count. */
static unsigned count_own(const struct route_metrics *m, uint64_t *cells, const struct query_facts *f,
                          size_t stride, unsigned n, unsigned plugin)
{
    uint32_t requests = m->cell.requests, in = m->cell.request_size, out = m->cell.response_size,
             responses = m->cell.responses + plugin * (unsigned)RCODES;
    size_t asked = 0, answered = 0;
    unsigned counted = 0;
    for (; n > 0; n--, f = next_facts(f, stride)) {
        if (f->response_size == 0)
            continue;
        counted++;
        asked += f->request_size;
        answered += f->response_size;
        metrics_add_own(cells, requests + f->ipv6 * (unsigned)TYPES + type_of(f->qtype), 1);
        metrics_add_own(cells, in + size_bucket(f->request_size), 1);
        metrics_add_own(cells, out + size_bucket(f->response_size), 1);
        metrics_add_own(cells, responses + f->rcode, 1);
        if (f->dnssec_ok)
            metrics_add_own(cells, m->dnssec_ok->cell, 1);
    }
    metrics_add_own(cells, in + (unsigned)SIZE_BOUNDS + 1, asked);
    metrics_add_own(cells, out + (unsigned)SIZE_BOUNDS + 1, answered);
    return counted;
}

/* The same in a thread that has no cells. */
static unsigned count_shared(const struct route_metrics *m, const struct query_facts *f, size_t stride,
                             unsigned n, unsigned plugin)
{
    unsigned counted = 0;
    for (; n > 0; n--, f = next_facts(f, stride)) {
        if (f->response_size == 0)
            continue;
        counted++;
        count(m, f, plugin);
    }
    return counted;
}

void route_metrics_count_bulk(const struct route_metrics *m, const struct query_facts *f, size_t stride,
                              unsigned n, unsigned stage, uint64_t ns)
{
    uint64_t *cells = metrics_own_cells;
    if (cells == NULL)
        cells = metrics_claim_cells();
    unsigned counted = cells != NULL ? count_own(m, cells, f, stride, n, m->plugin[stage])
                                     : count_shared(m, f, stride, n, m->plugin[stage]);
    if (counted > 0)
        metrics_observe_some(m->duration, 0, ns, counted);
}

void metrics_refused(const struct request *r, const struct listener *l)
{
    if (l->dropped != NULL)
        count_request(l->dropped, r, 0);
}
