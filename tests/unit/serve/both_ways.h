/*
 * Questions asked the short way and by the chain, in batches as they come from a socket, and the program
 * around that. Included by one file of a program, after express_questions.h.
 */
#ifndef SEAMARK_TESTS_BOTH_WAYS_H
#define SEAMARK_TESTS_BOTH_WAYS_H

#include "../plugins/fake_lines.h" /* which test_express_log.c alone looks at */
#include "../runner.h"

/* ---- a batch, the short way ---- */

struct batch {
    struct packet questions[EXPRESS_BATCH], answers[EXPRESS_BATCH];
    struct express_datagram datagrams[EXPRESS_BATCH];
    unsigned n;
};

/* Adds questions[n], which has been made. */
static inline void batch_add(struct batch *b, const union address *client)
{
    b->answers[b->n] = b->questions[b->n];
    b->datagrams[b->n] = (struct express_datagram){
        .packet = b->answers[b->n].data, .size = (uint16_t)b->questions[b->n].len, .client = client};
    b->n++;
}

/* Returns how many were answered; the others' answers have no length. */
static inline unsigned batch_serve(struct batch *b, struct worker *w, struct express_work *work, uint64_t now)
{
    unsigned answered =
        express_serve(work, w->present->config->listeners[0].express, w, b->datagrams, b->n, now);
    for (unsigned i = 0; i < b->n; i++)
        b->answers[i].len = b->datagrams[i].answer;
    return answered;
}

/* Whether the packet of one that was not answered is no longer the question's. */
static inline bool batch_touched(const struct batch *b, unsigned i)
{
    return memcmp(b->answers[i].data, b->questions[i].data, b->questions[i].len) != 0;
}

/* ---- many batches under one configuration ---- */

/* First member of what a test counts. */
struct both {
    void (*ask)(struct worker *w, struct express_work *work, struct both *t); /* a batch */
    unsigned rounds;                                                          /* questions in all */
    unsigned questions, answered, wrong, touched;
};

static inline int ask_many(struct worker *w, void *ctx)
{
    struct both *t = ctx;
    struct express_work *work = express_work_new();
    while (t->questions < t->rounds && t->wrong < 3)
        t->ask(w, work, t);
    free(work);
    return ERR_OK;
}

static inline void ask_both_ways(const char *corefile, struct both *t)
{
    fixture_use(corefile);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fixture_config->listeners[0].express);
    workers_call(ask_many, t);
    CU_ASSERT_EQUAL(t->wrong, 0);
    CU_ASSERT_EQUAL(t->touched, 0);
    fixture_let_go();
}

/* ---- the program ---- */

static inline int run_both_ways(const char *name, const struct unit_test *tests, size_t count, bool wildcards)
{
    struct errtext e = {0};
    if (workers_start(1, &e) != ERR_OK)
        return 2;
    rcu_reader_register();
    fill_zones(wildcards);
    int status = run_suite(name, tests, count);
    workers_stop();
    fixture_forget_zones();
    rcu_drain();
    rcu_reader_unregister();
    fake_lines_take();
    fake_lines_take();
    return status;
}

#endif
