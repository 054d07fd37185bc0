/*
 * The contract of an exchange: a name server on loopback in the same event loop, an asker, and what every
 * kind keeps. The test program defines KIND(target), the kind under test, and OVER_TCP, before it includes
 * this. The server listens over TCP at the same port as well; answers there leave in the order of questions.
 */
#ifndef SEAMARK_TESTS_EXCHANGE_CONTRACT_H
#define SEAMARK_TESTS_EXCHANGE_CONTRACT_H

#include "../runner.h"

#include "../serve/fake_worker.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "dns/query.h"
#include "dns/rr.h"
#include "exchange/exchange.h"

/* ---- the name server: answers every question with 10.0.0.1, or not ---- */

static int server_fd;
static struct event *server_event;
static bool server_silent;
static unsigned server_asked;

/* Makes the question in `m` its answer; returns the length. */
static size_t answer_in_place(uint8_t *m)
{
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 10, 0, 0, 1};
    size_t at = 12;
    while (m[at] != 0)
        at += 1u + m[at];
    at += 5;
    memcpy(m + at, record, sizeof record);
    m[2] |= 0x80;
    m[3] = 0x80;
    wire_put_u16(m + 6, 1);
    wire_put_u16(m + 10, 0);
    return at + sizeof record;
}

static void serve(evutil_socket_t fd, short what, void *ctx)
{
    uint8_t m[1500];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof from;
    ssize_t len = recvfrom(fd, m, sizeof m, 0, (struct sockaddr *)&from, &from_len);
    (void)what, (void)ctx;
    server_asked++;
    if (len >= 12 && !server_silent)
        sendto(fd, m, answer_in_place(m), 0, (struct sockaddr *)&from, from_len);
}

#define SERVER_CONNS 16
static struct {
    int fd;
    struct event *event;
    uint8_t in[70000];
    size_t len;
} server_conns[SERVER_CONNS];
static unsigned server_accepted;
static int listener_fd;
static struct event *listener_event;

static void close_conn(unsigned i)
{
    event_free(server_conns[i].event);
    close(server_conns[i].fd);
    server_conns[i].event = NULL;
}

static void serve_conn(evutil_socket_t fd, short what, void *ctx)
{
    unsigned i = (unsigned)(uintptr_t)ctx;
    uint8_t *in = server_conns[i].in;
    ssize_t n = recv(fd, in + server_conns[i].len, sizeof server_conns[i].in - server_conns[i].len, 0);
    (void)what;
    if (n <= 0) {
        close_conn(i);
        return;
    }
    server_conns[i].len += (size_t)n;
    while (server_conns[i].len > 2 && server_conns[i].len >= 2u + wire_u16(in)) {
        uint8_t m[1500];
        size_t whole = 2u + wire_u16(in);
        memcpy(m, in, whole);
        server_conns[i].len -= whole;
        memmove(in, in + whole, server_conns[i].len);
        server_asked++;
        if (server_silent)
            continue;
        size_t len = answer_in_place(m + 2);
        wire_put_u16(m, (uint16_t)len);
        CU_ASSERT_EQUAL(send(fd, m, 2 + len, MSG_NOSIGNAL), (ssize_t)(2 + len));
    }
}

static void accept_conn(evutil_socket_t fd, short what, void *ctx)
{
    unsigned i = 0;
    (void)what, (void)ctx;
    while (i < SERVER_CONNS - 1 && server_conns[i].event != NULL)
        i++;
    CU_ASSERT_PTR_NULL_FATAL(server_conns[i].event);
    server_conns[i].fd = accept(fd, NULL, NULL);
    server_conns[i].len = 0;
    server_conns[i].event =
        event_new(fake_base, server_conns[i].fd, EV_READ | EV_PERSIST, serve_conn, (void *)(uintptr_t)i);
    event_add(server_conns[i].event, NULL);
    server_accepted++;
}

/* Both sockets at one port, which the kernel chooses for the first. */
static bool bind_both(union address *a)
{
    static const int on = 1;
    socklen_t len = sizeof a->in;
    a->in.sin_port = 0;
    server_fd = socket(AF_INET, SOCK_DGRAM, 0);
    listener_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    CU_ASSERT_EQUAL_FATAL(bind(server_fd, &a->sa, len), 0);
    getsockname(server_fd, &a->sa, &len);
    if (bind(listener_fd, &a->sa, len) == 0)
        return true;
    close(server_fd);
    close(listener_fd);
    return false;
}

static void listen_tcp(void)
{
    CU_ASSERT_EQUAL_FATAL(listen(listener_fd, 16), 0);
    listener_event = event_new(fake_base, listener_fd, EV_READ | EV_PERSIST, accept_conn, NULL);
    event_add(listener_event, NULL);
    server_accepted = 0;
}

static struct exchange_target begin(void)
{
    struct exchange_target t = {
        .address = {.in = {.sin_family = AF_INET}}, .expire_ms = 1000, .tcp = OVER_TCP};
    t.address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while (!bind_both(&t.address))
        ;
    fake_base = event_base_new();
    server_event = event_new(fake_base, server_fd, EV_READ | EV_PERSIST, serve, NULL);
    event_add(server_event, NULL);
    listen_tcp();
    server_silent = false;
    server_asked = 0;
    return t;
}

static void end(void)
{
    event_free(server_event);
    close(server_fd);
    for (unsigned i = 0; i < SERVER_CONNS; i++)
        if (server_conns[i].event != NULL)
            close_conn(i);
    if (listener_event != NULL) {
        event_free(listener_event);
        close(listener_fd);
    }
    listener_event = NULL;
    event_base_free(fake_base);
}

/* ---- the asker ---- */

struct asked {
    int done;
    enum exchange_outcome outcome;
    bool good; /* the answer has the address */
    struct exchange_call *call;
    struct exchange *release; /* in done() */
};

static void on_done(void *ctx, enum exchange_outcome outcome, struct exchange_answer *answer)
{
    struct asked *a = ctx;
    a->done++;
    a->outcome = outcome;
    a->good = answer != NULL && answer->len > 4 && memcmp(answer->wire + 6, "\0\1", 2) == 0;
    if (a->release != NULL)
        exchange_release(a->release);
}

static int ask(struct exchange *x, const char *name, uint16_t qtype, uint16_t qclass, struct asked *a)
{
    uint8_t wire[NAME_MAX_LEN];
    CU_ASSERT_TRUE_FATAL(name_from_text(name, strlen(name), wire) > 0);
    const struct exchange_question q = {.name = wire, .qtype = qtype, .qclass = qclass};
    *a = (struct asked){.release = a->release};
    int ret = exchange_ask(x, &q, on_done, a, &a->call);
    CU_ASSERT_EQUAL(a->done, 0); /* never from within */
    return ret;
}

static void run_ms(unsigned ms)
{
    struct timeval tv = {.tv_usec = ms * 1000};
    event_base_loopexit(fake_base, &tv);
    event_base_dispatch(fake_base);
}

static void wait_for(const struct asked *a)
{
    for (unsigned i = 0; i < 100 && a->done == 0; i++)
        run_ms(10);
}

static struct exchange *open_one(const struct exchange_target *t)
{
    struct exchange *x = NULL;
    struct errtext e = {{0}};
    CU_ASSERT_EQUAL_FATAL(exchange_acquire(&fake_workers[0], KIND(t), t, &x, &e), ERR_OK);
    return x;
}

/* ---- what every kind keeps ---- */

static void an_answer_comes_once_and_later(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0};
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    wait_for(&a);
    CU_ASSERT_TRUE(a.done == 1 && a.outcome == EXCHANGE_ANSWER && a.good);
    run_ms(20);
    CU_ASSERT_EQUAL(a.done, 1);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    wait_for(&a);
    CU_ASSERT_EQUAL(server_asked, 2); /* nothing is kept below our own cache */
    exchange_release(x);
    end();
}

static void what_was_cancelled_is_not_heard_of(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {0}, b = {0};
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &b), ERR_OK);
    exchange_cancel(x, a.call);
    wait_for(&b);
    CU_ASSERT_TRUE(a.done == 0 && b.done == 1 && b.good);
    exchange_release(x);
    end();
}

static void closing_with_questions_out_tells_nobody(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a[20];
    server_silent = true;
    memset(a, 0, sizeof a);
    for (unsigned i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%u.example.org.", i);
        CU_ASSERT_EQUAL(ask(x, name, RR_A, CLASS_IN, &a[i]), ERR_OK);
    }
    run_ms(20);
    exchange_release(x);
    run_ms(20);
    for (unsigned i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(a[i].done, 0);
    end();
}

static void closing_from_within_done_is_allowed(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    struct asked a = {.release = x}, b = {0};
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_A, CLASS_IN, &a), ERR_OK);
    CU_ASSERT_EQUAL(ask(x, "www.example.org.", RR_AAAA, CLASS_IN, &b), ERR_OK);
    wait_for(&a);
    run_ms(20);
    CU_ASSERT_EQUAL(a.done, 1);
    CU_ASSERT_EQUAL(b.done, 0);
    end();
}

static void transfers_and_what_is_no_question_are_not_asked(void)
{
    struct exchange_target t = begin();
    struct exchange *x = open_one(&t);
    static const uint16_t types[] = {0, RR_OPT, 249, 250, RR_IXFR, RR_AXFR};
    struct asked a = {0};
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++)
        CU_ASSERT_EQUAL(ask(x, "www.example.org.", types[i], CLASS_IN, &a), ERR_UNSUPPORTED);
    CU_ASSERT_EQUAL(ask(x, ".", RR_NS, CLASS_IN, &a), ERR_OK);
    exchange_cancel(x, a.call);
    exchange_release(x);
    CU_ASSERT_EQUAL(server_asked, 0);
    end();
}

#define CONTRACT_TESTS                                                                                       \
    {"an answer comes once, and later", an_answer_comes_once_and_later},                                     \
        {"what was cancelled is not heard of, its twin is", what_was_cancelled_is_not_heard_of},             \
        {"closing with questions out tells nobody", closing_with_questions_out_tells_nobody},                \
        {"closing from within done() is allowed", closing_from_within_done_is_allowed},                      \
    {                                                                                                        \
        "transfers and what is no question are not asked", transfers_and_what_is_no_question_are_not_asked   \
    }

#endif
