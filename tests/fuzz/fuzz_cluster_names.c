/*
 * Names as clients may ask for them in a cluster's zone: other spellings, wildcards, names of pods. The first
 * octet chooses the type and whether the zone is one of several clusters; each octet behind it is a label of
 * a list, or the length of one that follows. What answers must be what the name says, and the message must
 * read back.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/dns/message.h"
#include "base/err.h"
#include "base/rcu.h"
#include "dns/rr.h"
#include "serve/cluster_spelling.h"
#include "serve/pod_name.h"
#include "zone/zone_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const records[] = {
    "cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 100 7200 1800 86400 30",
    "shop.svc.cluster.local. 5 IN TYPE65280 \\# 0",
    "shop.pod.cluster.local. 5 IN TYPE65280 \\# 0",
    "web.shop.svc.cluster.local. 5 IN A 10.96.0.1",
    "web.shop.svc.cluster.local. 5 IN SRV 0 50 80 web.shop.svc.cluster.local.",
    "_http._tcp.web.shop.svc.cluster.local. 5 IN A 10.96.0.1",
    "_http._tcp.web.shop.svc.cluster.local. 5 IN SRV 0 100 80 web.shop.svc.cluster.local.",
    "dns.shop.svc.cluster.local. 5 IN SRV 0 50 53 dns.shop.svc.cluster.local.",
    "_dns._udp.dns.shop.svc.cluster.local. 5 IN A 10.96.0.2",
    "_._udp.dns.shop.svc.cluster.local. 5 IN A 10.96.0.2",
    "_x._sctp.dns.shop.svc.cluster.local. 5 IN A 10.96.0.2",
    "out.shop.svc.cluster.local. 5 IN CNAME _._.round.shop.svc.cluster.local.",
    "round.shop.svc.cluster.local. 5 IN CNAME x.out.shop.svc.cluster.local.",
    "*.prefer._zone.web.shop.svc.cluster.local. 5 IN A 10.1.0.1",
    "eu.prefer._zone.web.shop.svc.cluster.local. 5 IN A 10.1.0.2",
    "*.shop.svc.cluster.local. 5 IN CNAME y.prefer._zone.web.shop.svc.cluster.local.",
    "1-2-3-4.shop.pod.cluster.local. 5 IN A 1.2.3.4",
    "ep.far.web.shop.svc.cluster.local. 5 IN A 10.2.0.1",
    NULL,
};
static const char *const labels[] = {
    "_",       "__",  "tcp", "_tcp",  "udp",  "_udp", "_sctp", "http",    "_HTTP",      "x",      "*",
    "web",     "dns", "out", "round", "shop", "svc",  "pod",   "1-2-3-4", "eu",         "prefer", "_zone",
    "fd00--1", "ep",  "far", "Web",   "--",   "POD",  "_x",    "5-6-7-8", "--ffff-1-2", "none"};
#define LABELS (sizeof labels / sizeof labels[0])
static const uint8_t apex[] = "\7cluster\5local";
static const uint16_t types[] = {RR_A, RR_SRV, RR_AAAA, RR_TXT, RR_ANY, RR_CNAME, RR_NS, RR_SOA};

static struct zone *make_zone(void)
{
    static struct rr_storage storage;
    struct zone *z = zone_new(apex);
    struct zone_txn *t = z == NULL ? NULL : zone_begin(z);
    struct rr rr;
    for (const char *const *line = records; t != NULL && *line != NULL; line++)
        if (rr_from_text(*line, strlen(*line), &storage, &rr) != ERR_OK || zone_add(t, &rr) != ERR_OK)
            abort();
    if (t == NULL || zone_commit(t) != ERR_OK)
        abort();
    return z;
}

/* Labels in front of the zone's name; false where they make none. */
static bool make_name(const uint8_t *data, size_t size, uint8_t out[NAME_MAX_LEN])
{
    size_t len = 0;
    for (size_t i = 0; i < size;) {
        const char *known = data[i] < 2 * LABELS ? labels[data[i] % LABELS] : NULL;
        size_t count = known != NULL ? strlen(known) : data[i] % (NAME_MAX_LABEL + 1u);
        const void *from = known != NULL ? (const void *)known : data + i + 1;
        if (count == 0 || (known == NULL && i + 1 + count > size) ||
            len + 1 + count + sizeof apex > NAME_MAX_LEN)
            return false;
        out[len] = (uint8_t)count;
        memcpy(out + len + 1, from, count);
        len += 1 + count;
        i += known != NULL ? 1 : 1 + count;
    }
    memcpy(out + len, apex, sizeof apex);
    return true;
}

static const uint8_t *behind(const uint8_t *name, unsigned count)
{
    while (count-- > 0)
        name += 1 + *name;
    return name;
}

/* The part of a port's name without its underscore is empty, or the found label's. */
static bool fits(const uint8_t *asked, const uint8_t *found)
{
    unsigned a = asked[1] == '_', f = found[1] == '_';
    return asked[0] == a ||
           (asked[0] - a == found[0] - f && memcmp(asked + 1 + a, found + 1 + f, asked[0] - a) == 0);
}

static void check_spelling(const struct cluster_spelling *spelling, const struct query *q,
                           const struct zone_version *v)
{
    const struct node *n = cluster_spelling_find(spelling, v, q->lname, q->qname_len);
    if (n == NULL)
        return;
    const uint8_t *found = node_name(n), *base = behind(q->lname, 1);
    if (name_equal(found, base) && name_label_count(base) == 5 && memcmp(behind(base, 2), "\3pod", 4) == 0)
        return;
    base = behind(base, 1);
    bool pod = memcmp(behind(base, 2), "\3pod", 4) == 0;
    if (name_label_count(base) != 5 || !name_in(found, base) || (pod && !name_equal(found, base)))
        abort();
    if (!name_equal(found, base) && (!fits(q->lname, found) || !fits(behind(q->lname, 1), behind(found, 1))))
        abort();
    if (!pod && spelling->rules.multicluster && q->lname[1] != '_' && behind(q->lname, 1)[1] != '_')
        abort();
}

static void check_answer(enum zone_outcome outcome, const struct zone_question *question,
                         const struct reply *r)
{
    uint8_t owner[NAME_MAX_LEN];
    if (r->count[SECTION_ANSWER] > 0)
        reply_owner(r, 0, owner);
    if (r->count[SECTION_ANSWER] > 0 && !name_equal(owner, r->q->qname))
        abort();
    if ((outcome == ZONE_HIT || question->target != NULL) != (r->count[SECTION_ANSWER] > 0))
        abort();
    if ((outcome == ZONE_NODATA) != (r->count[SECTION_AUTHORITY] == 1))
        abort();
}

static void check_pod(const struct zone_version *v, struct query *q, struct reply *r)
{
    static struct request request;
    request.q = *q;
    request.reply = r;
    reply_begin(r, &request.q);
    if (pod_name_answer(v, sizeof apex, q->qname, 5, &request) != (r->nrecords > 0))
        abort();
    reply_begin(r, &request.q);
    zone_answer_soa(v, r);
    pod_name_service(v, sizeof apex, q->qname, &request);
    if (r->count[SECTION_ANSWER] + r->count[SECTION_AUTHORITY] != 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone *zone;
    static struct query q;
    static struct reply r;
    uint8_t name[NAME_MAX_LEN];
    struct message_seen seen;
    if (zone == NULL) {
        rcu_reader_register();
        zone = make_zone();
    }
    if (size == 0 || !make_name(data + 1, size - 1, name))
        return 0;
    query_make(&q, name, types[data[0] % 8]);
    rcu_reader_begin();
    const struct zone_version *v = zone_current(zone);
    const struct cluster_spelling spelling = {
        .apex = apex, .apex_len = sizeof apex, .rules = {.multicluster = data[0] & 8}};
    struct zone_question question = {.lname = q.lname,
                                     .len = q.qname_len,
                                     .hash = q.hash,
                                     .qtype = q.qtype,
                                     .enough = REPLY_CAP,
                                     .respell = cluster_spelling_find,
                                     .names_ctx = &spelling};
    check_spelling(&spelling, &q, v);
    reply_begin(&r, &q);
    enum zone_outcome outcome = zone_answer(v, &question, &r);
    check_answer(outcome, &question, &r);
    reply_finish(&r, REPLY_CAP);
    if (!message_read(r.wire, r.len, &seen, NULL) || seen.records != r.nrecords)
        abort();
    check_pod(v, &q, &r);
    rcu_reader_end();
    return 0;
}
