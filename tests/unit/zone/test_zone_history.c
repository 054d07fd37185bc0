/* Zones through long histories, with names of one hash, and large ones. */
#include <stdio.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "fixture.h"
#include "zone/zone_p.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LARGE 100000u
#else
#define LARGE 1000000u
#endif

static int add(struct zone_txn *t, const char *line)
{
    return zone_add(t, record_of(line));
}

static int take(struct zone_txn *t, const char *line)
{
    return zone_remove(t, record_of(line));
}

/* ---- a long random history against the plainest model: a flag for every possible record ---- */

#define OWNERS   160
#define RDATAS   3
#define CHILDREN 4

static void owner_text(unsigned owner, char *out, size_t size)
{
    /* a tree: 0 is the apex, the children of n are 4n+1 ... 4n+4, and some of them wildcards */
    out[0] = '\0';
    for (size_t len = 0; owner > 0; owner = (owner - 1) / CHILDREN)
        len += owner % 7 == 0 ? (size_t)snprintf(out + len, size - len, "*.")
                              : (size_t)snprintf(out + len, size - len, "l%u.", owner);
    size_t len = strlen(out);
    snprintf(out + len, size - len, "cluster.local.");
}

static void model_line(unsigned owner, unsigned rdata, char *out, size_t size)
{
    char name[128];
    owner_text(owner, name, sizeof name);
    if (rdata == RDATAS - 1)
        snprintf(out, size, "%s\t5\tIN\tTXT\t\"%u\"", name, owner);
    else
        snprintf(out, size, "%s\t5\tIN\tA\t10.0.0.%u", name, rdata);
}

static bool below_has_records(bool has[OWNERS][RDATAS], unsigned owner)
{
    for (unsigned rdata = 0; rdata < RDATAS; rdata++)
        if (has[owner][rdata])
            return true;
    for (unsigned child = owner * CHILDREN + 1; child <= owner * CHILDREN + CHILDREN; child++)
        if (child < OWNERS && below_has_records(has, child))
            return true;
    return false;
}

static void compare_with_model(struct zone *z, bool has[OWNERS][RDATAS])
{
    unsigned records = 1, wildcards = 0, wrong = 0;
    for (unsigned owner = 0; owner < OWNERS; owner++) {
        char name[128];
        owner_text(owner, name, sizeof name);
        const struct node *n = find(z, name);
        wrong += (n != NULL) != (owner == 0 || below_has_records(has, owner));
        wildcards += n != NULL && name[0] == '*';
        for (unsigned rdata = 0; n != NULL && rdata < RDATAS; rdata++) {
            struct rrset set;
            unsigned expected = rdata == RDATAS - 1 ? has[owner][rdata] : has[owner][0] + has[owner][1];
            bool found = node_rrset(n, rdata == RDATAS - 1 ? RR_TXT : RR_A, &set);
            wrong += found ? set.count != expected : expected != 0;
            if (found && rdata < RDATAS - 1 && has[owner][rdata]) /* the last octet of the one or the other */
                wrong += set.data[5] != rdata && set.data[set.data_len - 1] != rdata;
        }
        for (unsigned rdata = 0; rdata < RDATAS; rdata++)
            records += has[owner][rdata];
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(zone_record_count(zone_current(z)), records);
    CU_ASSERT_EQUAL(zone_current(z)->wildcards, wildcards);
}

static void a_random_history_agrees_with_a_plain_model(void)
{
    static bool has[OWNERS][RDATAS], before[OWNERS][RDATAS];
    struct zone *z = zone_of(NULL);
    unsigned seed = 1;
    for (unsigned round = 0; round < 400; round++) {
        struct zone_txn *t = zone_begin(z);
        memcpy(before, has, sizeof has);
        unsigned changes = (unsigned)rand_r(&seed) % 40, bias = round % 100 < 50 ? 70 : 30;
        for (unsigned i = 0; i < changes; i++) {
            char line[256];
            unsigned owner = (unsigned)rand_r(&seed) % OWNERS, rdata = (unsigned)rand_r(&seed) % RDATAS;
            bool adding = (unsigned)rand_r(&seed) % 100 < bias;
            model_line(owner, rdata, line, sizeof line);
            int expected = adding              ? has[owner][rdata] ? ERR_EXISTS : ERR_OK
                           : has[owner][rdata] ? ERR_OK
                                               : ERR_NOT_FOUND;
            CU_ASSERT_EQUAL(adding ? add(t, line) : take(t, line), expected);
            has[owner][rdata] = adding;
        }
        if (rand_r(&seed) % 4 == 0) {
            zone_abort(t);
            memcpy(has, before, sizeof has);
        } else {
            CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
        }
        compare_with_model(z, has);
    }
    rcu_drain();
    zone_free(z);
}

/* ---- collisions ---- */

/* Names "\33a<14 octets><8 octets>aaaa" + apex of one hash: the second eight make a factor of name_hash() 0,
 * which forgets what stood before them. It knows how that works, and the caller checks that it still does. */
static void colliding_name(uint64_t multiplier, unsigned i, uint8_t out[NAME_MAX_LEN])
{
    static const char first[] = "\33aaaaaaaaaaaaaaaaaaaaaaaaaaa\7cluster\5local";
    memcpy(out, first, sizeof first);
    memcpy(out + 16, &multiplier, sizeof multiplier);
    out[2] = (uint8_t)('a' + i / 26);
    out[3] = (uint8_t)('a' + i % 26);
}

static void names_of_one_hash_are_told_apart(void)
{
    enum { COUNT = 40 };
    static uint8_t names[COUNT][NAME_MAX_LEN];
    const uint64_t seed = 0x1234567890abcdefu;
    uint64_t multiplier;
    size_t len = 43;
    memcpy(&multiplier, "kmoqsuwy", sizeof multiplier); /* letters, and odd from either end */
    name_hash_seed(seed, multiplier);
    for (unsigned i = 0; i < COUNT; i++) {
        colliding_name(multiplier, i, names[i]);
        CU_ASSERT_EQUAL_FATAL(name_check(names[i], NAME_MAX_LEN), (int)len);
        CU_ASSERT_EQUAL(name_hash(names[i], len), name_hash(names[0], len));
    }

    struct zone *z = zone_of((const char *const[]){"other.cluster.local. 5 IN A 1.2.3.4", NULL});
    uint64_t hash = name_hash(names[0], len);
    for (unsigned round = 0; round < 3; round++) {
        struct zone_txn *t = zone_begin(z);
        for (unsigned i = 0; i < COUNT; i++) {
            uint8_t address[4] = {10, 0, 0, (uint8_t)i};
            struct rr rr = {
                .owner = names[i], .type = RR_A, .class = CLASS_IN, .ttl = 5, .rdlen = 4, .rdata = address};
            CU_ASSERT_EQUAL(zone_add(t, &rr), ERR_OK);
        }
        if (round == 0) {
            zone_abort(t);
            continue;
        }
        CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
        for (unsigned i = 0; i < COUNT; i++) {
            struct rrset set = {0};
            const struct node *n = zone_find(zone_current(z), names[i], len, hash);
            CU_ASSERT_TRUE(n != NULL && node_rrset(n, RR_A, &set) && set.data[5] == i);
        }
        for (unsigned i = 0; i < COUNT; i++) { /* one after another, each its own transaction */
            uint8_t address[4] = {10, 0, 0, (uint8_t)i};
            struct rr rr = {
                .owner = names[i], .type = RR_A, .class = CLASS_IN, .ttl = 5, .rdlen = 4, .rdata = address};
            t = zone_begin(z);
            CU_ASSERT_EQUAL(zone_remove(t, &rr), ERR_OK);
            CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
            CU_ASSERT_PTR_NULL(zone_find(zone_current(z), names[i], len, hash));
            if (i + 1 < COUNT)
                CU_ASSERT_PTR_NOT_NULL(zone_find(zone_current(z), names[i + 1], len, hash));
        }
    }
    CU_ASSERT_PTR_NOT_NULL(find(z, "other.cluster.local."));
    rcu_drain();
    zone_free(z);
}

/* ---- size ---- */

static void an_rrset_takes_records_in_any_order_up_to_its_limit(void)
{
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    uint8_t address[4] = {10, 0, 0, 0};
    const uint8_t *owner = name_of("a.cluster.local.");
    struct rr rr = {.owner = owner, .type = RR_A, .class = CLASS_IN, .ttl = 5, .rdlen = 4, .rdata = address};
    unsigned failed = 0;
    for (unsigned i = 0; i < 2000; i++) {
        wire_put_u16(address + 2, (uint16_t)(i * 7919 % 65536));
        failed += zone_add(t, &rr) != ERR_OK;
    }
    for (unsigned i = 0; i < 65536; i++) {
        wire_put_u16(address + 2, (uint16_t)i);
        int ret = zone_add(t, &rr);
        failed += ret != ERR_OK && ret != ERR_EXISTS;
    }
    CU_ASSERT_EQUAL(failed, 1); /* the last one: a count has 16 bits */
    CU_ASSERT_EQUAL(zone_add(t, &rr), ERR_LIMIT);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    struct rrset set;
    CU_ASSERT_TRUE(node_rrset(find(z, "a.cluster.local."), RR_A, &set));
    CU_ASSERT_EQUAL(set.count, 65535);
    for (unsigned i = 1; i < set.count; i++)
        failed += memcmp(set.data + 6 * (i - 1), set.data + 6 * i, 6) >= 0;
    CU_ASSERT_EQUAL(failed, 1);

    static const uint8_t large[60000];
    struct rr txt = {.owner = owner, .type = RR_NAMESPACE, .class = CLASS_IN, .ttl = 5, .rdata = large};
    int ret = ERR_OK;
    t = zone_begin(z);
    for (txt.rdlen = 50000; ret == ERR_OK; txt.rdlen++)
        ret = zone_add(t, &txt);
    CU_ASSERT_EQUAL(ret, ERR_LIMIT);
    CU_ASSERT_TRUE(txt.rdlen - 50000 > 300);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    zone_free(z);
}

/* Commits one change of one name and gives the blocks that it replaced. */
static size_t blocks_replaced(struct zone *z, unsigned name, unsigned i)
{
    char line[128];
    struct zone_txn *t = zone_begin(z);
    snprintf(line, sizeof line, "name-%u.ns-%u.svc.cluster.local. 5 IN A 192.168.%u.%u", name, name % 100,
             i / 256, i % 256);
    CU_ASSERT_EQUAL(add(t, line), ERR_OK);
    CU_ASSERT_EQUAL(zone_set_serial(t, zone_serial(zone_current(z)) + 1), ERR_OK);
    size_t blocks = t->edit.retired.count;
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    return blocks;
}

static struct zone *zone_with_names(unsigned count)
{
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    char line[128];
    for (unsigned i = 0; i < count; i++) {
        snprintf(line, sizeof line, "name-%u.ns-%u.svc.cluster.local. 5 IN A 10.0.0.1", i, i % 100);
        if (add(t, line) != ERR_OK)
            CU_FAIL("a record was not added");
    }
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    return z;
}

static void a_transaction_costs_the_same_in_a_large_zone(void)
{
    const unsigned sizes[] = {10, LARGE};
    for (unsigned s = 0; s < 2; s++) {
        struct zone *z = zone_with_names(sizes[s]);
        size_t blocks = 0, most = 0;
        uint64_t start = clock_ns();
        for (unsigned i = 0; i < 1000; i++) {
            size_t n = blocks_replaced(z, s == 0 ? i % 10 : i * 97 % sizes[s], i);
            blocks += n;
            most = n > most ? n : most;
        }
        double took = (double)(clock_ns() - start) / 1e6;
        printf("\n    %7u names: %.1f blocks replaced a transaction (most: %zu), %.1f us", sizes[s],
               (double)blocks / 1000, most, took);
        /* two paths, each at most the depth of the trie: 64^4 names would need 5 */
        CU_ASSERT_TRUE(most <= 2 * 6);
        rcu_drain();
        zone_free(z);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a random history agrees with a plain model", a_random_history_agrees_with_a_plain_model},
        {"names of one hash are told apart", names_of_one_hash_are_told_apart},
        {"an rrset takes records in any order up to its limit",
         an_rrset_takes_records_in_any_order_up_to_its_limit},
        {"a transaction costs the same in a large zone", a_transaction_costs_the_same_in_a_large_zone},
    };
    return run_suite("zone/history", tests, sizeof tests / sizeof tests[0]);
}
