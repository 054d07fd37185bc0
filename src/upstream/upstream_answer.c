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
