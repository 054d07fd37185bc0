/* What comes back over UDP: answers are matched with what is out, by socket, id and question; all else is
 * passed over and counted. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/thread_buffer.h"
#include "dns/query.h"
#include "exchange/direct_question.h"
#include "exchange/exchange_udp_p.h"

#define CREDIT_ANSWER 2 /* at 30 % loss both ways a question needs one more packet on average */

/* An answer that is longer was not asked for (DIRECT_UDP_SIZE): it is told of as truncated. */
#define REPLY_SIZE 4096
#define TURNS_MAX  8 /* batches from one socket before others have their turn */

/* RFC 6298 section 2. Every packet has an id of its own, so none is mistaken for another. */
static void measure(struct udp_exchange *x, uint64_t rtt_us)
{
    if (x->srtt_us == 0) {
        x->srtt_us = rtt_us + 1;
        x->rttvar_us = rtt_us / 2;
        return;
    }
    uint64_t off = rtt_us > x->srtt_us ? rtt_us - x->srtt_us : x->srtt_us - rtt_us;
    x->rttvar_us += off / 4 - x->rttvar_us / 4;
    x->srtt_us += rtt_us / 8 - x->srtt_us / 8 + 1;
}

/* An upstream that does not know EDNS is asked anew, without (RFC 6891 section 7). */
static void ask_plain(struct exchange_call *call, uint64_t now)
{
    call->x->plain_until_ns = now + DIRECT_PLAIN_NS;
    call->plain_edns = false;
    call->len = (uint16_t)direct_drop_edns(call->message, call->len);
    for (unsigned i = 0; i < call->nsends; i++)
        udp_send_remove(&call->sends[i]);
    call->nsends = 0;
    LIST_REMOVE(call, link);
    udp_send_call(call, now);
}

static void take(struct udp_socket *s, const uint8_t *message, size_t len, bool cut, uint64_t now)
{
    struct udp_exchange *x = s->x;
    uint16_t id;
    memcpy(&id, message, sizeof id);
    struct udp_send *send = len < DNS_HEADER_LEN ? NULL : udp_send_find(s, id);
    struct exchange_call *call = send == NULL ? NULL : send->call;
    uint8_t query[DNS_HEADER_LEN + NAME_MAX_LEN + 4];
    if (call != NULL) { /* as it was when it was sent from here */
        memcpy(query, call->message, DNS_HEADER_LEN + call->question_len);
        memcpy(query, &send->id, sizeof send->id);
    }
    if (call == NULL || !direct_fits(query, call->question_len, message, len)) {
        direct_series_count_unexpected(&x->series);
        s->forged += call != NULL || len < DNS_HEADER_LEN || !udp_socket_has_used(s, id);
        return;
    }
    measure(x, (now - send->at_ns) / 1000);
    x->credit = x->credit + CREDIT_ANSWER > UDP_CREDIT_MAX ? UDP_CREDIT_MAX : x->credit + CREDIT_ANSWER;
    if (call->plain_edns && !call->queued && direct_refuses_edns(message, len))
        ask_plain(call, now);
    else
        udp_deliver(call, direct_answer(query, call->question_len, message, len, cut));
}

/* Nobody listens at the port, or the network says that there is no way: all that left from here is lost. */
static void refused(struct udp_socket *s)
{
    struct udp_exchange *x = s->x;
    udp_socket_retire(s);
    for (unsigned i = 0; i < UDP_ID_BUCKETS; i++)
        while (!x->closed && !LIST_EMPTY(&s->sends[i]))
            udp_deliver(LIST_FIRST(&s->sends[i])->call, NULL);
}

/* Somebody tries ids at this port: nothing that comes there counts any more. */
static void give_up(struct udp_socket *s, uint64_t now)
{
    struct udp_exchange *x = s->x;
    if (x->batch.socket == s)
        udp_exchange_flush(x);
    udp_socket_retire(s);
    for (unsigned i = 0; i < UDP_ID_BUCKETS; i++)
        while (!LIST_EMPTY(&s->sends[i])) {
            struct udp_send *send = LIST_FIRST(&s->sends[i]);
            struct exchange_call *call = send->call;
            bool last = send == &call->sends[call->nsends - 1];
            udp_send_remove(send);
            if (!last)
                continue; /* it is out elsewhere too */
            for (unsigned k = 0; k < call->nsends; k++)
                udp_send_remove(&call->sends[k]);
            call->nsends = 0;
            LIST_REMOVE(call, link);
            udp_send_call(call, now);
        }
}

struct receive {
    uint8_t data[UDP_BATCH][REPLY_SIZE];
    struct iovec vec[UDP_BATCH];
    struct mmsghdr msg[UDP_BATCH];
};

static int receive(struct receive *r, int fd)
{
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        r->vec[i] = (struct iovec){.iov_base = r->data[i], .iov_len = REPLY_SIZE};
        r->msg[i].msg_hdr = (struct msghdr){.msg_iov = &r->vec[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(fd, r->msg, UDP_BATCH, MSG_DONTWAIT, NULL);
    return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -1;
}

void udp_exchange_readable(evutil_socket_t fd, short what, void *ctx)
{
    static _Thread_local void *own;
    struct receive *r = thread_buffer(&own, sizeof *r);
    struct udp_socket *s = ctx;
    struct udp_exchange *x = s->x;
    (void)what;
    bool outer = udp_begin_delivering(x), more = r != NULL, bad = s->refused;
    s->busy = true;
    for (unsigned turn = 0; turn < TURNS_MAX && more && !bad && !x->closed; turn++) {
        int n = receive(r, fd);
        uint64_t now = clock_ns();
        for (int i = 0; i < n && !x->closed && s->forged < UDP_FORGED_MAX; i++)
            take(s, r->data[i], r->msg[i].msg_len, (r->msg[i].msg_hdr.msg_flags & MSG_TRUNC) != 0, now);
        more = n == UDP_BATCH && s->forged < UDP_FORGED_MAX;
        bad = n < 0;
        if (s->forged >= UDP_FORGED_MAX && !x->closed)
            give_up(s, now);
    }
    if (bad && !x->closed)
        refused(s);
    s->busy = false;
    if (s->retired && s->out == 0)
        udp_socket_free(s);
    udp_end_delivering(x, outer);
}
