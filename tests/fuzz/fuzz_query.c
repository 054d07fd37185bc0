/* A packet from anybody: parsed as a request and answered with an error, and taken as an upstream's answer
 * that is copied into ours. The first octet chooses the size that the answer may take. Whatever comes, our
 * message keeps to its size and reads back. */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/dns/message.h"
#include "base/err.h"
#include "dns/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void finish_and_read_back(struct reply *r, size_t max)
{
    struct message_seen seen;
    reply_finish(r, max);
    if (r->len > max || !message_read(r->wire, r->len, &seen, NULL) || seen.records != r->nrecords ||
        seen.opts != r->q->has_edns || (seen.flags & FLAG_QR) == 0)
        abort();
}

static void answer(const uint8_t *packet, size_t len, size_t max)
{
    static struct query q, again;
    static struct reply r;
    static uint8_t written[512 + NAME_MAX_LEN];
    enum query_verdict verdict = query_parse(packet, len, &q);
    if (verdict == QUERY_DROP)
        return;
    if (verdict == QUERY_FORMERR || verdict == QUERY_NOTIMP)
        q.qname_len = 0;
    reply_error(&r, &q, verdict == QUERY_BADVERS ? RCODE_BADVERS : RCODE_SERVFAIL);
    r.ede = packet[0];
    r.ede_text =
        packet[1] & 1 ? "an explanation of some length, which is left out where there is no room" : NULL;
    finish_and_read_back(&r, max);
    if (verdict != QUERY_OK)
        return;
    /* What we would ask in its name is a request again, and the same one. */
    int n = query_write(&q, written, sizeof written);
    if (n < 0 || query_parse(written, (size_t)n, &again) != QUERY_OK || again.hash != q.hash ||
        again.qtype != q.qtype)
        abort();
    reply_begin(&r, &q);
    reply_copy(&r, packet, len, SECTION_ANSWER, SECTION_ADDITIONAL);
    finish_and_read_back(&r, max);
}

static void copy(const uint8_t *packet, size_t len, size_t max)
{
    static const uint8_t name[] = "\3web\7example";
    static struct query q;
    static struct reply r;
    query_make(&q, name, RR_A);
    for (unsigned first = 0; first < 3; first++) {
        reply_begin(&r, &q);
        int ret = reply_copy(&r, packet, len, (enum reply_section)first, SECTION_ADDITIONAL);
        if (ret == ERR_MALFORMED && r.nrecords != 0)
            abort();
        for (unsigned i = 0; i < r.nrecords; i++)
            reply_set_ttl(&r, i, reply_ttl(&r, i) / 2);
        for (unsigned i = 1; i < r.nrecords; i++)
            reply_swap_rdata(&r, i - 1, i);
        if (first == 1)
            reply_cut(&r, SECTION_ADDITIONAL);
        finish_and_read_back(&r, max);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t max = 512 + (size_t)data[0] * 256;
    answer(data + 1, size - 1, max);
    copy(data + 1, size - 1, max);
    return 0;
}
