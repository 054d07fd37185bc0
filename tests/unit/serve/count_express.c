/*
 * A worker that answers from memory, to count instructions of (scripts/check-instructions): the system calls
 * of a socket are played here, everything between them is the server's own.
 *
 *     count_express KIND BATCHES [wildcard [log] [hosts] [alone] [chain] [pairs]]
 *
 * 20,000 names of 2,000 Services under the stock Corefile; 16 questions a batch. `wildcard`: the socket tells
 * which address was asked; `chain`: no question goes the short way; `log`, `hosts`: with a line of `log`,
 * with `hosts` as k3s has it; `pairs`: two come from one socket each time. The kinds cached-... ask for names
 * of the outside that the cache has kept; `alone`: under a Corefile of nothing but `cache` and a stage below
 * it, which is not asked. Valgrind counts BATCHES after the first few, and with --instr-atstart=no nothing of
 * the way there.
 */
#include "../runner.h"
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#endif

#include "base/clock.h"
#include "cache/cache_stage.h"
#include "cache/cache_store.h"
#include "message.h"
#include "serve/endpoint.h"
#include "serve/io_udp.h"
#include "served_fixture.h"

#define BATCH         16
#define FIRST_BATCHES 25 /* that are not counted */
#define SERVICES      2000

static const struct kind {
    const char *name;
    const char *front, *middle, *end; /* of the question's name, around numbers */
    uint16_t qtype;
    uint16_t rcode;
    bool edns;
} kinds[] = {
    {"hit", "web-", ".team-", ".svc.cluster.local.", RR_A, RCODE_NOERROR, false},
    {"hit-edns", "web-", ".team-", ".svc.cluster.local.", RR_A, RCODE_NOERROR, true},
    {"hit-headless", "db-", ".team-", ".svc.cluster.local.", RR_A, RCODE_NOERROR, false},
    {"nodata", "web-", ".team-", ".svc.cluster.local.", RR_AAAA, RCODE_NOERROR, false},
    {"nxdomain", "www.example-", ".com.team-", ".svc.cluster.local.", RR_A, RCODE_NXDOMAIN, false},
    {"nxdomain-svc", "www.example-", ".org-", ".svc.cluster.local.", RR_AAAA, RCODE_NXDOMAIN, false},
    {"nxdomain-zone", "www.example-", ".net-", ".cluster.local.", RR_A, RCODE_NXDOMAIN, false},
    {"srv", "_http._tcp.web-", ".team-", ".svc.cluster.local.", RR_SRV, RCODE_NOERROR, false},
    {"cached", "www.host-", ".region-", ".example.org.", RR_A, RCODE_NOERROR, false},
    {"cached-edns", "www.host-", ".region-", ".example.org.", RR_A, RCODE_NOERROR, true},
    {"cached-alias", "www.host-", ".region-", ".example.org.", RR_A, RCODE_NOERROR, false},
    {"cached-denial", "www.host-", ".region-", ".example.org.", RR_AAAA, RCODE_NXDOMAIN, false},
    {"ptr", "", ".", ".96.10.in-addr.arpa.", RR_PTR, RCODE_NOERROR, false},
};

static const struct kind *kind;
static unsigned next_question, wrong, answers;
static unsigned sockets_share = 1; /* questions that come from one socket, one after the other */

static bool is_cached(void)
{
    return strncmp(kind->name, "cached", 6) == 0;
}

/* ---- the socket ---- */

static size_t write_question(uint8_t *packet, unsigned number)
{
    char text[200];
    uint8_t name[NAME_MAX_LEN];
    struct query q;
    unsigned service = number * 7 % SERVICES;
    bool reverse = kind->qtype == RR_PTR;
    snprintf(text, sizeof text, "%s%u%s%u%s", kind->front, reverse ? service % 250 : service, kind->middle,
             reverse ? service / 250 : service % 50, kind->end);
    fixture_name(text, name);
    query_make(&q, name, kind->qtype);
    q.id = (uint16_t)number;
    q.has_edns = kind->edns;
    q.udp_size = 1232;
    return (size_t)query_write(&q, packet, 512);
}

int recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *timeout)
{
    (void)fd, (void)flags, (void)timeout;
    for (unsigned i = 0; i < BATCH && i < n; i++) {
        struct msghdr *h = &m[i].msg_hdr;
        struct sockaddr_in6 from = {.sin6_family = AF_INET6, .sin6_port = (in_port_t)(9 + i / sockets_share)};
        m[i].msg_len = (unsigned)write_question(h->msg_iov->iov_base, next_question++);
        memcpy(h->msg_name, &from, sizeof from);
        h->msg_namelen = sizeof from;
        h->msg_flags = 0;
        struct cmsghdr *c = h->msg_controllen == 0 ? NULL : CMSG_FIRSTHDR(h);
        if (c == NULL)
            continue;
        *c = (struct cmsghdr){.cmsg_level = IPPROTO_IPV6,
                              .cmsg_type = IPV6_PKTINFO,
                              .cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo))};
        memset(CMSG_DATA(c), 1, sizeof(struct in6_pktinfo));
        h->msg_controllen = CMSG_SPACE(sizeof(struct in6_pktinfo));
    }
    return BATCH;
}

int sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
    (void)fd, (void)flags;
    unsigned authority = is_cached() ? 0x80 : 0x84;
    for (unsigned i = 0; i < n; i++)
        for (size_t k = 0; k < m[i].msg_hdr.msg_iovlen; k++) {
            const uint8_t *packet = m[i].msg_hdr.msg_iov[k].iov_base;
            bool negative = kind->rcode == RCODE_NXDOMAIN || strcmp(kind->name, "nodata") == 0;
            answers++;
            wrong += (packet[2] & 0x84) != authority || (packet[3] & 15) != kind->rcode ||
                     (packet[7] == 0) != negative || (packet[9] == 1) != negative;
        }
    return (int)n;
}

/* ---- the worker ---- */

static int answer_batches(struct worker *w, void *ctx)
{
    unsigned turns = *(unsigned *)ctx;
    struct socket_set sockets = {.wildcard = turns & 1};
    struct endpoint ep = {.worker = w, .sockets = &sockets, .listener = &w->present->config->listeners[0]};
    for (unsigned i = 0; i < FIRST_BATCHES; i++)
        udp_readable(3, 0, &ep);
    CALLGRIND_START_INSTRUMENTATION;
    for (turns >>= 1; turns > 0; turns--)
        udp_readable(3, 0, &ep);
    CALLGRIND_STOP_INSTRUMENTATION;
    return ERR_OK;
}

static void fill(void)
{
    struct zone *z, *reverse;
    struct zone_txn *t = fixture_begin("cluster.local.", &z), *r = fixture_begin("in-addr.arpa.", &reverse);
    char line[300];
    fixture_add(
        t, "cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5");
    fixture_add(r,
                "in-addr.arpa. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5");
    for (unsigned i = 0; i < SERVICES; i++) {
        snprintf(line, sizeof line, "web-%u.team-%u.svc.cluster.local. 5 IN A 10.96.%u.%u", i, i % 50,
                 i / 250, i % 250);
        fixture_add(t, line);
        snprintf(line, sizeof line,
                 "_http._tcp.web-%u.team-%u.svc.cluster.local. 5 IN SRV 0 100 80 "
                 "web-%u.team-%u.svc.cluster.local.",
                 i, i % 50, i, i % 50);
        fixture_add(t, line);
        snprintf(line, sizeof line, "%u.%u.96.10.in-addr.arpa. 5 IN PTR web-%u.team-%u.svc.cluster.local.",
                 i % 250, i / 250, i, i % 50);
        fixture_add(r, line);
        for (unsigned k = 0; k < 4; k++) {
            snprintf(line, sizeof line, "db-%u.team-%u.svc.cluster.local. 5 IN A 10.2%u.%u.%u", i, i % 50, k,
                     i / 250, i % 250);
            fixture_add(t, line);
            snprintf(line, sizeof line, "10-2%u-%u-%u.db-%u.team-%u.svc.cluster.local. 5 IN A 10.2%u.%u.%u",
                     k, i / 250, i % 250, i, i % 50, k, i / 250, i % 250);
            fixture_add(t, line);
        }
    }
    fixture_commit(t, z);
    fixture_commit(r, reverse);
}

/* An answer to question `number` of the kind, as an upstream would give it. */
static void keep(struct answer_cache *cache, unsigned number)
{
    char text[200];
    uint8_t packet[512];
    struct query q;
    if (query_parse(packet, write_question(packet, number), &q) != QUERY_OK)
        abort();
    struct reply *r = make_reply(&q, NULL);
    const uint8_t address[4] = {10, 0, 0, 1};
    struct rr rr = {
        .owner = q.lname, .type = RR_A, .class = CLASS_IN, .ttl = 3600, .rdlen = 4, .rdata = address};
    bool denial = kind->rcode != RCODE_NOERROR, alias = strcmp(kind->name, "cached-alias") == 0;
    r->rcode = kind->rcode;
    r->flags = FLAG_RA;
    if (denial)
        add_record(r, SECTION_AUTHORITY,
                   "example.org. 3600 IN SOA ns.example.org. root.example.org. 1 2 3 4 3600");
    else if (!alias)
        reply_add(r, SECTION_ANSWER, &rr);
    for (unsigned i = 0; alias && i < 4; i++) {
        char owner[NAME_MAX_TEXT];
        if (i == 0)
            snprintf(text, sizeof text, "%.100s 3600 IN CNAME edge.cdn.example.net.",
                     name_to_text(q.lname, owner));
        else
            snprintf(text, sizeof text, "edge.cdn.example.net. 3600 IN A 10.0.0.%u", i);
        add_record(r, SECTION_ANSWER, text);
    }
    const struct cache_keep how = {.kind = denial ? CACHE_DENIAL : CACHE_SUCCESS,
                                   .answering = !denial,
                                   .ttl_s = 3600,
                                   .now_ns = clock_ns()};
    unsigned evicted[2];
    if (answer_cache_put(cache, &q, r, &how, evicted) != ERR_OK)
        abort();
    free(r);
}

static void fill_cache(void)
{
    const struct block *b = &fixture_config->blocks[0];
    for (unsigned i = 0; i < b->nstages; i++)
        for (unsigned k = 0; k < SERVICES && strcmp(b->stages[i].plugin->name, "cache") == 0; k++)
            keep(((const struct cache_stage *)b->stages[i].state)->store->cache, k);
}

static bool has_word(char **words, const char *word)
{
    while (*words != NULL && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

int main(int argc, char **argv)
{
    struct errtext e = {0};
    if (argc < 3)
        return 2;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, argv[1]) == 0)
            kind = &kinds[i];
    unsigned turns = (unsigned)strtoul(argv[2], NULL, 10) << 1 | (argc > 3);
    if (kind == NULL || workers_start(1, &e) != ERR_OK)
        return 2;
    rcu_reader_register();
    fill();
    char corefile[1000];
    snprintf(corefile, sizeof corefile,
             ".:5300 {\n errors\n health\n ready\n%s%s kubernetes cluster.local in-addr.arpa ip6.arpa {\n  "
             "pods insecure\n  fallthrough in-addr.arpa ip6.arpa\n }\n prometheus :9153\n cache 30\n loop\n "
             "reload\n loadbalance\n}\n",
             has_word(argv, "log") ? " log\n" : "",
             has_word(argv, "hosts")
                 ? " hosts {\n  10.0.0.1 node-1\n  10.0.0.2 node-2\n  10.0.0.3 node-3\n  fallthrough\n }\n"
                 : "");
    fixture_use(has_word(argv, "alone") ? ".:5300 {\n cache 3600\n whoami\n}\n" : corefile);
    if (is_cached())
        fill_cache();
    struct express_table *table = fixture_config->listeners[0].express;
    sockets_share = has_word(argv, "pairs") ? 2 : 1;
    if (has_word(argv, "chain"))
        fixture_config->listeners[0].express = NULL;
    workers_call(answer_batches, &turns);
    fixture_config->listeners[0].express = table;
    fixture_let_go();
    workers_stop();
    fixture_forget_zones();
    rcu_drain();
    rcu_reader_unregister();
    printf("%u answers, %u wrong\n", answers, wrong);
    return wrong > 0 || answers != (FIRST_BATCHES + (turns >> 1)) * BATCH;
}
