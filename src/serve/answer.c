#include "serve/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "dns/rr.h"

#define OPT_LEN 11 /* an OPT record without options (RFC 6891 section 6.1.2) */
#define EDE_LEN 6  /* an extended error without text (RFC 8914 section 2), with its option header */

size_t answer_room(const struct request *r)
{
    if (r->transport != TRANSPORT_UDP)
        return REPLY_CAP;
    size_t room = r->asked->udp_size < 512 ? 512 : r->asked->udp_size;
    return r->max_udp != 0 && r->max_udp < room ? r->max_udp : room;
}

static size_t full_size(const struct request *r)
{
    const struct reply *reply = r->reply;
    size_t size = reply->len;
    if (reply->q->has_edns)
        size += OPT_LEN + reply->options_len + (reply->ede < 0 ? 0 : EDE_LEN);
    return size;
}

size_t answer_size(const struct request *r)
{
    size_t size = full_size(r), room = answer_room(r);
    return size < room ? size : room;
}

/* Octets of the name that is written at *at, without its compression; steps over it. Our own writing:
 * pointers lead backward. */
static size_t name_raw_size(const struct reply *r, size_t *at)
{
    const size_t question_end = DNS_HEADER_LEN + (size_t)r->q->qname_len;
    size_t size = 0, pos = *at;
    bool jumped = false;
    for (;;) {
        uint8_t c = r->wire[pos];
        if (c >= 0xc0) {
            size_t target = wire_u16(r->wire + pos) & 0x3fff;
            if (!jumped)
                *at = pos + 2;
            jumped = true;
            pos = target;
            if (pos < question_end) /* most point into the question, which is not compressed */
                return size + question_end - pos;
            continue;
        }
        size += 1u + c;
        pos += 1u + c;
        if (c == 0)
            break;
    }
    if (!jumped)
        *at = pos;
    return size;
}

/* Octets of `count` names that begin at `at`, and of what is `fixed` beside them. */
static size_t names_raw_size(const struct reply *r, size_t at, unsigned count, size_t fixed)
{
    for (; count > 0; count--)
        fixed += name_raw_size(r, &at);
    return fixed;
}

static size_t rdata_raw_size(const struct reply *r, unsigned i)
{
    size_t at = r->rr[i].rdata;
    switch (r->rr[i].type) { /* the types with names that may be compressed (RFC 3597 section 4) */
    case RR_NS:
    case RR_CNAME:
    case RR_PTR:
        return names_raw_size(r, at, 1, 0);
    case RR_MX:
        return names_raw_size(r, at + 2, 1, 2);
    case RR_SOA:
        return names_raw_size(r, at, 2, 20);
    default:
        return reply_rdlen(r, i);
    }
}

size_t answer_raw_size(const struct request *r)
{
    const struct reply *reply = r->reply;
    size_t size = DNS_HEADER_LEN + (reply->q->qname_len > 0 ? reply->q->qname_len + 4u : 0);
    for (unsigned i = 0; i < reply->nrecords; i++)
        size += names_raw_size(reply, reply->rr[i].at, 1, 10) + rdata_raw_size(reply, i);
    return size;
}

uint16_t answer_flags(const struct request *r)
{
    uint16_t flags = r->reply->flags & (FLAG_AA | FLAG_TC | FLAG_RA | FLAG_AD);
    if (r->reply->overflow || full_size(r) > answer_room(r))
        flags |= FLAG_TC;
    return (uint16_t)(flags | FLAG_QR | (r->q.flags & (FLAG_RD | FLAG_CD)));
}

const char *rcode_name(uint16_t rcode)
{
    static const char *const names[RCODE_NAMES] = {
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",  "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
        "NXRRSET", "NOTAUTH", "NOTZONE",  "DSOTYPENI", "RCODE12", "RCODE13", "RCODE14",  "RCODE15",
        "BADVERS", "BADKEY",  "BADTIME",  "BADMODE",   "BADNAME", "BADALG",  "BADTRUNC", "BADCOOKIE",
    };
    return rcode < RCODE_NAMES ? names[rcode] : NULL;
}

char *class_to_text(uint16_t class, char *out)
{
    const char *name = NULL;
    if (class == CLASS_IN)
        name = "IN";
    else if (class == CLASS_CH)
        name = "CH";
    else if (class == 4) /* Hesiod */
        name = "HS";
    else if (class == CLASS_NONE)
        name = "NONE";
    else if (class == CLASS_ANY)
        name = "ANY";
    if (name != NULL)
        snprintf(out, 16, "%s", name);
    else
        snprintf(out, 16, "CLASS%u", class);
    return out;
}
