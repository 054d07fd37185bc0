#include "dns/query.h"

#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "dns/rr.h"

/* What the DNS library under CoreDNS accepts: an IXFR has one authority record, TSIG and OPT are two
 * additional. */
#define ANSWERS_MAX     1
#define AUTHORITIES_MAX 1
#define ADDITIONALS_MAX 2

static bool read_question(struct cursor *c, struct query *q)
{
    int len = name_check(c->at, cursor_left(c));
    if (len < 0)
        return false;
    memcpy(q->qname, cursor_take(c, (size_t)len), (size_t)len);
    q->qtype = cursor_u16(c);
    q->qclass = cursor_u16(c);
    if (c->failed)
        return false;
    q->hash = name_lower_hash(q->lname, q->qname, (size_t)len);
    q->label_count = (uint8_t)name_label_count(q->lname);
    q->qname_len = (uint8_t)len;
    return true;
}

/* Options are passed by: CoreDNS too echoes none of them by itself. But a run of options that ends early is
 * an error. */
static bool check_options(uint8_t *data, size_t len)
{
    struct cursor c = cursor_of(data, len);
    while (cursor_left(&c) > 0) {
        cursor_u16(&c); /* the code */
        if (cursor_take(&c, cursor_u16(&c)) == NULL)
            return false;
    }
    return true;
}

/* RFC 6891 section 6.1.1: at most one OPT, owned by the root. */
static bool read_opt(struct cursor *c, const uint8_t *owner, uint16_t class, uint32_t ttl, uint16_t rdlen,
                     struct query *q)
{
    uint8_t *rdata = cursor_take(c, rdlen);
    if (rdata == NULL || owner[0] != 0 || q->has_edns)
        return false;
    q->has_edns = true;
    q->udp_size = class;
    q->edns_version = (uint8_t)(ttl >> 16);
    q->dnssec_ok = (ttl & 0x8000) != 0;
    q->client_options = rdata;
    q->client_options_len = rdlen;
    return check_options(rdata, rdlen);
}

/* Where the client of an IXFR is: the serial of the SOA whose rdata is at the cursor. */
static bool read_serial(const struct cursor *c, const uint8_t *packet, uint16_t rdlen, struct query *q)
{
    uint8_t name[NAME_MAX_LEN];
    size_t at = (size_t)(c->at - packet), end = at + rdlen;
    if (cursor_left(c) < rdlen)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        int used = name_unpack(packet, end, at, name);
        if (used < 0)
            return false;
        at += (size_t)used;
    }
    if (end - at != 20)
        return false;
    q->serial = wire_u32(packet + at);
    q->has_serial = true;
    return true;
}

enum section { ANSWERS, AUTHORITIES, ADDITIONALS };

static bool read_records(struct cursor *c, const uint8_t *packet, size_t len, enum section section,
                         struct query *q)
{
    for (unsigned left = wire_u16(packet + 6 + 2 * section); left > 0; left--) {
        uint8_t owner[NAME_MAX_LEN];
        int used = name_unpack(packet, len, (size_t)(c->at - packet), owner);
        if (used < 0 || cursor_take(c, (size_t)used) == NULL)
            return false;
        uint16_t type = cursor_u16(c);
        uint16_t class = cursor_u16(c);
        uint32_t ttl = cursor_u32(c);
        uint16_t rdlen = cursor_u16(c);
        if (c->failed)
            return false;
        if (section == AUTHORITIES && type == RR_SOA && q->qtype == RR_IXFR &&
            !read_serial(c, packet, rdlen, q))
            return false;
        if (section == ADDITIONALS && type == RR_OPT) {
            if (!read_opt(c, owner, class, ttl, rdlen, q))
                return false;
        } else if (cursor_take(c, rdlen) == NULL) {
            return false;
        }
    }
    return true;
}

enum query_verdict query_parse(const uint8_t *packet, size_t len, struct query *q)
{
    q->qname_len = 0;
    q->label_count = 0;
    q->qtype = q->qclass = 0;
    q->has_edns = q->dnssec_ok = q->has_serial = false;
    q->edns_version = 0;
    q->client_options = q->options = NULL;
    q->client_options_len = q->options_len = 0;
    q->options_hash = 0;
    q->udp_size = 512;
    q->size = (uint16_t)len;
    /* RFC 5625 section 4: what cannot be a request gets no answer, and an answer is never answered. */
    if (len < DNS_HEADER_LEN || len > 65535)
        return QUERY_DROP;
    q->id = wire_u16(packet);
    q->flags = wire_u16(packet + 2);
    if (q->flags & FLAG_QR)
        return QUERY_DROP;
    if (DNS_OPCODE(q->flags) != 0)
        return QUERY_NOTIMP;
    if (wire_u16(packet + 4) != 1 || wire_u16(packet + 6) > ANSWERS_MAX ||
        wire_u16(packet + 8) > AUTHORITIES_MAX || wire_u16(packet + 10) > ADDITIONALS_MAX)
        return QUERY_FORMERR;
    /* The cursor writes nothing here; its pointers are plain because other users write. */
    struct cursor c = {.at = (uint8_t *)(uintptr_t)(packet + DNS_HEADER_LEN),
                       .end = (uint8_t *)(uintptr_t)(packet + len)};
    if (!read_question(&c, q))
        return QUERY_FORMERR;
    if ((packet[7] | packet[9] | packet[11]) != 0 && /* the counts' lower octets: the upper ones are 0 */
        (!read_records(&c, packet, len, ANSWERS, q) || !read_records(&c, packet, len, AUTHORITIES, q) ||
         !read_records(&c, packet, len, ADDITIONALS, q)))
        return QUERY_FORMERR;
    return q->edns_version > 0 ? QUERY_BADVERS : QUERY_OK;
}

int query_write(const struct query *q, uint8_t *out, size_t cap)
{
    struct cursor c = cursor_of(out, cap);
    cursor_put_u16(&c, q->id);
    cursor_put_u16(&c, q->flags);
    cursor_put_u16(&c, 1);
    cursor_put_u16(&c, 0);
    cursor_put_u16(&c, 0);
    cursor_put_u16(&c, q->has_edns ? 1 : 0);
    cursor_put(&c, q->qname, q->qname_len);
    cursor_put_u16(&c, q->qtype);
    cursor_put_u16(&c, q->qclass);
    if (q->has_edns) {
        cursor_put_u8(&c, 0);
        cursor_put_u16(&c, RR_OPT);
        cursor_put_u16(&c, q->udp_size);
        cursor_put_u32(&c, q->dnssec_ok ? 0x8000 : 0);
        cursor_put_u16(&c, 0);
    }
    return c.failed ? ERR_SPACE : (int)(c.at - out);
}

void query_set_name(struct query *q, const uint8_t *name)
{
    size_t len = name_len(name);
    memcpy(q->qname, name, len);
    q->hash = name_lower_hash(q->lname, name, len);
    q->qname_len = (uint8_t)len;
    q->label_count = (uint8_t)name_label_count(name);
}

void query_make(struct query *q, const uint8_t *name, uint16_t qtype)
{
    *q = (struct query){.flags = FLAG_RD, .qtype = qtype, .qclass = CLASS_IN, .udp_size = 512};
    query_set_name(q, name);
}
