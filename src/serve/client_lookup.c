#include "serve/client_lookup.h"

#include <string.h>

#include "base/cursor.h"

/* The name of the address; its length, 0 where it is too long. */
static size_t name_of(const union address *client, const uint8_t *apex, uint8_t out[NAME_MAX_LEN])
{
    char text[ADDRESS_TEXT_MAX];
    size_t len = strlen(address_text(client, text)), rest = name_len(apex);
    if (len == 0 || len > NAME_MAX_LABEL || 1 + len + rest > NAME_MAX_LEN)
        return 0;
    out[0] = (uint8_t)len;
    for (size_t i = 0; i < len; i++)
        out[1 + i] = (uint8_t)(text[i] == '.' || text[i] == ':' ? '-' : text[i]);
    memcpy(out + 1 + len, apex, rest);
    return 1 + len + rest;
}

/* The strings of a TXT record's rdata, put together; its length. `out` has room for all of it. */
static size_t join(const uint8_t *rdata, size_t rdlen, char *out)
{
    size_t len = 0;
    for (size_t at = 0; at < rdlen; at += 1u + rdata[at]) {
        size_t piece = rdata[at] < rdlen - at ? rdata[at] : rdlen - at - 1;
        memcpy(out + len, rdata + at + 1, piece);
        len += piece;
    }
    return len;
}

static int value_of(const struct rrset *set, const char *key, char *out, size_t cap)
{
    char text[4096]; /* longer ones are not written */
    size_t key_len = strlen(key);
    const uint8_t *p = set->data;
    for (unsigned i = 0; i < set->count; i++, p += 2 + wire_u16(p)) {
        size_t rdlen = wire_u16(p);
        if (rdlen > sizeof text)
            continue;
        size_t len = join(p + 2, rdlen, text);
        if (len <= key_len || memcmp(text, key, key_len) != 0 || text[key_len] != '=')
            continue;
        len -= key_len + 1;
        if (len > cap)
            len = cap;
        memcpy(out, text + key_len + 1, len);
        return (int)len;
    }
    return -1;
}

int client_lookup(const struct zone_version *v, const uint8_t *apex, const union address *client,
                  const char *key, char *out, size_t cap)
{
    uint8_t name[NAME_MAX_LEN];
    struct rrset set;
    size_t len = name_of(client, apex, name);
    const struct node *n = len == 0 ? NULL : zone_find(v, name, len, name_hash(name, len));
    return n != NULL && node_rrset(n, RR_TXT, &set) ? value_of(&set, key, out, cap) : -1;
}
