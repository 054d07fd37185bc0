/* A cache that is written while it is used, let go while it is written, and read again; for ThreadSanitizer.
 */
#include "../runner.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "../serve/message.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rcu.h"
#include "cache/cache_persist.h"

#define NAMES  300
#define ROUNDS 6000

static const struct cache_capacity capacity = {.entries = {200, 10}};
static struct answer_cache *cache;
static char path[64];

static struct query numbered(unsigned i)
{
    char name[32];
    snprintf(name, sizeof name, "n%u.example.org.", i);
    return make_query(name, RR_A);
}

static void put(unsigned i)
{
    struct query q = numbered(i);
    struct reply *r = make_reply(&q, NULL);
    const uint8_t rdata[4] = {10, 0, 0, (uint8_t)i};
    const struct rr rr = {
        .owner = q.lname, .type = RR_A, .class = CLASS_IN, .ttl = 60, .rdlen = 4, .rdata = rdata};
    reply_add(r, SECTION_ANSWER, &rr);
    const struct cache_keep keep = {
        .kind = CACHE_SUCCESS, .ttl_s = 60, .now_ns = clock_ns(), .answering = true};
    unsigned evicted[2];
    rcu_reader_register();
    CU_ASSERT_EQUAL(answer_cache_put(cache, &q, r, &keep, evicted), ERR_OK);
    rcu_reader_unregister();
    free(r);
}

static unsigned count_right(void)
{
    struct reply *r = malloc(sizeof *r);
    unsigned right = 0;
    rcu_reader_register();
    for (unsigned i = 0; i < NAMES; i++) {
        struct query q = numbered(i);
        const struct cache_lookup look = {.now_ns = clock_ns()};
        struct cache_hit hit;
        if (!answer_cache_get(cache, &q, &look, r, &hit))
            continue;
        CU_ASSERT_TRUE(r->nrecords == 1 && r->wire[r->rr[0].rdata + 3] == (uint8_t)i);
        right++;
    }
    rcu_reader_unregister();
    free(r);
    return right;
}

static void *use(void *ctx)
{
    unsigned *seed = ctx;
    for (unsigned i = 0; i < ROUNDS; i++) {
        *seed = *seed * 1103515245 + 12345;
        put(*seed / 65536 % NAMES);
    }
    return NULL;
}

static struct cache_persist *begin(uint64_t interval_ms)
{
    const struct cache_persist_settings s = {
        .path = path, .identity = 7, .interval_ms = interval_ms, .max_ttl_s = {3600, 1800}};
    CU_ASSERT_EQUAL_FATAL(answer_cache_new(&capacity, &cache), ERR_OK);
    struct cache_persist *p = cache_persist_start(cache, &s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    return p;
}

static void end(struct cache_persist *p)
{
    cache_persist_stop(p);
    rcu_drain();
    answer_cache_free(cache);
}

static void it_is_written_while_it_is_used(void)
{
    pthread_t threads[2];
    unsigned seeds[2] = {1, 2};
    struct cache_persist *p = begin(1);
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, use, &seeds[i]), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cache_persist_leave(p);
    unsigned there = count_right();
    CU_ASSERT_EQUAL(there, 200);
    end(p);
    p = begin(1000);
    CU_ASSERT_EQUAL(count_right(), there);
    end(p);
}

static void it_can_be_let_go_at_any_time(void)
{
    for (unsigned round = 0; round < 10; round++) {
        struct cache_persist *p = begin(1);
        for (unsigned i = 0; i < 40 * round; i++)
            put(i % NAMES);
        end(p);
    }
    struct cache_persist *p = begin(1000);
    count_right(); /* whatever was written last is whole */
    end(p);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"it is written while it is used", it_is_written_while_it_is_used},
        {"it can be let go at any time", it_can_be_let_go_at_any_time},
    };
    char folder[] = "/tmp/seamark-cache-XXXXXX";
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/kept", folder);
    int status = run_suite("cache_persist_threads", tests, sizeof tests / sizeof tests[0]);
    unlink(path);
    rmdir(folder);
    return status;
}
