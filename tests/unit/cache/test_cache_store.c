/* Which server blocks share their cache over a reload. */
#include "../runner.h"

#include <string.h>

#include "cache/cache_store.h"

static const struct cache_capacity capacity = {.entries = {16, 16}};

static struct cache_store *store_with(const char *text, uint64_t anchors)
{
    struct corefile *c;
    struct errtext e = {{0}};
    struct cache_store *s = NULL;
    CU_ASSERT_EQUAL_FATAL(corefile_parse("Corefile", text, strlen(text), &c, &e), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(cache_store_get(&c->blocks[0], anchors, &capacity, &s), ERR_OK);
    corefile_free(c);
    return s;
}

static struct cache_store *store_of(const char *text)
{
    return store_with(text, 0);
}

static void check(const char *a, const char *b, bool same)
{
    struct cache_store *first = store_of(a), *second = store_of(b);
    CU_ASSERT_EQUAL(first == second, same);
    cache_store_put(first);
    cache_store_put(second);
}

static void what_cannot_change_an_answer_does_not_count(void)
{
    check(".:53 {\n cache 30\n forward . 10.0.0.1\n}\n",
          ".:53 {\n # x\n log\n errors\n health\n cache 30\n forward . 10.0.0.1\n}", true);
    check(". {\n cache\n}\n", ". {\n  cache\n  bind 127.0.0.1\n reload\n prometheus :9153\n}\n", true);
}

static void what_can_change_an_answer_counts(void)
{
    check(". {\n cache\n forward . 10.0.0.1\n}\n", ". {\n cache\n forward . 10.0.0.2\n}\n", false);
    check(". {\n cache\n}\n", ". {\n cache 30\n}\n", false);
    check(". {\n cache\n}\n", "example.org {\n cache\n}\n", false);
    check(".:53 {\n cache\n}\n", ".:54 {\n cache\n}\n", false);
    check(". {\n cache {\n success 1024\n }\n}\n", ". {\n cache {\n success 2048\n }\n}\n", false);
    check(". {\n cache a b\n}\n", ". {\n cache ab\n}\n", false);
    check(". {\n cache\n hosts\n}\n", ". {\n cache\n}\n", false);
}

static void other_trust_anchors_count(void)
{
    static const char text[] = ". {\n cache\n forward . 10.0.0.1 {\n validate anchors\n }\n}\n";
    struct cache_store *first = store_with(text, 1), *same = store_with(text, 1),
                       *other = store_with(text, 2);
    CU_ASSERT_PTR_EQUAL(first, same);
    CU_ASSERT_PTR_NOT_EQUAL(first, other);
    cache_store_put(first);
    cache_store_put(same);
    cache_store_put(other);
}

static void a_cache_that_nobody_has_is_gone(void)
{
    struct cache_store *first = store_of(". {\n cache\n}\n"), *same = store_of(". {\n cache\n}\n");
    CU_ASSERT_PTR_EQUAL(first, same);
    cache_store_put(first);
    CU_ASSERT_EQUAL(answer_cache_count(same->cache, CACHE_SUCCESS), 0);
    cache_store_put(same);
    cache_store_put(NULL);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"what cannot change an answer does not count", what_cannot_change_an_answer_does_not_count},
        {"what can change an answer counts", what_can_change_an_answer_counts},
        {"other trust anchors count", other_trust_anchors_count},
        {"a cache that nobody has is gone", a_cache_that_nobody_has_is_gone},
    };
    return run_suite("cache_store", tests, sizeof tests / sizeof tests[0]);
}
