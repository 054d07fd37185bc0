/* The short way of a query beside the chain: the same questions both ways, answers compared record by record.
 */
#include "serve/express.h"

#include "../runner.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "message.h"
#include "metrics/metrics.h"
#include "served_fixture.h"

#define ROUNDS      40000 /* questions to each configuration */
#define RECORDS_MAX 400

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

static void fill_zones(bool wildcards)
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

static void make_question(struct packet *p)
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

/* ---- both ways ---- */

static struct packet *by_chain;

static void chain_done(struct request *r)
{
    if (r->reply == NULL)
        return;
    by_chain->len = r->reply->len;
    memcpy(by_chain->data, r->reply->wire, r->reply->len < EXPRESS_ROOM ? r->reply->len : EXPRESS_ROOM);
}

static void ask_chain(struct worker *w, const struct packet *question, struct packet *answer)
{
    struct request *r = request_new(w);
    answer->len = 0;
    by_chain = answer;
    r->transport = TRANSPORT_UDP;
    r->client = (union address){.in = {.sin_family = AF_INET}};
    r->local.sa.sa_family = AF_UNSPEC;
    r->received_ns = 0;
    r->done = chain_done;
    request_serve(r, &w->present->config->listeners[0], question->data, question->len);
}

struct record {
    unsigned section;
    uint16_t type, class;
    uint32_t ttl;
    uint8_t owner[NAME_MAX_LEN];
    size_t len;
    uint8_t rdata[1000];
};

struct parsed {
    unsigned count;
    struct record records[RECORDS_MAX];
};

static int compare_records(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct record));
}

static bool parse(const struct packet *p, struct parsed *out)
{
    size_t at = DNS_HEADER_LEN + name_len(p->data + DNS_HEADER_LEN) + 4;
    memset(out, 0, sizeof *out);
    for (unsigned s = 0; s < 3; s++)
        for (unsigned left = wire_u16(p->data + 6 + 2 * s); left > 0; left--) {
            struct record *r = &out->records[out->count++];
            int used = name_unpack(p->data, p->len, at, r->owner);
            if (used < 0 || out->count == RECORDS_MAX || at + (size_t)used + 10 > p->len)
                return false;
            at += (size_t)used;
            r->section = s;
            r->type = wire_u16(p->data + at);
            r->class = wire_u16(p->data + at + 2);
            r->ttl = wire_u32(p->data + at + 4);
            uint16_t rdlen = wire_u16(p->data + at + 8);
            static uint8_t rdata[RDATA_MAX];
            int len = rdata_unpack(p->data, p->len, at + 10, rdlen, r->type, rdata);
            if (len < 0 || len > 1000)
                return false;
            r->len = (size_t)len;
            memcpy(r->rdata, rdata, r->len);
            at += 10u + rdlen;
        }
    qsort(out->records, out->count, sizeof out->records[0], compare_records);
    return at == p->len;
}

static bool same_answers(const struct packet *a, const struct packet *b)
{
    static struct parsed x, y;
    size_t question = name_len(a->data + DNS_HEADER_LEN) + 4;
    return memcmp(a->data, b->data, DNS_HEADER_LEN + question) == 0 && parse(a, &x) && parse(b, &y) &&
           x.count == y.count && memcmp(x.records, y.records, x.count * sizeof x.records[0]) == 0;
}

static void show(const char *what, const struct packet *p)
{
    fprintf(stderr, "%s", what);
    for (size_t i = 0; i < p->len; i++)
        fprintf(stderr, "%c%02x", i % 32 == 0 ? '\n' : ' ', p->data[i]);
    fprintf(stderr, "\n");
}

struct tally {
    unsigned questions, answered, wrong, touched;
    unsigned found, nodata, nxdomain, additional; /* of those answered */
};

static void tell_apart(struct tally *t, const uint8_t *answer)
{
    t->found += answer[7] > 0;
    t->nodata += answer[7] == 0 && (answer[3] & 15) == RCODE_NOERROR;
    t->nxdomain += (answer[3] & 15) == RCODE_NXDOMAIN;
    t->additional += answer[11] > 1;
}

/* A batch of questions. */
static void ask_both(struct worker *w, struct express_work *work, struct tally *t)
{
    static struct packet questions[EXPRESS_BATCH], answers[EXPRESS_BATCH], other;
    struct express_datagram d[EXPRESS_BATCH];
    unsigned n = 1 + chance(EXPRESS_BATCH);
    for (unsigned i = 0; i < n; i++) {
        make_question(&questions[i]);
        answers[i] = questions[i];
        d[i] = (struct express_datagram){.packet = answers[i].data, .size = (uint16_t)questions[i].len};
    }
    express_serve(work, w->present->config->listeners[0].express, w, d, n, 0);
    for (unsigned i = 0; i < n; i++) {
        t->questions++;
        answers[i].len = d[i].answer;
        if (d[i].answer == 0) {
            t->touched += memcmp(answers[i].data, questions[i].data, questions[i].len) != 0;
            continue;
        }
        t->answered++;
        tell_apart(t, answers[i].data);
        ask_chain(w, &questions[i], &other);
        if (other.len == 0 || other.len > EXPRESS_ROOM || !same_answers(&answers[i], &other)) {
            t->wrong++;
            show("question", &questions[i]);
            show("express", &answers[i]);
            show("chain", &other);
        }
    }
}

static int ask_many(struct worker *w, void *ctx)
{
    struct tally *t = ctx;
    struct express_work *work = express_work_new();
    while (t->questions < ROUNDS && t->wrong < 3)
        ask_both(w, work, t);
    free(work);
    return ERR_OK;
}

/* Both ways under this configuration; at least `least` in a thousand questions go the short way. */
static void compare(const char *corefile, unsigned least)
{
    struct tally t = {0};
    fixture_use(corefile);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fixture_config->listeners[0].express);
    workers_call(ask_many, &t);
    CU_ASSERT_EQUAL(t.wrong, 0);
    CU_ASSERT_EQUAL(t.touched, 0);
    printf(
        "%s%u of %u went the short way: %u found, %u without data, %u denied, %u with additional records\n",
        corefile, t.answered, t.questions, t.found, t.nodata, t.nxdomain, t.additional);
    CU_ASSERT(t.answered >= least * (t.questions / 1000));
    CU_ASSERT(t.found > 0 && t.nodata > 0);
    fixture_let_go();
}

#define STOCK                                                                                                \
    ".:5300 {\n errors\n health\n ready\n"                                                                   \
    " kubernetes cluster.local in-addr.arpa ip6.arpa {\n  pods insecure\n  fallthrough in-addr.arpa "        \
    "ip6.arpa\n }\n"                                                                                         \
    " prometheus :9153\n cache 30\n loop\n reload\n loadbalance\n}\n"

static void under_the_stock_corefile(void)
{
    compare(STOCK, 200);
}

static void under_other_settings(void)
{
    static const char *const corefiles[] = {
        ".:5300 {\n kubernetes cluster.local\n}\n",
        ".:5300 {\n kubernetes cluster.local in-addr.arpa {\n  pods verified\n }\n loadbalance\n}\n",
        ".:5300 {\n bufsize 1232\n kubernetes cluster.local in-addr.arpa {\n  fallthrough\n }\n cache "
        "10\n}\n",
        ".:5300 {\n bufsize 512\n errors\n kubernetes cluster.local\n cache {\n  success 100 3600 35\n  "
        "denial "
        "100 10 8\n }\n transfer {\n  to *\n }\n chaos x\n}\n",
        ".:5300 {\n kubernetes cluster.local in-addr.arpa\n cache 10 in-addr.arpa\n}\n",
        ".:5300 {\n kubernetes cluster.local {\n  fallthrough svc.cluster.local\n }\n cache 5 local\n}\n",
        ".:5300 {\n kubernetes cluster.local {\n  zonal\n }\n prometheus\n}\n",
        "cluster.local:5300 {\n kubernetes cluster.local\n}\n.:5300 {\n kubernetes cluster.local "
        "in-addr.arpa\n}\n",
    };
    for (size_t i = 0; i < sizeof corefiles / sizeof corefiles[0]; i++)
        compare(corefiles[i], 80);
}

static void under_zones_and_blocks_within_one_another(void)
{
    static const char *const corefiles[] = {
        ".:5300 {\n kubernetes cluster.local shop.svc.cluster.local\n cache 30\n}\n",
        ".:5300 {\n kubernetes cluster.local\n}\nshop.svc.cluster.local:5300 {\n whoami\n}\n",
        ".:5300 {\n kubernetes cluster.local\n}\nshop.svc.cluster.local:5300 {\n log\n kubernetes "
        "shop.svc.cluster.local\n}\n",
        ".:5300 {\n whoami\n}\nlocal:5300 {\n kubernetes cluster.local\n cache 30 shop.svc.cluster.local\n}\n"
        "web.shop.svc.cluster.local:5300 {\n kubernetes cluster.local\n}\narpa:5300 {\n kubernetes "
        "cluster.local in-addr.arpa\n cache 9\n}\n",
    };
    for (size_t i = 0; i < sizeof corefiles / sizeof corefiles[0]; i++)
        compare(corefiles[i], 20);
}

static void with_wildcards(void)
{
    fill_zones(true);
    compare(STOCK, 200);
    fill_zones(false);
}

/* ---- counts ---- */

#define COUNTED 500

struct counted {
    struct packet questions[COUNTED];
    unsigned count;
    struct bytes before, between, after;
};

static void render(struct bytes *page)
{
    bytes_init(page, 1 << 24);
    CU_ASSERT_EQUAL(metrics_render(page), ERR_OK);
    bytes_append(page, "", 1);
}

/* So many questions the short way, and then those that it answered by the chain. */
static int count_both(struct worker *w, void *ctx)
{
    struct counted *c = ctx;
    struct express_work *work = express_work_new();
    static struct packet answer;
    render(&c->before);
    while (c->count < COUNTED) {
        struct packet *q = &c->questions[c->count];
        make_question(q);
        answer = *q;
        struct express_datagram d = {.packet = answer.data, .size = (uint16_t)q->len};
        c->count += express_serve(work, w->present->config->listeners[0].express, w, &d, 1, clock_ns()) == 1;
    }
    render(&c->between);
    for (unsigned i = 0; i < c->count; i++)
        ask_chain(w, &c->questions[i], &answer);
    render(&c->after);
    free(work);
    return ERR_OK;
}

static double value_of(const struct bytes *page, const char *series, size_t len)
{
    for (const char *at = page->data; (at = memmem(at, strlen(at), series, len)) != NULL; at += len)
        if (at == page->data || at[-1] == '\n')
            return strtod(at + len, NULL);
    return 0;
}

/* Sizes may differ, where names are compressed in another way, and so does the time. */
static bool is_the_same(const char *series, size_t len)
{
    static const char *const other[] = {"response_size_bytes_bucket", "response_size_bytes_sum",
                                        "duration_seconds_bucket", "duration_seconds_sum"};
    for (unsigned i = 0; i < 4; i++)
        if (memmem(series, len, other[i], strlen(other[i])) != NULL)
            return false;
    return len > 12 && memcmp(series, "coredns_dns_", 12) == 0;
}

static void is_counted_as_the_chain_counts(void)
{
    struct counted *c = calloc(1, sizeof *c);
    unsigned compared = 0;
    fixture_use(STOCK);
    workers_call(count_both, c);
    for (const char *line = c->after.data; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t len = strcspn(line, " \n");
        if (!is_the_same(line, len))
            continue;
        double before = value_of(&c->before, line, len), between = value_of(&c->between, line, len);
        CU_ASSERT_EQUAL(between - before, value_of(&c->after, line, len) - between);
        compared += between > before;
    }
    CU_ASSERT(compared > 20);
    fixture_let_go();
    bytes_free(&c->before);
    bytes_free(&c->between);
    bytes_free(&c->after);
    free(c);
}

/* ---- what is left to the chain ---- */

/* Which of the names, up to a NULL, the short way answers: a bit each. */
struct alone {
    const char *const *names;
    unsigned answered;
};

static int ask_alone(struct worker *w, void *ctx)
{
    struct alone *a = ctx;
    struct express_work *work = express_work_new();
    static uint8_t packet[EXPRESS_ROOM];
    for (unsigned i = 0; a->names[i] != NULL; i++) {
        struct query q = make_query(a->names[i], RR_A);
        struct express_datagram d = {.packet = packet, .size = (uint16_t)query_write(&q, packet, 512)};
        a->answered |= express_serve(work, w->present->config->listeners[0].express, w, &d, 1, 0) << i;
    }
    free(work);
    return ERR_OK;
}

static unsigned answered_alone(const char *corefile, const char *const *names)
{
    struct alone a = {.names = names};
    fixture_use(corefile);
    workers_call(ask_alone, &a);
    fixture_let_go();
    return a.answered;
}

static void leaves_alone_what_may_be_another_stages(void)
{
    static const char *const names[] = {"web.shop.svc.cluster.local.",
                                        "a.web.shop.svc.cluster.local.",
                                        "1.ip6.arpa.", /* not loaded */
                                        "ip6.arpa.",
                                        "9.9.in-addr.arpa.", /* falls through */
                                        "in-addr.arpa.",
                                        "1-1-1-1.shop.pod.cluster.local.",
                                        "alias.shop.svc.cluster.local.",
                                        "h300.shop.svc.cluster.local.",
                                        "example.com.",
                                        ".",
                                        NULL};
    CU_ASSERT_EQUAL(answered_alone(STOCK, names), 1u << 0 | 1u << 1 | 1u << 5);
    static const char all[] = ".:5300 {\n kubernetes cluster.local in-addr.arpa {\n  fallthrough\n }\n}\n";
    CU_ASSERT_EQUAL(answered_alone(all, names), 1u << 0 | 1u << 5);
    static const char below[] =
        ".:5300 {\n kubernetes cluster.local\n}\nshop.svc.cluster.local:5300 {\n whoami\n}\n";
    CU_ASSERT_EQUAL(answered_alone(below, names), 0);
}

static void is_not_there_where_a_stage_must_see_every_question(void)
{
    static const char *const lines[] = {"log", "rewrite name a.example b.example", "template IN A example\n",
                                        "hosts {\n 1.2.3.4 a.example\n fallthrough\n }",
                                        "autopath @kubernetes"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[400];
        snprintf(text, sizeof text, ".:5300 {\n %s\n kubernetes cluster.local {\n pods verified\n }\n}\n",
                 lines[i]);
        fixture_use(text);
        CU_ASSERT_PTR_NULL(fixture_config->listeners[0].express);
        fixture_let_go();
    }
}

static const struct unit_test tests[] = {
    {"answers as the chain does under the stock Corefile", under_the_stock_corefile},
    {"answers as the chain does under other settings", under_other_settings},
    {"answers as the chain does under zones and blocks within one another",
     under_zones_and_blocks_within_one_another},
    {"answers as the chain does with wildcards", with_wildcards},
    {"leaves alone what may be another stage's", leaves_alone_what_may_be_another_stages},
    {"is counted as the chain counts", is_counted_as_the_chain_counts},
    {"is not there where a stage must see every question",
     is_not_there_where_a_stage_must_see_every_question},
};

int main(void)
{
    struct errtext e = {0};
    if (workers_start(1, &e) != ERR_OK)
        return 2;
    rcu_reader_register();
    fill_zones(false);
    int status = run_suite("express", tests, sizeof tests / sizeof tests[0]);
    workers_stop();
    fixture_forget_zones();
    rcu_drain();
    rcu_reader_unregister();
    return status;
}
