/* Answers kept: what is one entry, TTLs, limits, and who has to go. */
#include "../runner.h"

#include <stdio.h>

#include "../serve/message.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rcu.h"
#include "cache/answer_cache.h"

#define SECOND UINT64_C(1000000000)
#define NOW    (1000 * SECOND)

static const struct cache_keep minute = {
    .kind = CACHE_SUCCESS, .ttl_s = 60, .now_ns = NOW, .answering = true};

static struct answer_cache *cache;
static struct reply *got;

static void begin(uint32_t success, uint32_t denial, uint32_t stale_s)
{
    const struct cache_capacity capacity = {.entries = {success, denial}, .stale_s = stale_s};
    CU_ASSERT_EQUAL_FATAL(answer_cache_new(&capacity, &cache), ERR_OK);
    got = malloc(sizeof *got);
    rcu_reader_register();
}

static void end(void)
{
    rcu_reader_unregister();
    rcu_drain();
    answer_cache_free(cache);
    free(got);
}

static unsigned put(const struct query *q, enum cache_kind kind, const char *line, uint32_t ttl, uint64_t now)
{
    const char *const lines[] = {line, NULL};
    struct reply *r = make_reply(q, lines);
    unsigned evicted[2];
    for (unsigned i = 0; i < r->nrecords; i++)
        reply_set_ttl(r, i, ttl);
    r->flags = kind == CACHE_DENIAL ? FLAG_RA : FLAG_AA | FLAG_RA | FLAG_AD;
    r->rcode = kind == CACHE_DENIAL ? RCODE_NXDOMAIN : RCODE_NOERROR;
    const struct cache_keep keep = {
        .kind = kind, .ttl_s = ttl, .now_ns = now, .answering = kind == CACHE_SUCCESS};
    CU_ASSERT_EQUAL(answer_cache_put(cache, q, r, &keep, evicted), ERR_OK);
    free(r);
    return evicted[0] + evicted[1];
}

static bool get(const struct query *q, uint64_t now, struct cache_hit *hit)
{
    const struct cache_lookup look = {.now_ns = now};
    return answer_cache_get(cache, q, &look, got, hit);
}

static bool has(const struct query *q, uint64_t now)
{
    struct cache_hit hit;
    return get(q, now, &hit);
}

/* ---- hits ---- */

static void a_hit_is_the_answer_with_what_is_left_of_its_ttl(void)
{
    struct query q = make_query("www.Example.org.", RR_A), asked = make_query("WWW.example.ORG.", RR_A);
    struct cache_hit hit;
    begin(16, 16, 0);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.1", 60, NOW);
    CU_ASSERT_TRUE_FATAL(get(&asked, NOW + 59 * SECOND + SECOND / 2, &hit));
    CU_ASSERT_TRUE(hit.kind == CACHE_SUCCESS && hit.left_s == 1 && !hit.refresh);
    CU_ASSERT_TRUE(got->nrecords == 1 && got->count[0] == 1 && got->rcode == RCODE_NOERROR);
    CU_ASSERT_EQUAL(reply_ttl(got, 0), 1);
    CU_ASSERT_EQUAL(got->flags, FLAG_AA | FLAG_RA | FLAG_AD);
    uint8_t owner[NAME_MAX_LEN];
    char text[NAME_MAX_TEXT];
    reply_owner(got, 0, owner);
    CU_ASSERT_STRING_EQUAL(name_to_text(owner, text), "WWW.example.ORG."); /* the asker's case */
    CU_ASSERT_FALSE(has(&asked, NOW + 60 * SECOND));
    end();
}

static void a_hit_can_be_added_to(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    begin(16, 16, 0);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN CNAME a.example.org.", 60, NOW);
    CU_ASSERT_TRUE_FATAL(has(&q, NOW));
    add_record(got, SECTION_ANSWER, "a.example.org. 60 IN A 10.0.0.1");
    reply_finish(got, 512);
    struct reply *copy = make_reply(&q, NULL);
    CU_ASSERT_EQUAL(reply_copy(copy, got->wire, got->len, SECTION_ANSWER, SECTION_ADDITIONAL), ERR_OK);
    CU_ASSERT_EQUAL(copy->nrecords, 2);
    free(copy);
    end();
}

static void keepttl_and_stale_ttl_are_shown(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    struct cache_hit hit;
    begin(16, 16, 100);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.1", 60, NOW);
    struct cache_lookup look = {.now_ns = NOW + 50 * SECOND, .keep_ttl = true};
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && reply_ttl(got, 0) == 60 &&
                   hit.left_s == 10);
    look = (struct cache_lookup){.now_ns = NOW + 159 * SECOND, .stale = true, .stale_ttl = 30};
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && reply_ttl(got, 0) == 30 &&
                   hit.left_s == 0);
    look.stale = false;
    CU_ASSERT_FALSE(answer_cache_get(cache, &q, &look, got, &hit));
    look = (struct cache_lookup){.now_ns = NOW + 160 * SECOND, .stale = true};
    CU_ASSERT_FALSE(answer_cache_get(cache, &q, &look, got, &hit));
    end();
}

static void name_type_class_do_and_cd_make_the_entry(void)
{
    struct query q = make_query("www.example.org.", RR_A), other[5];
    begin(16, 16, 0);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.1", 60, NOW);
    for (unsigned i = 0; i < 5; i++)
        other[i] = make_query(i == 0 ? "ww.wexample.org." : "www.example.org.", i == 1 ? RR_AAAA : RR_A);
    other[2].qclass = CLASS_CH;
    other[3].dnssec_ok = true;
    other[4].flags |= FLAG_CD;
    for (unsigned i = 0; i < 5; i++)
        CU_ASSERT_FALSE(has(&other[i], NOW));
    CU_ASSERT_TRUE(has(&q, NOW));
    end();
}

static void a_newer_answer_replaces_of_either_kind(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    struct cache_hit hit;
    begin(16, 16, 0);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.1", 60, NOW);
    CU_ASSERT_TRUE(answer_cache_has_success(cache, &q, true, NOW));
    put(&q, CACHE_DENIAL, NULL, 60, NOW);
    CU_ASSERT_FALSE(answer_cache_has_success(cache, &q, true, NOW));
    CU_ASSERT_TRUE(get(&q, NOW, &hit) && hit.kind == CACHE_DENIAL && got->rcode == RCODE_NXDOMAIN);
    CU_ASSERT_EQUAL(got->flags, FLAG_RA);
    CU_ASSERT_EQUAL(answer_cache_count(cache, CACHE_SUCCESS), 0);
    CU_ASSERT_EQUAL(answer_cache_count(cache, CACHE_DENIAL), 1);
    end();
}

/* ---- refreshing ---- */

static void what_is_there_already_is_not_written_again(void)
{
    const uint64_t ms = SECOND / 1000;
    struct query q = make_query("www.example.org.", RR_A);
    struct cache_hit hit;
    begin(16, 16, 3600);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.1", 60, NOW);
    for (unsigned i = 1; i < 10; i++) /* all who waited for it bring it */
        put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.1", 60, NOW + i * 10 * ms);
    CU_ASSERT_EQUAL(answer_cache_changes(cache), 1);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.2", 60, NOW + 90 * ms);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.2", 50, NOW + 90 * ms);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN AAAA ::1", 50, NOW + 90 * ms);
    put(&q, CACHE_DENIAL, "www.example.org. 60 IN AAAA ::1", 50, NOW + 90 * ms);
    CU_ASSERT_EQUAL(answer_cache_changes(cache), 5);
    put(&q, CACHE_DENIAL, "www.example.org. 60 IN AAAA ::1", 50, NOW + 200 * ms); /* a later answer */
    CU_ASSERT_EQUAL(answer_cache_changes(cache), 6);
    const struct cache_lookup look = {.now_ns = NOW + 51 * SECOND, .stale = true};
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && hit.refresh);
    put(&q, CACHE_DENIAL, "www.example.org. 60 IN AAAA ::1", 50, NOW + 201 * ms); /* ends the refresh */
    CU_ASSERT_EQUAL(answer_cache_changes(cache), 7);
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && hit.refresh);
    end();
}

static void a_popular_entry_is_given_out_for_refresh_once(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    const struct cache_prefetch prefetch = {.amount = 3, .window_ms = 10000, .percent = 20};
    struct cache_lookup look = {.now_ns = NOW + 45 * SECOND, .prefetch = &prefetch};
    struct cache_hit hit;
    begin(16, 16, 0);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.1", 60, NOW);
    for (unsigned i = 0; i < 5; i++) { /* popular, but too early */
        CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit));
        CU_ASSERT_FALSE(hit.refresh);
    }
    look.now_ns = NOW + 49 * SECOND;
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && hit.refresh);
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && !hit.refresh); /* under way */
    answer_cache_refresh_failed(cache, &q, look.now_ns, 1000);
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && !hit.refresh); /* a pause */
    look.now_ns += SECOND;
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && hit.refresh);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.2", 60, look.now_ns);
    look.now_ns += 49 * SECOND; /* a pause longer than the window: no longer popular */
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && !hit.refresh);
    end();
}

static void a_stale_entry_is_given_out_for_refresh_once(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    const struct cache_lookup look = {.now_ns = NOW + 70 * SECOND, .stale = true};
    struct cache_hit hit;
    begin(16, 16, 1000);
    put(&q, CACHE_SUCCESS, "www.example.org. 60 IN A 10.0.0.1", 60, NOW);
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && hit.refresh);
    CU_ASSERT_TRUE(answer_cache_get(cache, &q, &look, got, &hit) && !hit.refresh);
    end();
}

/* ---- limits ---- */

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static struct query numbered(unsigned i)
{
    char name[32];
    snprintf(name, sizeof name, "n%u.example.org.", i);
    return make_query(name, RR_A);
}

static unsigned put_numbered(unsigned first, unsigned last)
{
    unsigned evicted = 0;
    for (unsigned i = first; i < last; i++) {
        struct query q = numbered(i);
        evicted += put(&q, CACHE_SUCCESS, "x.example.org. 60 IN A 10.0.0.1", 60, NOW);
    }
    return evicted;
}

static unsigned count_present(unsigned first, unsigned last)
{
    unsigned n = 0;
    for (unsigned i = first; i < last; i++) {
        struct query q = numbered(i);
        n += has(&q, NOW);
    }
    return n;
}

static void each_kind_stays_within_its_capacity(void)
{
    begin(100, 10, 0);
    CU_ASSERT_EQUAL(put_numbered(0, 250), 150);
    CU_ASSERT_EQUAL(answer_cache_count(cache, CACHE_SUCCESS), 100);
    unsigned evicted = 0;
    for (unsigned i = 1000; i < 1030; i++) {
        struct query q = numbered(i);
        evicted += put(&q, CACHE_DENIAL, NULL, 60, NOW);
    }
    CU_ASSERT_EQUAL(evicted, 20);
    CU_ASSERT_EQUAL(answer_cache_count(cache, CACHE_DENIAL), 10);
    CU_ASSERT_EQUAL(answer_cache_count(cache, CACHE_SUCCESS), 100);
    end();
}

static void names_in_use_outlive_a_flood_of_names_asked_once(void)
{
    begin(1000, 10, 0);
    put_numbered(0, 800);
    CU_ASSERT_EQUAL(count_present(0, 800), 800); /* each is used once */
    for (unsigned round = 0; round < 10; round++) {
        put_numbered(10000 + round * 1000, 11000 + round * 1000);
        CU_ASSERT_EQUAL(count_present(0, 800), 800);
    }
    CU_ASSERT_EQUAL(answer_cache_count(cache, CACHE_SUCCESS), 1000);
    end();
}

static void a_name_that_comes_back_soon_after_it_had_to_go_stays(void)
{
    begin(100, 10, 0);
    put_numbered(0, 120); /* 0 to 19 had to go, unused, and are remembered */
    CU_ASSERT_EQUAL(count_present(19, 20), 0);
    put_numbered(19, 20);
    put_numbered(200, 280); /* more than the short queue holds */
    CU_ASSERT_EQUAL(count_present(19, 20), 1);
    end();
}

/* The default capacity; half an hour of one-off names, then an hour in which nothing can be refreshed. */
static void names_in_use_are_all_there_stale_after_an_outage(void)
{
    enum { IN_USE = 8000, NOISE = 100000 };
    static uint64_t took[IN_USE];
    const struct cache_lookup look = {.now_ns = NOW + 3600 * SECOND, .stale = true, .stale_ttl = 30};
    unsigned stale = 0;
    begin(9984, 9984, 3600);
    put_numbered(0, IN_USE);
    CU_ASSERT_EQUAL(count_present(0, IN_USE), IN_USE);
    put_numbered(IN_USE, IN_USE + NOISE);
    for (unsigned i = 0; i < NOISE; i++) { /* names that do not exist */
        struct query q = numbered(1000000 + i);
        put(&q, CACHE_DENIAL, NULL, 60, NOW);
    }
    for (unsigned i = 0; i < IN_USE; i++) {
        struct query q = numbered(i);
        struct cache_hit hit;
        uint64_t start = clock_ns();
        stale += answer_cache_get(cache, &q, &look, got, &hit) && hit.left_s == 0 && reply_ttl(got, 0) == 30;
        took[i] = clock_ns() - start;
        answer_cache_refresh_failed(cache, &q, look.now_ns, 0);
    }
    CU_ASSERT_EQUAL(stale, IN_USE);
    qsort(took, IN_USE, sizeof took[0], compare_times);
    CU_ASSERT_TRUE(took[IN_USE * 99 / 100] < 5000000);
    end();
}

static void octets_are_bounded_too(void)
{
    static char line[4096];
    begin(64, 64, 0); /* 128 entries of 2 KiB on average */
    size_t at = (size_t)snprintf(line, sizeof line, "x.example.org. 60 IN TXT");
    for (unsigned i = 0; i < 15; i++)
        at += (size_t)snprintf(line + at, sizeof line - at, " \"%0250d\"", 0);
    for (unsigned i = 0; i < 64; i++) {
        struct query q = numbered(i);
        struct reply *r = make_reply(&q, NULL);
        unsigned evicted[2];
        for (unsigned k = 0; k < 4; k++) /* 15 KiB */
            add_record(r, SECTION_ANSWER, line);
        CU_ASSERT_EQUAL(answer_cache_put(cache, &q, r, &minute, evicted), ERR_OK);
        free(r);
    }
    CU_ASSERT_TRUE(answer_cache_count(cache, CACHE_SUCCESS) < 20);
    CU_ASSERT_TRUE(answer_cache_count(cache, CACHE_SUCCESS) > 12);
    CU_ASSERT_EQUAL(count_present(63, 64), 1); /* the newest is there */
    end();
}

static void one_answer_of_64_kib_is_within_every_bound(void)
{
    static char line[4096];
    begin(1, 1, 0); /* 4 KiB together */
    size_t at = (size_t)snprintf(line, sizeof line, "x.example.org. 60 IN TXT");
    for (unsigned i = 0; i < 15; i++)
        at += (size_t)snprintf(line + at, sizeof line - at, " \"%0250d\"", 0);
    struct query q = numbered(1);
    struct reply *r = make_reply(&q, NULL);
    unsigned evicted[2];
    for (unsigned k = 0; k < 16; k++)
        add_record(r, SECTION_ANSWER, line);
    CU_ASSERT_EQUAL(answer_cache_put(cache, &q, r, &minute, evicted), ERR_LIMIT);
    CU_ASSERT_EQUAL(answer_cache_count(cache, CACHE_SUCCESS), 0);
    free(r);
    end();
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a hit is the answer with what is left of its TTL",
         a_hit_is_the_answer_with_what_is_left_of_its_ttl},
        {"records can be added to a hit", a_hit_can_be_added_to},
        {"keepttl and the stale TTL are shown", keepttl_and_stale_ttl_are_shown},
        {"name, type, class, DO and CD make the entry", name_type_class_do_and_cd_make_the_entry},
        {"a newer answer replaces the older of either kind", a_newer_answer_replaces_of_either_kind},
        {"what is there already is not written again", what_is_there_already_is_not_written_again},
        {"a popular entry is given out for refresh once", a_popular_entry_is_given_out_for_refresh_once},
        {"a stale entry is given out for refresh once", a_stale_entry_is_given_out_for_refresh_once},
        {"each kind stays within its capacity", each_kind_stays_within_its_capacity},
        {"names in use outlive a flood of names asked once",
         names_in_use_outlive_a_flood_of_names_asked_once},
        {"a name that comes back soon after it had to go stays",
         a_name_that_comes_back_soon_after_it_had_to_go_stays},
        {"names in use are all there, stale, after an hour's outage",
         names_in_use_are_all_there_stale_after_an_outage},
        {"octets are bounded too", octets_are_bounded_too},
        {"an answer larger than all is allowed is not kept", one_answer_of_64_kib_is_within_every_bound},
    };
    return run_suite("answer_cache", tests, sizeof tests / sizeof tests[0]);
}
