#include "exchange/direct_question.h"

#include <string.h>

#include "base/cursor.h"
#include "base/secret_random.h"
#include "dns/query.h"
#include "dns/rr.h"
#include "exchange/exchange_direct.h"

#define OPT_FIXED 11 /* octets of an OPT record without options (RFC 6891 section 6.1.2) */
#define RR_TKEY   249
#define RR_TSIG   250

static bool can_ask(const struct exchange_question *q)
{
    switch (q->qtype) {
    case 0:
    case RR_OPT:
    case RR_TKEY:
    case RR_TSIG:
    case RR_IXFR:
    case RR_AXFR:
        return false;
    default:
        return true;
    }
}

int direct_admit(const struct exchange_question *q, unsigned under_way, uint16_t *len)
{
    size_t size = DNS_HEADER_LEN + direct_question_len(q) + OPT_FIXED + q->options_len;
    if (!can_ask(q))
        return ERR_UNSUPPORTED;
    if (under_way >= EXCHANGE_DIRECT_CALLS_MAX || size > UINT16_MAX)
        return ERR_LIMIT;
    *len = (uint16_t)size;
    return ERR_OK;
}

void direct_write(const struct exchange_question *q, uint8_t *out, size_t len)
{
    struct cursor c = cursor_of(out, len);
    uint16_t flags = FLAG_AD;
    flags |= q->recursion_desired ? FLAG_RD : 0;
    flags |= q->checking_disabled ? FLAG_CD : 0;
    cursor_put_u16(&c, 0);
    cursor_put_u16(&c, flags);
    cursor_put_u16(&c, 1);
    cursor_put_u32(&c, 0);
    cursor_put_u16(&c, 1);
    cursor_put(&c, q->name, name_len(q->name));
    cursor_put_u16(&c, q->qtype);
    cursor_put_u16(&c, q->qclass);
    cursor_put_u8(&c, 0);
    cursor_put_u16(&c, RR_OPT);
    cursor_put_u16(&c, DIRECT_UDP_SIZE);
    cursor_put_u32(&c, q->dnssec_ok ? 0x8000 : 0);
    cursor_put_u16(&c, q->options_len);
    cursor_put(&c, q->options, q->options_len);
}

size_t direct_drop_edns(uint8_t *query, size_t len)
{
    wire_put_u16(query + 10, 0);
    return len - OPT_FIXED;
}

void direct_randomise_case(uint8_t *query)
{
    uint8_t bits[NAME_MAX_LEN / 8 + 1];
    uint8_t *name = query + DNS_HEADER_LEN;
    secret_random(bits, sizeof bits);
    unsigned i = 0;
    while (name[i] != 0) {
        unsigned end = i + 1u + name[i];
        for (i++; i < end; i++)
            if (name[i] >= 'a' && name[i] <= 'z' && (bits[i / 8] >> i % 8 & 1) != 0)
                name[i] ^= 0x20;
    }
}

static bool is_response_to(const uint8_t *query, const uint8_t *message, size_t len)
{
    return len >= DNS_HEADER_LEN && memcmp(message, query, 2) == 0 &&
           (message[2] & (FLAG_QR >> 8 | 0x78)) == FLAG_QR >> 8; /* opcode 0 */
}

bool direct_fits(const uint8_t *query, size_t question_len, const uint8_t *message, size_t len)
{
    if (!is_response_to(query, message, len))
        return false;
    if (wire_u16(message + 4) == 0)
        return (message[3] & 15) != RCODE_NOERROR && (message[3] & 15) != RCODE_NXDOMAIN;
    return wire_u16(message + 4) == 1 && len - DNS_HEADER_LEN >= question_len &&
           memcmp(message + DNS_HEADER_LEN, query + DNS_HEADER_LEN, question_len) == 0;
}

bool direct_refuses_edns(const uint8_t *message, size_t len)
{
    unsigned rcode = message[3] & 15;
    return len >= DNS_HEADER_LEN && (rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP) &&
           wire_u16(message + 10) == 0;
}

struct exchange_answer *direct_answer(const uint8_t *query, size_t question_len, const uint8_t *message,
                                      size_t len, bool cut)
{
    if (wire_u16(message + 4) != 0 && !cut)
        return exchange_answer_new(message, len);
    uint8_t whole[DNS_HEADER_LEN + NAME_MAX_LEN + 4];
    memset(whole, 0, DNS_HEADER_LEN);
    memcpy(whole, message, 4);
    if (cut)
        whole[2] |= FLAG_TC >> 8;
    wire_put_u16(whole + 4, 1);
    memcpy(whole + DNS_HEADER_LEN, query + DNS_HEADER_LEN, question_len);
    return exchange_answer_new(whole, DNS_HEADER_LEN + question_len);
}

void direct_tell(const struct exchange *x, exchange_done *done, void *ctx, struct exchange_answer *answer)
{
    if (answer != NULL)
        answer->upstream = x->target.address;
    done(ctx, answer != NULL ? EXCHANGE_ANSWER : EXCHANGE_GONE, answer);
    exchange_answer_unref(answer);
}
