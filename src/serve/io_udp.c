#include "serve/io_udp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "metrics/query_metrics.h"
#include "serve/endpoint.h"
#include "serve/express.h"
#include "serve/udp_send.h"
#include "serve/worker_p.h"

#define BATCH        32   /* more gains nothing: measured batches are 5 to 20 */
#define REQUEST_SIZE 4096 /* the longest request that is read: EDNS options included, it is far shorter */
#define ANSWER_SIZE  4096 /* answers up to this size are sent in batches, longer ones at once */
static_assert(BATCH <= EXPRESS_BATCH && BATCH <= UDP_SEND_BATCH && REQUEST_SIZE >= EXPRESS_ROOM,
              "a batch goes the short way whole");
#define CONTROL_SIZE CMSG_SPACE(sizeof(struct in6_pktinfo))
#define TURNS_MAX    16 /* batches from one socket before others have their turn */

struct udp_batch {
    struct {
        uint8_t packet[REQUEST_SIZE];
        union address from;
        _Alignas(struct cmsghdr) char control[CONTROL_SIZE];
    } in[BATCH];
    struct iovec in_vec[BATCH];
    struct mmsghdr in_msg[BATCH];
    struct express_datagram express[BATCH];
    struct express_work *work;
    struct udp_sender *sender;
    unsigned in_used;      /* headers in in_msg that the kernel has written to */
    size_t in_control_len; /* what the others are ready for */
    struct {
        uint8_t packet[ANSWER_SIZE];
        union address to;
        _Alignas(struct cmsghdr) char control[CONTROL_SIZE];
    } out[BATCH];
    struct iovec out_vec[BATCH];
    struct mmsghdr out_msg[BATCH];
    unsigned nout;
    int out_fd;
    bool receiving;
};

void udp_batch_free(struct udp_batch *b)
{
    if (b != NULL) {
        free(b->work);
        free(b->sender);
    }
    free(b);
}

struct udp_batch *udp_batch_new(void)
{
    struct udp_batch *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->work = express_work_new();
    b->sender = udp_sender_new();
    if (b->work == NULL || b->sender == NULL) {
        udp_batch_free(b);
        return NULL;
    }
    b->in_used = BATCH;
    for (unsigned i = 0; i < BATCH; i++) {
        b->in_vec[i] = (struct iovec){.iov_base = b->in[i].packet, .iov_len = REQUEST_SIZE};
        b->in_msg[i].msg_hdr =
            (struct msghdr){.msg_name = &b->in[i].from, .msg_iov = &b->in_vec[i], .msg_iovlen = 1};
        b->in_msg[i].msg_hdr.msg_control = b->in[i].control;
        b->express[i].packet = b->in[i].packet;
        b->express[i].client = &b->in[i].from;
        b->out_vec[i].iov_base = b->out[i].packet;
    }
    return b;
}

/* The address that the client asked, from the packet information of a wildcard socket. */
static void read_local(struct msghdr *m, union address *local)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            local->in6.sin6_family = AF_INET6;
            local->in6.sin6_addr = info.ipi6_addr;
            local->in6.sin6_scope_id = info.ipi6_ifindex;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            local->in.sin_family = AF_INET;
            local->in.sin_addr = info.ipi_addr;
        }
    }
}

/* Has the answer leave from `local`. The control buffer stands behind m->msg_control. */
static void write_local(struct msghdr *m, char *control, const union address *local)
{
    m->msg_control = NULL;
    m->msg_controllen = 0;
    if (local->sa.sa_family == AF_UNSPEC)
        return;
    bool v6 = local->sa.sa_family == AF_INET6;
    size_t len = v6 ? sizeof(struct in6_pktinfo) : sizeof(struct in_pktinfo);
    memset(control, 0, CONTROL_SIZE);
    m->msg_control = control;
    m->msg_controllen = CMSG_SPACE(len);
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_len = CMSG_LEN(len);
    if (v6) {
        struct in6_pktinfo info = {.ipi6_addr = local->in6.sin6_addr};
        if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            info.ipi6_ifindex = local->in6.sin6_scope_id;
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        memcpy(CMSG_DATA(c), &info, sizeof info);
    } else {
        struct in_pktinfo info = {.ipi_spec_dst = local->in.sin_addr};
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        memcpy(CMSG_DATA(c), &info, sizeof info);
    }
}

static socklen_t address_len(const union address *a)
{
    return a->sa.sa_family == AF_INET6 ? sizeof a->in6 : sizeof a->in;
}

static void send_now(int fd, struct request *r, const struct reply *reply)
{
    _Alignas(struct cmsghdr) char control[CONTROL_SIZE];
    struct iovec vec = {.iov_base = r->reply->wire, .iov_len = reply->len};
    struct msghdr m = {
        .msg_name = &r->client, .msg_namelen = address_len(&r->client), .msg_iov = &vec, .msg_iovlen = 1};
    write_local(&m, control, &r->local);
    sendmsg(fd, &m, MSG_DONTWAIT); /* a full socket drops it, as the network might */
}

void udp_flush(struct worker *w)
{
    struct udp_batch *b = w->udp;
    udp_send(b->sender, b->out_fd, b->out_msg, b->nout);
    b->nout = 0;
}

/* Whether the descriptor is still a socket of this worker: a request that waited may have outlived it. */
static bool still_open(const struct worker *w, int fd)
{
    const struct endpoint *ep;
    LIST_FOREACH(ep, &w->endpoints, link)
    if (ep->sockets->udp[w->index] == fd)
        return true;
    return false;
}

/* request_done of datagrams: puts the answer into the batch. */
static void udp_done(struct request *r)
{
    struct worker *w = r->worker;
    struct udp_batch *b = w->udp;
    int fd = (int)(intptr_t)r->origin;
    if (r->reply == NULL || (r->parked && !still_open(w, fd)))
        return;
    if (r->reply->len > ANSWER_SIZE) {
        send_now(fd, r, r->reply);
        return;
    }
    if (b->nout == BATCH || (b->nout > 0 && b->out_fd != fd))
        udp_flush(w);
    if (b->nout == 0 &&
        !b->receiving) /* an answer that had to wait: sent at the end of this turn of the loop */
        event_active(w->due_event, 0, 0);
    unsigned i = b->nout++;
    b->out_fd = fd;
    b->out[i].to = r->client;
    memcpy(b->out[i].packet, r->reply->wire, r->reply->len);
    b->out_vec[i].iov_len = r->reply->len;
    b->out_msg[i].msg_hdr = (struct msghdr){.msg_name = &b->out[i].to,
                                            .msg_namelen = address_len(&r->client),
                                            .msg_iov = &b->out_vec[i],
                                            .msg_iovlen = 1};
    write_local(&b->out_msg[i].msg_hdr, b->out[i].control, &r->local);
}

static void serve_datagram(struct endpoint *ep, int fd, unsigned i, uint64_t now)
{
    struct udp_batch *b = ep->worker->udp;
    struct msghdr *m = &b->in_msg[i].msg_hdr;
    if (m->msg_flags & MSG_TRUNC)
        return;
    struct request *r = request_new(ep->worker);
    if (r == NULL)
        return;
    r->transport = TRANSPORT_UDP;
    r->client = b->in[i].from;
    r->local.sa.sa_family = AF_UNSPEC;
    if (ep->sockets->wildcard)
        read_local(m, &r->local);
    r->received_ns = now;
    r->done = udp_done;
    r->origin = (void *)(intptr_t)fd;
    request_serve(r, ep->listener, b->in[i].packet, b->in_msg[i].msg_len);
}

/* Where an answer leaves from, in the control data of its question, as read_local() and write_local() have
 * it. */
static inline void turn_local(struct msghdr *m)
{
    struct cmsghdr *c = m->msg_controllen == 0 ? NULL : CMSG_FIRSTHDR(m);
    if (c != NULL && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
        c->cmsg_len == CMSG_LEN(sizeof(struct in6_pktinfo))) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            info.ipi6_ifindex = 0;
        memcpy(CMSG_DATA(c), &info, sizeof info);
    } else if (c != NULL && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
               c->cmsg_len == CMSG_LEN(sizeof(struct in_pktinfo))) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        info = (struct in_pktinfo){.ipi_spec_dst = info.ipi_addr};
        memcpy(CMSG_DATA(c), &info, sizeof info);
    } else {
        m->msg_controllen = 0;
    }
}

/* Makes the header of a question that of its answer, which stands in the same buffer. */
static inline struct msghdr *turn_round(struct udp_batch *b, unsigned i)
{
    b->in_vec[i].iov_len = b->express[i].answer;
    turn_local(&b->in_msg[i].msg_hdr);
    return &b->in_msg[i].msg_hdr;
}

static void send_in_place(struct worker *w, int fd, unsigned i)
{
    struct udp_batch *b = w->udp;
    if (b->nout == BATCH || (b->nout > 0 && b->out_fd != fd))
        udp_flush(w);
    b->out_fd = fd;
    b->out_msg[b->nout++].msg_hdr = *turn_round(b, i);
}

/* The answers leave in the order of their questions, whichever way they came about. */
static void answer_batch(struct endpoint *ep, int fd, unsigned n)
{
    struct udp_batch *b = ep->worker->udp;
    const struct express_table *t = ep->listener->express;
    uint64_t now = clock_ns();
    for (unsigned i = 0; i < n; i++) {
        bool cut = b->in_msg[i].msg_hdr.msg_flags & MSG_TRUNC;
        b->express[i].size = cut ? 0 : (uint16_t)b->in_msg[i].msg_len;
    }
    unsigned answered = 0;
    if (t != NULL)
        answered = express_serve(b->work, t, ep->worker, b->express, n, now);
    else
        for (unsigned i = 0; i < n; i++)
            b->express[i].answer = 0;
    if (answered == n && b->nout == 0) {
        for (unsigned i = 0; i < n; i++)
            turn_round(b, i);
        udp_send(b->sender, fd, b->in_msg, n);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        if (b->express[i].answer != 0)
            send_in_place(ep->worker, fd, i);
        else
            serve_datagram(ep, fd, i, now);
    udp_flush(ep->worker);
}

/* Makes the headers ready that the kernel wrote to when it received the last batch. */
static void prepare(struct udp_batch *b, bool wildcard)
{
    size_t control_len = wildcard ? CONTROL_SIZE : 0;
    if (b->in_control_len != control_len)
        b->in_used = BATCH;
    for (unsigned i = 0; i < b->in_used; i++) {
        b->in_msg[i].msg_hdr.msg_namelen = sizeof b->in[i].from;
        b->in_msg[i].msg_hdr.msg_controllen = control_len;
        b->in_vec[i].iov_len = REQUEST_SIZE;
    }
    b->in_control_len = control_len;
    b->in_used = 0;
}

void udp_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct endpoint *ep = ctx;
    struct udp_batch *b = ep->worker->udp;
    (void)what;
    b->receiving = true;
    for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
        prepare(b, ep->sockets->wildcard);
        int n = recvmmsg(fd, b->in_msg, BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            break;
        b->in_used = (unsigned)n;
        answer_batch(ep, fd, (unsigned)n);
        if (n < BATCH)
            break;
    }
    b->receiving = false;
}
