/* A zone with records of all kinds, and its file. */
#ifndef SEAMARK_TESTS_ZONEFILE_CASES_H
#define SEAMARK_TESTS_ZONEFILE_CASES_H

#include "fixture.h"
#include "zone/zonefile.h"

/* All that a zone of a cluster holds, and what it may hold besides; in canonical order. */
static const char *const all_kinds[] = {
    SOA_LINE,
    "cluster.local. 30 IN NS ns.dns.cluster.local.",
    "cluster.local. 30 IN MX 10 mail.example.",
    "cluster.local. 30 IN TXT \"quoted \\\"text\\\"; with all\\\\sorts\\000\\255\" \"\" \"three\"",
    "cluster.local. 30 IN CAA 0 issue \"ca.example\"",
    "ns.dns.cluster.local. 30 IN A 10.96.0.10",
    "ns.dns.cluster.local. 30 IN AAAA fd00::a",
    "dns-version.cluster.local. 30 IN TXT \"1.1.0\"",
    "odd.cluster.local. 0 IN TYPE65280 \\# 0",
    "\\000\\001\\032\\255.odd.cluster.local. 1 IN A 10.0.0.1",
    "a\\.dot.odd.cluster.local. 1 IN A 10.0.0.1",
    "back\\\\slash.odd.cluster.local. 1 IN A 10.0.0.1",
    "quote\\\"semicolon\\;paren\\(\\)at\\@dollar\\$.odd.cluster.local. 1 IN A 10.0.0.1",
    "\\@.odd.cluster.local. 1 IN A 10.0.0.1",
    "*.odd.cluster.local. 1 IN A 10.0.0.1",
    "svc.cluster.local. 30 IN TYPE65280 \\# 0",
    "default.svc.cluster.local. 30 IN TYPE65280 \\# 0",
    "empty.svc.cluster.local. 30 IN TYPE65280 \\# 0",
    "external.default.svc.cluster.local. 30 IN CNAME Mixed.Case.Example.",
    "web.default.svc.cluster.local. 2147483647 IN A 10.96.0.1",
    "web.default.svc.cluster.local. 2147483647 IN A 10.96.0.2",
    "_http._tcp.web.default.svc.cluster.local. 30 IN SRV 0 50 80 10-0-0-1.web.default.svc.cluster.local.",
    "_https._tcp.web.default.svc.cluster.local. 30 IN SRV 65535 65535 65535 .",
    "web2.default.svc.cluster.local. 30 IN HTTPS 1 . alpn=h2",
    "generic.zzz.cluster.local. 30 IN TYPE65281 \\# 5 00ff10abcd",
    "naptr.zzz.cluster.local. 30 IN NAPTR 1 2 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.",
    "reverse.zzz.cluster.local. 30 IN PTR web.default.svc.cluster.local.",
    NULL};

static inline size_t count_of(const char *const *lines)
{
    size_t count = 0;
    while (lines[count] != NULL)
        count++;
    return count;
}

static inline int write_zone(const char *path, const char *const *lines, uint64_t promised)
{
    struct zonefile_writer w;
    struct zonefile_header header = {.zone = "cluster.local.", .serial = 100, .records = promised};
    snprintf(header.rendered, sizeof header.rendered, "2026-11-23T06:20:24.123Z");
    snprintf(header.source, sizeof header.source, "https://10.96.0.1:443\nttl=30 pods=insecure");
    snprintf(header.cluster, sizeof header.cluster, "6f9619ff-8b86-d011-b42d-00c04fc964ff");
    snprintf(header.versions, sizeof header.versions, "namespaces=1001 services=1002");
    int ret = zonefile_write_begin(&w, path, &header);
    if (ret != ERR_OK)
        return ret;
    for (; *lines != NULL; lines++)
        zonefile_write_rr(&w, record_of(*lines));
    return zonefile_write_commit(&w);
}

static inline int load(const char *path, struct zone **z, struct errtext *e)
{
    struct zonefile_header header;
    *e = (struct errtext){0};
    return zonefile_load(path, name_of("CLUSTER.local."), &header, z, e);
}

#endif
