#include "dns/reply_p.h"

#include <string.h>

#include "base/cursor.h"
#include "base/err.h"

#define OPT_FIXED    11  /* octets of an OPT record without options (RFC 6891 section 6.1.2) */
#define EDE_FIXED    6   /* octets of an extended error without text (RFC 8914 section 2) */
#define EDE_TEXT_MAX 200 /* octets of explanation: enough for a sentence and an address */
#define SRV_FIXED    6   /* octets of SRV rdata before the target */

void reply_begin(struct reply *r, const struct query *q)
{
    r->q = q;
    r->flags = 0;
    r->rcode = RCODE_NOERROR;
    r->ede = -1;
    r->told_ede = -1;
    r->ede_text = NULL;
    r->options = NULL;
    r->options_len = 0;
    memset(r->count, 0, sizeof r->count);
    r->nrecords = 0;
    r->nnames = 0;
    r->overflow = false;
    r->overflow_section = SECTION_ANSWER;
    r->len = DNS_HEADER_LEN;
    if (q->qname_len == 0)
        return;
    memcpy(r->wire + r->len, q->qname, q->qname_len);
    r->len += q->qname_len;
    wire_put_u16(r->wire + r->len, q->qtype);
    wire_put_u16(r->wire + r->len + 2, q->qclass);
    r->len += 4;
}

static void put_owner(struct reply *r, struct cursor *c, const uint8_t *owner)
{
    const uint8_t *qname = r->q->qname;
    size_t within =
        (uintptr_t)owner - (uintptr_t)qname; /* an end of the question's own name, as an SOA has it */
    if (r->q->qname_len > 0 && within < r->q->qname_len - 1u) {
        cursor_put_u16(c, (uint16_t)(0xc000 | (DNS_HEADER_LEN + within)));
        return;
    }
    if (r->q->qname_len > 0 && name_equal(owner, qname)) {
        cursor_put_u16(c, 0xc000 | DNS_HEADER_LEN);
        return;
    }
    size_t at = reply_last_owner(r, owner); /* most records follow one of the same owner */
    if (at != 0)
        cursor_put_u16(c, (uint16_t)(0xc000 | at));
    else
        reply_put_name(r, c, owner);
}

/* Names in the rdata of these types may be compressed (RFC 3597 section 4); `fixed` octets stand before the
 * names. */
static unsigned compressible_names(uint16_t type, unsigned *fixed)
{
    *fixed = type == RR_MX ? 2 : 0;
    switch (type) {
    case RR_NS:
    case RR_CNAME:
    case RR_PTR:
    case RR_MX:
        return 1;
    case RR_SOA:
        return 2;
    default:
        return 0;
    }
}

static void put_rdata(struct reply *r, struct cursor *c, const struct rr *rr)
{
    unsigned fixed;
    unsigned names = compressible_names(rr->type, &fixed);
    size_t at = fixed;
    /* Check before use: rdata may come from a zone file of TYPEnnn records. */
    for (unsigned i = 0; i < names; i++) {
        int len = at < rr->rdlen ? name_check(rr->rdata + at, rr->rdlen - at) : ERR_MALFORMED;
        if (len < 0)
            names = 0;
        else
            at += (size_t)len;
    }
    if (names == 0) {
        cursor_put(c, rr->rdata, rr->rdlen);
        if (rr->type == RR_SRV && !c->failed && rr->rdlen > SRV_FIXED &&
            name_check(rr->rdata + SRV_FIXED, rr->rdlen - SRV_FIXED) == rr->rdlen - SRV_FIXED)
            reply_remember_written(r, c, rr->rdata + SRV_FIXED);
        return;
    }
    const uint8_t *p = rr->rdata;
    cursor_put(c, p, fixed);
    p += fixed;
    for (unsigned i = 0; i < names; i++) {
        reply_put_name(r, c, p);
        p += name_len(p);
    }
    cursor_put(c, p, (size_t)(rr->rdata + rr->rdlen - p));
}

static int overflow(struct reply *r, enum reply_section s)
{
    if (!r->overflow)
        r->overflow_section = (uint8_t)s;
    r->overflow = true;
    return ERR_SPACE;
}

int reply_add(struct reply *r, enum reply_section s, const struct rr *rr)
{
    if (r->nrecords == REPLY_RECORDS_MAX || r->overflow)
        return overflow(r, s);
    uint16_t nnames = r->nnames;
    struct cursor c = {.at = r->wire + r->len, .end = r->wire + REPLY_CAP};
    put_owner(r, &c, rr->owner);
    cursor_put_u16(&c, rr->type);
    cursor_put_u16(&c, rr->class);
    cursor_put_u32(&c, rr->ttl);
    uint8_t *rdlen = cursor_take(&c, 2);
    put_rdata(r, &c, rr);
    if (c.failed) {
        reply_forget_names(r, nnames); /* what was half written */
        return overflow(r, s);
    }
    wire_put_u16(rdlen, (uint16_t)(c.at - rdlen - 2));
    r->rr[r->nrecords++] =
        (struct reply_rr){.at = (uint16_t)r->len, .rdata = (uint16_t)(rdlen + 2 - r->wire), .type = rr->type};
    r->count[s]++;
    r->len = (size_t)(c.at - r->wire);
    return ERR_OK;
}

static void cut_records(struct reply *r, unsigned keep)
{
    if (keep >= r->nrecords)
        return;
    r->len = r->rr[keep].at;
    r->nrecords = (uint16_t)keep;
    unsigned left = keep;
    for (unsigned s = 0; s < 3; s++) {
        if (r->count[s] > left)
            r->count[s] = (uint16_t)left;
        left -= r->count[s];
    }
    unsigned names = r->nnames;
    while (names > 0 && r->names[names - 1].at >= r->len)
        names--;
    reply_forget_names(r, names);
}

void reply_cut(struct reply *r, enum reply_section s)
{
    unsigned keep = 0;
    for (unsigned i = 0; i < (unsigned)s; i++)
        keep += r->count[i];
    cut_records(r, keep);
    if (r->overflow_section >= s)
        r->overflow = false;
}

enum reply_section reply_section_of(const struct reply *r, unsigned i)
{
    if (i < r->count[0])
        return SECTION_ANSWER;
    return i < (unsigned)r->count[0] + r->count[1] ? SECTION_AUTHORITY : SECTION_ADDITIONAL;
}

uint32_t reply_ttl(const struct reply *r, unsigned i)
{
    return wire_u32(r->wire + r->rr[i].rdata - 6);
}

void reply_set_ttl(struct reply *r, unsigned i, uint32_t ttl)
{
    wire_put_u32(r->wire + r->rr[i].rdata - 6, ttl);
}

uint16_t reply_rdlen(const struct reply *r, unsigned i)
{
    return wire_u16(r->wire + r->rr[i].rdata - 2);
}

size_t reply_owner(const struct reply *r, unsigned i, uint8_t *out)
{
    name_unpack(r->wire, r->len, r->rr[i].at, out); /* our own writing: it cannot fail */
    return name_len(out);
}

void reply_swap_rdata(struct reply *r, unsigned i, unsigned j)
{
    uint16_t len = reply_rdlen(r, i), type = r->rr[i].type;
    uint8_t *a = r->wire + r->rr[i].rdata;
    uint8_t *b = r->wire + r->rr[j].rdata;
    if (i == j || len != reply_rdlen(r, j) || type != r->rr[j].type || (type != RR_A && type != RR_AAAA))
        return;
    for (uint16_t k = 0; k < len; k++) {
        uint8_t t = a[k];
        a[k] = b[k];
        b[k] = t;
    }
}

/* ---- the end ---- */

/* What OPT holds behind its 11 fixed octets. */
struct opt {
    size_t text;    /* octets of explanation of the extended error */
    size_t options; /* octets of other options */
    bool ede;
};

static size_t opt_len(const struct opt *o)
{
    return OPT_FIXED + o->options + (o->ede ? EDE_FIXED + o->text : 0);
}

/* OPT for what is left beside header and question: the extended error may lose its text, then goes
 * itself. An empty OPT always fits into 512 octets. */
static struct opt choose_opt(const struct reply *r, size_t room)
{
    struct opt o = {.ede = r->ede >= 0};
    o.text = o.ede && r->ede_text != NULL ? strnlen(r->ede_text, EDE_TEXT_MAX) : 0;
    o.options = r->options_len;
    if (opt_len(&o) > room)
        o.text = 0;
    if (opt_len(&o) > room)
        o.options = 0;
    if (opt_len(&o) > room)
        o.ede = false;
    return o;
}

static void put_opt(struct reply *r, const struct opt *o)
{
    const struct query *q = r->q;
    struct cursor c = {.at = r->wire + r->len, .end = r->wire + sizeof r->wire};
    cursor_put_u8(&c, 0);
    cursor_put_u16(&c, RR_OPT);
    cursor_put_u16(&c, q->udp_size);
    cursor_put_u32(&c, (uint32_t)(r->rcode >> 4) << 24 | (q->dnssec_ok ? 0x8000u : 0));
    cursor_put_u16(&c, (uint16_t)(opt_len(o) - OPT_FIXED));
    if (o->ede) {
        cursor_put_u16(&c, EDE_OPTION);
        cursor_put_u16(&c, (uint16_t)(2 + o->text));
        cursor_put_u16(&c, (uint16_t)r->ede);
        cursor_put(&c, r->ede_text, o->text);
    }
    cursor_put(&c, r->options, o->options);
    if (!c.failed)
        r->len = (size_t)(c.at - r->wire);
}

/* Drops records from the end until the message takes no more than `room` octets. */
static void truncate_to(struct reply *r, size_t room)
{
    unsigned keep = r->nrecords;
    if (r->len <= room)
        return;
    while (keep > 0 && (keep == r->nrecords ? r->len : r->rr[keep].at) > room)
        keep--;
    cut_records(r, keep);
    r->overflow = true;
}

void reply_put_counts(struct reply *r)
{
    wire_put_u16(r->wire + 4, r->q->qname_len > 0);
    for (unsigned s = 0; s < 3; s++)
        wire_put_u16(r->wire + 6 + 2 * s, r->count[s]);
}

void reply_finish(struct reply *r, size_t max_size)
{
    const struct query *q = r->q;
    struct opt opt = {0};
    if (max_size > REPLY_CAP)
        max_size = REPLY_CAP;
    if (q->has_edns) {
        size_t head = r->nrecords > 0 ? r->rr[0].at : r->len;
        opt = choose_opt(r, max_size > head ? max_size - head : 0);
        truncate_to(r, max_size > opt_len(&opt) ? max_size - opt_len(&opt) : 0);
    } else {
        truncate_to(r, max_size);
    }
    if (r->rcode > 15 && !q->has_edns)
        r->rcode = RCODE_SERVFAIL; /* its lower bits alone would say something else */
    uint16_t flags = (uint16_t)(FLAG_QR | (r->flags & (FLAG_AA | FLAG_TC | FLAG_RA | FLAG_AD)) |
                                (q->flags & (FLAG_RD | FLAG_CD | 0x7800)) | (r->rcode & 15));
    if (r->overflow)
        flags |= FLAG_TC;
    r->flags = flags;
    wire_put_u16(r->wire, q->id);
    wire_put_u16(r->wire + 2, flags);
    reply_put_counts(r);
    if (q->has_edns) {
        put_opt(r, &opt);
        wire_put_u16(r->wire + 10, (uint16_t)(r->count[2] + 1));
    }
}

void reply_error(struct reply *r, const struct query *q, uint16_t rcode)
{
    reply_begin(r, q);
    r->rcode = rcode;
}
