/* The contract of an exchange, kept by the direct one over connections, and what is its own. */
#include "exchange/exchange_direct.h"

#define KIND(target) exchange_direct(target)
#define OVER_TCP     true
#include "exchange_contract.h"

#include <sys/resource.h>

#include "exchange/exchange_kept_p.h"
#include "exchange/exchange_stream_p.h"

static unsigned conns_of(const struct exchange *x)
{
    return ((const struct kept_exchange *)x)->nconns;
}

/* A server played by the test: its connection, and the next question on it with its length in front. */
static int accept_one(void)
{
    int fd = -1;
    for (unsigned i = 0; i < 200 && fd < 0; i++) {
        run_ms(5);
        fd = accept4(listener_fd, NULL, NULL, SOCK_NONBLOCK);
    }
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    return fd;
}

static size_t receive_from(int fd, uint8_t *out, size_t cap)
{
    ssize_t n = -1;
    for (unsigned i = 0; i < 200 && n < 0; i++) {
        run_ms(5);
        n = recv(fd, out, cap, MSG_DONTWAIT);
    }
    CU_ASSERT_TRUE_FATAL(n > 0);
    return (size_t)n;
}

static void many_questions_share_a_connection(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    static struct asked a[2000];
    memset(a, 0, sizeof a);
    for (unsigned i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%u.example.org.", i);
        CU_ASSERT_EQUAL(ask(x, name, RR_A, CLASS_IN, &a[i]), ERR_OK);
    }
    for (unsigned i = 0; i < 2000; i++) {
        wait_for(&a[i]);
        CU_ASSERT_TRUE(a[i].done == 1 && a[i].good);
    }
    CU_ASSERT_TRUE(server_accepted <= KEPT_CONNS && conns_of(x) <= KEPT_CONNS);
    exchange_release(x);
    end();
}

static void answers_come_in_any_order_and_in_pieces(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0}, b = {0};
    uint8_t in[512], out[512];
    event_del(listener_event);
    CU_ASSERT_EQUAL(ask(x, "aaa.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    CU_ASSERT_EQUAL(ask(x, "bbb.example.org.", RR_A, CLASS_IN, &b), ERR_OK);
    int fd = accept_one();
    size_t len = receive_from(fd, in, sizeof in), half = len / 2;
    CU_ASSERT_EQUAL_FATAL(len, 2 * (2 + 12 + 21 + 11));
    in[2 + 2] |= 0x80;
    in[half + 2 + 2] |= 0x80;
    memcpy(out, in + half, half);
    memcpy(out + half, in, half);
    CU_ASSERT_EQUAL(send(fd, out, 1, 0), 1);
    run_ms(5);
    CU_ASSERT_EQUAL(send(fd, out + 1, half - 1, 0), (ssize_t)half - 1);
    wait_for(&b);
    CU_ASSERT_TRUE(a.done == 0 && b.done == 1 && b.outcome == EXCHANGE_ANSWER);
    CU_ASSERT_EQUAL(send(fd, out + half, half, 0), (ssize_t)half);
    wait_for(&a);
    CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_ANSWER);
    close(fd);
    exchange_release(x);
    end();
}

static void what_was_out_when_it_was_closed_is_asked_once_more(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0}, b = {0};
    uint8_t in[512];
    event_del(listener_event);
    CU_ASSERT_EQUAL(ask(x, "aaa.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    CU_ASSERT_EQUAL(ask(x, "bbb.example.org.", RR_A, CLASS_IN, &b), ERR_OK);
    int fd = accept_one();
    size_t len = receive_from(fd, in, sizeof in) / 2;
    in[2 + 2] |= 0x80;
    CU_ASSERT_EQUAL(send(fd, in, len, 0), (ssize_t)len); /* whichever it is */
    close(fd);
    for (unsigned i = 0; i < 2; i++) { /* the first connection was of use, so these are the once */
        fd = accept_one();
        CU_ASSERT_EQUAL(receive_from(fd, in, sizeof in), len); /* the other alone */
        CU_ASSERT_EQUAL(a.done + b.done, 1);
        close(fd);
    }
    wait_for(a.done == 1 ? &b : &a);
    CU_ASSERT_TRUE(a.done == 1 && b.done == 1);
    CU_ASSERT_TRUE((a.outcome == EXCHANGE_GONE) != (b.outcome == EXCHANGE_GONE));
    exchange_release(x);
    end();
}

/* The loop looks at what is to be sent before it looks at what has come. */
static void an_answer_that_has_come_is_taken_where_nothing_can_be_sent_any_more(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a[3] = {0};
    uint8_t in[512];
    const size_t one = 2 + 12 + 21 + 11;
    event_del(listener_event);
    CU_ASSERT_EQUAL(ask(x, "aaa.example.org.", RR_A, CLASS_IN, &a[0]), ERR_OK);
    CU_ASSERT_EQUAL(ask(x, "bbb.example.org.", RR_A, CLASS_IN, &a[1]), ERR_OK);
    int fd = accept_one();
    CU_ASSERT_EQUAL_FATAL(receive_from(fd, in, one), one);
    in[2 + 2] |= 0x80;
    CU_ASSERT_EQUAL(send(fd, in, one, 0), (ssize_t)one);
    close(fd); /* with a question unread: a reset */
    CU_ASSERT_EQUAL(ask(x, "ccc.example.org.", RR_A, CLASS_IN, &a[2]), ERR_OK);
    fd = accept_one();
    CU_ASSERT_EQUAL(a[0].done + a[1].done, 1);
    CU_ASSERT_TRUE((a[0].done == 1 ? &a[0] : &a[1])->outcome == EXCHANGE_ANSWER);
    CU_ASSERT_EQUAL(receive_from(fd, in, sizeof in), 2 * one);
    CU_ASSERT_EQUAL(conns_of(x), 1);
    close(fd);
    exchange_release(x);
    end();
}

static void nobody_listening_is_told_at_once(void)
{
    struct exchange_target t = begin();
    event_free(listener_event);
    listener_event = NULL;
    close(listener_fd);
    struct exchange *x = open_one(&t);
    struct asked a = {0};
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    wait_for(&a);
    CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_GONE);
    CU_ASSERT_EQUAL(conns_of(x), 0);
    exchange_release(x);
    end();
}

static void a_connection_that_hangs_is_left(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0}, b = {0};
    server_silent = true;
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    run_ms(KEPT_DEAD_MS + 50);
    exchange_cancel(x, a.call);
    CU_ASSERT_EQUAL(conns_of(x), 0);
    server_silent = false;
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &b), ERR_OK);
    wait_for(&b);
    CU_ASSERT_TRUE(b.done == 1 && b.good && server_accepted == 2);
    exchange_release(x);
    end();
}

/* Asks so much at once that all connections are opened, waits for the answers, and looks what stays. */
static void ask_over_all(struct exchange *x, unsigned stay)
{
    static struct asked a[STREAM_SPREAD * KEPT_CONNS];
    memset(a, 0, sizeof a);
    for (unsigned i = 0; i < STREAM_SPREAD * KEPT_CONNS; i++)
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a[i]), ERR_OK);
    CU_ASSERT_EQUAL(conns_of(x), KEPT_CONNS);
    for (unsigned i = 0; i < STREAM_SPREAD * KEPT_CONNS; i++)
        wait_for(&a[i]);
    CU_ASSERT_EQUAL(conns_of(x), stay);
}

static void idle_connections_are_kept_within_limits(void)
{
    struct exchange_target t = begin();
    t.expire_ms = 100;
    t.max_idle = 2;
    struct exchange *x = open_one(&t);
    ask_over_all(x, 2);
    run_ms(250);
    CU_ASSERT_EQUAL(conns_of(x), 0);
    exchange_release(x);
    t.max_idle = 0;
    t.expire_ms = 60000;
    t.max_age_ms = 100;
    x = open_one(&t);
    ask_over_all(x, KEPT_CONNS);
    run_ms(150);
    struct asked a = {0};
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    CU_ASSERT_EQUAL(conns_of(x), 1); /* the old ones are gone */
    wait_for(&a);
    CU_ASSERT_TRUE(a.done == 1 && a.good);
    exchange_release(x);
    end();
}

/* The connection that the refusal came over is one idle connection too many just then: the question must not
 * go there again. */
static void a_question_asked_anew_does_not_go_to_a_connection_that_is_being_closed(void)
{
    struct exchange_target t = begin();
    t.max_idle = 1;
    struct exchange *x = open_one(&t);
    static struct asked a[STREAM_SPREAD + 1];
    uint8_t in[8192];
    memset(a, 0, sizeof a);
    event_del(listener_event);
    for (unsigned i = 0; i <= STREAM_SPREAD; i++)
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a[i]), ERR_OK);
    int first = accept_one(), second = accept_one();
    size_t len = receive_from(first, in, sizeof in), one = len / STREAM_SPREAD;
    CU_ASSERT_EQUAL_FATAL(len % STREAM_SPREAD, 0);
    for (size_t at = 0; at < len; at += one)
        in[at + 2 + 2] |= 0x80;
    CU_ASSERT_EQUAL(send(first, in, len, 0), (ssize_t)len);
    for (unsigned i = 0; i < STREAM_SPREAD; i++)
        wait_for(&a[i]);
    CU_ASSERT_EQUAL(receive_from(second, in, sizeof in), one);
    one -= 11; /* without OPT, FORMERR */
    in[1] -= 11;
    in[2 + 2] |= 0x80;
    in[2 + 3] |= 1;
    in[2 + 11] = 0;
    CU_ASSERT_EQUAL(send(second, in, one, 0), (ssize_t)one);
    CU_ASSERT_EQUAL(receive_from(first, in, sizeof in), one);
    CU_ASSERT_EQUAL(conns_of(x), 1);
    in[2 + 2] |= 0x80;
    CU_ASSERT_EQUAL(send(first, in, one, 0), (ssize_t)one);
    wait_for(&a[STREAM_SPREAD]);
    CU_ASSERT_TRUE(a[STREAM_SPREAD].done == 1 && a[STREAM_SPREAD].outcome == EXCHANGE_ANSWER);
    close(first);
    close(second);
    exchange_release(x);
    end();
}

static void lies_and_garbage_are_passed_over(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0};
    uint8_t in[512], lie[512];
    static const uint8_t empty[] = {0, 0, 0, 3, 1, 2, 3};
    event_del(listener_event);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    int fd = accept_one();
    size_t len = receive_from(fd, in, sizeof in);
    in[2 + 2] |= 0x80;
    CU_ASSERT_EQUAL(send(fd, empty, sizeof empty, 0), (ssize_t)sizeof empty);
    for (unsigned i = 0; i < 3; i++) {
        memcpy(lie, in, len);
        lie[i == 0 ? 2 : i == 1 ? 2 + 13 : 2 + 12 + 17 + 1] ^= 1; /* id, name, type */
        CU_ASSERT_EQUAL(send(fd, lie, len, 0), (ssize_t)len);
    }
    run_ms(20);
    CU_ASSERT_EQUAL(a.done, 0);
    CU_ASSERT_EQUAL(send(fd, in, len, 0), (ssize_t)len);
    wait_for(&a);
    CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_ANSWER);
    close(fd);
    exchange_release(x);
    end();
}

static void without_descriptors_a_connection_takes_no_more_than_it_may(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    static struct asked a[STREAM_CALLS_MAX + 1];
    memset(a, 0, sizeof a);
    event_del(listener_event);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a[0]), ERR_OK);
    int fd = accept_one(), next = dup(fd);
    struct rlimit limit;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = limit.rlim_max};
    close(next);
    setrlimit(RLIMIT_NOFILE, &none);
    for (unsigned i = 1; i <= STREAM_CALLS_MAX; i++)
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a[i]),
                        i < STREAM_CALLS_MAX ? ERR_OK : ERR_LIMIT);
    CU_ASSERT_EQUAL(conns_of(x), 1);
    setrlimit(RLIMIT_NOFILE, &limit);
    close(fd);
    exchange_release(x);
    end();
}

int main(void)
{
    static const struct unit_test tests[] = {
        CONTRACT_TESTS,
        {"many questions share a connection", many_questions_share_a_connection},
        {"answers come in any order, and in pieces", answers_come_in_any_order_and_in_pieces},
        {"what was out when it was closed is asked once more",
         what_was_out_when_it_was_closed_is_asked_once_more},
        {"an answer that has come is taken where nothing can be sent any more",
         an_answer_that_has_come_is_taken_where_nothing_can_be_sent_any_more},
        {"nobody listening is told at once", nobody_listening_is_told_at_once},
        {"a connection that hangs is left", a_connection_that_hangs_is_left},
        {"idle connections are kept within limits", idle_connections_are_kept_within_limits},
        {"a question asked anew does not go to a connection that is being closed",
         a_question_asked_anew_does_not_go_to_a_connection_that_is_being_closed},
        {"lies and garbage are passed over", lies_and_garbage_are_passed_over},
        {"without descriptors a connection takes no more than it may",
         without_descriptors_a_connection_takes_no_more_than_it_may},
    };
    return run_suite("exchange_stream", tests, sizeof tests / sizeof tests[0]);
}
