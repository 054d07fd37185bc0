#include "dns/notify.h"

#include "base/cursor.h"
#include "base/err.h"
#include "dns/query.h"

size_t notify_write(uint16_t id, const struct rr *soa, uint8_t *out, size_t cap)
{
    struct cursor c = cursor_of(out, cap);
    cursor_put_u16(&c, id);
    cursor_put_u16(&c, OPCODE_NOTIFY << 11 | FLAG_AA);
    cursor_put_u16(&c, 1);
    cursor_put_u16(&c, 1);
    cursor_put_u32(&c, 0); /* no authority, nothing additional */
    cursor_put(&c, soa->owner, name_len(soa->owner));
    cursor_put_u16(&c, RR_SOA);
    cursor_put_u16(&c, CLASS_IN);
    cursor_put_u16(&c, 0xc000 | DNS_HEADER_LEN);
    cursor_put_u16(&c, RR_SOA);
    cursor_put_u16(&c, CLASS_IN);
    cursor_put_u32(&c, soa->ttl);
    cursor_put_u16(&c, soa->rdlen);
    cursor_put(&c, soa->rdata, soa->rdlen);
    return c.failed ? 0 : (size_t)(c.at - out);
}

int notify_read_answer(const uint8_t *message, size_t len, uint16_t id, const uint8_t *zone)
{
    uint8_t name[NAME_MAX_LEN];
    if (len < DNS_HEADER_LEN || wire_u16(message) != id)
        return ERR_MALFORMED;
    uint16_t flags = wire_u16(message + 2), questions = wire_u16(message + 4);
    if (!(flags & FLAG_QR) || DNS_OPCODE(flags) != OPCODE_NOTIFY || questions > 1)
        return ERR_MALFORMED;
    /* Some answer an error with the header alone. */
    if (questions == 1 && (name_unpack(message, len, DNS_HEADER_LEN, name) < 0 || !name_equal(name, zone)))
        return ERR_MALFORMED;
    return flags & 15;
}
