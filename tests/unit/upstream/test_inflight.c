/* One upstream question for many askers. */
#include "../runner.h"

#include "../serve/fake_worker.h"
#include "../serve/message.h"

#include "upstream/inflight.h"

/* ---- memory that runs out ---- */

static bool no_memory;

#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
void *__libc_malloc(size_t size);

void *malloc(size_t size)
{
    return no_memory ? NULL : __libc_malloc(size);
}
#endif

/* ---- askers ---- */

struct asker {
    struct inflight_waiter waiter;
    int told; /* times */
    enum upstream_result result;
    const struct exchange_answer *answer;
    struct worker *in; /* where it was told */
};

static void tell(struct inflight_waiter *self, enum upstream_result result, struct exchange_answer *answer)
{
    struct asker *a = (struct asker *)self;
    a->told++;
    a->result = result;
    a->answer = answer;
    a->in = fake_self;
}

static const int set_a, set_b;

static enum inflight_role join(struct asker *a, unsigned worker, const void *set, const struct query *q,
                               bool tcp, struct inflight **out)
{
    *a = (struct asker){.waiter = {.worker = &fake_workers[worker], .tell = tell}};
    return inflight_join(set, q, tcp, &a->waiter, true, out);
}

static void who_asks_the_same_follows_and_is_told_in_its_worker(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    struct inflight *f, *none;
    struct asker leader, local, remote1, remote2, other;
    CU_ASSERT_EQUAL(join(&leader, 0, &set_a, &q, false, &f), INFLIGHT_LEAD);
    CU_ASSERT_EQUAL(join(&local, 0, &set_a, &q, false, &none), INFLIGHT_FOLLOW);
    CU_ASSERT_PTR_NULL(none);
    CU_ASSERT_EQUAL(join(&remote1, 1, &set_a, &q, false, &none), INFLIGHT_FOLLOW);
    CU_ASSERT_EQUAL(join(&remote2, 1, &set_a, &q, false, &none), INFLIGHT_FOLLOW);
    CU_ASSERT_EQUAL(join(&other, 2, &set_a, &q, false, &none), INFLIGHT_FOLLOW);
    struct exchange_answer *answer = exchange_answer_new("answer", 6);
    inflight_finish(f, UPSTREAM_ANSWER, answer);
    CU_ASSERT_TRUE(leader.told == 1 && local.told == 1);
    CU_ASSERT_TRUE(remote1.told == 0 && other.told == 0);
    CU_ASSERT_EQUAL(fake_nposts, 2); /* one for each other worker */
    exchange_answer_unref(answer);
    run_posts();
    CU_ASSERT_TRUE(remote1.told == 1 && remote2.told == 1 && other.told == 1);
    CU_ASSERT_PTR_EQUAL(remote1.in, &fake_workers[1]);
    CU_ASSERT_PTR_EQUAL(other.in, &fake_workers[2]);
    CU_ASSERT_TRUE(remote2.result == UPSTREAM_ANSWER && remote2.answer == answer);
    CU_ASSERT_EQUAL(join(&leader, 0, &set_a, &q, false, &f), INFLIGHT_LEAD); /* asked anew */
    inflight_finish(f, UPSTREAM_UNREACHABLE, NULL);
    CU_ASSERT_EQUAL(leader.result, UPSTREAM_UNREACHABLE);
}

static void what_differs_is_another_question(void)
{
    struct query q[5];
    struct inflight *f[8];
    struct asker a[8];
    for (unsigned i = 0; i < 5; i++)
        q[i] = make_query(i == 1 ? "www2.example.org." : "www.example.org.", i == 2 ? RR_AAAA : RR_A);
    q[3].dnssec_ok = true;
    q[4].flags |= FLAG_CD;
    for (unsigned i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(join(&a[i], 0, &set_a, &q[i], false, &f[i]), INFLIGHT_LEAD);
    CU_ASSERT_EQUAL(join(&a[5], 0, &set_b, &q[0], false, &f[5]), INFLIGHT_LEAD);
    CU_ASSERT_EQUAL(join(&a[6], 0, &set_a, &q[0], true, &f[6]), INFLIGHT_LEAD);
    struct query upper = make_query("WWW.example.ORG.", RR_A); /* the case does not differ */
    CU_ASSERT_EQUAL(join(&a[7], 0, &set_a, &upper, false, &f[7]), INFLIGHT_FOLLOW);
    for (unsigned i = 0; i < 7; i++)
        inflight_finish(f[i], UPSTREAM_ERROR, NULL);
    for (unsigned i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(a[i].told, 1);
}

static void who_may_not_follow_is_turned_away(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    struct inflight *f, *none;
    struct asker leader, refresh = {.waiter = {.worker = &fake_workers[0], .tell = tell}};
    CU_ASSERT_EQUAL(join(&leader, 0, &set_a, &q, false, &f), INFLIGHT_LEAD);
    CU_ASSERT_EQUAL(inflight_join(&set_a, &q, false, &refresh.waiter, false, &none), INFLIGHT_FULL);
    inflight_finish(f, UPSTREAM_ERROR, NULL);
    CU_ASSERT_EQUAL(refresh.told, 0);
}

static void followers_of_an_abandoned_question_are_told_to_ask_themselves(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    struct inflight *f, *none;
    struct asker leader, local, remote;
    join(&leader, 0, &set_a, &q, false, &f);
    join(&local, 0, &set_a, &q, false, &none);
    join(&remote, 1, &set_a, &q, false, &none);
    inflight_abandon(f);
    CU_ASSERT_TRUE(leader.told == 0 && local.told == 0 && remote.told == 0);
    run_posts();
    CU_ASSERT_TRUE(leader.told == 0 && local.told == 1 && remote.told == 1);
    CU_ASSERT_EQUAL(local.result, UPSTREAM_CANCELLED);
}

static void a_thousand_are_told_once_each(void)
{
    enum { N = 1000 };
    static struct asker a[N];
    struct query q = make_query("www.example.org.", RR_A);
    struct inflight *f, *none;
    join(&a[0], 0, &set_a, &q, false, &f);
    for (unsigned i = 1; i < N; i++)
        CU_ASSERT_EQUAL(join(&a[i], i % FAKE_WORKERS, &set_a, &q, false, &none), INFLIGHT_FOLLOW);
    inflight_finish(f, UPSTREAM_ERROR, NULL);
    run_posts();
    for (unsigned i = 0; i < N; i++)
        CU_ASSERT_EQUAL(a[i].told, 1);
}

static void nobody_is_left_waiting_for_want_of_memory(void)
{
    struct query q = make_query("www.example.org.", RR_A);
    struct inflight *f, *none;
    struct asker leader, local, remote, more;
    join(&leader, 0, &set_a, &q, false, &f);
    join(&local, 0, &set_a, &q, false, &none);
    join(&remote, 1, &set_a, &q, false, &none);
    join(&more, 1, &set_a, &q, false, &none);
    struct exchange_answer *answer = exchange_answer_new("answer", 6);
    no_memory = true;
    inflight_finish(f, UPSTREAM_ANSWER, answer);
    run_posts();
    no_memory = false;
    CU_ASSERT_TRUE(leader.told == 1 && local.told == 1 && remote.told == 1 && more.told == 1);
    CU_ASSERT_TRUE(remote.answer == answer && remote.result == UPSTREAM_ANSWER);
    exchange_answer_unref(answer);
    join(&leader, 0, &set_a, &q, false, &f);
    join(&local, 0, &set_a, &q, false, &none);
    join(&remote, 1, &set_a, &q, false, &none);
    no_memory = true;
    inflight_abandon(f);
    run_posts();
    no_memory = false;
    CU_ASSERT_TRUE(local.told == 1 && remote.told == 1 && remote.result == UPSTREAM_CANCELLED);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"who asks the same follows, and is told in its own worker",
         who_asks_the_same_follows_and_is_told_in_its_worker},
        {"what differs in anything but case is another question", what_differs_is_another_question},
        {"who may not follow is turned away", who_may_not_follow_is_turned_away},
        {"followers of an abandoned question are told to ask themselves",
         followers_of_an_abandoned_question_are_told_to_ask_themselves},
        {"nobody is left waiting for want of memory", nobody_is_left_waiting_for_want_of_memory},
        {"a thousand askers are told once each", a_thousand_are_told_once_each},
    };
    return run_suite("inflight", tests, sizeof tests / sizeof tests[0]);
}
