/* Records to text. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "dns/rr.h"
#include "dns/rr_ldns.h"
#include "dns/rrtype.h"

#define TTL_MAX 0x7fffffffu /* RFC 2181 section 8 */

static void append_number(struct bytes *out, uint32_t value)
{
    char digits[10], *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    bytes_append(out, at, (size_t)(digits + sizeof digits - at));
}

static void append_name(struct bytes *out, const uint8_t *name)
{
    char *to = bytes_reserve(out, NAME_MAX_TEXT);
    if (to != NULL)
        out->len += strlen(name_to_text(name, to));
}

/* A character-string in quotes. */
static void append_string(struct bytes *out, const uint8_t *string)
{
    unsigned len = string[0];
    char *begin = bytes_reserve(out, len * 4u + 2), *to = begin;
    if (begin == NULL)
        return;
    *to++ = '"';
    for (unsigned i = 1; i <= len; i++) {
        uint8_t c = string[i];
        if (c < ' ' || c >= 0x7f) {
            *to++ = '\\';
            *to++ = (char)('0' + c / 100);
            *to++ = (char)('0' + c / 10 % 10);
            *to++ = (char)('0' + c % 10);
            continue;
        }
        if (c == '"' || c == '\\')
            *to++ = '\\';
        *to++ = (char)c;
    }
    *to++ = '"';
    out->len += (size_t)(to - begin);
}

static void append_ipv4(struct bytes *out, const uint8_t *a)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            bytes_append(out, ".", 1);
        append_number(out, a[i]);
    }
}

static void append_ipv6(struct bytes *out, const uint8_t *a)
{
    char *to = bytes_reserve(out, INET6_ADDRSTRLEN);
    if (to != NULL && inet_ntop(AF_INET6, a, to, INET6_ADDRSTRLEN) != NULL)
        out->len += strlen(to);
}

/* Appends one field; returns the octets it took. The octets are known to match the fields. */
static size_t append_field(struct bytes *out, char field, const uint8_t *at, size_t left)
{
    switch (field) {
    case 'n':
        append_name(out, at);
        return name_len(at);
    case 's':
        append_number(out, wire_u16(at));
        return 2;
    case 'w':
        append_number(out, wire_u32(at));
        return 4;
    case '4':
        append_ipv4(out, at);
        return 4;
    case '6':
        append_ipv6(out, at);
        return 16;
    case 't':
        append_string(out, at);
        return 1u + at[0];
    default: { /* 'T' */
        size_t pos = 0;
        while (pos < left) {
            if (pos > 0)
                bytes_append(out, " ", 1);
            append_string(out, at + pos);
            pos += 1u + at[pos];
        }
        return left;
    }
    }
}

/* RFC 3597 section 5, with the type as a number: any server takes it, whatever it knows of the type. */
static void append_general(struct bytes *out, const struct rr *rr)
{
    static const char hex[] = "0123456789abcdef";
    bytes_append_str(out, "TYPE");
    append_number(out, rr->type);
    bytes_append_str(out, "\t\\# ");
    append_number(out, rr->rdlen);
    if (rr->rdlen == 0)
        return;
    char *to = bytes_reserve(out, 2u * rr->rdlen + 1);
    if (to == NULL)
        return;
    *to++ = ' ';
    for (size_t i = 0; i < rr->rdlen; i++) {
        *to++ = hex[rr->rdata[i] >> 4];
        *to++ = hex[rr->rdata[i] & 15];
    }
    out->len += 2u * rr->rdlen + 1;
}

/* True where a reader takes the record's text, which begins at `start`, for this record. */
static bool reads_back(const struct bytes *out, size_t start, const struct rr *rr)
{
    struct rr_storage *storage = malloc(sizeof *storage);
    struct rr again;
    bool same =
        storage != NULL && rr_from_text(out->data + start, out->len - start, storage, &again) == ERR_OK &&
        again.type == rr->type && again.rdlen == rr->rdlen && memcmp(again.rdata, rr->rdata, rr->rdlen) == 0;
    free(storage);
    return same;
}

static int append_fields(struct bytes *out, const struct rrtype_info *info, const struct rr *rr)
{
    if (!rrtype_fields_match(info->fields, rr->rdata, rr->rdlen))
        return ERR_MALFORMED;
    bytes_append_str(out, info->mnemonic);
    size_t at = 0;
    for (const char *field = info->fields; *field != '\0'; field++) {
        bytes_append(out, at == 0 ? "\t" : " ", 1);
        at += append_field(out, *field, rr->rdata + at, rr->rdlen - at);
    }
    return out->error;
}

/* `start` is where the record begins. */
static int append_type_and_rdata(struct bytes *out, size_t start, const struct rr *rr)
{
    const struct rrtype_info *info = rrtype_info(rr->type);
    if (info != NULL && rrtype_fields_have_text(info->fields))
        return append_fields(out, info, rr);
    size_t type_at = out->len;
    if (info != NULL) {
        bytes_append_str(out, info->mnemonic);
        bytes_append(out, "\t", 1);
        int ret = rr_ldns_write(rr->type, rr->rdata, rr->rdlen, out);
        if (ret == ERR_OK ? reads_back(out, start, rr) : ret != ERR_UNSUPPORTED)
            return ret;
        out->len = type_at;
    }
    append_general(out, rr);
    return out->error;
}

int rr_to_text(const struct rr *rr, struct bytes *out)
{
    size_t start = out->len;
    if (out->error != ERR_OK)
        return out->error;
    if (rr->ttl > TTL_MAX)
        return ERR_MALFORMED;
    append_name(out, rr->owner);
    bytes_append(out, "\t", 1);
    append_number(out, rr->ttl);
    if (rr->class == CLASS_IN) {
        bytes_append(out, "\tIN\t", 4);
    } else if (rr->class == CLASS_CH) {
        bytes_append(out, "\tCH\t", 4);
    } else {
        bytes_append_str(out, "\tCLASS");
        append_number(out, rr->class);
        bytes_append(out, "\t", 1);
    }
    int ret = out->error == ERR_OK ? append_type_and_rdata(out, start, rr) : out->error;
    if (ret != ERR_OK)
        out->len = start;
    if (out->data != NULL)
        out->data[out->len] = '\0';
    return ret;
}
