/* The contract of an exchange, kept by the one that sends questions as they are, and what is its own. */
#include "upstream/exchange_direct.h"

#define KIND exchange_direct
#include "exchange_contract.h"

static void options_stand_in_the_question(void)
{
    static const uint8_t options[] = {0xff, 0xee, 0, 2, 'a', 'b'};
    static const uint8_t name[] = "\3www\7example\3org";
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    const struct exchange_question q = {.name = name,
                                        .qtype = RR_A,
                                        .qclass = CLASS_IN,
                                        .dnssec_ok = true,
                                        .checking_disabled = true,
                                        .options = options,
                                        .options_len = sizeof options};
    struct asked a = {0};
    uint8_t m[512];
    event_del(server_event);
    CU_ASSERT_EQUAL(exchange_ask(x, &q, on_done, &a, &a.call), ERR_OK);
    ssize_t len = recv(server_fd, m, sizeof m, 0);
    CU_ASSERT_EQUAL_FATAL(len, 12 + 17 + 4 + 11 + (ssize_t)sizeof options);
    struct query got;
    CU_ASSERT_EQUAL(query_parse(m, (size_t)len, &got), QUERY_OK);
    CU_ASSERT_TRUE(got.dnssec_ok && got.flags == (FLAG_RD | FLAG_CD) &&
                   got.client_options_len == sizeof options);
    CU_ASSERT_EQUAL(memcmp(m + len - sizeof options, options, sizeof options), 0);
    exchange_cancel(x, a.call);
    exchange_release(x);
    end();
}

static void nobody_listening_is_told_at_once(void)
{
    struct exchange_target t = begin();
    event_del(server_event);
    close(server_fd);
    for (int tcp = 0; tcp < 2; tcp++) {
        t.tcp = tcp == 1;
        struct exchange *x = open_one(&t);
        struct asked a = {0};
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
        wait_for(&a);
        CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_GONE);
        exchange_release(x);
    }
    server_fd = -1;
    end();
}

static void there_is_an_end_to_questions_under_way(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    static struct asked a[EXCHANGE_DIRECT_CALLS_MAX + 1];
    server_silent = true;
    memset(a, 0, sizeof a);
    for (unsigned i = 0; i < EXCHANGE_DIRECT_CALLS_MAX; i++)
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a[i]), ERR_OK);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a[EXCHANGE_DIRECT_CALLS_MAX]), ERR_LIMIT);
    exchange_cancel(x, a[0].call);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a[0]), ERR_OK);
    exchange_release(x);
    end();
}

/* Answers with another id or to another question do not count, however many come. */
static void lies_are_passed_over(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0};
    uint8_t m[512], lie[512];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof from;
    event_del(server_event);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    ssize_t len = recvfrom(server_fd, m, sizeof m, 0, (struct sockaddr *)&from, &from_len);
    CU_ASSERT_TRUE_FATAL(len > 40);
    m[2] |= 0x80;
    for (unsigned i = 0; i < 5; i++) {
        size_t cut = (size_t)len;
        memcpy(lie, m, (size_t)len);
        if (i == 0)
            lie[0] ^= 1; /* id */
        else if (i == 1)
            lie[13] ^= 1; /* name */
        else if (i == 2)
            lie[12 + 17 + 1] ^= 1; /* type */
        else if (i == 3)
            lie[2] &= 0x7f; /* a question */
        else
            cut = 20;
        sendto(server_fd, lie, cut, 0, (struct sockaddr *)&from, from_len);
    }
    run_ms(20);
    CU_ASSERT_EQUAL(a.done, 0);
    sendto(server_fd, m, (size_t)len, 0, (struct sockaddr *)&from, from_len);
    wait_for(&a);
    CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_ANSWER);
    exchange_release(x);
    end();
}

int main(void)
{
    static const struct unit_test tests[] = {
        CONTRACT_TESTS,
        {"options stand in the question", options_stand_in_the_question},
        {"nobody listening is told at once", nobody_listening_is_told_at_once},
        {"there is an end to questions under way", there_is_an_end_to_questions_under_way},
        {"lies are passed over", lies_are_passed_over},
    };
    return run_suite("exchange_direct", tests, sizeof tests / sizeof tests[0]);
}
