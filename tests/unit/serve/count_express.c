/*
 * A worker that answers from memory, to count instructions of (scripts/check-instructions): the system calls
 * of a socket are played here, everything between them is the server's own.
 *
 *     count_express KIND BATCHES [wildcard [log] [hosts] [chain] [pairs]]
 *
 * 20,000 names of 2,000 Services under the stock Corefile; 16 questions a batch. `wildcard`: the socket tells
 * which address was asked; `log`, `hosts`: the block has a `log`, or `hosts` as k3s has it; `chain`: no
 * question goes the short way; `pairs`: two come from one socket each time.
 */
#include "../runner.h"
#include "serve/endpoint.h"
#include "serve/io_udp.h"
#include "served_fixture.h"

#define BATCH    16
#define SERVICES 2000

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
    {"ptr", "", ".", ".96.10.in-addr.arpa.", RR_PTR, RCODE_NOERROR, false},
};

static const struct kind *kind;
static unsigned next_question, wrong, answers;
static unsigned sockets_share = 1; /* questions that come from one socket, one after the other */

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
    for (unsigned i = 0; i < n; i++)
        for (size_t k = 0; k < m[i].msg_hdr.msg_iovlen; k++) {
            const uint8_t *packet = m[i].msg_hdr.msg_iov[k].iov_base;
            bool negative = kind->rcode == RCODE_NXDOMAIN || strcmp(kind->name, "nodata") == 0;
            answers++;
            wrong += (packet[2] & 0x84) != 0x84 || (packet[3] & 15) != kind->rcode ||
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
    for (turns >>= 1; turns > 0; turns--)
        udp_readable(3, 0, &ep);
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
    fixture_use(corefile);
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
    return wrong > 0 || answers != (turns >> 1) * BATCH;
}
