#include <string.h>

#include "serve/express_p.h"

/* The addresses of the run in their order from a random one on and round. */
static void rotate(uint8_t *packet, const struct express_kept *k, const struct express_query *q,
                   struct worker *w)
{
    const struct reply_rr *rr = k->rr + k->run_at;
    size_t len = rr->type == RR_A ? 4 : 16;
    unsigned from = (unsigned)((worker_random(w) >> 1) % k->run);
    if (from == 0)
        return;
    for (unsigned i = 0; i < k->run; i++) {
        const uint8_t *rdata = k->body + rr[from].rdata - q->end;
        memcpy(packet + rr[i].rdata, rdata, len);
        from = from + 1 == k->run ? 0 : from + 1;
    }
}

void express_ask_kept(const struct express_query *q, uint64_t now_ns, struct express_question *out)
{
    const struct express_zone *z = q->place->zone;
    uint16_t flags = wire_u16(q->datagram->packet + 2);
    *out = (struct express_question){.lname = q->lname,
                                     .len = q->len,
                                     .dnssec_ok = q->facts.dnssec_ok,
                                     .checking_disabled = (flags & FLAG_CD) != 0,
                                     .ordered = z->rotate,
                                     .qtype = q->facts.qtype,
                                     .room = q->room > q->end ? q->room - q->end : 0,
                                     .listener = z->listener,
                                     .name_hash = q->hash,
                                     .now_ns = now_ns};
    z->fetch_kept(z->kept_state, out, 0);
}

bool express_answer_kept(struct express_query *q, const struct express_question *question, struct worker *w)
{
    const struct express_zone *z = q->place->zone;
    uint8_t *packet = q->datagram->packet;
    uint16_t flags = wire_u16(packet + 2);
    struct express_kept k;
    if (!z->kept(z->kept_state, question, &k))
        return false;
    memcpy(packet + q->end, k.body, k.body_len);
    for (unsigned i = 0, n = (unsigned)k.count[0] + k.count[1] + k.count[2]; i < n; i++)
        wire_put_u32(packet + k.rr[i].rdata - 6, k.ttl);
    if (z->rotate && k.run > 1 && k.rcode == RCODE_NOERROR)
        rotate(packet, &k, q, w);
    if (!q->facts.dnssec_ok && (flags & FLAG_AD) == 0) /* RFC 6840 section 5.7 */
        k.flags &= (uint16_t)~FLAG_AD;
    return express_finish(q, packet + q->end + k.body_len, k.flags | k.rcode, k.count[0], k.count[1],
                          k.count[2]);
}
