#include "upstream/upstream_answer.h"

#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/thread_buffer.h"
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

/* Steps over a name; false where it leaves the message. Where a pointer leads does not matter here. */
static bool skip_name(const uint8_t *message, size_t len, size_t *at)
{
    while (*at < len) {
        uint8_t label = message[*at];
        if (label >= 0xc0 || label == 0) {
            *at += label == 0 ? 1 : 2;
            return *at <= len;
        }
        *at += 1u + label;
    }
    return false;
}

/* Behind the questions; 0 where they leave the message. 12 octets at least. */
static size_t after_questions(const uint8_t *message, size_t len)
{
    size_t at = DNS_HEADER_LEN;
    for (unsigned i = wire_u16(message + 4); i > 0; i--) {
        if (!skip_name(message, len, &at) || len - at < 4)
            return 0;
        at += 4;
    }
    return at;
}

/* Behind the record at `at`, whose fixed part goes to `fixed`; 0 where it leaves the message. */
static size_t after_record(const uint8_t *message, size_t len, size_t at, const uint8_t **fixed)
{
    if (!skip_name(message, len, &at) || len - at < 10)
        return 0;
    *fixed = message + at;
    at += 10;
    size_t rdlen = wire_u16(*fixed + 8);
    return len - at < rdlen ? 0 : at + rdlen;
}

void upstream_answer_opt(const uint8_t *message, size_t len, struct upstream_opt *out)
{
    *out = (struct upstream_opt){0};
    if (len < DNS_HEADER_LEN || wire_u16(message + 10) == 0)
        return;
    size_t at = after_questions(message, len);
    unsigned records = 0u + wire_u16(message + 6) + wire_u16(message + 8) + wire_u16(message + 10);
    for (; at != 0 && records > 0; records--) {
        const uint8_t *fixed;
        at = after_record(message, len, at, &fixed);
        if (at != 0 && wire_u16(fixed) == RR_OPT) {
            *out = (struct upstream_opt){
                .rcode = fixed[4], .options_len = wire_u16(fixed + 8), .options = fixed + 10};
            return;
        }
    }
}

/* The code of the first extended error among the options (RFC 8914 section 2); -1: there is none. */
static int extended_error(const struct upstream_opt *opt)
{
    const uint8_t *at = opt->options;
    for (size_t left = opt->options_len; left >= 4;) {
        size_t len = wire_u16(at + 2);
        if (len > left - 4)
            break;
        if (wire_u16(at) == EDE_OPTION && len >= 2)
            return wire_u16(at + 4);
        at += 4 + len;
        left -= 4 + len;
    }
    return -1;
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
    struct upstream_opt opt;
    upstream_answer_opt(message, len, &opt);
    r->rcode = (uint16_t)(opt.rcode << 4 | (flags & 15));
    if (r->rcode == RCODE_SERVFAIL)
        r->told_ede = extended_error(&opt);
    return ERR_OK;
}

/* ---- for many ---- */

/* What became of the answer that was read last, and for which question. */
struct filled {
    uint64_t serial; /* of the answer; 0: none */
    bool kept;       /* the rest is there */
    bool dnssec_ok;
    uint16_t qtype, qclass, flags, rcode, count[3], nrecords;
    uint8_t qname_len, qname[NAME_MAX_LEN];
    int told_ede;
    size_t len; /* of what follows the question */
    struct reply_rr rr[REPLY_RECORDS_MAX];
    uint8_t body[REPLY_CAP];
};

static size_t question_end(const struct query *q)
{
    return DNS_HEADER_LEN + (size_t)q->qname_len + 4;
}

static bool is_for(const struct filled *f, const struct query *q)
{
    return f->qtype == q->qtype && f->qclass == q->qclass && f->dnssec_ok == q->dnssec_ok &&
           f->qname_len == q->qname_len && memcmp(f->qname, q->qname, q->qname_len) == 0;
}

static void keep_filled(struct filled *f, const struct reply *r)
{
    const struct query *q = r->q;
    f->kept = true;
    f->dnssec_ok = q->dnssec_ok;
    f->qtype = q->qtype;
    f->qclass = q->qclass;
    f->qname_len = q->qname_len;
    memcpy(f->qname, q->qname, q->qname_len);
    f->flags = r->flags;
    f->rcode = r->rcode;
    f->told_ede = r->told_ede;
    memcpy(f->count, r->count, sizeof f->count);
    f->nrecords = r->nrecords;
    memcpy(f->rr, r->rr, r->nrecords * sizeof f->rr[0]);
    f->len = r->len - question_end(q);
    memcpy(f->body, r->wire + question_end(q), f->len);
}

/* Its names are not remembered for records to come: those may be some octets longer. */
static void copy_filled(const struct filled *f, struct reply *r)
{
    r->flags = f->flags;
    r->rcode = f->rcode;
    r->told_ede = f->told_ede;
    memcpy(r->count, f->count, sizeof r->count);
    r->nrecords = f->nrecords;
    memcpy(r->rr, f->rr, f->nrecords * sizeof f->rr[0]);
    memcpy(r->wire + r->len, f->body, f->len);
    r->len += f->len;
}

int upstream_answer_share(struct reply *r, const struct exchange_answer *answer)
{
    static _Thread_local void *own;
    struct filled *f = thread_buffer(&own, sizeof *f);
    bool again = f != NULL && f->serial == answer->serial;
    if (again && f->kept && is_for(f, r->q)) {
        copy_filled(f, r);
        return ERR_OK;
    }
    int ret = upstream_answer_fill(r, answer->wire, answer->len);
    if (again && !f->kept && ret == ERR_OK && !r->overflow)
        keep_filled(f, r);
    if (f != NULL && !again) {
        f->serial = answer->serial;
        f->kept = false;
    }
    return ret;
}

/* ---- looking ---- */

unsigned upstream_answer_rcode(const uint8_t *message, size_t len)
{
    struct upstream_opt opt;
    upstream_answer_opt(message, len, &opt);
    return (unsigned)opt.rcode << 4 | (message[3] & 15u);
}

bool upstream_answer_is_to(const struct query *q, const uint8_t *message, size_t len)
{
    return check_question(q, message, len) == ERR_OK;
}

static bool read_address(const uint8_t *fixed, uint16_t type, union address *out)
{
    size_t octets = type == RR_A ? 4 : 16;
    if (wire_u16(fixed) != type || wire_u16(fixed + 2) != CLASS_IN || wire_u16(fixed + 8) != octets)
        return false;
    memset(out, 0, sizeof *out);
    if (type == RR_A) {
        out->in.sin_family = AF_INET;
        memcpy(&out->in.sin_addr, fixed + 10, octets);
    } else {
        out->in6.sin6_family = AF_INET6;
        memcpy(&out->in6.sin6_addr, fixed + 10, octets);
    }
    return true;
}

unsigned upstream_answer_addresses(const uint8_t *message, size_t len, uint16_t type, union address *out,
                                   unsigned max)
{
    unsigned count = 0, records = wire_u16(message + 6);
    size_t at = after_questions(message, len);
    for (unsigned i = 0; at != 0 && i < records && count < max; i++) {
        const uint8_t *fixed;
        at = after_record(message, len, at, &fixed);
        count += at != 0 && read_address(fixed, type, &out[count]);
    }
    return count;
}
