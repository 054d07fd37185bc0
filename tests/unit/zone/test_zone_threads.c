/* Readers beside a writer: what the RCU promises are worth is seen in the tsan variant. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/cursor.h"
#include "fixture.h"
#include "zone/zone.h"

#define READERS      3
#define TRANSACTIONS 4000u
#define PAIRS        50u /* of names that are always changed together */

static struct zone *zone;
static atomic_bool done;
static atomic_uint mistakes, versions_seen;

static void pair_name(unsigned pair, char side, uint8_t *out, size_t *len)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%c%u.pairs.cluster.local.", side, pair);
    *len = (size_t)name_from_text(text, (size_t)n, out);
}

static struct rr address_of(const uint8_t *owner, uint8_t address[4], uint32_t value)
{
    wire_put_u32(address, value);
    return (struct rr){
        .owner = owner, .type = RR_A, .class = CLASS_IN, .ttl = 5, .rdlen = 4, .rdata = address};
}

/* The value in the name's address; 0 where the name does not exist. */
static uint32_t value_of(const struct zone_version *v, unsigned pair, char side)
{
    uint8_t name[NAME_MAX_LEN];
    size_t len;
    struct rrset set;
    pair_name(pair, side, name, &len);
    const struct node *n = zone_find(v, name, len, name_hash(name, len));
    if (n == NULL)
        return 0;
    if (!node_rrset(n, RR_A, &set) || set.count != 1)
        return UINT32_MAX; /* a name without its one address is no state that was ever committed */
    return wire_u32(set.data + 2);
}

static void *read_pairs(void *arg)
{
    uint32_t last = 0;
    unsigned seed = *(unsigned *)arg;
    rcu_reader_register();
    while (!atomic_load(&done)) {
        rcu_reader_begin();
        const struct zone_version *v = zone_current(zone);
        uint32_t serial = zone_serial(v);
        unsigned wrong = serial < last; /* never back to an older version */
        for (unsigned i = 0; i < 5; i++) {
            unsigned pair = (unsigned)rand_r(&seed) % PAIRS;
            uint32_t a = value_of(v, pair, 'a'), b = value_of(v, pair, 'b');
            wrong += a != b || a > serial;
        }
        rcu_reader_end();
        if (serial != last)
            atomic_fetch_add(&versions_seen, 1);
        last = serial;
        atomic_fetch_add(&mistakes, wrong);
    }
    rcu_reader_unregister();
    return NULL;
}

/* Each transaction gives one pair a new value, or takes it away or brings it back, and leaves both sides
 * equal. */
static void write_pairs(void)
{
    uint32_t values[PAIRS] = {0};
    for (uint32_t serial = 101; serial < 101 + TRANSACTIONS; serial++) {
        unsigned pair = serial * 7 % PAIRS;
        uint32_t next = serial % 5 == 0 ? 0 : serial;
        struct zone_txn *t = zone_begin(zone);
        for (char side = 'a'; side <= 'b'; side++) {
            uint8_t name[NAME_MAX_LEN], address[4];
            size_t len;
            pair_name(pair, side, name, &len);
            struct rr rr = address_of(name, address, values[pair]);
            if (values[pair] != 0)
                CU_ASSERT_EQUAL(zone_remove(t, &rr), ERR_OK);
            rr = address_of(name, address, next);
            if (next != 0)
                CU_ASSERT_EQUAL(zone_add(t, &rr), ERR_OK);
        }
        CU_ASSERT_EQUAL(zone_set_serial(t, serial), ERR_OK);
        if (serial % 11 == 0) { /* what is undone is never seen */
            zone_abort(t);
            continue;
        }
        CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
        values[pair] = next;
    }
}

static void run_readers(void *(*read)(void *), void (*write)(void))
{
    pthread_t threads[READERS];
    unsigned seeds[READERS];
    atomic_store(&done, false);
    atomic_store(&mistakes, 0);
    atomic_store(&versions_seen, 0);
    for (unsigned i = 0; i < READERS; i++) {
        seeds[i] = i + 1;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, read, &seeds[i]), 0);
    }
    write();
    while (atomic_load(&versions_seen) == 0) /* a busy machine may have started no reader yet */
        usleep(1000);
    atomic_store(&done, true);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(atomic_load(&mistakes), 0);
}

static void readers_see_all_of_a_transaction_or_none(void)
{
    zone = zone_of(NULL);
    run_readers(read_pairs, write_pairs);
    rcu_drain();
    zone_free(zone);
}

/* ---- versions held beyond their read section ---- */

static void *hold_versions(void *arg)
{
    unsigned seed = *(unsigned *)arg;
    const struct zone_version *held[4] = {0};
    rcu_reader_register();
    while (!atomic_load(&done)) {
        unsigned k = (unsigned)rand_r(&seed) % 4, wrong = 0;
        zone_let_go(held[k]);
        rcu_reader_begin();
        held[k] = zone_hold(zone);
        rcu_reader_end();
        const struct zone_version *v = held[(unsigned)rand_r(&seed) % 4];
        for (unsigned i = 0; v != NULL && i < 5; i++) {
            unsigned pair = (unsigned)rand_r(&seed) % PAIRS;
            uint32_t a = value_of(v, pair, 'a');
            wrong += a != value_of(v, pair, 'b') || a > zone_serial(v);
        }
        atomic_fetch_add(&versions_seen, 1);
        atomic_fetch_add(&mistakes, wrong);
    }
    for (unsigned k = 0; k < 4; k++)
        zone_let_go(held[k]);
    rcu_reader_unregister();
    return NULL;
}

static void held_versions_stay_as_they_were(void)
{
    zone = zone_of(NULL);
    run_readers(hold_versions, write_pairs);
    rcu_drain();
    zone_free(zone);
}

/* ---- zones replaced whole ---- */

static void *read_zones(void *arg)
{
    (void)arg;
    const uint8_t name[] = "\3web\7cluster\5local";
    rcu_reader_register();
    while (!atomic_load(&done)) {
        rcu_reader_begin();
        const struct zone *z = rcu_read(&zone);
        if (zone_record_count(zone_current(z)) != 2 || !name_in(name, zone_apex(z)))
            atomic_fetch_add(&mistakes, 1);
        atomic_fetch_add(&versions_seen, 1);
        rcu_reader_end();
    }
    rcu_reader_unregister();
    return NULL;
}

static const char *const one_address[] = {"web.cluster.local. 5 IN A 1.2.3.4", NULL};

static void write_zones(void)
{
    for (unsigned i = 0; i < 500; i++) {
        struct zone *old = zone;
        rcu_publish(&zone, zone_of(one_address));
        rcu_free_later(old, zone_release);
    }
}

static void readers_find_whole_zones_while_they_are_replaced(void)
{
    zone = zone_of(one_address);
    run_readers(read_zones, write_zones);
    rcu_drain();
    zone_free(zone);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"readers see all of a transaction or none", readers_see_all_of_a_transaction_or_none},
        {"held versions stay as they were", held_versions_stay_as_they_were},
        {"readers find whole zones while they are replaced",
         readers_find_whole_zones_while_they_are_replaced},
    };
    return run_suite("zone/readers", tests, sizeof tests / sizeof tests[0]);
}
