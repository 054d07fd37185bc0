/* Datagrams out: real sockets, and a kernel that may refuse what is joined. */
#include "serve/udp_send.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../runner.h"

#define CLIENTS   4
#define SIZE_MAX_ 4000
#define ROUNDS    400

/* ---- the kernel, and what is asked of it ---- */

static int refuse_joined; /* an errno */
static bool old;          /* it does not know how to take them apart */
static unsigned joined, alone;

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    if (old && level == IPPROTO_UDP) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
}

int sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
    for (unsigned i = 0; i < n; i++) {
        bool one = m[i].msg_hdr.msg_iovlen == 1;
        if (!one && refuse_joined != 0) {
            errno = refuse_joined;
            return i > 0 ? (int)syscall(SYS_sendmmsg, fd, m, i, flags) : -1;
        }
        alone += one;
        joined += !one;
    }
    return (int)syscall(SYS_sendmmsg, fd, m, n, flags);
}

/* ---- a server and its clients, over IPv6 or IPv4 on the same socket ---- */

static int server, clients[CLIENTS];
static struct sockaddr_in6 addresses[CLIENTS];

static void open_sockets(bool six)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int size = 4 << 20;
    server = socket(AF_INET6, SOCK_DGRAM, 0);
    setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    setsockopt(server, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    CU_ASSERT_EQUAL_FATAL(bind(server, (struct sockaddr *)&any, sizeof any), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        socklen_t len = sizeof addresses[i];
        if (!six)
            here.sin6_addr = (struct in6_addr){{{[10] = 0xff, 0xff, 127, 0, 0, 1}}};
        clients[i] = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        setsockopt(clients[i], IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
        CU_ASSERT_EQUAL_FATAL(bind(clients[i], (struct sockaddr *)&here, sizeof here), 0);
        getsockname(clients[i], (struct sockaddr *)&addresses[i], &len);
    }
}

static void close_sockets(void)
{
    close(server);
    for (unsigned i = 0; i < CLIENTS; i++)
        close(clients[i]);
}

/* ---- batches ---- */

struct batch {
    struct mmsghdr m[UDP_SEND_BATCH];
    struct iovec vec[UDP_SEND_BATCH];
    _Alignas(struct cmsghdr) char control[UDP_SEND_BATCH][CMSG_SPACE(sizeof(struct in6_pktinfo))];
    uint8_t data[UDP_SEND_BATCH][SIZE_MAX_];
    unsigned client[UDP_SEND_BATCH];
    unsigned count;
};

/* Datagram number `i` of `len` octets, its number in front and everywhere. */
static void add(struct batch *b, unsigned client, size_t len, bool from_local)
{
    unsigned i = b->count++;
    struct msghdr *h = &b->m[i].msg_hdr;
    memset(b->data[i], (int)i + 1, len);
    b->client[i] = client;
    b->vec[i] = (struct iovec){.iov_base = b->data[i], .iov_len = len};
    *h = (struct msghdr){.msg_name = &addresses[client],
                         .msg_namelen = sizeof addresses[client],
                         .msg_iov = &b->vec[i],
                         .msg_iovlen = 1};
    if (!from_local)
        return;
    h->msg_control = b->control[i];
    h->msg_controllen = sizeof b->control[i];
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    *c = (struct cmsghdr){.cmsg_level = IPPROTO_IPV6,
                          .cmsg_type = IPV6_PKTINFO,
                          .cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo))};
    struct in6_pktinfo info = {.ipi6_addr = addresses[client].sin6_addr};
    memcpy(CMSG_DATA(c), &info, sizeof info);
}

/* Every datagram arrived once, whole, at its client, from the address that it should leave from. */
static void check_arrived(const struct batch *b)
{
    unsigned seen[UDP_SEND_BATCH] = {0};
    uint8_t data[SIZE_MAX_ + 1];
    for (unsigned k = 0; k < CLIENTS; k++) {
        struct sockaddr_in6 from;
        socklen_t len = sizeof from;
        ssize_t n;
        while ((n = recvfrom(clients[k], data, sizeof data, 0, (struct sockaddr *)&from, &len)) > 0) {
            unsigned i = data[0] - 1u;
            CU_ASSERT_FATAL(i < b->count);
            seen[i]++;
            CU_ASSERT_EQUAL(b->client[i], k);
            CU_ASSERT_EQUAL((size_t)n, b->vec[i].iov_len);
            CU_ASSERT_EQUAL(memcmp(data, b->data[i], (size_t)n), 0);
            CU_ASSERT_EQUAL(memcmp(&from.sin6_addr, &addresses[k].sin6_addr, 16), 0);
        }
    }
    for (unsigned i = 0; i < b->count; i++)
        CU_ASSERT_EQUAL(seen[i], 1);
}

static struct udp_sender *begin(bool six)
{
    refuse_joined = 0;
    joined = alone = 0;
    open_sockets(six);
    struct udp_sender *s = udp_sender_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return s;
}

static void end(struct udp_sender *s)
{
    free(s);
    close_sockets();
}

static void pairs_leave_together_the_longer_one_first(void)
{
    static const struct {
        size_t first, second;
        unsigned joined;
    } cases[] = {{80, 80, 1}, {90, 80, 1}, {80, 140, 1}, {1200, 1200, 1}, {1201, 80, 0}, {80, 1201, 0}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct udp_sender *s = begin(i & 1);
        static struct batch b;
        b.count = 0;
        add(&b, 0, cases[i].first, true);
        add(&b, 0, cases[i].second, true);
        add(&b, 1, 50, true);
        udp_send(s, server, b.m, b.count);
        CU_ASSERT_EQUAL(joined, cases[i].joined);
        CU_ASSERT_EQUAL(alone, cases[i].joined ? 1 : 3);
        check_arrived(&b);
        end(s);
    }
}

static void runs_are_of_one_length_but_for_the_last(void)
{
    static const size_t sizes[] = {80, 80, 80, 70, 80, 90, 90, 100, 100, 100, 100};
    struct udp_sender *s = begin(true);
    static struct batch b;
    b.count = 0;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        add(&b, 2, sizes[i], false);
    udp_send(s, server, b.m, b.count);
    /* 80 80 80 70 | 90 80 | 90 | 100 100 100 100, or with the last 90 as the first of the next */
    CU_ASSERT(joined >= 3 && alone <= 1);
    check_arrived(&b);
    end(s);
}

static unsigned chance(unsigned n)
{
    static uint64_t x = 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (unsigned)(x >> 33) % n;
}

static void fill_by_chance(struct batch *b)
{
    static const size_t sizes[] = {60, 60, 61, 140, 1200, 1201, 3000};
    unsigned client = 0;
    b->count = 0;
    for (unsigned left = 1 + chance(UDP_SEND_BATCH); left > 0; left--) {
        if (chance(2) == 0)
            client = chance(CLIENTS);
        add(b, client, sizes[chance(7)], chance(4) != 0);
    }
}

static void whatever_comes_all_arrives(void)
{
    static struct batch b;
    for (unsigned six = 0; six < 2; six++) {
        struct udp_sender *s = begin(six == 1);
        for (unsigned i = 0; i < ROUNDS; i++) {
            fill_by_chance(&b);
            udp_send(s, server, b.m, b.count);
            check_arrived(&b);
        }
        CU_ASSERT(joined > ROUNDS && alone > ROUNDS);
        end(s);
    }
}

static void what_is_refused_is_sent_apart_from_then_on(void)
{
    static const int errors[] = {EIO, EINVAL, EMSGSIZE, EOPNOTSUPP};
    static struct batch b;
    for (unsigned e = 0; e < 4; e++) {
        struct udp_sender *s = begin(false);
        for (unsigned i = 0; i < 50; i++) {
            refuse_joined = i < 5 ? errors[e] : 0;
            fill_by_chance(&b);
            udp_send(s, server, b.m, b.count);
            check_arrived(&b);
        }
        CU_ASSERT_EQUAL(joined, 0);
        end(s);
    }
}

static void an_old_kernel_gets_them_one_by_one(void)
{
    static struct batch b;
    old = true;
    struct udp_sender *s = begin(true);
    old = false;
    for (unsigned i = 0; i < 20; i++) {
        fill_by_chance(&b);
        udp_send(s, server, b.m, b.count);
        check_arrived(&b);
    }
    CU_ASSERT_EQUAL(joined, 0);
    end(s);
}

/* Nobody can be sent to at port 0: that says nothing of others. */
static void a_client_that_cannot_be_reached_changes_nothing(void)
{
    static struct batch b;
    struct udp_sender *s = begin(true);
    b.count = 0;
    in_port_t port = addresses[3].sin6_port;
    addresses[3].sin6_port = 0;
    add(&b, 3, 80, true);
    add(&b, 3, 80, true);
    udp_send(s, server, b.m, b.count);
    addresses[3].sin6_port = port;
    b.count = 0;
    add(&b, 0, 80, true);
    add(&b, 0, 80, true);
    joined = 0;
    udp_send(s, server, b.m, b.count);
    CU_ASSERT_EQUAL(joined, 1);
    check_arrived(&b);
    end(s);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"pairs leave together, the longer one first", pairs_leave_together_the_longer_one_first},
        {"runs are of one length but for the last", runs_are_of_one_length_but_for_the_last},
        {"whatever comes, all arrives", whatever_comes_all_arrives},
        {"what is refused is sent apart, from then on", what_is_refused_is_sent_apart_from_then_on},
        {"an old kernel gets them one by one", an_old_kernel_gets_them_one_by_one},
        {"a client that cannot be reached changes nothing", a_client_that_cannot_be_reached_changes_nothing},
    };
    return run_suite("udp_send", tests, sizeof tests / sizeof tests[0]);
}
