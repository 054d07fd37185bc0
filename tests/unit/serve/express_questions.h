/*
 * Zones of a cluster and questions to them by chance, the same in every run: right ones and wrong ones, as
 * packets, and a way to ask the chain alone. Included by one file of a program, after served_fixture.h.
 */
#ifndef SEAMARK_TESTS_EXPRESS_QUESTIONS_H
#define SEAMARK_TESTS_EXPRESS_QUESTIONS_H

#include "base/cursor.h"
#include "serve/express.h"

/* ---- chance, the same in every run ---- */

static uint64_t seed = 0x9e3779b97f4a7c15u;

static unsigned chance(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

/* ---- zones ---- */

static void fill_cluster(struct zone_txn *t, bool wildcards)
{
    static const char *const lines[] = {
        "cluster.local. 60 IN SOA ns.dns.cluster.local. Hostmaster.cluster.local. 100 7200 1800 86400 20",
        "cluster.local. 60 IN NS ns.dns.cluster.local.",
        "ns.dns.cluster.local. 60 IN A 10.96.0.10",
        "dns-version.cluster.local. 28800 IN TXT \"1.1.0\"",
        "shop.svc.cluster.local. 5 IN TYPE65280 \\# 0",
        "empty.svc.cluster.local. 5 IN TYPE65280 \\# 0",
        "web.shop.svc.cluster.local. 30 IN A 10.96.0.1",
        "web.shop.svc.cluster.local. 20 IN SRV 0 100 80 web.shop.svc.cluster.local.",
        "_http._tcp.web.shop.svc.cluster.local. 30 IN SRV 0 100 80 web.shop.svc.cluster.local.",
        "dual.shop.svc.cluster.local. 7 IN A 10.96.0.2",
        "dual.shop.svc.cluster.local. 9 IN AAAA fd00::2",
        "_dns._udp.dual.shop.svc.cluster.local. 40 IN SRV 0 100 53 dual.shop.svc.cluster.local.",
        "_dns._tcp.dual.shop.svc.cluster.local. 40 IN SRV 0 100 53 DUAL.shop.svc.cluster.local.",
        "_odd._tcp.dual.shop.svc.cluster.local. 3 IN SRV 0 100 53 elsewhere.example.",
        "_odd._tcp.dual.shop.svc.cluster.local. 3 IN SRV 0 100 54 dual.shop.svc.cluster.local.",
        "_odd._tcp.dual.shop.svc.cluster.local. 3 IN SRV 0 100 55 dual.shop.svc.cluster.local.",
        "alias.shop.svc.cluster.local. 30 IN CNAME web.shop.svc.cluster.local.",
        "out.shop.svc.cluster.local. 30 IN CNAME www.example.com.",
        "1-2-3-4.shop.pod.cluster.local. 30 IN A 1.2.3.4",
        "text.shop.svc.cluster.local. 30 IN TXT \"one\" \"two\"",
        "text.shop.svc.cluster.local. 30 IN MX 10 web.shop.svc.cluster.local.",
        "web2.shop.svc.cluster.local. 30 IN HTTPS 1 . alpn=h2",
        NULL};
    static const char *const stars[] = {
        "*.wild.svc.cluster.local. 11 IN A 10.0.0.9", "*.wild.svc.cluster.local. 11 IN A 10.0.0.10",
        "*.alias.svc.cluster.local. 11 IN CNAME web.shop.svc.cluster.local.", NULL};
    char line[200];
    for (unsigned i = 0; lines[i] != NULL; i++)
        fixture_add(t, lines[i]);
    for (unsigned i = 0; wildcards && stars[i] != NULL; i++)
        fixture_add(t, stars[i]);
    static const unsigned sizes[] = {2, 9, 28, 29, 40, 300};
    for (unsigned s = 0; s < 6; s++)
        for (unsigned i = 0; i < sizes[s]; i++) {
            snprintf(line, sizeof line, "h%u.shop.svc.cluster.local. 30 IN A 10.1.%u.%u", sizes[s], i / 250,
                     i % 250);
            fixture_add(t, line);
            snprintf(line, sizeof line, "p%u.h%u.shop.svc.cluster.local. 30 IN A 10.1.%u.%u", i, sizes[s],
                     i / 250, i % 250);
            fixture_add(t, line);
            snprintf(
                line, sizeof line,
                "_http._tcp.h%u.shop.svc.cluster.local. 30 IN SRV 0 3 80 p%u.h%u.shop.svc.cluster.local.",
                sizes[s], i, sizes[s]);
            fixture_add(t, line);
        }
}

static inline void fill_zones(bool wildcards)
{
    struct zone *z;
    struct zone_txn *t = fixture_begin("cluster.local.", &z);
    fill_cluster(t, wildcards);
    fixture_commit(t, z);
    t = fixture_begin("in-addr.arpa.", &z);
    fixture_add(t, "in-addr.arpa. 5 IN SOA ns.dns.cluster.local. h.cluster.local. 1 7200 1800 86400 90");
    fixture_add(t, "1.0.96.10.in-addr.arpa. 30 IN PTR web.shop.svc.cluster.local.");
    fixture_add(t, "2.0.96.10.in-addr.arpa. 30 IN PTR Dual.shop.svc.cluster.local.");
    fixture_add(t, "2.0.96.10.in-addr.arpa. 30 IN PTR other.shop.svc.cluster.local.");
    fixture_commit(t, z);
    t = fixture_begin("shop.svc.cluster.local.", &z);
    fixture_add(t, "shop.svc.cluster.local. 30 IN SOA ns.example. h.shop.svc.cluster.local. 1 1 1 1 4000");
    fixture_add(t, "web.shop.svc.cluster.local. 4000 IN A 10.96.1.1");
    fixture_commit(t, z);
}

/* ---- questions ---- */

struct packet {
    size_t len;
    uint8_t data[EXPRESS_ROOM];
};

static void put_label(uint8_t *name, size_t *len, const char *label)
{
    size_t n = strlen(label);
    if (*len + n + 2 > NAME_MAX_LEN || n > NAME_MAX_LABEL)
        return;
    name[(*len)++] = (uint8_t)n;
    memcpy(name + *len, label, n);
    *len += n;
}

static void put_labels(uint8_t *name, size_t *len, const char *text)
{
    char copy[300], *at = copy, *label;
    snprintf(copy, sizeof copy, "%s", text);
    while ((label = strsep(&at, ".")) != NULL)
        put_label(name, len, label);
}

static void choose_name(uint8_t *name, size_t *len)
{
    static const char *const fronts[] = {"",
                                         "www",
                                         "www.example.com",
                                         "web",
                                         "web.shop",
                                         "dual.shop",
                                         "h2.shop",
                                         "h9.shop",
                                         "h28.shop",
                                         "h29.shop",
                                         "h40.shop",
                                         "h300.shop",
                                         "p1.h2.shop",
                                         "nothing.shop",
                                         "alias.shop",
                                         "out.shop",
                                         "x.alias",
                                         "x.wild",
                                         "x.y.wild",
                                         "empty",
                                         "nothing.empty",
                                         "text.shop",
                                         "web2.shop",
                                         "_http._tcp.web.shop",
                                         "http.tcp.web.shop",
                                         "_._tcp.web.shop",
                                         "_http._.web.shop",
                                         "_http._tcp.h9.shop",
                                         "_http._tcp.h2.shop",
                                         "_http._tcp.h40.shop",
                                         "_dns._udp.dual.shop",
                                         "_dns._tcp.dual.shop",
                                         "_odd._tcp.dual.shop",
                                         "_http._udp.h2.shop",
                                         "udp._tcp.nothing.shop",
                                         "1-2-3-4.shop",
                                         "10-0-0-7.shop",
                                         "fd00--1.shop",
                                         "a.1-2-3-4.shop",
                                         "ns.dns",
                                         "dns-version",
                                         "1.0.96.10",
                                         "2.0.96.10",
                                         "9.9.9.9",
                                         "shop",
                                         "svc",
                                         "*.wild",
                                         "a.b.c.d.e.f.g.h"};
    static const char *const kinds[] = {"svc", "svc", "svc", "pod", "", "", "xpod", "po", "shop.svc"};
    static const char *const zones[] = {"cluster.local",
                                        "cluster.local",
                                        "cluster.local",
                                        "in-addr.arpa",
                                        "shop.svc.cluster.local",
                                        "example.com",
                                        "",
                                        "local",
                                        "xcluster.local"};
    put_labels(name, len, fronts[chance(sizeof fronts / sizeof fronts[0])]);
    bool plain = chance(2);
    put_labels(name, len, plain ? "svc" : kinds[chance(sizeof kinds / sizeof kinds[0])]);
    put_labels(name, len, plain ? "cluster.local" : zones[chance(sizeof zones / sizeof zones[0])]);
}

static void put_name(struct packet *p)
{
    /* One whose octets are those of another name, but not its labels. */
    static const uint8_t trick[] = "\12web\4shop\3sv\3svc\7cluster\5local",
                         swallowed[] = "\17x\7cluster\5local\0\5local";
    uint8_t *name = p->data + p->len;
    size_t len = 0;
    if (chance(60) == 0) {
        bool first = chance(2);
        memcpy(name, first ? trick : swallowed, first ? sizeof trick : sizeof swallowed);
        p->len += first ? sizeof trick : sizeof swallowed;
        return;
    }
    if (chance(40) == 0) /* long */
        while (len < 200 - chance(120))
            put_label(name, &len, chance(2) ? "abcdefghijklmnopqrstuvwxyz" : "x");
    choose_name(name, &len);
    for (size_t at = 0; chance(4) == 0 && at < len; at += 1u + name[at]) /* another case, here and there */
        for (unsigned i = 1; i <= name[at]; i++)
            if (name[at + i] >= 'a' && name[at + i] <= 'z' && chance(3) == 0)
                name[at + i] -= 32;
    name[len++] = 0;
    if (chance(50) == 0)
        name[chance((unsigned)len)] = (uint8_t)chance(256);
    p->len += len;
}

static void put_u16(struct packet *p, unsigned value)
{
    wire_put_u16(p->data + p->len, (uint16_t)value);
    p->len += 2;
}

static void put_opt(struct packet *p)
{
    static const unsigned sizes[] = {512, 1232, 4096, 65535, 0, 100, 600, 1400};
    p->data[p->len++] = chance(50) == 0;
    put_u16(p, chance(50) == 0 ? 42 : RR_OPT);
    put_u16(p, sizes[chance(8)]);
    put_u16(p, chance(30) == 0 ? chance(65536) : 0);
    put_u16(p, chance(3) == 0 ? 0x8000 | chance(2) : 0);
    bool options = chance(10) == 0;
    put_u16(p, options ? 12 : chance(80) == 0);
    for (unsigned i = 0; options && i < 12; i++)
        p->data[p->len++] = (uint8_t)(i == 1 ? 10 : i == 3 ? 8 : i);
}

static inline void make_question(struct packet *p)
{
    static const uint16_t types[] = {RR_A,   RR_A,     RR_A,           RR_AAAA,      RR_AAAA, RR_SRV,
                                     RR_SRV, RR_PTR,   RR_TXT,         RR_HTTPS,     RR_SVCB, RR_NS,
                                     RR_SOA, RR_CNAME, RR_MX,          RR_ANY,       RR_AXFR, RR_IXFR,
                                     RR_DS,  RR_RRSIG, 13 /* HINFO */, RR_NAMESPACE, 99};
    bool edns = chance(2);
    p->len = 0;
    put_u16(p, chance(65536));
    put_u16(p, chance(20) == 0 ? chance(65536) : chance(2) ? FLAG_RD : chance(2) * FLAG_CD | FLAG_AD);
    put_u16(p, chance(100) == 0 ? chance(3) : 1);
    put_u16(p, chance(100) == 0);
    put_u16(p, chance(100) == 0);
    put_u16(p, chance(100) == 0 ? chance(3) : edns);
    put_name(p);
    put_u16(p, types[chance(sizeof types / sizeof types[0])]);
    put_u16(p, chance(60) == 0 ? chance(5) : CLASS_IN);
    if (edns)
        put_opt(p);
    if (chance(60) == 0)
        p->len -= chance(20) < p->len ? chance(12) : 0;
    if (chance(60) == 0)
        p->len += chance(5);
    if (chance(60) == 0)
        p->data[chance((unsigned)p->len)] = (uint8_t)chance(256);
}

/* ---- asking ---- */

static const union address somebody = {
    .in = {.sin_family = AF_INET, .sin_port = 0x1234, .sin_addr.s_addr = 0x0a0b0c0d}};

static struct packet *by_chain;

static void chain_done(struct request *r)
{
    if (r->reply == NULL)
        return;
    by_chain->len = r->reply->len;
    memcpy(by_chain->data, r->reply->wire, r->reply->len < EXPRESS_ROOM ? r->reply->len : EXPRESS_ROOM);
}

static inline void ask_chain(struct worker *w, const struct packet *question, const union address *client,
                             struct packet *answer)
{
    struct request *r = request_new(w);
    answer->len = 0;
    by_chain = answer;
    r->transport = TRANSPORT_UDP;
    r->client = *client;
    r->local.sa.sa_family = AF_UNSPEC;
    r->received_ns = 0;
    r->done = chain_done;
    request_serve(r, &w->present->config->listeners[0], question->data, question->len);
}

#endif
