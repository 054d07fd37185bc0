/* What a cache takes of memory, and what goes when that is the limit. */
#include "../runner.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "../serve/message.h"
#include "base/err.h"
#include "base/rcu.h"
#include "cache/answer_cache_p.h"

#define SECOND UINT64_C(1000000000)
#define NOW    (1000 * SECOND)
#define MIB    (UINT64_C(1) << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* the heap is another then */
#else
#define SANITIZED 0
#endif

static struct answer_cache *cache;

static void begin(const struct cache_capacity *capacity)
{
    CU_ASSERT_EQUAL_FATAL(answer_cache_new(capacity, &cache), ERR_OK);
    rcu_reader_register();
}

static void end(void)
{
    rcu_reader_unregister();
    rcu_drain();
    answer_cache_free(cache);
}

/* As a client of the outside asks: half of the names have an address, a quarter an alias and two, a quarter
 * are not there. */
static const char *const kinds_of_answers[][4] = {
    {"x.example.org. 60 IN A 10.0.0.1"},
    {"x.example.org. 60 IN AAAA 2001:db8::1"},
    {"x.example.org. 60 IN CNAME x.cdn.example.net.", "x.cdn.example.net. 60 IN A 10.0.0.1",
     "x.cdn.example.net. 60 IN A 10.0.0.2"},
    {NULL},
};

static struct query numbered(unsigned i)
{
    char name[48];
    snprintf(name, sizeof name, "host-%u.region.example.org.", i);
    return make_query(name, RR_A);
}

static void put(unsigned i, enum cache_kind kind)
{
    struct query q = numbered(i);
    struct reply *r = make_reply(&q, kind == CACHE_SUCCESS ? kinds_of_answers[i % 3] : NULL);
    if (kind == CACHE_DENIAL)
        add_record(r, SECTION_AUTHORITY,
                   "example.org. 60 IN SOA ns.example.org. root.example.org. 1 2 3 4 60");
    const struct cache_keep keep = {.kind = kind, .ttl_s = 60, .now_ns = NOW};
    unsigned evicted[2];
    CU_ASSERT_EQUAL(answer_cache_put(cache, &q, r, &keep, evicted), ERR_OK);
    free(r);
}

static bool use(unsigned i)
{
    static struct reply r;
    struct query q = numbered(i);
    const struct cache_lookup look = {.now_ns = NOW};
    struct cache_hit hit;
    return answer_cache_get(cache, &q, &look, &r, &hit);
}

static unsigned use_all(unsigned first, unsigned last)
{
    unsigned n = 0;
    for (unsigned i = first; i < last; i++)
        n += use(i);
    return n;
}

static uint64_t heap(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static uint64_t resident(void)
{
    unsigned long total, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CU_ASSERT_FATAL(f != NULL && fscanf(f, "%lu %lu", &total, &pages) == 2);
    fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void what_it_counts_is_what_malloc_has_given(void)
{
    const struct cache_capacity capacity = {.entries = {20000, 20000}};
    uint64_t before = heap();
    begin(&capacity);
    for (unsigned i = 0; i < 20000; i++)
        put(i, i % 4 == 3 ? CACHE_DENIAL : CACHE_SUCCESS);
    rcu_drain();
    uint64_t taken = heap() - before, counted = answer_cache_bytes(cache);
    CU_ASSERT_TRUE(SANITIZED || (taken > counted - counted / 50 && taken < counted + counted / 50));
    CU_ASSERT_TRUE(counted > UINT64_C(20000) * 112);
    end();
}

static void a_hundred_thousand_names_take_less_than_40_mb(void)
{
    const struct cache_capacity capacity = {.entries = {100096, 100096}};
    uint64_t before = resident();
    begin(&capacity);
    for (unsigned i = 0; i < 100000; i++)
        put(i, i % 4 == 3 ? CACHE_DENIAL : CACHE_SUCCESS);
    uint64_t taken = resident() - before;
    CU_ASSERT_EQUAL(use_all(0, 100000), 100000);
    printf("    100,000 names: %.1f MB counted, %.1f MB resident\n", (double)answer_cache_bytes(cache) / 1e6,
           (double)taken / 1e6);
    CU_ASSERT_TRUE(answer_cache_bytes(cache) < 30000000);
    CU_ASSERT_TRUE(SANITIZED || taken < 40000000);
    end();
}

static void octets_bound_both_kinds_together(void)
{
    const struct cache_capacity capacity = {.entries = {1000000, 1000000}, .bytes = 2 * MIB};
    begin(&capacity);
    CU_ASSERT_TRUE(answer_cache_bytes(cache) < MIB / 4); /* the index */
    for (unsigned i = 0; i < 40000; i++) {
        put(i, i % 2 == 0 ? CACHE_SUCCESS : CACHE_DENIAL);
        CU_ASSERT_TRUE(answer_cache_bytes(cache) <= 2 * MIB);
    }
    CU_ASSERT_TRUE(answer_cache_bytes(cache) > 2 * MIB - 1024);
    CU_ASSERT_TRUE(answer_cache_count(cache, CACHE_SUCCESS) > 4000);
    CU_ASSERT_TRUE(answer_cache_count(cache, CACHE_DENIAL) > 3000);
    end();
}

/* A chain that grows too long loses its oldest entry, in use or not. */
static void names_spread_over_the_whole_index(void)
{
    const struct cache_capacity capacity = {.entries = {5000, 5000}};
    begin(&capacity);
    unsigned per_bucket[16384] = {0}, used = 0;
    CU_ASSERT_EQUAL_FATAL(cache->mask, 16383);
    for (unsigned i = 0; i < 16384; i++) {
        struct query q = numbered(i);
        const struct cache_key key = cache_key_of(&q);
        used += per_bucket[cache_key_hash(cache, &key) & cache->mask]++ == 0;
    }
    CU_ASSERT_TRUE(used > 9830 && used < 10880); /* 1 - 1/e of all by chance, and 5 in 100 */
    end();
}

static void a_flood_of_denials_leaves_answers_that_are_in_use(void)
{
    const struct cache_capacity capacity = {.entries = {1000000, 1000000}, .bytes = 2 * MIB};
    begin(&capacity);
    for (unsigned i = 0; i < 6000; i++)
        put(i, CACHE_SUCCESS);
    CU_ASSERT_EQUAL(use_all(0, 6000), 6000);
    for (unsigned i = 100000; i < 200000; i++)
        put(i, CACHE_DENIAL);
    CU_ASSERT_EQUAL(use_all(0, 6000), 6000);
    end();
}

static void a_kind_that_comes_late_gets_room(void)
{
    const struct cache_capacity capacity = {.entries = {1000000, 1000000}, .bytes = 2 * MIB};
    begin(&capacity);
    for (unsigned i = 100000; i < 150000; i++) /* full of them */
        put(i, CACHE_DENIAL);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 5000; i++) {
            if (!use(i))
                put(i, CACHE_SUCCESS);
            put(200000 + round * 5000 + i, CACHE_DENIAL);
        }
    CU_ASSERT_EQUAL(use_all(0, 5000), 5000);
    end();
}

static void entries_and_octets_both_hold(void)
{
    const struct cache_capacity capacity = {.entries = {100, 1000000}, .bytes = 2 * MIB};
    begin(&capacity);
    for (unsigned i = 0; i < 30000; i++)
        put(i, i % 3 == 0 ? CACHE_SUCCESS : CACHE_DENIAL);
    CU_ASSERT_EQUAL(answer_cache_count(cache, CACHE_SUCCESS), 100);
    CU_ASSERT_TRUE(answer_cache_count(cache, CACHE_DENIAL) > 6000);
    CU_ASSERT_TRUE(answer_cache_bytes(cache) <= 2 * MIB);
    end();
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"100,000 names take less than 40 MB", a_hundred_thousand_names_take_less_than_40_mb},
        {"what it counts is what malloc has given", what_it_counts_is_what_malloc_has_given},
        {"octets bound both kinds together", octets_bound_both_kinds_together},
        {"names spread over the whole index", names_spread_over_the_whole_index},
        {"a flood of denials leaves answers that are in use",
         a_flood_of_denials_leaves_answers_that_are_in_use},
        {"a kind that comes late gets room", a_kind_that_comes_late_gets_room},
        {"entries and octets both hold", entries_and_octets_both_hold},
    };
    return run_suite("answer_cache_size", tests, sizeof tests / sizeof tests[0]);
}
