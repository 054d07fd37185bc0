#include "base/cursor.h"
#include "serve/express_p.h"
#include "serve/log_format.h"

/* Octets of the answer as answer_raw_size() has them. */
static size_t raw_size(const struct express_query *q)
{
    size_t size = DNS_HEADER_LEN + q->len + 4u;
    if (q->set.count == 0)
        return size + q->place->zone->apex_len + q->place->denial_len;
    size += q->set.data_len + q->set.count * (q->len + 8u); /* data have the length of rdata, two octets */
    return q->set.type == RR_SRV ? size + q->additional : size;
}

void express_tell(const struct express_query *q, struct worker *w, uint64_t ns)
{
    const struct express_datagram *d = q->datagram;
    uint16_t flags = wire_u16(d->packet + 2);
    const struct log_facts facts = {.name = q->lname,
                                    .name_len = q->len,
                                    .client = d->client,
                                    .id = wire_u16(d->packet),
                                    .qtype = q->facts.qtype,
                                    .qclass = CLASS_IN,
                                    .flags = flags & (FLAG_RD | FLAG_CD),
                                    .size = (uint16_t)q->facts.request_size,
                                    .udp_size = q->has_edns ? q->udp_size : 512,
                                    .dnssec_ok = q->facts.dnssec_ok,
                                    .rcode = q->facts.rcode,
                                    .answer_flags = flags & (FLAG_QR | FLAG_AA | FLAG_RD | FLAG_CD),
                                    .answer_size = raw_size(q),
                                    .took_ns = ns};
    q->place->zone->tell(q->place->zone->tell_state, w, &facts, q->set.count == 0);
}
