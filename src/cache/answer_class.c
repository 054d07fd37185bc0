#include "cache/answer_class.h"

#include "base/cursor.h"
#include "dns/rr.h"

/* CNAME records looked at in one answer. Resolvers follow 8 to 16 links; an answer with more is not kept. */
#define CNAMES_MAX 32

/* Most answers: the first record stands at the question's name and has its type. */
static bool answers_directly(const struct reply *r)
{
    for (unsigned i = 0; i < r->count[SECTION_ANSWER]; i++) {
        if (r->rr[i].type == RR_CNAME && r->q->qtype != RR_CNAME)
            return false;
        if (wire_u16(r->wire + r->rr[i].at) != (0xc000 | DNS_HEADER_LEN))
            return false;
    }
    return r->count[SECTION_ANSWER] > 0 && (r->rr[0].type == r->q->qtype || r->q->qtype == RR_ANY);
}

struct cnames {
    unsigned count;
    struct {
        uint8_t owner[NAME_MAX_LEN];
        uint8_t target[NAME_MAX_LEN];
        bool seen;
    } links[CNAMES_MAX];
};

static bool collect(const struct reply *r, struct cnames *c)
{
    c->count = 0;
    for (unsigned i = 0; i < r->count[SECTION_ANSWER]; i++) {
        if (r->rr[i].type != RR_CNAME)
            continue;
        if (c->count == CNAMES_MAX)
            return false;
        reply_owner(r, i, c->links[c->count].owner);
        if (name_unpack(r->wire, r->len, r->rr[i].rdata, c->links[c->count].target) < 0)
            return false;
        c->links[c->count++].seen = false;
    }
    return true;
}

/* One step: the target of the name's CNAME; false where there are different ones, or a loop (`*at` NULL: no
 * CNAME). */
static bool follow(struct cnames *c, const uint8_t *name, const uint8_t **target)
{
    *target = NULL;
    for (unsigned i = 0; i < c->count; i++) {
        if (!name_equal(c->links[i].owner, name))
            continue;
        if (c->links[i].seen || (*target != NULL && !name_equal(*target, c->links[i].target)))
            return false;
        *target = c->links[i].target;
    }
    for (unsigned i = 0; *target != NULL && i < c->count; i++)
        if (name_equal(c->links[i].owner, name))
            c->links[i].seen = true;
    return true;
}

static bool has_at(const struct reply *r, const uint8_t *name)
{
    uint8_t owner[NAME_MAX_LEN];
    for (unsigned i = 0; i < r->count[SECTION_ANSWER]; i++) {
        if (r->q->qtype != RR_ANY && r->rr[i].type != r->q->qtype)
            continue;
        reply_owner(r, i, owner);
        if (name_equal(owner, name))
            return true;
    }
    return false;
}

bool answer_answers(const struct reply *r)
{
    if (answers_directly(r))
        return true;
    struct cnames c;
    if (r->count[SECTION_ANSWER] == 0 || !collect(r, &c))
        return false;
    const uint8_t *name = r->q->lname, *target;
    if (r->q->qtype == RR_ANY)
        return has_at(r, name);
    if (r->q->qtype == RR_CNAME)
        return follow(&c, name, &target) && target != NULL;
    while (follow(&c, name, &target)) {
        if (target == NULL)
            return has_at(r, name);
        name = target;
    }
    return false;
}

/* RFC 4034 section 3.1.5: serial number arithmetic on 32 bits. */
static bool signature_holds(const struct reply *r, unsigned i, uint32_t now)
{
    const uint8_t *rdata = r->wire + r->rr[i].rdata;
    if (reply_rdlen(r, i) < 18)
        return false;
    return (int32_t)(wire_u32(rdata + 8) - now) >= 0 && (int32_t)(now - wire_u32(rdata + 12)) >= 0;
}

static bool has_expired_signature(const struct reply *r, uint64_t wall_s)
{
    for (unsigned i = 0; r->q->dnssec_ok && i < r->nrecords; i++)
        if (r->rr[i].type == RR_RRSIG && !signature_holds(r, i, (uint32_t)wall_s))
            return true;
    return false;
}

struct authority {
    bool soa, ns;
    uint32_t minimum; /* the SOA's last field; UINT32_MAX without */
};

static struct authority look_at_authority(const struct reply *r)
{
    struct authority a = {.minimum = UINT32_MAX};
    unsigned first = r->count[SECTION_ANSWER];
    for (unsigned i = first; i < first + r->count[SECTION_AUTHORITY]; i++) {
        a.ns = a.ns || r->rr[i].type == RR_NS;
        if (r->rr[i].type != RR_SOA)
            continue;
        a.soa = true;
        uint16_t rdlen = reply_rdlen(r, i);
        if (rdlen >= 20)
            a.minimum = wire_u32(r->wire + r->rr[i].rdata + rdlen - 4);
    }
    return a;
}

static enum answer_class class_of(const struct reply *r, const struct authority *a, bool answers,
                                  uint64_t wall_s)
{
    bool records = r->count[SECTION_ANSWER] > 0;
    if (r->q->qtype == RR_AXFR || r->q->qtype == RR_IXFR)
        return ANSWER_TRANSFER;
    if (has_expired_signature(r, wall_s))
        return ANSWER_OTHER;
    switch (r->rcode) {
    case RCODE_NOERROR:
        if (records)
            return a->soa && !answers ? ANSWER_NODATA : ANSWER_POSITIVE;
        return a->soa ? ANSWER_NODATA : a->ns ? ANSWER_DELEGATION : ANSWER_POSITIVE;
    case RCODE_NXDOMAIN:
        return records ? ANSWER_OTHER : ANSWER_NXDOMAIN;
    case RCODE_SERVFAIL:
    case RCODE_NOTIMP:
        return ANSWER_SERVER_ERROR;
    default:
        return ANSWER_OTHER;
    }
}

static uint32_t least_ttl(const struct reply *r)
{
    uint32_t least = UINT32_MAX;
    for (unsigned i = 0; i < r->nrecords; i++) {
        uint32_t ttl = reply_ttl(r, i);
        if (ttl < least)
            least = ttl;
    }
    return least;
}

void answer_classify(const struct reply *r, uint64_t wall_s, struct answer_facts *out)
{
    struct authority a = look_at_authority(r);
    bool answers = answer_answers(r);
    out->class = class_of(r, &a, answers, wall_s);
    out->answers = answers && out->class == ANSWER_POSITIVE;
    out->negative = out->class == ANSWER_NXDOMAIN || out->class == ANSWER_NODATA;
    out->keepable = !r->overflow && (r->flags & FLAG_TC) == 0 && out->class != ANSWER_OTHER &&
                    out->class != ANSWER_TRANSFER;
    if (out->class == ANSWER_NXDOMAIN && !a.soa)
        out->keepable = false; /* RFC 2308 section 5 */
    if (out->class == ANSWER_POSITIVE && r->count[SECTION_ANSWER] > 0 && !answers)
        out->keepable = false; /* a chain that leads nowhere, without a SOA: the same */
    out->ttl = r->nrecords > 0 ? least_ttl(r) : ANSWER_TTL_DEFAULT;
    if (out->class != ANSWER_POSITIVE && !out->negative)
        out->ttl = ANSWER_TTL_DEFAULT;
    if (out->negative && a.minimum < out->ttl)
        out->ttl = a.minimum;
}
