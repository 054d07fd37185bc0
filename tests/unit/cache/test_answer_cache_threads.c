/* Reading, replacing and evicting at once; for ThreadSanitizer. */
#include "../runner.h"

#include <pthread.h>
#include <stdio.h>

#include "../serve/message.h"
#include "base/err.h"
#include "base/rcu.h"
#include "cache/answer_cache.h"

#define SECOND  UINT64_C(1000000000)
#define NAMES   200 /* more than fit: eviction goes on all the time */
#define ROUNDS  20000
#define THREADS 3

static struct answer_cache *cache;
static struct query questions[NAMES];

struct work {
    unsigned seed, hits, wrong;
};

/* The short way reads entries in place. Returns 1 where it is not the answer to question n. */
static unsigned directly(unsigned n, uint64_t now, const struct cache_prefetch *prefetch)
{
    struct express_question q = {.lname = questions[n].lname,
                                 .len = questions[n].qname_len,
                                 .qtype = RR_A,
                                 .room = 400,
                                 .name_hash = questions[n].hash,
                                 .now_ns = now};
    const struct cache_lookup look = {.now_ns = now, .prefetch = prefetch};
    size_t question_end = DNS_HEADER_LEN + questions[n].qname_len + 4u;
    struct express_kept k;
    rcu_reader_begin();
    answer_cache_fetch(cache, &q, 0);
    answer_cache_fetch(cache, &q, 1);
    bool wrong = answer_cache_direct(cache, &q, &look, &k) &&
                 (k.count[0] != 1 || k.run != 1 || k.body[k.rr[0].rdata - question_end + 3] != n);
    rcu_reader_end();
    return wrong;
}

static void *use(void *ctx)
{
    struct work *work = ctx;
    struct reply *r = malloc(sizeof *r);
    const struct cache_prefetch prefetch = {.amount = 1, .window_ms = 1000, .percent = 50};
    rcu_reader_register();
    for (unsigned i = 0; i < ROUNDS; i++) {
        work->seed = work->seed * 1103515245 + 12345;
        unsigned n = work->seed / 65536 % NAMES;
        uint64_t now = 1000 * SECOND + i * (SECOND / 100);
        const struct cache_lookup look = {.now_ns = now, .prefetch = &prefetch};
        struct cache_hit hit;
        bool found = answer_cache_get(cache, &questions[n], &look, r, &hit);
        work->hits += found;
        work->wrong += directly(n, now, &prefetch);
        /* The answer to question n is the address 10.0.0.n. */
        if (found && (r->nrecords != 1 || r->wire[r->rr[0].rdata + 3] != n))
            work->wrong++;
        if (!found || hit.refresh) {
            const uint8_t rdata[4] = {10, 0, 0, (uint8_t)n};
            const struct rr rr = {.owner = questions[n].lname,
                                  .type = RR_A,
                                  .class = CLASS_IN,
                                  .ttl = 5,
                                  .rdlen = 4,
                                  .rdata = rdata};
            struct reply *fresh = make_reply(&questions[n], NULL);
            unsigned evicted[2];
            reply_add(fresh, SECTION_ANSWER, &rr);
            const struct cache_keep keep = {.kind = CACHE_SUCCESS, .ttl_s = 5, .now_ns = now};
            answer_cache_put(cache, &questions[n], fresh, &keep, evicted);
            free(fresh);
        }
        if (i % 1000 == 0)
            answer_cache_refresh_failed(cache, &questions[n], now, 1);
    }
    rcu_reader_unregister();
    free(r);
    return NULL;
}

static void no_reader_sees_a_wrong_or_half_answer(void)
{
    const struct cache_capacity capacity = {.entries = {100, 10}};
    struct work work[THREADS] = {{.seed = 1}, {.seed = 2}, {.seed = 3}};
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < NAMES; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%u.example.org.", i);
        questions[i] = make_query(name, RR_A);
    }
    CU_ASSERT_EQUAL_FATAL(answer_cache_new(&capacity, &cache), ERR_OK);
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, use, &work[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL(work[i].wrong, 0);
        CU_ASSERT_TRUE(work[i].hits > ROUNDS / 10);
    }
    CU_ASSERT_TRUE(answer_cache_count(cache, CACHE_SUCCESS) <= 100);
    rcu_drain();
    answer_cache_free(cache);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"no reader sees a wrong or half answer", no_reader_sees_a_wrong_or_half_answer},
    };
    return run_suite("answer_cache_threads", tests, sizeof tests / sizeof tests[0]);
}
