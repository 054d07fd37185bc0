/* The contract of an exchange, kept by the one over libunbound, and what is its own. */
#include "exchange/exchange_unbound.h"

#define KIND(target) (&exchange_unbound)
#define OVER_TCP     false
#include "exchange_contract.h"

static void a_new_context_leaves_questions_under_way_alone(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked lost = {0}, old = {0}, fresh = {0};
    server_silent = true;
    CU_ASSERT_EQUAL(ask(x, "lost.example.org.", RR_A, CLASS_IN, &lost), ERR_OK);
    run_ms(10);
    exchange_cancel(x, lost.call); /* now there is something to forget */
    CU_ASSERT_EQUAL(ask(x, "old.example.org.", RR_A, CLASS_IN, &old), ERR_OK);
    exchange_renew(&fake_workers[0], &t.address);
    exchange_renew(&fake_workers[0], &t.address);
    run_ms(10);
    server_silent = false;
    CU_ASSERT_EQUAL(ask(x, "fresh.example.org.", RR_A, CLASS_IN, &fresh), ERR_OK);
    wait_for(&fresh);
    CU_ASSERT_TRUE(fresh.done == 1 && fresh.good);
    for (unsigned i = 0; i < 30 && old.done == 0; i++)
        run_ms(100); /* it is sent again after some hundred milliseconds */
    CU_ASSERT_TRUE(old.done == 1 && old.good);
    exchange_release(x);
    end();
}

static void one_target_is_one_exchange_in_a_worker(void)
{
    struct exchange_target t = begin(), tcp = t;
    struct errtext e = {{0}};
    struct exchange *x = open_one(&t), *same = open_one(&t), *other, *elsewhere;
    tcp.tcp = true;
    other = open_one(&tcp);
    CU_ASSERT_EQUAL_FATAL(exchange_acquire(&fake_workers[1], &exchange_unbound, &t, &elsewhere, &e), ERR_OK);
    CU_ASSERT_PTR_EQUAL(x, same);
    CU_ASSERT_PTR_NOT_EQUAL(x, other);
    CU_ASSERT_PTR_NOT_EQUAL(x, elsewhere);
    exchange_release(x);
    struct asked a = {0};
    CU_ASSERT_EQUAL(ask(same, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    wait_for(&a);
    CU_ASSERT_EQUAL(a.done, 1);
    exchange_release(same);
    exchange_release(other);
    exchange_release(elsewhere);
    end();
}

static void other_classes_and_meta_types_are_not_asked(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    static const uint16_t types[] = {128, 253, 254};
    struct asked a = {0};
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++)
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", types[i], CLASS_IN, &a), ERR_UNSUPPORTED);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_TXT, CLASS_CH, &a), ERR_UNSUPPORTED);
    exchange_release(x);
    CU_ASSERT_EQUAL(server_asked, 0);
    end();
}

int main(void)
{
    static const struct unit_test tests[] = {
        CONTRACT_TESTS,
        {"other classes and meta types are not asked", other_classes_and_meta_types_are_not_asked},
        {"a new context leaves questions under way alone", a_new_context_leaves_questions_under_way_alone},
        {"one target is one exchange in a worker", one_target_is_one_exchange_in_a_worker},
    };
    return run_suite("exchange_unbound", tests, sizeof tests / sizeof tests[0]);
}
