/* Messages for tests: written octet by octet, and read back by a reader that accepts nothing odd. */
#ifndef SEAMARK_TESTS_DNS_MESSAGE_H
#define SEAMARK_TESTS_DNS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cursor.h"
#include "dns/name.h"
#include "dns/query.h"
#include "dns/rr.h"

struct message {
    size_t len;
    uint8_t data[70000];
};

static inline void message_u8(struct message *m, unsigned v)
{
    m->data[m->len++] = (uint8_t)v;
}

static inline void message_u16(struct message *m, unsigned v)
{
    message_u8(m, v >> 8 & 255);
    message_u8(m, v & 255);
}

static inline void message_u32(struct message *m, uint32_t v)
{
    message_u16(m, v >> 16);
    message_u16(m, v & 0xffff);
}

static inline void message_octets(struct message *m, const void *data, size_t len)
{
    memcpy(m->data + m->len, data, len);
    m->len += len;
}

static inline void message_name(struct message *m, const char *text)
{
    int n = name_from_text(text, strlen(text), m->data + m->len);
    m->len += n > 0 ? (size_t)n : 0;
}

static inline void message_header(struct message *m, unsigned id, unsigned flags, unsigned qd, unsigned an,
                                  unsigned ns, unsigned ar)
{
    m->len = 0;
    message_u16(m, id);
    message_u16(m, flags);
    message_u16(m, qd);
    message_u16(m, an);
    message_u16(m, ns);
    message_u16(m, ar);
}

static inline void message_question(struct message *m, const char *name, unsigned type, unsigned class)
{
    message_name(m, name);
    message_u16(m, type);
    message_u16(m, class);
}

/* A record up to its rdata, whose octets the caller puts behind it. */
static inline void message_record(struct message *m, const char *owner, unsigned type, unsigned class,
                                  uint32_t ttl, unsigned rdlen)
{
    message_name(m, owner);
    message_u16(m, type);
    message_u16(m, class);
    message_u32(m, ttl);
    message_u16(m, rdlen);
}

/* What message_read saw. */
struct message_seen {
    uint16_t id, flags, count[4];
    uint8_t qname[NAME_MAX_LEN];
    uint16_t qtype, qclass;
    unsigned records; /* without OPT */
    unsigned opts;
    uint16_t udp_size, opt_rdlen;
    uint32_t opt_ttl;
    const uint8_t *opt_rdata;
};

/* Reads a message to its very last octet: false where anything does not fit, a pointer leads nowhere, or OPT
 * is not the last record. Calls `each` for every record but OPT, where given, with the rdata unpacked. */
static inline bool message_read(const uint8_t *data, size_t len, struct message_seen *seen,
                                void (*each)(unsigned section, const struct rr *rr))
{
    static uint8_t rdata[RDATA_MAX];
    uint8_t owner[NAME_MAX_LEN];
    *seen = (struct message_seen){0};
    if (len < DNS_HEADER_LEN)
        return false;
    seen->id = wire_u16(data);
    seen->flags = wire_u16(data + 2);
    for (unsigned s = 0; s < 4; s++)
        seen->count[s] = wire_u16(data + 4 + 2 * s);
    size_t at = DNS_HEADER_LEN;
    for (unsigned i = 0; i < seen->count[0]; i++) {
        int n = name_unpack(data, len, at, seen->qname);
        if (n < 0 || len - at < (size_t)n + 4)
            return false;
        at += (size_t)n;
        seen->qtype = wire_u16(data + at);
        seen->qclass = wire_u16(data + at + 2);
        at += 4;
    }
    for (unsigned s = 1; s < 4; s++)
        for (unsigned i = 0; i < seen->count[s]; i++) {
            int n = name_unpack(data, len, at, owner);
            if (n < 0 || len - at < (size_t)n + 10 || seen->opts > 0)
                return false;
            const uint8_t *fixed = data + at + n;
            at += (size_t)n + 10;
            struct rr rr = {.owner = owner,
                            .type = wire_u16(fixed),
                            .class = wire_u16(fixed + 2),
                            .ttl = wire_u32(fixed + 4),
                            .rdata = rdata};
            uint16_t rdlen = wire_u16(fixed + 8);
            if (len - at < rdlen)
                return false;
            if (rr.type == RR_OPT) {
                if (s != 3 || owner[0] != 0)
                    return false;
                seen->opts++;
                seen->udp_size = rr.class;
                seen->opt_ttl = rr.ttl;
                seen->opt_rdlen = rdlen;
                seen->opt_rdata = data + at;
            } else {
                int unpacked = rdata_unpack(data, len, at, rdlen, rr.type, rdata);
                if (unpacked < 0)
                    return false;
                rr.rdlen = (uint16_t)unpacked;
                seen->records++;
                if (each != NULL)
                    each(s, &rr);
            }
            at += rdlen;
        }
    return at == len;
}

#endif
