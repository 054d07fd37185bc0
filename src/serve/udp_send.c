#include "serve/udp_send.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define SEGMENT_MAX  1200 /* octets of one that is joined: with headers below the least MTU of IPv6 */
#define LOCAL_SIZE   CMSG_SPACE(sizeof(struct in6_pktinfo))
#define CONTROL_SIZE (LOCAL_SIZE + CMSG_SPACE(sizeof(uint16_t)))

struct udp_sender {
    bool refused; /* the kernel does not take them joined */
    struct mmsghdr msg[UDP_SEND_BATCH];
    struct iovec vec[UDP_SEND_BATCH]; /* of joined ones, side by side */
    uint8_t first[UDP_SEND_BATCH];    /* of what it is made of, in the order in which they came */
    _Alignas(struct cmsghdr) char control[UDP_SEND_BATCH][CONTROL_SIZE];
};

/* An older kernel, or one that is played, takes no notice of the option with a datagram, and would send them
 * as one. It does not know the socket's option of that name either. */
static bool kernel_can_join(void)
{
    int size, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof size;
    bool can = fd >= 0 && getsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, &len) == 0;
    if (fd >= 0)
        close(fd);
    return can;
}

struct udp_sender *udp_sender_new(void)
{
    struct udp_sender *s = calloc(1, sizeof *s);
    if (s != NULL)
        s->refused = !kernel_can_join();
    return s;
}

/* Returns how many were sent. */
static unsigned send_each(int fd, struct mmsghdr *m, unsigned count)
{
    unsigned at = 0, sent = 0;
    while (at < count) {
        int n = sendmmsg(fd, m + at, count - at, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        at += n > 0 ? (unsigned)n : 1; /* the one that cannot be sent is left out; the others go */
        sent += n > 0 ? (unsigned)n : 0;
    }
    return sent;
}

/* ---- joining ---- */

static inline size_t len_of(const struct mmsghdr *m)
{
    return m->msg_hdr.msg_iov->iov_len;
}

/* memcmp() == 0, without a call, for the short things here. */
static inline bool same(const void *a, const void *b, size_t len)
{
    const char *x = a, *y = b;
    uint64_t v, w;
    if (len < sizeof v)
        return len == 0;
    for (size_t at = 0; at + sizeof v < len; at += sizeof v) {
        memcpy(&v, x + at, sizeof v);
        memcpy(&w, y + at, sizeof w);
        if (v != w)
            return false;
    }
    memcpy(&v, x + len - sizeof v, sizeof v); /* some octets for the second time */
    memcpy(&w, y + len - sizeof w, sizeof w);
    return v == w;
}

/* Whether both go to one client. Most differ in the port, which is in the first eight octets. */
static inline bool same_client(const struct msghdr *a, const struct msghdr *b)
{
    uint64_t v, w;
    memcpy(&v, a->msg_name, sizeof v);
    memcpy(&w, b->msg_name, sizeof w);
    return v == w && a->msg_namelen == b->msg_namelen && same(a->msg_name, b->msg_name, a->msg_namelen);
}

static inline bool same_local(const struct msghdr *a, const struct msghdr *b)
{
    return a->msg_controllen == b->msg_controllen && a->msg_controllen <= LOCAL_SIZE &&
           same(a->msg_control, b->msg_control, a->msg_controllen);
}

/* How many datagrams from `m` on leave together: of one length, but for the last, which may be shorter. Of
 * two it may be the first as well. */
static unsigned run_of(const struct mmsghdr *m, unsigned count)
{
    unsigned n = 1;
    size_t len = len_of(m);
    while (n < count && same_client(&m->msg_hdr, &m[n].msg_hdr) && same_local(&m->msg_hdr, &m[n].msg_hdr)) {
        size_t next = len_of(m + n);
        if (len > SEGMENT_MAX || next > SEGMENT_MAX || (next > len && n > 1))
            break;
        n++;
        if (next != len)
            break;
    }
    return n;
}

/* Makes one message of `n`. */
static void join(struct udp_sender *s, unsigned to, unsigned vec, const struct mmsghdr *m, unsigned n)
{
    struct msghdr *h = &s->msg[to].msg_hdr;
    bool turned = n == 2 && len_of(m) < len_of(m + 1);
    for (unsigned i = 0; i < n; i++)
        s->vec[vec + i] = m[turned ? 1 - i : i].msg_hdr.msg_iov[0];
    uint16_t size = (uint16_t)s->vec[vec].iov_len;
    char *control = s->control[to];
    size_t local = CMSG_ALIGN(m->msg_hdr.msg_controllen);
    if (local == LOCAL_SIZE) /* known to the compiler */
        memcpy(control, m->msg_hdr.msg_control, LOCAL_SIZE);
    else if (local > 0)
        memcpy(control, m->msg_hdr.msg_control, m->msg_hdr.msg_controllen);
    struct cmsghdr *c = (struct cmsghdr *)(void *)(control + local);
    *c = (struct cmsghdr){.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof size)};
    memset(CMSG_DATA(c), 0, CMSG_ALIGN(sizeof size));
    memcpy(CMSG_DATA(c), &size, sizeof size);
    *h = m->msg_hdr;
    h->msg_iov = &s->vec[vec];
    h->msg_iovlen = n;
    h->msg_control = control;
    h->msg_controllen = local + CMSG_SPACE(sizeof size);
}

/* Makes s->msg of all, and returns their number. */
static unsigned join_all(struct udp_sender *s, const struct mmsghdr *m, unsigned count)
{
    unsigned to = 0;
    for (unsigned i = 0, n; i < count; i += n, to++) {
        n = run_of(m + i, count - i);
        s->first[to] = (uint8_t)i;
        if (n == 1)
            s->msg[to].msg_hdr = m[i].msg_hdr;
        else
            join(s, to, i, m + i, n);
    }
    return to;
}

/* ---- sending ---- */

/* Message `at` could not be sent, for that error. Where its parts can, that was because they were joined. */
static void send_apart(struct udp_sender *s, int fd, struct mmsghdr *m, unsigned at, int error)
{
    unsigned n = (unsigned)s->msg[at].msg_hdr.msg_iovlen;
    if (n > 1 && send_each(fd, m + s->first[at], n) == n)
        s->refused = error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP;
}

static void send_joined(struct udp_sender *s, int fd, struct mmsghdr *m, unsigned count)
{
    for (unsigned at = 0; at < count;) {
        int n = sendmmsg(fd, s->msg + at, count - at, MSG_DONTWAIT);
        if (n > 0) {
            at += (unsigned)n;
        } else if (errno != EINTR) {
            if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
                send_apart(s, fd, m, at, errno);
            at++;
        }
    }
}

static bool has_neighbours(const struct mmsghdr *m, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        if (same_client(&m[i - 1].msg_hdr, &m[i].msg_hdr))
            return true;
    return false;
}

void udp_send(struct udp_sender *s, int fd, struct mmsghdr *m, unsigned count)
{
    if (s->refused || !has_neighbours(m, count))
        send_each(fd, m, count);
    else
        send_joined(s, fd, m, join_all(s, m, count));
}
