/* Records from text. The common types are read in place, without allocation: a zone has millions of them. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/cursor.h"
#include "base/err.h"
#include "dns/rr.h"
#include "dns/rr_ldns.h"
#include "dns/rr_token_p.h"
#include "dns/rrtype.h"

static bool number(const struct rr_token *t, uint64_t max, uint32_t *out)
{
    uint64_t value = 0;
    if (t->quoted || t->len == 0 || t->len > 10)
        return false;
    for (size_t i = 0; i < t->len; i++) {
        if (t->text[i] < '0' || t->text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(t->text[i] - '0');
    }
    if (value > max)
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool absolute_name(const struct rr_token *t, uint8_t *out, int *len)
{
    if (t->quoted || (t->len == 1 && t->text[0] == '@')) /* the origin: there is none here */
        return false;
    *len = name_from_text(t->text, t->len, out);
    return *len >= 0;
}

static bool ipv4(const struct rr_token *t, uint8_t *out)
{
    const char *at = t->text, *end = at + t->len;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (at == end || *at++ != '.'))
            return false;
        unsigned value = 0, digits = 0;
        const char *first = at;
        for (; at < end && *at >= '0' && *at <= '9' && digits < 4; at++, digits++)
            value = value * 10 + (unsigned)(*at - '0');
        if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && *first == '0')) /* octal to some */
            return false;
        out[i] = (uint8_t)value;
    }
    return at == end && !t->quoted;
}

static bool ipv6(const struct rr_token *t, uint8_t *out)
{
    char text[INET6_ADDRSTRLEN];
    if (t->quoted || t->len >= sizeof text || memchr(t->text, '\0', t->len) != NULL)
        return false;
    memcpy(text, t->text, t->len);
    text[t->len] = '\0';
    return inet_pton(AF_INET6, text, out) == 1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Writes a character-string with its length octet. */
static bool character_string(const struct rr_token *t, struct cursor *out)
{
    uint8_t *len_octet = cursor_take(out, 1);
    unsigned len = 0;
    if (len_octet == NULL || t->mixed)
        return false;
    for (size_t i = 0; i < t->len; i++, len++) {
        uint8_t c = (uint8_t)t->text[i];
        if (c == '\\') { /* rr_next_token() saw that something follows */
            c = (uint8_t)t->text[++i];
            if (is_digit((char)c)) {
                if (t->len - i < 3 || !is_digit(t->text[i + 1]) || !is_digit(t->text[i + 2]))
                    return false;
                unsigned value = (c - '0') * 100u + (unsigned)(t->text[i + 1] - '0') * 10u +
                                 (unsigned)(t->text[i + 2] - '0');
                if (value > 255)
                    return false;
                c = (uint8_t)value;
                i += 2;
            }
        }
        cursor_put_u8(out, c);
    }
    *len_octet = (uint8_t)len;
    return len <= 255 && !out->failed;
}

static int read_field(struct rr_line *l, char field, struct cursor *out)
{
    struct rr_token t;
    if (!rr_next_token(l, &t))
        return rr_line_fail(l, "the rdata ends too early");
    uint32_t value;
    uint8_t octets[NAME_MAX_LEN];
    int len;
    switch (field) {
    case 'n':
        if (!absolute_name(&t, octets, &len))
            return rr_line_fail(l, "expected a domain name in the rdata");
        cursor_put(out, octets, (size_t)len);
        return ERR_OK;
    case 's':
        if (!number(&t, UINT16_MAX, &value))
            return rr_line_fail(l, "expected a number from 0 to 65535");
        cursor_put_u16(out, (uint16_t)value);
        return ERR_OK;
    case 'w':
        if (!number(&t, UINT32_MAX, &value))
            return rr_line_fail(l, "expected a number from 0 to 4294967295");
        cursor_put_u32(out, value);
        return ERR_OK;
    case '4':
        if (!ipv4(&t, octets))
            return rr_line_fail(l, "expected an IPv4 address");
        cursor_put(out, octets, 4);
        return ERR_OK;
    case '6':
        if (!ipv6(&t, octets))
            return rr_line_fail(l, "expected an IPv6 address");
        cursor_put(out, octets, 16);
        return ERR_OK;
    case 't':
        return character_string(&t, out) ? ERR_OK
                                         : rr_line_fail(l, "expected a string of at most 255 octets");
    default: /* 'T' */
        do {
            if (!character_string(&t, out))
                return rr_line_fail(l, "expected strings of at most 255 octets");
        } while (rr_next_token(l, &t));
        return l->why == NULL ? ERR_OK : ERR_MALFORMED;
    }
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What follows `\#`: the length, then hexadecimal digits in words of any length (RFC 3597 section 5). */
static int read_general(struct rr_line *l, struct cursor *out)
{
    struct rr_token t;
    uint32_t expected;
    if (!rr_next_token(l, &t) || !number(&t, RDATA_MAX, &expected))
        return rr_line_fail(l, "expected the length of the rdata after \\#");
    size_t digits = 0;
    uint8_t octet = 0;
    while (rr_next_token(l, &t)) {
        for (size_t i = 0; i < t.len; i++, digits++) {
            int value = t.quoted ? -1 : hex_digit(t.text[i]);
            if (value < 0)
                return rr_line_fail(l, "expected hexadecimal digits after \\#");
            octet = (uint8_t)(octet << 4 | value);
            if (digits % 2 == 1)
                cursor_put_u8(out, octet);
        }
    }
    if (l->why == NULL && digits != 2u * expected)
        return rr_line_fail(l, "the length after \\# is not that of the rdata");
    return l->why == NULL ? ERR_OK : ERR_MALFORMED;
}

static int read_by_ldns(struct rr_line *l, uint16_t type, struct cursor *out)
{
    struct rr_token t;
    const char *begin = l->at, *end = l->at;
    while (rr_next_token(l, &t)) /* finds where a comment begins and that quotes are closed */
        end = l->at;
    if (l->why != NULL)
        return ERR_MALFORMED;
    int len = rr_ldns_read(type, begin, (size_t)(end - begin), out->at);
    if (len < 0)
        return rr_line_fail(l, len == ERR_UNSUPPORTED
                                   ? "rdata of this type is read in the form \\# LENGTH HEX only"
                                   : "the rdata is not what the type demands");
    cursor_take(out, (size_t)len);
    return ERR_OK;
}

static int read_rdata(struct rr_line *l, uint16_t type, struct cursor *out)
{
    const struct rrtype_info *info = rrtype_info(type);
    const char *fields = info == NULL ? "" : info->fields;
    bool ours = rrtype_fields_have_text(fields);
    const uint8_t *begin = out->at;
    struct rr_token t;
    if (rr_line_skip_general(l)) {
        if (read_general(l, out) < 0)
            return ERR_MALFORMED;
        if (ours && !rrtype_fields_match(fields, begin, (uint16_t)(out->at - begin)))
            return rr_line_fail(l, "the octets after \\# are not what the type demands");
    } else if (ours) {
        for (; *fields != '\0'; fields++)
            if (read_field(l, *fields, out) < 0)
                return ERR_MALFORMED;
        if (rr_next_token(l, &t))
            return rr_line_fail(l, "something follows the rdata");
    } else if (read_by_ldns(l, type, out) < 0) {
        return ERR_MALFORMED;
    }
    if (out->failed)
        return rr_line_fail(l, "the rdata is longer than 65535 octets");
    return l->why == NULL ? ERR_OK : ERR_MALFORMED;
}

static uint16_t class_from_text(const struct rr_token *t)
{
    if (t->len == 2 && (memcmp(t->text, "IN", 2) == 0 || strncasecmp(t->text, "IN", 2) == 0))
        return CLASS_IN;
    if (t->len == 2 && strncasecmp(t->text, "CH", 2) == 0)
        return CLASS_CH;
    if (t->len > 5 && strncasecmp(t->text, "CLASS", 5) == 0) {
        struct rr_token digits = {.text = t->text + 5, .len = t->len - 5};
        uint32_t value;
        return number(&digits, UINT16_MAX, &value) ? (uint16_t)value : 0;
    }
    return 0;
}

/* Owner, TTL and class (in either order), type. */
static int read_head(struct rr_line *l, struct rr_storage *storage, struct rr *out)
{
    struct rr_token t;
    int len;
    if (l->at == l->end || rr_is_blank(*l->at) || *l->at == ';' || *l->at == '$')
        return rr_line_fail(l, "expected a record that begins with its owner");
    if (!rr_next_token(l, &t) || !absolute_name(&t, storage->owner, &len))
        return rr_line_fail(l, "expected a domain name as the owner");
    out->class = 0;
    bool have_ttl = false;
    for (int i = 0; i < 2; i++) {
        if (!rr_next_token(l, &t))
            return rr_line_fail(l, "expected a TTL, a class and a type");
        if (!have_ttl && number(&t, INT32_MAX, &out->ttl))
            have_ttl = true;
        else if (out->class == 0 && !t.quoted)
            out->class = class_from_text(&t);
    }
    if (!have_ttl)
        return rr_line_fail(l, "expected a TTL from 0 to 2147483647");
    if (out->class == 0)
        return rr_line_fail(l, "expected the class IN");
    out->type = rr_next_token(l, &t) && !t.quoted ? rrtype_from_text(t.text, t.len) : 0;
    return out->type != 0 ? ERR_OK : rr_line_fail(l, "expected a record type");
}

/* Keeps the head, which ends where `l` is, for the next line. */
static void keep_head(struct rr_head *head, const char *line, const struct rr_line *l, const struct rr *rr)
{
    size_t len =
        (size_t)(l->at - line) + 1; /* with the blank: so that it is a whole token which ends there */
    head->len = 0;
    if (l->at == l->end || !rr_is_blank(*l->at) || len > sizeof head->text)
        return;
    memcpy(head->text, line, len);
    head->len = len;
    head->type = rr->type;
    head->class = rr->class;
    head->ttl = rr->ttl;
}

static bool has_head(const struct rr_head *head, struct rr_line *l, struct rr *rr)
{
    if (head->len == 0 || (size_t)(l->end - l->at) < head->len || memcmp(l->at, head->text, head->len) != 0)
        return false;
    l->at += head->len;
    rr->type = head->type;
    rr->class = head->class;
    rr->ttl = head->ttl;
    return true;
}

int rr_from_text_after(struct rr_head *head, const char *line, size_t len, struct rr_storage *storage,
                       struct rr *out, const char **why)
{
    struct rr_line l = {.at = line, .end = line + len};
    struct rr rr = {.owner = storage->owner, .rdata = storage->rdata};
    struct cursor c = cursor_of(storage->rdata, sizeof storage->rdata);
    int ret = ERR_OK;
    if (!has_head(head, &l, &rr)) {
        head->len = 0;
        ret = read_head(&l, storage, &rr);
        if (ret == ERR_OK)
            keep_head(head, line, &l, &rr);
    }
    if (ret == ERR_OK)
        ret = read_rdata(&l, rr.type, &c);
    if (ret != ERR_OK) {
        *why = l.why != NULL ? l.why : "malformed record";
        return ret;
    }
    rr.rdlen = (uint16_t)(c.at - storage->rdata);
    *out = rr;
    return ERR_OK;
}

int rr_from_text_why(const char *line, size_t len, struct rr_storage *storage, struct rr *out,
                     const char **why)
{
    struct rr_head head = {.len = 0};
    return rr_from_text_after(&head, line, len, storage, out, why);
}

int rr_from_text(const char *line, size_t len, struct rr_storage *storage, struct rr *out)
{
    const char *why;
    return rr_from_text_why(line, len, storage, out, &why);
}
