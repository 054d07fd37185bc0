/* Versions kept for longer than a read section, and walking them piece by piece. */
#include "fixture.h"
#include "zone/zone_p.h"

#define NAMES 3000

static void name_number(unsigned i, char *line, size_t cap, uint32_t value)
{
    snprintf(line, cap, "n%u.svc.cluster.local. 5 IN A 10.0.%u.%u", i, value >> 8 & 255, value & 255);
}

static void change_all(struct zone *z, uint32_t from, uint32_t to, uint32_t serial)
{
    char line[128];
    struct zone_txn *t = zone_begin(z);
    for (unsigned i = 0; i < NAMES; i++) {
        name_number(i, line, sizeof line, from);
        if (from != 0)
            CU_ASSERT_EQUAL(zone_remove(t, record_of(line)), ERR_OK);
        name_number(i, line, sizeof line, to);
        if (to != 0)
            CU_ASSERT_EQUAL(zone_add(t, record_of(line)), ERR_OK);
    }
    CU_ASSERT_EQUAL(zone_set_serial(t, serial), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
}

/* How many names have the address of this value, as a cursor finds them. */
static unsigned names_with(const struct zone_version *v, uint32_t value)
{
    struct zone_cursor c;
    const struct node *n;
    unsigned count = 0;
    zone_cursor_begin(v, &c);
    while ((n = zone_cursor_next(&c)) != NULL) {
        struct rrset set;
        count += node_rrset(n, RR_A, &set) && set.data[4] == (value >> 8) && set.data[5] == (value & 255);
    }
    return count;
}

static const struct zone_version *hold(const struct zone *z)
{
    rcu_reader_begin();
    const struct zone_version *v = zone_hold(z);
    rcu_reader_end();
    return v;
}

static void a_held_version_stays_while_the_zone_goes_on(void)
{
    const struct zone_version *held[4];
    struct zone *z = zone_of(NULL);
    for (uint32_t i = 0; i < 4; i++) {
        change_all(z, i, i + 1, 101 + i);
        held[i] = hold(z);
    }
    change_all(z, 4, 5, 110);
    rcu_drain();
    static const unsigned order[] = {1, 0, 3, 2}; /* let go in another order than taken */
    for (unsigned k = 0; k < 4; k++) {
        for (unsigned m = k; m < 4; m++) {
            CU_ASSERT_EQUAL(zone_serial(held[order[m]]), 101 + order[m]);
            CU_ASSERT_EQUAL(names_with(held[order[m]], order[m] + 1), NAMES);
        }
        zone_let_go(held[order[k]]);
        rcu_drain();
    }
    CU_ASSERT_EQUAL(names_with(zone_current(z), 5), NAMES);
    zone_free(z);
}

static void what_a_held_version_costs_is_known(void)
{
    struct zone *z = zone_of(NULL);
    change_all(z, 0, 1, 101);
    const struct zone_version *held = hold(z), *at = held;
    CU_ASSERT_EQUAL(zone_replaced_since(&at), 0);
    CU_ASSERT_PTR_EQUAL(at, held);
    change_all(z, 1, 2, 102);
    uint64_t once = zone_replaced_since(&at);
    CU_ASSERT(once > NAMES * 40 && once < NAMES * 400); /* nodes, and the branches above them */
    CU_ASSERT_EQUAL(zone_serial(at), 102);
    CU_ASSERT_EQUAL(zone_replaced_since(&at), 0);
    for (uint32_t i = 2; i < 5; i++)
        change_all(z, i, i + 1, 101 + i);
    uint64_t thrice = zone_replaced_since(&at);
    CU_ASSERT(thrice > 2 * once && thrice < 4 * once);
    zone_free(z);
    CU_ASSERT_EQUAL(zone_replaced_since(&at), 0);
    zone_let_go(held);
    rcu_drain();
}

static void a_held_version_outlives_its_zone(void)
{
    struct zone *z = zone_of(NULL);
    change_all(z, 0, 7, 101);
    const struct zone_version *old = hold(z);
    change_all(z, 7, 8, 102);
    const struct zone_version *last = hold(z), *again = hold(z);
    rcu_free_later(z, zone_release);
    rcu_drain();
    CU_ASSERT_EQUAL(names_with(old, 7), NAMES);
    zone_let_go(last);
    rcu_drain();
    CU_ASSERT_EQUAL(names_with(again, 8), NAMES);
    zone_let_go(again);
    CU_ASSERT_EQUAL(names_with(old, 7), NAMES);
    zone_let_go(old);
    zone_let_go(NULL);
    rcu_drain();
}

static int count_node(const struct node *n, void *ctx)
{
    (void)n;
    ++*(unsigned *)ctx;
    return 0;
}

static void a_cursor_visits_what_a_walk_visits(void)
{
    struct zone *empty = zone_new(name_of("cluster.local."));
    CU_ASSERT_PTR_NULL(zone_apex_node(zone_current(empty)));
    CU_ASSERT_EQUAL(names_with(zone_current(empty), 0), 0);
    zone_free(empty);

    struct zone *z = zone_of(NULL); /* one node: there is no branch */
    struct zone_cursor c;
    zone_cursor_begin(zone_current(z), &c);
    CU_ASSERT_PTR_EQUAL(zone_cursor_next(&c), zone_apex_node(zone_current(z)));
    CU_ASSERT_PTR_NULL(zone_cursor_next(&c));
    CU_ASSERT_PTR_NULL(zone_cursor_next(&c));

    change_all(z, 0, 1, 101);
    unsigned walked = 0, visited = 0;
    zone_walk(zone_current(z), count_node, &walked);
    zone_cursor_begin(zone_current(z), &c);
    while (zone_cursor_next(&c) != NULL)
        visited++;
    CU_ASSERT_EQUAL(walked, NAMES + 2); /* and the apex, and svc */
    CU_ASSERT_EQUAL(visited, walked);
    zone_free(z);
}

/* Else its blocks would look like those of an earlier one, and be changed where readers have them. */
static void no_transaction_has_a_number_that_was_given_before(void)
{
    struct zone *z = zone_of(NULL);
    change_all(z, 0, 1, 101);
    const struct zone_version *held = hold(z);
    CU_ASSERT_FALSE(zone_is_worn(z));
    z->edit_id = UINT32_MAX - 1;
    CU_ASSERT(zone_is_worn(z));
    change_all(z, 1, 2, 102);
    CU_ASSERT_PTR_NULL_FATAL(zone_begin(z));
    CU_ASSERT_EQUAL(names_with(held, 1), NAMES);
    CU_ASSERT_EQUAL(names_with(zone_current(z), 2), NAMES);
    zone_let_go(held);
    zone_free(z);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a held version stays while the zone goes on", a_held_version_stays_while_the_zone_goes_on},
        {"what a held version costs is known", what_a_held_version_costs_is_known},
        {"a held version outlives its zone", a_held_version_outlives_its_zone},
        {"a cursor visits what a walk visits", a_cursor_visits_what_a_walk_visits},
        {"no transaction has a number that was given before",
         no_transaction_has_a_number_that_was_given_before},
    };
    rcu_reader_register();
    int status = run_suite("zone/hold", tests, sizeof tests / sizeof tests[0]);
    rcu_reader_unregister();
    return status;
}
