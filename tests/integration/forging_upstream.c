/*
 * A name server over UDP whose answers are overtaken by forged ones, sent as fast as the machine can, for
 * tests/integration/test_upstream_lies.py (tests/lib/forging_upstream.py starts it):
 *
 *   forging_upstream TOTAL EACH PATTERN DELAY
 *
 * Every name is honestly 10.0.0.1. Before it says so it sends EACH forged replies, 66.66.66.66, TOTAL in all,
 * to whom asked; where the question is sent again meanwhile, to the port that it came from last. The letters
 * of PATTERN say in turn what is wrong with 64 of them:
 *
 *   i  the id, another one each time: every id is tried within 65,535, but those that are right
 *   q  the question is for another name
 *   c  the question is in another letter case
 *   s  the source: the right port at another address
 *
 * One question is at a time under attack; others get the honest answer after DELAY ms. An id that is asked
 * with later, from a port at which it has been tried, would have been guessed by chance: that is seen and
 * counted, so that a test can tell luck from a fault.
 *
 * The first line of output is the port on 127.0.0.1. The end of stdin ends the process: a line
 * `forged N asked N guessed N`. It ends by itself after a minute.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"

#define HEADER_LEN  12
#define MESSAGE_MAX 512
#define BATCH       64 /* forged replies in one sendmmsg(); new questions are looked for between two */
#define IDS_MAX     64 /* of one question, from one port */
#define LIFETIME_S  60
#define LATER_MAX   4096 /* what is over it is lost */

/* Behind the last forged reply: what has come meanwhile is read by then, and there is room for one more. */
#define HONEST_AFTER_US 20000

/* What was done to one port of the server for the present question. */
struct port {
    uint16_t ids[IDS_MAX]; /* that are right */
    unsigned nids;
    uint16_t first; /* ids tried: so many from here on */
    uint32_t tried;
};

struct question {
    uint8_t wire[MESSAGE_MAX]; /* header and question section, as it came last */
    size_t len;
    struct sockaddr_in from;
};

/* Answers that are not due yet, the oldest first. */
static struct {
    struct question q;
    uint64_t due_ms;
} later[LATER_MAX];
static unsigned later_first, later_count;
static unsigned long delay_ms;

static struct port ports[65536];
static struct question present; /* len 0: none yet */
static unsigned long left;      /* forged replies to it that are still to come */
static unsigned long total, each, forged, asked, guessed;
static const char *pattern;
static int sock, elsewhere;

/* ---- messages ---- */

/* The length of header and question section; 0: it is no question. */
static size_t question_len(const uint8_t *wire, size_t len)
{
    size_t at = HEADER_LEN;
    if (len < HEADER_LEN || (wire[2] & 0x80) != 0 || wire_u16(wire + 4) != 1)
        return 0;
    while (at < len && wire[at] != 0)
        at += wire[at] + 1u;
    return at + 5 <= len && at + 5 + 16 <= MESSAGE_MAX ? at + 5 : 0;
}

/* Makes an answer of a question; its length. Without an address: one that has no records. */
static size_t make_answer(uint8_t *out, const struct question *q, const char *address)
{
    static const uint8_t fixed[] = {0xc0, HEADER_LEN, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4};
    memcpy(out, q->wire, q->len);
    memcpy(out + 2, (const uint8_t[]){0x81, 0x80, 0, 1, 0, address != NULL, 0, 0, 0, 0}, 10);
    if (address == NULL)
        return q->len;
    memcpy(out + q->len, fixed, sizeof fixed);
    inet_pton(AF_INET, address, out + q->len + sizeof fixed);
    return q->len + sizeof fixed + 4;
}

static void answer_honestly(const struct question *q)
{
    uint8_t out[MESSAGE_MAX];
    bool address = q->wire[HEADER_LEN] != 0 && wire_u16(q->wire + q->len - 4) == 1;
    size_t len = make_answer(out, q, address ? "10.0.0.1" : NULL);
    sendto(sock, out, len, 0, (const struct sockaddr *)&q->from, sizeof q->from);
}

static void answer_later(const struct question *q)
{
    if (delay_ms == 0)
        answer_honestly(q);
    if (delay_ms == 0 || later_count == LATER_MAX)
        return;
    unsigned at = (later_first + later_count++) % LATER_MAX;
    later[at].q = *q;
    later[at].due_ms = clock_ms() + delay_ms;
}

/* Gives the answers that are due; in how many ms the next one is, -1: none is waiting. */
static int answer_due(void)
{
    uint64_t now = clock_ms();
    for (; later_count > 0 && later[later_first].due_ms <= now; later_count--) {
        answer_honestly(&later[later_first].q);
        later_first = (later_first + 1) % LATER_MAX;
    }
    return later_count == 0 ? -1 : (int)(later[later_first].due_ms - now);
}

/* ---- forging ---- */

static bool is_right(const struct port *p, uint16_t id)
{
    for (unsigned i = 0; i < p->nids; i++)
        if (p->ids[i] == id)
            return true;
    return false;
}

static uint16_t wrong_id(struct port *p)
{
    uint16_t id;
    do {
        id = (uint16_t)(p->first + p->tried);
        p->tried += p->tried < 65536;
        p->first = (uint16_t)(p->first + (p->tried == 65536)); /* once round: go on round */
    } while (is_right(p, id));
    return id;
}

static void spoil(uint8_t *reply, char how)
{
    if (how == 'i')
        wire_put_u16(reply, wrong_id(&ports[ntohs(present.from.sin_port)]));
    else if (how == 'q')
        reply[HEADER_LEN + 1] ^= 1;
    else if (how == 'c')
        reply[HEADER_LEN + 1] ^= 0x20;
}

static void forge(void)
{
    static uint8_t replies[BATCH][MESSAGE_MAX];
    static unsigned turn;
    struct iovec vec[BATCH];
    struct mmsghdr msg[BATCH];
    char how = pattern[turn++ % strlen(pattern)];
    unsigned n = left < BATCH ? (unsigned)left : BATCH, sent = 0;
    for (unsigned i = 0; i < n; i++) {
        size_t len = make_answer(replies[i], &present, "66.66.66.66");
        spoil(replies[i], how);
        vec[i] = (struct iovec){.iov_base = replies[i], .iov_len = len};
        msg[i].msg_hdr = (struct msghdr){.msg_name = &present.from,
                                         .msg_namelen = sizeof present.from,
                                         .msg_iov = &vec[i],
                                         .msg_iovlen = 1};
    }
    while (sent < n) {
        int done = sendmmsg(how == 's' ? elsewhere : sock, msg + sent, n - sent, 0);
        if (done < 0 && errno != EINTR && errno != ECONNREFUSED)
            exit(EXIT_FAILURE);
        sent += done > 0 ? (unsigned)done : 0;
    }
    left -= n;
    forged += n;
    usleep(1); /* some 50 us, so that the server reads them, and does not drop nearly all */
    if (left > 0)
        return;
    usleep(HONEST_AFTER_US);
    answer_honestly(&present);
}

/* ---- questions ---- */

static bool is_present(const struct question *q)
{
    return q->len == present.len &&
           memcmp(q->wire + HEADER_LEN, present.wire + HEADER_LEN, q->len - HEADER_LEN) == 0;
}

static void take_question(const struct question *q)
{
    bool attacked = q->wire[HEADER_LEN] != 0, again = is_present(q);
    if (attacked && !again && left == 0 && forged < total) {
        memset(ports, 0, sizeof ports);
        left = each < total - forged ? each : total - forged;
    } else if (!again || left == 0) {
        answer_later(q);
        return;
    }
    struct port *p = &ports[ntohs(q->from.sin_port)];
    uint16_t id = wire_u16(q->wire);
    asked++;
    guessed += (uint16_t)(id - p->first) < p->tried && !is_right(p, id);
    if (p->nids == 0)
        p->first = (uint16_t)(id + 1);
    if (p->nids < IDS_MAX)
        p->ids[p->nids++] = id;
    present = *q;
}

/* Takes what has come; waits for something where `block` says so. */
static void receive(bool block)
{
    struct pollfd wait[] = {{.fd = sock, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    struct question q;
    if (poll(wait, 2, block ? answer_due() : 0) < 0)
        exit(EXIT_FAILURE);
    if (wait[1].revents != 0) {
        printf("forged %lu asked %lu guessed %lu\n", forged, asked, guessed);
        exit(EXIT_SUCCESS);
    }
    for (;;) {
        socklen_t from_len = sizeof q.from;
        ssize_t len =
            recvfrom(sock, q.wire, sizeof q.wire, MSG_DONTWAIT, (struct sockaddr *)&q.from, &from_len);
        if (len < 0 && errno == ECONNREFUSED) /* a port that was given up */
            continue;
        if (len < 0)
            return;
        q.len = question_len(q.wire, (size_t)len);
        if (q.len > 0)
            take_question(&q);
    }
}

static int open_socket(const char *address, in_port_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = port};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    inet_pton(AF_INET, address, &a.sin_addr);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof a) != 0) {
        perror("forging_upstream");
        exit(EXIT_FAILURE);
    }
    return fd;
}

int main(int argc, char **argv)
{
    struct sockaddr_in own;
    socklen_t own_len = sizeof own;
    if (argc != 5 || argv[3][0] == '\0') {
        fputs("usage: forging_upstream TOTAL EACH PATTERN DELAY\n", stderr);
        return EXIT_FAILURE;
    }
    total = strtoul(argv[1], NULL, 10);
    each = strtoul(argv[2], NULL, 10);
    pattern = argv[3];
    delay_ms = strtoul(argv[4], NULL, 10);
    alarm(LIFETIME_S);
    sock = open_socket("127.0.0.1", 0);
    if (getsockname(sock, (struct sockaddr *)&own, &own_len) != 0)
        return EXIT_FAILURE;
    elsewhere = open_socket("127.0.0.9", own.sin_port);
    printf("%u\n", ntohs(own.sin_port));
    fflush(stdout);
    for (;;) {
        receive(left == 0);
        if (left > 0)
            forge();
    }
}
