/* Rdata as it stands in a message made whole: names in it lose their compression pointers. */
#include <string.h>

#include "base/err.h"
#include "dns/rr.h"
#include "dns/rrtype.h"

struct unpacked {
    uint8_t *out;
    size_t len;
};

static int copy(struct unpacked *u, const uint8_t *from, size_t len)
{
    if (len > RDATA_MAX - u->len)
        return ERR_MALFORMED;
    memcpy(u->out + u->len, from, len);
    u->len += len;
    return (int)len;
}

/* One field at message[at], which may take up to `left` octets. Returns how many it took. */
static int unpack_field(struct unpacked *u, char field, const uint8_t *message, size_t message_len, size_t at,
                        size_t left)
{
    size_t len;
    switch (field) {
    case 'n': {
        uint8_t name[NAME_MAX_LEN];
        int taken = name_unpack(message, message_len, at, name);
        if (taken < 0 || (size_t)taken > left || copy(u, name, name_len(name)) < 0)
            return ERR_MALFORMED;
        return taken;
    }
    case 's':
        len = 2;
        break;
    case 'w':
    case '4':
        len = 4;
        break;
    case '6':
        len = 16;
        break;
    case 'g':
        len = 18;
        break;
    case 't':
        len = left == 0 ? 1 : 1u + message[at];
        break;
    default: /* the rest: an upstream's TXT is passed on as it is */
        len = left;
    }
    return len > left ? ERR_MALFORMED : copy(u, message + at, len);
}

int rdata_unpack(const uint8_t *message, size_t message_len, size_t at, uint16_t rdlen, uint16_t type,
                 uint8_t *out)
{
    if (at > message_len || rdlen > message_len - at)
        return ERR_MALFORMED;
    const struct rrtype_info *info = rrtype_info(type);
    const char *fields = info == NULL || info->fields[0] == '\0' ? "x" : info->fields;
    struct unpacked u = {.out = out};
    size_t end = at + rdlen;
    for (; *fields != '\0'; fields++) {
        int taken = unpack_field(&u, *fields, message, message_len, at, end - at);
        if (taken < 0)
            return ERR_MALFORMED;
        at += (size_t)taken;
    }
    return at == end ? (int)u.len : ERR_MALFORMED;
}
