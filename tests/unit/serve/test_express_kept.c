/* What the cache has kept, given the short way and by the chain: the same questions both ways. */
#include "base/clock.h"
#include "message.h"
#include "metrics/metrics.h"
#include "served_fixture.h"

#include "express_questions.h"

#include "both_ways.h"
#include "same_answers.h"

#define ROUNDS 12000 /* questions to each configuration */

/* Answers that come from a stage below the cache. */
#define SOA "test. 300 IN SOA ns.test. root.test. 1 2 3 4 60"
#define TEMPLATES                                                                                            \
    " template IN A one.test {\n  answer \"{{ .Name }} 300 IN A 10.0.0.1\"\n  authority \"test. 300 IN NS "  \
    "ns.test.\"\n }\n"                                                                                       \
    " template IN A four.test {\n  answer \"{{ .Name }} 300 IN A 10.0.0.1\"\n  answer \"{{ .Name }} 300 IN " \
    "A 10.0.0.2\"\n  answer \"{{ .Name }} 300 IN A 10.0.0.3\"\n  answer \"{{ .Name }} 300 IN A "             \
    "10.0.0.4\"\n }\n"                                                                                       \
    " template IN AAAA four.test {\n  answer \"{{ .Name }} 300 IN AAAA fd00::1\"\n  answer \"{{ .Name }} "   \
    "200 IN AAAA fd00::2\"\n  answer \"{{ .Name }} 300 IN AAAA fd00::3\"\n }\n"                              \
    " template IN A alias.test {\n  answer \"{{ .Name }} 300 IN CNAME x.four.example.\"\n  answer "          \
    "\"x.four.example. 300 IN A 10.0.0.1\"\n  answer \"x.four.example. 300 IN A 10.0.0.2\"\n }\n"            \
    " template IN A backward.test {\n  answer \"{{ .Name }} 300 IN A 10.0.0.1\"\n  answer \"{{ .Name }} "    \
    "300 IN "                                                                                                \
    "TXT last\"\n }\n"                                                                                       \
    " template IN TXT text.test {\n  answer \"{{ .Name }} 300 IN TXT one\"\n  answer \"{{ .Name }} 300 IN "  \
    "TXT two\"\n }\n"                                                                                        \
    " template IN SRV text.test {\n  answer \"{{ .Name }} 300 IN SRV 0 0 80 a.test.\"\n  additional "        \
    "\"a.test. 300 IN A 10.0.0.1\"\n  additional \"a.test. 300 IN A 10.0.0.2\"\n }\n"                        \
    " template IN HTTPS text.test {\n  answer \"{{ .Name }} 300 IN HTTPS 1 . alpn=h2\"\n }\n"                \
    " template IN A big.test {\n" BIG BIG BIG BIG " }\n"                                                     \
    " template IN ANY none.test {\n  rcode NXDOMAIN\n  authority \"" SOA "\"\n }\n"                          \
    " template IN ANY fail.test {\n  rcode SERVFAIL\n }\n"                                                   \
    " template IN ANY test {\n  authority \"" SOA "\"\n }\n"                                                 \
    " template IN ANY . {\n  rcode NXDOMAIN\n  authority \". 300 IN SOA ns.test. root.test. 1 2 3 4 60\"\n " \
    "}\n"
#define BIG                                                                                                  \
    "  answer \"{{ .Name }} 300 IN A 10.0.{{ len .Name }}.1\"\n" ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7)
#define ONE(n) "  answer \"{{ .Name }} 300 IN A 10." #n ".0.{{ len .Name }}\"\n"

static void make_kept_question(struct packet *p)
{
    static const char *const fronts[] = {"", "www", "WwW", "a.b.c", "x1", "X2", "cluster.local"};
    static const char *const names[] = {
        "one.test",  "four.test", "alias.test", "backward.test", "text.test", "big.test",
        "none.test", "fail.test", "other.test", "example",       "ONE.Test",  "web.shop.svc.cluster.local"};
    static const uint16_t types[] = {RR_A, RR_A, RR_A, RR_AAAA, RR_TXT, RR_SRV, RR_HTTPS, RR_MX};
    bool edns = chance(2);
    p->len = 0;
    put_u16(p, chance(65536));
    put_u16(p,
            (chance(4) != 0 ? FLAG_RD : 0) | (chance(3) == 0 ? FLAG_CD : 0) | (chance(3) == 0 ? FLAG_AD : 0));
    put_u16(p, 1);
    put_u16(p, 0);
    put_u16(p, 0);
    put_u16(p, edns);
    uint8_t *name = p->data + p->len;
    size_t len = 0;
    put_labels(name, &len, fronts[chance(sizeof fronts / sizeof fronts[0])]);
    len = name[0] == 0 ? 0 : len;
    put_labels(name, &len, names[chance(sizeof names / sizeof names[0])]);
    name[len++] = 0;
    p->len += len;
    put_u16(p, types[chance(8)]);
    put_u16(p, CLASS_IN);
    if (edns)
        put_opt(p);
}

struct tally {
    struct both both;
    unsigned found, denied, shuffled;
};

/* The chain first, which keeps the answer; then both. */
static void ask_batch(struct worker *w, struct express_work *work, struct both *both)
{
    static struct batch b;
    static struct packet other;
    struct tally *t = (struct tally *)both;
    unsigned n = 1 + chance(EXPRESS_BATCH);
    for (b.n = 0; b.n < n; batch_add(&b, &somebody)) {
        make_kept_question(&b.questions[b.n]);
        ask_chain(w, &b.questions[b.n], &somebody, &other);
    }
    both->questions += n;
    both->answered += batch_serve(&b, w, work, 0);
    for (unsigned i = 0; i < n; i++) {
        const struct packet *answer = &b.answers[i];
        if (answer->len == 0) {
            both->touched += batch_touched(&b, i);
            continue;
        }
        t->found += answer->data[7] > 0;
        t->denied += answer->data[7] == 0;
        ask_chain(w, &b.questions[i], &somebody, &other);
        t->shuffled += other.len == answer->len && memcmp(other.data, answer->data, other.len) != 0;
        if (other.len != answer->len || !same_answers(answer, &other)) {
            both->wrong++;
            show_both(&b.questions[i], answer, &other);
        }
    }
}

/* At least `least` in a hundred go the short way. */
static struct tally compare(const char *corefile, unsigned least)
{
    struct tally t = {.both = {.ask = ask_batch, .rounds = ROUNDS}};
    ask_both_ways(corefile, &t.both);
    printf("    %u of %u went the short way: %u found, %u denied, %u in another order\n", t.both.answered,
           t.both.questions, t.found, t.denied, t.shuffled);
    CU_ASSERT(t.both.answered >= least * (t.both.questions / 100));
    return t;
}

#define CLUSTER " kubernetes cluster.local in-addr.arpa {\n  pods insecure\n  fallthrough in-addr.arpa\n }\n"
#define STOCK                                                                                                \
    ".:5300 {\n errors\n health\n" CLUSTER                                                                   \
    " prometheus :9153\n cache 30\n loop\n reload\n loadbalance\n" TEMPLATES "}\n"

static void under_the_stock_corefile(void)
{
    struct tally t = compare(STOCK, 45);
    CU_ASSERT(t.found > 0 && t.denied > 0 && t.shuffled > 0);
}

static void with_cache_and_whatever_answers(void)
{
    struct tally t = compare(".:5300 {\n cache 30\n" TEMPLATES "}\n", 50);
    CU_ASSERT_EQUAL(t.shuffled, 0); /* nobody asks for another order: the octets are the same */
}

static void under_other_settings(void)
{
    compare(".:5300 {\n bufsize 600\n errors\n cache 30 {\n  keepttl\n  prefetch 3 1m 20%\n }\n" TEMPLATES
            "}\n",
            45);
    compare(".:5300 {\n chaos x\n cache {\n  serve_stale 1h verify 100ms\n  success 1024 5\n }\n "
            "loadbalance\n" TEMPLATES "}\n",
            45);
    compare("test:5300 {\n cache\n" TEMPLATES "}\n.:5300 {\n whoami\n}\n", 35);
    compare(".:5300 {\n cache\n" TEMPLATES "}\ntest:5300 {\n errors\n cache test\n" TEMPLATES
            "}\none.test:5300 {\n whoami\n}\n",
            35);
}

/* What each of the names is answered with where the chain has kept an answer to it: a bit each. */
struct alone {
    const char *const *names;
    unsigned answered;
};

static int ask_alone(struct worker *w, void *ctx)
{
    struct alone *a = ctx;
    struct express_work *work = express_work_new();
    static struct packet question, answer;
    for (unsigned i = 0; a->names[i] != NULL; i++) {
        struct query q = make_query(a->names[i], RR_A);
        question.len = (size_t)query_write(&q, question.data, 512);
        ask_chain(w, &question, &somebody, &answer);
        struct express_datagram d = {
            .packet = question.data, .size = (uint16_t)question.len, .client = &somebody};
        const struct express_table *t = w->present->config->listeners[0].express;
        a->answered |= (t == NULL ? 0 : express_serve(work, t, w, &d, 1, 0)) << i;
    }
    free(work);
    return ERR_OK;
}

static unsigned answered_alone(const char *corefile)
{
    static const char *const names[] = {"www.one.test.",
                                        "www.fail.test.",
                                        "backward.test.",
                                        "four.test.",
                                        "outside.example.",
                                        "9.9.in-addr.arpa.",
                                        ".",
                                        NULL};
    struct alone a = {.names = names};
    fixture_use(corefile);
    workers_call(ask_alone, &a);
    fixture_let_go();
    return a.answered;
}

static void leaves_alone_what_the_chain_must_see(void)
{
    /* A failure; records that are to be put in order; a name that falls through a zone; the root. */
    CU_ASSERT_EQUAL(answered_alone(STOCK), 1u << 0 | 1u << 3 | 1u << 4);
    CU_ASSERT_EQUAL(answered_alone(".:5300 {\n cache 30\n" TEMPLATES "}\n"),
                    1u << 0 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5);
    CU_ASSERT_EQUAL(answered_alone(".:5300 {\n log\n cache 30\n" TEMPLATES "}\n"), 0);
    CU_ASSERT_EQUAL(
        answered_alone(".:5300 {\n rewrite name a.example b.example\n cache 30\n" TEMPLATES "}\n"), 0);
    CU_ASSERT_EQUAL(answered_alone(".:5300 {\n cache 30 one.test\n" TEMPLATES "}\n"), 0);
    CU_ASSERT_EQUAL(answered_alone(".:5300 {\n cache 30 {\n  disable success one.test\n }\n" TEMPLATES "}\n"),
                    1u << 2 | 1u << 3 | 1u << 4 | 1u << 5);
    CU_ASSERT_EQUAL(
        answered_alone(".:5300 {\n cache 30 {\n  prefetch 1 1m 90%\n  success 1024 1 1\n }\n" TEMPLATES
                       "}\n"),
        1u << 4 | 1u << 5); /* the denials, which last */
    CU_ASSERT_EQUAL(answered_alone(".:5300 {\n" TEMPLATES "}\n"), 0);
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

static int count_both(struct worker *w, void *ctx)
{
    struct counted *c = ctx;
    struct express_work *work = express_work_new();
    static struct packet answer;
    for (unsigned i = 0; i < 3000; i++) {
        make_kept_question(&answer);
        struct packet kept = answer;
        ask_chain(w, &kept, &somebody, &answer);
    }
    render(&c->before);
    while (c->count < COUNTED) {
        struct packet *q = &c->questions[c->count];
        make_kept_question(q);
        answer = *q;
        struct express_datagram d = {.packet = answer.data, .size = (uint16_t)q->len, .client = &somebody};
        c->count += express_serve(work, w->present->config->listeners[0].express, w, &d, 1, clock_ns()) == 1;
    }
    render(&c->between);
    for (unsigned i = 0; i < c->count; i++)
        ask_chain(w, &c->questions[i], &somebody, &answer);
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

static bool is_counted(const char *series, size_t len)
{
    bool time = memmem(series, len, "duration", 8) != NULL;
    return !time && len > 14 &&
           (memcmp(series, "coredns_dns_", 12) == 0 || memcmp(series, "coredns_cache_", 14) == 0) &&
           memmem(series, len, "_entries", 8) == NULL;
}

static void is_counted_as_the_chain_counts(void)
{
    struct counted *c = calloc(1, sizeof *c);
    unsigned compared = 0, of_cache = 0;
    fixture_use(STOCK);
    workers_call(count_both, c);
    for (const char *line = c->after.data; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t len = strcspn(line, " \n");
        if (!is_counted(line, len))
            continue;
        double before = value_of(&c->before, line, len), between = value_of(&c->between, line, len);
        CU_ASSERT_EQUAL(between - before, value_of(&c->after, line, len) - between);
        compared += between > before;
        of_cache += between > before && memcmp(line, "coredns_cache_", 14) == 0;
    }
    CU_ASSERT(compared > 20);
    CU_ASSERT_EQUAL(of_cache, 3); /* requests; hits of either kind */
    fixture_let_go();
    bytes_free(&c->before);
    bytes_free(&c->between);
    bytes_free(&c->after);
    free(c);
}

static const struct unit_test tests[] = {
    {"answers as the chain does under the stock Corefile", under_the_stock_corefile},
    {"answers as the chain does with the cache alone", with_cache_and_whatever_answers},
    {"answers as the chain does under other settings", under_other_settings},
    {"leaves alone what the chain must see", leaves_alone_what_the_chain_must_see},
    {"is counted as the chain counts", is_counted_as_the_chain_counts},
};

int main(void)
{
    return run_both_ways("express_kept", tests, sizeof tests / sizeof tests[0], false);
}
