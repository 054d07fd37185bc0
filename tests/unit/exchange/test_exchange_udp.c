/* The contract of an exchange, kept by the direct one over UDP, and what is its own. */
#include "exchange/exchange_direct.h"

#define KIND(target) exchange_direct(target)
#define OVER_TCP     false
#include "exchange_contract.h"

#include "exchange/exchange_udp_p.h"

/* The name server, played by the test: the next question, and where it came from. */
static uint8_t asked_wire[1500];
static struct sockaddr_in asked_from;

static size_t receive_question(void)
{
    socklen_t len = sizeof asked_from;
    ssize_t n = -1;
    for (unsigned i = 0; i < 200 && n < 0; i++) {
        run_ms(10);
        n = recvfrom(server_fd, asked_wire, sizeof asked_wire, MSG_DONTWAIT, (struct sockaddr *)&asked_from,
                     &len);
    }
    CU_ASSERT_TRUE_FATAL(n > 12);
    return (size_t)n;
}

static void answer_question(const uint8_t *wire, size_t len, const struct sockaddr_in *to)
{
    CU_ASSERT_EQUAL(sendto(server_fd, wire, len, 0, (const struct sockaddr *)to, sizeof *to), (ssize_t)len);
}

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
                                        .recursion_desired = true,
                                        .options = options,
                                        .options_len = sizeof options};
    struct asked a = {0};
    uint8_t m[512];
    event_del(server_event);
    CU_ASSERT_EQUAL(exchange_ask(x, &q, on_done, &a, &a.call), ERR_OK);
    run_ms(5); /* it leaves at the end of the turn */
    ssize_t len = recv(server_fd, m, sizeof m, 0);
    CU_ASSERT_EQUAL_FATAL(len, 12 + 17 + 4 + 11 + (ssize_t)sizeof options);
    struct query got;
    CU_ASSERT_EQUAL(query_parse(m, (size_t)len, &got), QUERY_OK);
    CU_ASSERT_TRUE(got.dnssec_ok && got.flags == (FLAG_RD | FLAG_AD | FLAG_CD) &&
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
    struct exchange *x = open_one(&t);
    struct asked a = {0}, b = {0};
    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_AAAA, CLASS_IN, &b), ERR_OK);
        wait_for(&a);
        wait_for(&b);
        CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_GONE);
        CU_ASSERT_TRUE(b.done == 1 && b.outcome == EXCHANGE_GONE);
    }
    exchange_release(x);
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
    run_ms(5);
    ssize_t len = recvfrom(server_fd, m, sizeof m, 0, (struct sockaddr *)&from, &from_len);
    CU_ASSERT_TRUE_FATAL(len > 40);
    m[2] |= 0x80;
    for (unsigned i = 0; i < 6; i++) {
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
        else if (i == 4)
            lie[13] ^= 0x20; /* the name's case */
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

static void what_is_lost_is_sent_again_from_elsewhere_and_each_may_be_answered(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0}, b = {0};
    event_del(server_event);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    size_t len = receive_question();
    uint8_t first[1500];
    const struct sockaddr_in first_from = asked_from;
    memcpy(first, asked_wire, len);
    CU_ASSERT_EQUAL(receive_question(), len);
    CU_ASSERT_NOT_EQUAL(asked_from.sin_port, first_from.sin_port);
    CU_ASSERT_NOT_EQUAL(memcmp(asked_wire, first, 2), 0);
    CU_ASSERT_EQUAL(memcmp(asked_wire + 2, first + 2, len - 2), 0);
    uint8_t crossed[1500]; /* the second's id at the first's port */
    memcpy(crossed, asked_wire, len);
    crossed[2] |= 0x80;
    answer_question(crossed, len, &first_from);
    run_ms(20);
    CU_ASSERT_EQUAL(a.done, 0);
    first[2] |= 0x80;
    answer_question(first, len, &first_from);
    wait_for(&a);
    CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_ANSWER);
    answer_question(crossed, len, &asked_from); /* late: nobody's */
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &b), ERR_OK);
    run_ms(20);
    CU_ASSERT_EQUAL(b.done, 0);
    exchange_release(x);
    end();
}

/* Somebody who can write the upstream's address on his packets, and finds each port at once, tries all ids
 * but the right one: 65,535 for each port that is asked from. */
static void who_tries_ids_at_a_port_soon_finds_it_closed(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0};
    in_port_t ports[16];
    const unsigned nports = sizeof ports / sizeof ports[0];
    size_t len = 0;
    event_del(server_event);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    for (unsigned i = 0; i < nports; i++) {
        len = receive_question();
        ports[i] = asked_from.sin_port;
        uint16_t right = wire_u16(asked_wire);
        uint8_t lie[1500];
        memcpy(lie, asked_wire, len);
        lie[2] |= 0x80;
        for (unsigned tried = 1; tried <= UDP_FORGED_MAX; tried++) {
            wire_put_u16(lie, (uint16_t)(right + tried));
            answer_question(lie, len, &asked_from);
        }
        CU_ASSERT_EQUAL(a.done, 0);
    }
    for (unsigned i = 0; i < nports; i++)
        for (unsigned k = 0; k < i; k++)
            CU_ASSERT_NOT_EQUAL(ports[i], ports[k]);
    len = receive_question();
    asked_wire[2] |= 0x80;
    answer_question(asked_wire, len, &asked_from);
    wait_for(&a);
    CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_ANSWER);
    exchange_release(x);
    end();
}

static void late_and_double_answers_close_no_port(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    event_del(server_event);
    for (unsigned i = 0; i < 2 * UDP_FORGED_MAX; i++) {
        struct asked a = {0};
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
        size_t len = receive_question();
        asked_wire[2] |= 0x80;
        for (unsigned k = 0; k < 3; k++)
            answer_question(asked_wire, len, &asked_from);
        wait_for(&a);
        CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_ANSWER);
    }
    run_ms(5);
    const struct udp_exchange *u = (struct udp_exchange *)x;
    unsigned open = 0;
    for (unsigned i = 0; i < UDP_SOCKETS; i++)
        if (u->sockets[i] != NULL) {
            CU_ASSERT_EQUAL(u->sockets[i]->forged, 0);
            open++;
        }
    CU_ASSERT_TRUE(open > 0);
    exchange_release(x);
    end();
}

static void an_upstream_that_is_silent_gets_few_packets(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    static struct asked a[40];
    memset(a, 0, sizeof a);
    server_silent = true;
    ((struct udp_exchange *)x)->credit = 10;
    for (unsigned i = 0; i < 40; i++)
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a[i]), ERR_OK);
    run_ms(900);
    run_ms(900);
    CU_ASSERT_TRUE(server_asked >= 40 * 3 && server_asked <= 40 * 3 + 10);
    exchange_release(x);
    end();
}

static void many_at_once_are_all_answered_and_sockets_are_given_up(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    static struct asked a[4 * UDP_SOCKETS * UDP_SOCKET_USES];
    const unsigned n = sizeof a / sizeof a[0];
    int size = 4 << 20;
    setsockopt(server_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    memset(a, 0, sizeof a);
    for (unsigned done = 0; done < n; done += 64) {
        for (unsigned i = done; i < done + 64; i++) {
            char name[32];
            snprintf(name, sizeof name, "n%u.example.org.", i);
            CU_ASSERT_EQUAL(ask(x, name, RR_A, CLASS_IN, &a[i]), ERR_OK);
        }
        for (unsigned i = done; i < done + 64; i++) {
            wait_for(&a[i]);
            CU_ASSERT_TRUE(a[i].done == 1 && a[i].good);
        }
    }
    const struct udp_exchange *u = (struct udp_exchange *)x;
    for (unsigned i = 0; i < UDP_SOCKETS; i++)
        CU_ASSERT_TRUE(u->sockets[i] == NULL || u->sockets[i]->uses <= UDP_SOCKET_USES + UDP_BATCH);
    CU_ASSERT_TRUE(u->ncalls == 0 && u->nretired == 0);
    exchange_release(x);
    end();
}

static void an_upstream_without_edns_is_asked_without(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0}, b = {0};
    event_del(server_event);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    size_t len = receive_question();
    CU_ASSERT_EQUAL(len, 12 + 17 + 4 + 11);
    asked_wire[2] |= 0x80;
    asked_wire[3] |= RCODE_FORMERR;
    memset(asked_wire + 4, 0, 8); /* not even the question */
    answer_question(asked_wire, 12, &asked_from);
    CU_ASSERT_EQUAL(receive_question(), 12 + 17 + 4);
    CU_ASSERT_EQUAL(wire_u16(asked_wire + 10), 0);
    asked_wire[2] |= 0x80;
    answer_question(asked_wire, 12 + 17 + 4, &asked_from);
    wait_for(&a);
    CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_ANSWER);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &b), ERR_OK);
    CU_ASSERT_EQUAL(receive_question(), 12 + 17 + 4); /* remembered */
    exchange_release(x);
    end();
}

static struct exchange_answer *kept;

static void keep_answer(void *ctx, enum exchange_outcome outcome, struct exchange_answer *answer)
{
    CU_ASSERT_EQUAL(outcome, EXCHANGE_ANSWER);
    kept = exchange_answer_ref(answer);
    on_done(ctx, outcome, answer);
}

/* Asks with DO and gives the reply that the test has for it; what the asker is told is in `kept`. */
static void ask_and_reply(void (*change)(uint8_t *wire, size_t *len))
{
    static const uint8_t name[] = "\3www\7example\3org";
    static uint8_t wire[65535];
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0};
    const struct exchange_question q = {.name = name, .qtype = RR_A, .qclass = CLASS_IN, .dnssec_ok = true};
    event_del(server_event);
    CU_ASSERT_EQUAL(exchange_ask(x, &q, keep_answer, &a, &a.call), ERR_OK);
    size_t len = receive_question();
    memset(wire, 0, sizeof wire);
    memcpy(wire, asked_wire, len);
    wire[2] |= 0x80;
    change(wire, &len);
    answer_question(wire, len, &asked_from);
    wait_for(&a);
    CU_ASSERT_EQUAL_FATAL(a.done, 1);
    exchange_release(x);
    end();
}

static void make_long(uint8_t *wire, size_t *len)
{
    wire_put_u16(wire + 6, 1);
    *len = 9000;
}

static void make_bare_error(uint8_t *wire, size_t *len)
{
    wire[3] |= RCODE_REFUSED;
    memset(wire + 4, 0, 8);
    *len = 12;
}

static void an_answer_too_long_is_told_of_as_truncated(void)
{
    ask_and_reply(make_long);
    CU_ASSERT_EQUAL_FATAL(kept->len, 12 + 17 + 4);
    CU_ASSERT_TRUE((kept->wire[2] & 2) != 0 && wire_u16(kept->wire + 6) == 0);
    exchange_answer_unref(kept);
}

static void an_error_without_the_question_gets_it(void)
{
    ask_and_reply(make_bare_error);
    CU_ASSERT_EQUAL_FATAL(kept->len, 12 + 17 + 4);
    CU_ASSERT_TRUE((kept->wire[3] & 15) == RCODE_REFUSED && wire_u16(kept->wire + 4) == 1);
    CU_ASSERT_EQUAL(memcmp(kept->wire + 12, "\3www\7example\3org\0\0\1\0\1", 21), 0);
    exchange_answer_unref(kept);
}

static void letters_have_random_case_where_that_is_wished_for(void)
{
    struct exchange_target t = begin();
    t.case_randomisation = true;
    struct exchange *x = open_one(&t);
    struct asked a[8] = {{0}};
    bool upper = false;
    for (unsigned i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a[i]), ERR_OK);
    event_del(server_event);
    for (unsigned i = 0; i < 8; i++) {
        size_t len = receive_question();
        for (unsigned k = 12; k < 12 + 17; k++)
            upper = upper || (asked_wire[k] >= 'A' && asked_wire[k] <= 'Z');
        asked_wire[2] |= 0x80;
        answer_question(asked_wire, len, &asked_from);
    }
    for (unsigned i = 0; i < 8; i++) {
        wait_for(&a[i]);
        CU_ASSERT_TRUE(a[i].done == 1 && a[i].outcome == EXCHANGE_ANSWER);
    }
    CU_ASSERT_TRUE(upper);
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
        {"what is lost is sent again from elsewhere, and each may be answered",
         what_is_lost_is_sent_again_from_elsewhere_and_each_may_be_answered},
        {"who tries ids at a port soon finds it closed", who_tries_ids_at_a_port_soon_finds_it_closed},
        {"late and double answers close no port", late_and_double_answers_close_no_port},
        {"an upstream that is silent gets few packets", an_upstream_that_is_silent_gets_few_packets},
        {"many at once are all answered, and sockets are given up",
         many_at_once_are_all_answered_and_sockets_are_given_up},
        {"an upstream without EDNS is asked without", an_upstream_without_edns_is_asked_without},
        {"an answer too long is told of as truncated", an_answer_too_long_is_told_of_as_truncated},
        {"an error without the question gets it", an_error_without_the_question_gets_it},
        {"letters have random case where that is wished for",
         letters_have_random_case_where_that_is_wished_for},
    };
    return run_suite("exchange_udp", tests, sizeof tests / sizeof tests[0]);
}
