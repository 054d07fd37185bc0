#include "upstream/upstream_answer.h"

#include "base/cursor.h"
#include "base/err.h"
#include "dns/rr.h"

#define RR_NSEC3 50

static bool is_dnssec(uint16_t type)
{
    return type == RR_RRSIG || type == RR_NSEC || type == RR_NSEC3;
}

static bool keep(uint16_t type, const void *ctx)
{
    const struct query *q = ctx;
    return !is_dnssec(type) || q->dnssec_ok || q->qtype == type || q->qtype == RR_ANY;
}

static int check_question(const struct query *q, const uint8_t *message, size_t len)
{
    uint8_t name[NAME_MAX_LEN];
    if (len < DNS_HEADER_LEN)
        return ERR_MALFORMED;
    uint16_t flags = wire_u16(message + 2);
    if ((flags & FLAG_QR) == 0 || DNS_OPCODE(flags) != 0 || wire_u16(message + 4) != 1)
        return ERR_MISMATCH;
    int used = name_unpack(message, len, DNS_HEADER_LEN, name);
    if (used < 0 || len - DNS_HEADER_LEN < (size_t)used + 4)
        return ERR_MALFORMED;
    const uint8_t *fixed = message + DNS_HEADER_LEN + used;
    if (!name_equal(name, q->lname) || wire_u16(fixed) != q->qtype || wire_u16(fixed + 2) != q->qclass)
        return ERR_MISMATCH;
    return ERR_OK;
}

int upstream_answer_fill(struct reply *r, const uint8_t *message, size_t len)
{
    const struct query *q = r->q;
    int ret = check_question(q, message, len);
    if (ret != ERR_OK)
        return ret;
    ret = reply_copy_if(r, message, len, SECTION_ANSWER, SECTION_ADDITIONAL, keep, q);
    if (ret == ERR_MALFORMED)
        return ret; /* ERR_SPACE: what fits is there, and TC will say so */
    uint16_t flags = wire_u16(message + 2);
    r->flags = flags & (FLAG_AA | FLAG_TC | FLAG_RA | FLAG_AD);
    r->rcode = flags & 15;
    return ERR_OK;
}

/* Behind the record at `at`; 0 where it cannot be read. */
static size_t after_record(const uint8_t *message, size_t len, size_t at, const uint8_t **fixed)
{
    uint8_t name[NAME_MAX_LEN];
    int used = name_unpack(message, len, at, name);
    if (used < 0 || len - at - (size_t)used < 10)
        return 0;
    *fixed = message + at + used;
    at += (size_t)used + 10 + wire_u16(*fixed + 8);
    return at <= len ? at : 0;
}

unsigned upstream_answer_rcode(const uint8_t *message, size_t len)
{
    unsigned rcode = message[3] & 15u, before = wire_u16(message + 6) + wire_u16(message + 8);
    unsigned records = before + wire_u16(message + 10);
    uint8_t name[NAME_MAX_LEN];
    size_t at = DNS_HEADER_LEN;
    if (wire_u16(message + 4) == 1) {
        int used = name_unpack(message, len, at, name);
        if (used < 0 || len - at < (size_t)used + 4)
            return rcode;
        at += (size_t)used + 4;
    }
    for (unsigned i = 0; i < records; i++) {
        const uint8_t *fixed;
        at = after_record(message, len, at, &fixed);
        if (at == 0)
            break;
        if (i >= before && wire_u16(fixed) == RR_OPT)
            return rcode | (unsigned)fixed[4] << 4;
    }
    return rcode;
}
