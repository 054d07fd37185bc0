/* The short way of a query beside the chain: the same questions both ways, answers compared record by record.
 */
#include "serve/express.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "message.h"
#include "metrics/metrics.h"
#include "served_fixture.h"

#include "express_questions.h"

#include "both_ways.h"
#include "same_answers.h"

#define ROUNDS 40000 /* questions to each configuration */

/* ---- both ways ---- */

struct tally {
    struct both both;
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
static void ask_batch(struct worker *w, struct express_work *work, struct both *t)
{
    static struct batch b;
    static struct packet other;
    unsigned n = 1 + chance(EXPRESS_BATCH);
    for (b.n = 0; b.n < n; batch_add(&b, &somebody))
        make_question(&b.questions[b.n]);
    t->questions += n;
    t->answered += batch_serve(&b, w, work, 0);
    for (unsigned i = 0; i < n; i++) {
        if (b.answers[i].len == 0) {
            t->touched += batch_touched(&b, i);
            continue;
        }
        tell_apart((struct tally *)t, b.answers[i].data);
        ask_chain(w, &b.questions[i], &somebody, &other);
        if (other.len == 0 || other.len > EXPRESS_ROOM || !same_answers(&b.answers[i], &other)) {
            t->wrong++;
            show_both(&b.questions[i], &b.answers[i], &other);
        }
    }
}

/* Both ways under this configuration; at least `least` in a thousand questions go the short way. */
static void compare(const char *corefile, unsigned least)
{
    struct tally t = {.both = {.ask = ask_batch, .rounds = ROUNDS}};
    ask_both_ways(corefile, &t.both);
    printf(
        "%s%u of %u went the short way: %u found, %u without data, %u denied, %u with additional records\n",
        corefile, t.both.answered, t.both.questions, t.found, t.nodata, t.nxdomain, t.additional);
    CU_ASSERT(t.both.answered >= least * (t.both.questions / 1000));
    CU_ASSERT(t.found > 0 && t.nodata > 0);
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
        ".:5300 {\n log . {\n  class error\n }\n kubernetes cluster.local in-addr.arpa {\n  fallthrough "
        "in-addr.arpa\n }\n cache 30\n}\n",
        ".:5300 {\n kubernetes cluster.local in-addr.arpa\n hosts {\n  10.9.9.9 web.shop.svc.cluster.local "
        "nothing.shop.svc.cluster.local *.empty.svc.cluster.local\n  10.96.0.1 a.example\n  fallthrough\n "
        "}\n cache 30\n loadbalance\n}\n",
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
        struct express_datagram d = {
            .packet = packet, .size = (uint16_t)query_write(&q, packet, 512), .client = &somebody};
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

/* The names of hosts, and those that it does not pass. */
static void leaves_alone_what_hosts_may_answer(void)
{
    static const char *const names[] = {
        "web.shop.svc.cluster.local.",      "dual.shop.svc.cluster.local.",
        "nothing.shop.svc.cluster.local.",  "other.shop.svc.cluster.local.",
        "nothing.empty.svc.cluster.local.", "a.nothing.empty.svc.cluster.local.",
        "WEB.shop.svc.Cluster.local.",      NULL};
    static const char passing[] = ".:5300 {\n kubernetes cluster.local\n hosts {\n  10.9.9.9 "
                                  "Web.shop.svc.cluster.local nothing.shop.svc.cluster.local\n  fd00::1 "
                                  "*.empty.svc.cluster.local\n  fallthrough\n }\n}\n";
    CU_ASSERT_EQUAL(answered_alone(passing, names), 1u << 1 | 1u << 3 | 1u << 5);
    static const char holding[] =
        ".:5300 {\n kubernetes cluster.local\n hosts {\n  10.9.9.9 "
        "web.shop.svc.cluster.local\n  fallthrough empty.svc.cluster.local\n }\n}\n";
    CU_ASSERT_EQUAL(answered_alone(holding, names), 1u << 4 | 1u << 5);
    static const char elsewhere[] = ".:5300 {\n kubernetes cluster.local\n hosts /etc/hosts example.com {\n  "
                                    "10.9.9.9 a.example.com\n }\n}\n";
    CU_ASSERT_EQUAL(answered_alone(elsewhere, names), 0x7f);
}

static void is_not_there_where_a_stage_must_see_every_question(void)
{
    static const char *const lines[] = {"log . {local}", "log . {/kubernetes/service}",
                                        "rewrite name a.example b.example", "template IN A example\n",
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
    {"leaves alone what hosts may answer", leaves_alone_what_hosts_may_answer},
    {"is counted as the chain counts", is_counted_as_the_chain_counts},
    {"is not there where a stage must see every question",
     is_not_there_where_a_stage_must_see_every_question},
};

int main(void)
{
    return run_both_ways("express", tests, sizeof tests / sizeof tests[0], false);
}
