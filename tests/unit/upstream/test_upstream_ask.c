/* A question's way through a set of upstreams, over an exchange that the test plays. */
#include "../runner.h"

#include "../played_clock.h"

#include "../serve/fake_worker.h"

#include <string.h>

#include "base/clock.h"
#include "dns/rr.h"
#include "exchange/exchange_direct.h"
#include "exchange/exchange_unbound.h"
#include "upstream/upstream_ask.h"

/* ---- the exchange ---- */

struct exchange_call {
    exchange_done *done;
    void *ctx;
    uint16_t port; /* of the upstream asked: tells them apart */
    bool tcp;
    bool direct;
    bool cancelled;
};

static struct exchange_call calls[64];
static unsigned ncalls, nopen;
static int ask_result;

static int fake_open(struct worker *w, const struct exchange_target *t, struct exchange **out,
                     struct errtext *e)
{
    (void)w, (void)t, (void)e;
    *out = calloc(1, sizeof **out);
    return ERR_OK;
}

static int fake_open_counted(struct worker *w, const struct exchange_target *t, struct exchange **out,
                             struct errtext *e)
{
    nopen++;
    return fake_open(w, t, out, e);
}

static void fake_close(struct exchange *x)
{
    nopen -= x->kind == &exchange_unbound;
    free(x);
}

static int fake_ask(struct exchange *x, const struct exchange_question *q, exchange_done *done, void *ctx,
                    struct exchange_call **call)
{
    (void)q;
    if (ask_result != ERR_OK)
        return ask_result;
    calls[ncalls] = (struct exchange_call){
        done, ctx, ntohs(x->target.address.in.sin_port), x->target.tcp, x->kind != &exchange_unbound, false};
    *call = &calls[ncalls++];
    return ERR_OK;
}

static void fake_cancel(struct exchange *x, struct exchange_call *call)
{
    (void)x;
    call->cancelled = true;
}

const struct exchange_kind exchange_unbound = {
    .name = "fake", .open = fake_open_counted, .close = fake_close, .ask = fake_ask, .cancel = fake_cancel};
const struct exchange_kind exchange_udp = {
    .name = "fake udp", .open = fake_open, .close = fake_close, .ask = fake_ask, .cancel = fake_cancel};
const struct exchange_kind exchange_stream = {
    .name = "fake stream", .open = fake_open, .close = fake_close, .ask = fake_ask, .cancel = fake_cancel};

static void answer_call_with(unsigned i, uint8_t rcode)
{
    const uint8_t header[12] = {0, 0, 0x81, (uint8_t)(0x80 | rcode)};
    struct exchange_answer *a = exchange_answer_new(header, sizeof header);
    calls[i].done(calls[i].ctx, EXCHANGE_ANSWER, a);
    exchange_answer_unref(a);
}

static void answer_call(unsigned i)
{
    answer_call_with(i, 0);
}

static void fail_call(unsigned i)
{
    calls[i].done(calls[i].ctx, EXCHANGE_FAILED, NULL);
}

/* ---- the set ---- */

static struct upstream_set *set;
static int result; /* -1: none yet */
static unsigned rcode_given;

static void on_done(void *ctx, enum upstream_result r, struct exchange_answer *answer)
{
    (void)ctx;
    CU_ASSERT_EQUAL(result, -1);
    CU_ASSERT_EQUAL(answer != NULL, r == UPSTREAM_ANSWER);
    result = (int)r;
    rcode_given = answer != NULL ? answer->wire[3] & 15 : 0;
}

static void begin(unsigned count)
{
    struct errtext e = {{0}};
    set = calloc(1, sizeof *set);
    fake_base = event_base_new();
    set->where = "Corefile:1";
    set->count = count;
    upstream_settings_default(&set->settings);
    set->settings.policy = POLICY_SEQUENTIAL;
    set->settings.check.interval_ms = 3600000; /* checks are begun and never come to anything here */
    set->settings.read_timeout_ms = 20;
    for (unsigned i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof text, "127.0.0.1:%u", 1000 + i);
        CU_ASSERT_EQUAL_FATAL(upstream_address_parse(text, &set->addresses[i]), ERR_OK);
    }
    CU_ASSERT_EQUAL_FATAL(upstream_set_start(set, &e), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(upstream_set_worker_start(set, &fake_workers[0], &e), ERR_OK);
    ncalls = 0;
    result = -1;
    ask_result = ERR_OK;
}

static void end(void)
{
    upstream_set_worker_stop(set, &fake_workers[0]);
    upstream_set_stop(set);
    run_posts(); /* checks that were asked for find no users */
    CU_ASSERT_EQUAL(nopen, 0);
    event_base_free(fake_base);
    free(set);
}

static int start(bool tcp, struct upstream_ask **out)
{
    static const uint8_t name[] = "\3www\7example\3org";
    const struct exchange_question q = {.name = name, .qtype = RR_A, .qclass = CLASS_IN};
    return upstream_ask_start(set, &fake_workers[0], &q, tcp, on_done, NULL, out);
}

static void ask(void)
{
    struct upstream_ask *a;
    CU_ASSERT_EQUAL_FATAL(start(false, &a), ERR_OK);
}

/* Lets timers fire. */
static void wait_timers(unsigned ms)
{
    let_pass(fake_base, ms);
}

/* ---- tests ---- */

static void an_answer_ends_the_question(void)
{
    begin(2);
    ask();
    CU_ASSERT_EQUAL(ncalls, 1);
    answer_call(0);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    end();
}

static void a_silent_upstream_is_followed_by_the_next(void)
{
    begin(2);
    ask();
    wait_timers(25);
    CU_ASSERT_EQUAL_FATAL(ncalls, 2);
    CU_ASSERT_FALSE(calls[0].cancelled); /* its answer may still come */
    CU_ASSERT_EQUAL(calls[1].port, 1001);
    CU_ASSERT_EQUAL(fake_nposts, 1); /* the silent one is suspect */
    answer_call(1);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_TRUE(calls[0].cancelled);
    end();
}

static void a_late_answer_is_an_answer(void)
{
    begin(2);
    ask();
    wait_timers(25);
    CU_ASSERT_EQUAL_FATAL(ncalls, 2);
    answer_call(0);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_TRUE(calls[1].cancelled);
    end();
}

static void what_libunbound_sends_in_vain_is_sent_as_it_is_and_the_next_is_asked(void)
{
    begin(2);
    set->settings.read_timeout_ms = 2000;
    ask();
    wait_timers(UPSTREAM_ERROR_MS + 10); /* the library gives up, after some timeouts of its own */
    fail_call(0);
    CU_ASSERT_EQUAL_FATAL(ncalls, 3);
    CU_ASSERT_TRUE(calls[1].direct && calls[1].port == 1000);
    CU_ASSERT_TRUE(!calls[2].direct && calls[2].port == 1001);
    CU_ASSERT_EQUAL(fake_nposts, 1);
    answer_call(1);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_TRUE(calls[2].cancelled);
    end();
}

static void a_lone_upstream_is_waited_for_until_its_time_is_over(void)
{
    begin(1);
    set->settings.read_timeout_ms = 2000;
    ask();
    wait_timers(UPSTREAM_ERROR_MS + 10);
    fail_call(0);
    CU_ASSERT_EQUAL_FATAL(ncalls, 2);
    CU_ASSERT_TRUE(calls[1].direct);
    wait_timers(2 * UPSTREAM_LATE_MS + 5); /* nothing: the direct exchange sends again what is lost */
    CU_ASSERT_EQUAL_FATAL(ncalls, 2);
    CU_ASSERT_FALSE(calls[1].cancelled);
    answer_call(1);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    end();
}

static void an_error_that_comes_late_is_given_if_nothing_better_comes(void)
{
    begin(2);
    set->settings.read_timeout_ms = 2000;
    ask();
    wait_timers(UPSTREAM_ERROR_MS + 10);
    fail_call(0);
    answer_call_with(1, 5);
    CU_ASSERT_EQUAL(result, -1);
    fail_call(2); /* at once: an error of the other, which is asked for the error itself */
    CU_ASSERT_TRUE_FATAL(ncalls == 4 && calls[3].direct);
    calls[3].done(calls[3].ctx, EXCHANGE_GONE, NULL);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_EQUAL(rcode_given, 5);
    end();
}

static void failover_asks_each_other_once_and_gives_the_last(void)
{
    begin(3);
    set->settings.failover = 1u << 2 | 1u << 5;
    set->settings.direct = true;
    set->settings.attempts_set = true;
    set->settings.max_connect_attempts = 1;
    ask();
    CU_ASSERT_TRUE(calls[0].direct);
    answer_call_with(0, 2);
    answer_call_with(1, 5);
    CU_ASSERT_EQUAL_FATAL(ncalls, 3);
    answer_call_with(2, 2);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_EQUAL(rcode_given, 2);
    result = -1;
    ask();
    answer_call_with(3, 4); /* not named */
    CU_ASSERT_EQUAL(rcode_given, 4);
    end();
}

static void a_late_question_is_put_to_the_next_as_well(void)
{
    begin(3);
    set->settings.read_timeout_ms = 2000;
    set->settings.hedge = true;
    set->settings.hedge_ms = 10;
    set->upstreams[1]->silent = true; /* no help from there */
    ask();
    wait_timers(12);
    CU_ASSERT_EQUAL_FATAL(ncalls, 2);
    CU_ASSERT_TRUE(calls[1].port == 1002 && !calls[0].cancelled);
    wait_timers(30); /* once is enough */
    CU_ASSERT_EQUAL(ncalls, 2);
    answer_call(0);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_TRUE(calls[1].cancelled);
    set->settings.hedge_ms = 0; /* after the p95 of the first, where it is known */
    set->upstreams[0]->p95_us = 20000;
    result = -1;
    ask();
    wait_timers(12);
    CU_ASSERT_EQUAL(ncalls, 3);
    wait_timers(12);
    CU_ASSERT_EQUAL_FATAL(ncalls, 4);
    fail_call(2); /* an error of the first: the other is waited for */
    CU_ASSERT_EQUAL(result, -1);
    answer_call(3);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    end();
}

/* What is asked beside takes no try, and gives back none that was never taken. */
static void errors_of_two_at_once_leave_tries_for_the_third(void)
{
    begin(3);
    set->settings.direct = true;
    set->settings.read_timeout_ms = 2000;
    set->settings.hedge = true;
    set->settings.hedge_ms = 10;
    set->settings.failover = 1u << RCODE_SERVFAIL;
    set->settings.attempts_set = true;
    set->settings.max_connect_attempts = 0;
    ask();
    wait_timers(12);
    CU_ASSERT_EQUAL_FATAL(ncalls, 2);
    answer_call_with(1, RCODE_SERVFAIL);
    answer_call_with(0, RCODE_SERVFAIL);
    CU_ASSERT_EQUAL_FATAL(ncalls, 3);
    CU_ASSERT_EQUAL(calls[2].port, 1002);
    answer_call(2);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_EQUAL(rcode_given, 0);
    end();
}

static void the_fastest_is_asked_first_and_others_now_and_then(void)
{
    begin(3);
    set->settings.policy = POLICY_FASTEST;
    set->settings.read_timeout_ms = 2000;
    set->upstreams[0]->mean_us = 30000;
    set->upstreams[1]->mean_us = 20000;
    set->upstreams[2]->mean_us = 1000;
    fake_random = 1;
    ask();
    CU_ASSERT_EQUAL(calls[0].port, 1002);
    wait_timers(30);
    CU_ASSERT_EQUAL(ncalls, 1);
    answer_call(0);
    set->upstreams[2]->mean_us = 1000;
    fake_random = 0; /* one of the others is measured, and does not keep the question waiting */
    result = -1;
    ask();
    CU_ASSERT_EQUAL(calls[1].port, 1001);
    wait_timers(UPSTREAM_EXPLORE_MS + 2);
    CU_ASSERT_EQUAL_FATAL(ncalls, 3);
    CU_ASSERT_EQUAL(calls[2].port, 1002);
    answer_call(2);
    set->upstreams[2]->mean_us = 0; /* not known: asked at once */
    fake_random = 1;
    result = -1;
    ask();
    CU_ASSERT_EQUAL(calls[3].port, 1002);
    answer_call(3);
    CU_ASSERT_NOT_EQUAL(set->upstreams[2]->mean_us, 0);
    fake_random = 0;
    end();
}

static void a_question_over_the_budget_goes_elsewhere_waits_or_fails(void)
{
    begin(2);
    set->settings.direct = true;
    set->settings.max_qps = 10;
    set->settings.read_timeout_ms = 2000;
    ask();
    ask();
    CU_ASSERT_EQUAL_FATAL(ncalls, 2);
    CU_ASSERT_TRUE(calls[0].port == 1000 && calls[1].port == 1001);
    ask();
    CU_ASSERT_EQUAL(ncalls, 2);
    wait_timers(102);
    CU_ASSERT_EQUAL_FATAL(ncalls, 3);
    for (unsigned i = 0; i < 3; i++) {
        result = -1;
        answer_call(i);
        CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    }
    unsigned n = 0;
    int ret;
    struct upstream_ask *waiting[64];
    while (n < 64 && (ret = start(false, &waiting[n])) == ERR_OK)
        n++;
    CU_ASSERT_EQUAL(ret, ERR_BUDGET);
    CU_ASSERT_EQUAL(n, 21); /* a second's questions of both */
    while (n-- > 0)
        upstream_ask_cancel(waiting[n]);
    end();
}

static void the_deadline_ends_a_question(void)
{
    begin(2);
    set->settings.read_timeout_ms = 2000;
    set->settings.deadline_ms = 30;
    ask();
    wait_timers(35);
    CU_ASSERT_EQUAL(ncalls, 1);
    CU_ASSERT_EQUAL(result, UPSTREAM_UNREACHABLE);
    end();
}

static void who_keeps_a_check_waiting_is_asked_last(void)
{
    begin(3);
    set->upstreams[0]->silent = true;
    set->upstreams[1]->fails = 1;
    ask();
    for (unsigned i = 0; i < 2; i++)
        wait_timers(25);
    CU_ASSERT_EQUAL_FATAL(ncalls, 3);
    CU_ASSERT_EQUAL(calls[0].port, 1002);
    CU_ASSERT_EQUAL(calls[1].port, 1000);
    CU_ASSERT_EQUAL(calls[2].port, 1001);
    answer_call(2);
    set->settings.max_fails = 0; /* then nobody is checked, and nobody doubted */
    result = -1;
    ask();
    CU_ASSERT_EQUAL(calls[3].port, 1000);
    answer_call(3);
    end();
}

static void a_late_upstream_is_checked_but_not_all_the_time(void)
{
    begin(1);
    set->settings.read_timeout_ms = 2000;
    ask();
    wait_timers(UPSTREAM_LATE_MS + 10);
    CU_ASSERT_EQUAL(fake_nposts, 1);
    answer_call(0);
    set->upstreams[0]->checking = false;
    set->upstreams[0]->references--; /* as if the check had been made */
    fake_nposts = 0;
    set->upstreams[0]->checked_ms = clock_ms();
    result = -1;
    ask();
    wait_timers(UPSTREAM_LATE_MS + 10);
    CU_ASSERT_EQUAL(fake_nposts, 0);
    answer_call(1);
    end();
}

static void silence_of_all_ends_after_two_rounds(void)
{
    begin(2);
    ask();
    for (unsigned i = 0; i < 6; i++)
        wait_timers(25);
    CU_ASSERT_EQUAL(ncalls, 4);
    CU_ASSERT_EQUAL(result, UPSTREAM_UNREACHABLE);
    end();
}

static void an_error_goes_to_each_other_upstream_once(void)
{
    begin(3);
    ask();
    fail_call(0);
    fail_call(1);
    fail_call(2);
    CU_ASSERT_EQUAL_FATAL(ncalls, 4); /* the last of them says which error it is */
    CU_ASSERT_TRUE(calls[3].direct && calls[3].port == 1002);
    answer_call_with(3, 5);
    CU_ASSERT_EQUAL(ncalls, 4);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_EQUAL(rcode_given, 5);
    CU_ASSERT_EQUAL(fake_nposts, 0); /* who answers is not suspect */
    end();
}

static void an_upstream_that_is_down_is_left_out(void)
{
    begin(3);
    set->upstreams[0]->fails = 3;
    set->upstreams[1]->fails = 2; /* max_fails is 2: more than that is down */
    set->upstreams[2]->fails = 1;
    ask();
    CU_ASSERT_EQUAL(calls[0].port, 1001);
    answer_call(0);
    end();
}

static void when_all_are_down_one_is_tried_at_random(void)
{
    begin(3);
    for (unsigned i = 0; i < 3; i++)
        set->upstreams[i]->fails = 9;
    fake_random = 2;
    ask();
    CU_ASSERT_EQUAL(calls[0].port, 1002);
    answer_call(0);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    end();
}

static void with_failfast_none_is_tried_when_all_are_down(void)
{
    struct upstream_ask *a;
    begin(2);
    set->settings.failfast = true;
    set->upstreams[0]->fails = set->upstreams[1]->fails = 9;
    CU_ASSERT_EQUAL(start(false, &a), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(ncalls, 0);
    end();
}

static void an_upstream_that_loops_is_never_asked(void)
{
    struct upstream_ask *a;
    begin(2);
    set->upstreams[0]->loops = true;
    set->upstreams[1]->fails = 9;
    ask();
    CU_ASSERT_EQUAL(calls[0].port, 1001);
    answer_call(0);
    set->upstreams[1]->loops = true;
    CU_ASSERT_EQUAL(start(false, &a), ERR_NOT_FOUND);
    end();
}

static void attempts_are_counted_over_all_upstreams(void)
{
    begin(2);
    set->settings.attempts_set = true;
    set->settings.max_connect_attempts = 3;
    ask();
    for (unsigned i = 0; i < 5; i++)
        wait_timers(25);
    CU_ASSERT_EQUAL(ncalls, 3);
    CU_ASSERT_EQUAL(result, UPSTREAM_UNREACHABLE);
    end();
}

/* Tries within so many ms, all of them refused at once. */
static struct upstream_ask *asked;
static unsigned refused_within(unsigned ms)
{
    unsigned refused = ncalls;
    CU_ASSERT_EQUAL_FATAL(start(false, &asked), ERR_OK);
    for (unsigned passed = 0;; passed += 10) {
        for (; refused < ncalls && result == -1; refused++)
            calls[refused].done(calls[refused].ctx, EXCHANGE_GONE, NULL);
        if (passed >= ms || result != -1)
            return ncalls;
        wait_timers(10);
    }
}

static void upstreams_that_refuse_at_once_are_not_asked_in_a_tight_loop(void)
{
    for (unsigned upstreams = 1; upstreams <= 3; upstreams += 2) {
        begin(upstreams);
        set->settings.direct = true;
        set->settings.read_timeout_ms = 2000;
        set->settings.attempts_set = true;
        set->settings.max_connect_attempts = upstreams == 1 ? 0 : 1000000;
        CU_ASSERT_EQUAL(refused_within(50), 2 * upstreams);
        CU_ASSERT_EQUAL(result, -1);
        upstream_ask_cancel(asked);
        ncalls = 0;
        CU_ASSERT_EQUAL(refused_within(6000), 9 * upstreams); /* 100, 300, 700, 1500, 2500, 3500, 4500 ms */
        CU_ASSERT_EQUAL(result, UPSTREAM_UNREACHABLE);
        end();
    }
    begin(2); /* nothing is put off where the number of tries is CoreDNS's */
    set->settings.direct = true;
    CU_ASSERT_EQUAL(refused_within(0), 4);
    CU_ASSERT_EQUAL(result, UPSTREAM_UNREACHABLE);
    end();
}

static void after_a_pause_an_error_is_no_reason_for_another(void)
{
    begin(3);
    set->settings.direct = true;
    set->settings.read_timeout_ms = 2000;
    set->settings.failover = 1u << RCODE_SERVFAIL;
    set->settings.attempts_set = true;
    set->settings.max_connect_attempts = 0;
    CU_ASSERT_EQUAL(refused_within(0), 6);
    wait_timers(UPSTREAM_PAUSE_MS + 1);
    CU_ASSERT_EQUAL_FATAL(ncalls, 7);
    answer_call_with(6, RCODE_SERVFAIL);
    CU_ASSERT_EQUAL_FATAL(ncalls, 8);
    answer_call(7);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_EQUAL(rcode_given, 0);
    end();
}

static void a_cancelled_question_is_never_heard_of_again(void)
{
    struct upstream_ask *a;
    begin(1);
    CU_ASSERT_EQUAL_FATAL(start(false, &a), ERR_OK);
    upstream_ask_cancel(a);
    CU_ASSERT_TRUE(calls[0].cancelled);
    wait_timers(25);
    CU_ASSERT_EQUAL(result, -1);
    end();
}

static void what_an_exchange_cannot_ask_is_said_at_once(void)
{
    struct upstream_ask *a;
    begin(2);
    ask_result = ERR_UNSUPPORTED;
    CU_ASSERT_EQUAL(start(false, &a), ERR_UNSUPPORTED);
    end();
}

/* An exchange that is full, or without memory, just now: the others are still there. */
static void what_cannot_be_sent_to_one_goes_to_the_next(void)
{
    begin(3);
    ask();
    ask_result = ERR_LIMIT;
    wait_timers(25);
    CU_ASSERT_EQUAL_FATAL(result, -1);
    ask_result = ERR_OK;
    wait_timers(25);
    CU_ASSERT_EQUAL_FATAL(ncalls, 2);
    CU_ASSERT_EQUAL(calls[1].port, 1002);
    answer_call(0); /* and the first may still answer */
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_TRUE(calls[1].cancelled);
    end();
}

static void tcp_is_made_when_it_is_first_wanted(void)
{
    struct upstream_ask *a;
    begin(2);
    CU_ASSERT_EQUAL(nopen, 2);
    CU_ASSERT_EQUAL_FATAL(start(true, &a), ERR_OK);
    CU_ASSERT_FALSE(calls[0].tcp); /* not on the way of a query */
    answer_call(0);
    run_posts();
    CU_ASSERT_EQUAL(nopen, 4);
    result = -1;
    CU_ASSERT_EQUAL_FATAL(start(true, &a), ERR_OK);
    CU_ASSERT_TRUE(calls[1].tcp);
    answer_call(1);
    result = -1;
    set->settings.prefer_udp = true;
    CU_ASSERT_EQUAL_FATAL(start(true, &a), ERR_OK);
    CU_ASSERT_FALSE(calls[2].tcp);
    answer_call(2);
    end();
}

static void a_stop_before_tcp_is_made_is_no_harm(void)
{
    struct upstream_ask *a;
    begin(1);
    CU_ASSERT_EQUAL_FATAL(start(true, &a), ERR_OK);
    answer_call(0);
    end();
    CU_ASSERT_EQUAL(nopen, 0);
}

static void the_policies_order_the_upstreams(void)
{
    uint8_t order[UPSTREAMS_MAX];
    unsigned first[3] = {0};
    begin(3);
    upstream_set_order(set, 12345, order);
    CU_ASSERT_TRUE(order[0] == 0 && order[1] == 1 && order[2] == 2);
    set->settings.policy = POLICY_ROUND_ROBIN;
    for (unsigned i = 0; i < 6; i++) {
        upstream_set_order(set, 0, order);
        CU_ASSERT_EQUAL(order[0] + order[1] + order[2], 3);
        CU_ASSERT_TRUE(order[1] < order[2]);
        first[order[0]]++;
    }
    CU_ASSERT_TRUE(first[0] == 2 && first[1] == 2 && first[2] == 2);
    set->settings.policy = POLICY_RANDOM;
    unsigned seen = 0; /* permutations */
    for (uint64_t i = 0; i < 6; i++) {
        upstream_set_order(set, i, order);
        CU_ASSERT_EQUAL(order[0] + order[1] + order[2], 3);
        seen |= 1u << (order[0] * 3 + order[1]);
    }
    CU_ASSERT_EQUAL(__builtin_popcount(seen), 6);
    end();
}

static void places_are_limited(void)
{
    unsigned mine = 0;
    begin(1);
    CU_ASSERT_TRUE(upstream_set_enter(&mine, 2));
    CU_ASSERT_TRUE(upstream_set_enter(&mine, 2));
    CU_ASSERT_FALSE(upstream_set_enter(&mine, 2));
    upstream_set_leave(&mine);
    CU_ASSERT_TRUE(upstream_set_enter(&mine, 2));
    while (mine < 2 * UPSTREAM_QUESTIONS_MAX && upstream_set_enter(&mine, 0))
        ;
    CU_ASSERT_EQUAL(mine, UPSTREAM_QUESTIONS_MAX);
    while (mine > 0)
        upstream_set_leave(&mine);
    end();
}

static void a_retired_set_lives_until_its_last_question_has_ended(void)
{
    begin(1);
    ask();
    upstream_set_worker_retire(set, &fake_workers[0]);
    CU_ASSERT_EQUAL(set->workers, 1);
    CU_ASSERT_EQUAL(nopen, 1);
    answer_call(0);
    CU_ASSERT_EQUAL(result, UPSTREAM_ANSWER);
    CU_ASSERT_EQUAL(set->workers, 0);
    CU_ASSERT_EQUAL(nopen, 0);
    end();
}

static void the_same_upstream_is_one_object_and_one_exchange(void)
{
    struct errtext e = {{0}};
    begin(2);
    struct upstream_set other = *set;
    memset(other.upstreams, 0, sizeof other.upstreams);
    memset(other.links, 0, sizeof other.links);
    other.workers = 0;
    set->upstreams[1]->fails = 7;
    CU_ASSERT_EQUAL_FATAL(upstream_set_start(&other, &e), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(upstream_set_worker_start(&other, &fake_workers[0], &e), ERR_OK);
    CU_ASSERT_PTR_EQUAL(other.upstreams[1], set->upstreams[1]);
    CU_ASSERT_EQUAL(other.upstreams[1]->fails, 7);
    CU_ASSERT_EQUAL(nopen, 2);
    upstream_set_worker_stop(&other, &fake_workers[0]);
    upstream_set_stop(&other);
    CU_ASSERT_EQUAL(nopen, 2);
    end();
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"an answer ends the question", an_answer_ends_the_question},
        {"a silent upstream is followed by the next and is suspect",
         a_silent_upstream_is_followed_by_the_next},
        {"a late answer is an answer", a_late_answer_is_an_answer},
        {"what libunbound sends in vain is sent as it is, and the next is asked",
         what_libunbound_sends_in_vain_is_sent_as_it_is_and_the_next_is_asked},
        {"a lone upstream is waited for until its time is over",
         a_lone_upstream_is_waited_for_until_its_time_is_over},
        {"an error that comes late is given if nothing better comes",
         an_error_that_comes_late_is_given_if_nothing_better_comes},
        {"failover asks each other once and gives the last answer",
         failover_asks_each_other_once_and_gives_the_last},
        {"a late question is put to the next as well", a_late_question_is_put_to_the_next_as_well},
        {"errors of two at once leave tries for the third", errors_of_two_at_once_leave_tries_for_the_third},
        {"the fastest is asked first, and others now and then",
         the_fastest_is_asked_first_and_others_now_and_then},
        {"a question over the budget goes elsewhere, waits, or fails",
         a_question_over_the_budget_goes_elsewhere_waits_or_fails},
        {"the deadline ends a question", the_deadline_ends_a_question},
        {"who keeps a check waiting is asked last", who_keeps_a_check_waiting_is_asked_last},
        {"a late upstream is checked, but not all the time", a_late_upstream_is_checked_but_not_all_the_time},
        {"silence of all ends after two rounds", silence_of_all_ends_after_two_rounds},
        {"an error goes to each other upstream once", an_error_goes_to_each_other_upstream_once},
        {"an upstream that is down is left out", an_upstream_that_is_down_is_left_out},
        {"when all are down one is tried at random", when_all_are_down_one_is_tried_at_random},
        {"with failfast none is tried when all are down", with_failfast_none_is_tried_when_all_are_down},
        {"an upstream that loops is never asked", an_upstream_that_loops_is_never_asked},
        {"attempts are counted over all upstreams", attempts_are_counted_over_all_upstreams},
        {"upstreams that refuse at once are not asked in a tight loop",
         upstreams_that_refuse_at_once_are_not_asked_in_a_tight_loop},
        {"after a pause an error is no reason for another", after_a_pause_an_error_is_no_reason_for_another},
        {"a cancelled question is never heard of again", a_cancelled_question_is_never_heard_of_again},
        {"what an exchange cannot ask is said at once", what_an_exchange_cannot_ask_is_said_at_once},
        {"what cannot be sent to one goes to the next", what_cannot_be_sent_to_one_goes_to_the_next},
        {"TCP is made when it is first wanted, not on the way of the query",
         tcp_is_made_when_it_is_first_wanted},
        {"a stop before TCP is made is no harm", a_stop_before_tcp_is_made_is_no_harm},
        {"the policies order the upstreams", the_policies_order_the_upstreams},
        {"places for questions are limited", places_are_limited},
        {"a retired set lives until its last question has ended",
         a_retired_set_lives_until_its_last_question_has_ended},
        {"the same upstream is one object and one exchange",
         the_same_upstream_is_one_object_and_one_exchange},
    };
    return run_suite("upstream_ask", tests, sizeof tests / sizeof tests[0]);
}
