#include "cache/cache_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cursor.h"
#include "base/err.h"

#define MAGIC     "SEAMARK-CACHE-1\n"
#define MAGIC_LEN 16
#define HEAD_LEN  (MAGIC_LEN + 8 + 8 + 4)
#define FRAME_LEN 8  /* length and checksum */
#define FIXED_LEN 12 /* of an entry, in front of its message */
#define ENTRY_MIN (FIXED_LEN + DNS_HEADER_LEN + 1 + 4)
#define ENTRY_MAX (FIXED_LEN + REPLY_CAP)

enum { BIT_DNSSEC_OK = 1, BIT_CHECKING_DISABLED = 2, BIT_LONG = 4 };

static uint32_t checksum(const uint8_t *data, size_t len)
{
    return (uint32_t)crc32(crc32(0, Z_NULL, 0), data, (uInt)len);
}

static void put_u64(uint8_t *p, uint64_t v)
{
    wire_put_u32(p, (uint32_t)(v >> 32));
    wire_put_u32(p + 4, (uint32_t)v);
}

static uint64_t get_u64(const uint8_t *p)
{
    return (uint64_t)wire_u32(p) << 32 | wire_u32(p + 4);
}

/* ---- writing ---- */

void cache_file_put_head(struct bytes *b, uint64_t identity, uint64_t wall_ms)
{
    uint8_t head[HEAD_LEN];
    memcpy(head, MAGIC, MAGIC_LEN);
    put_u64(head + MAGIC_LEN, identity);
    put_u64(head + MAGIC_LEN + 8, wall_ms);
    wire_put_u32(head + HEAD_LEN - 4, checksum(head, HEAD_LEN - 4));
    bytes_append(b, head, HEAD_LEN);
}

void cache_file_put_entry(struct bytes *b, const struct cache_saved *s, const struct cache_file_answer *a)
{
    size_t len = FIXED_LEN + DNS_HEADER_LEN + a->name_len + 4 + a->body_len;
    uint8_t *at = (uint8_t *)bytes_reserve(b, FRAME_LEN + len);
    if (at == NULL)
        return;
    struct cursor c = cursor_of(at + FRAME_LEN, len);
    cursor_put_u32(&c, s->age_s > UINT32_MAX ? UINT32_MAX : (uint32_t)s->age_s);
    cursor_put_u32(&c, s->ttl_s);
    cursor_put_u8(&c, (uint8_t)((s->dnssec_ok ? BIT_DNSSEC_OK : 0) |
                                (s->checking_disabled ? BIT_CHECKING_DISABLED : 0) |
                                (s->in_long ? BIT_LONG : 0)));
    cursor_put_u8(&c, s->uses);
    cursor_put_u16(&c, 0);
    cursor_put_u16(&c, 0); /* the message's id */
    cursor_put_u16(&c, (uint16_t)(FLAG_QR | a->flags | (a->rcode & 15)));
    cursor_put_u16(&c, 1);
    for (unsigned i = 0; i < 3; i++)
        cursor_put_u16(&c, a->count[i]);
    cursor_put(&c, a->name, a->name_len);
    cursor_put_u16(&c, a->qtype);
    cursor_put_u16(&c, a->qclass);
    cursor_put(&c, a->body, a->body_len);
    wire_put_u32(at, (uint32_t)len);
    wire_put_u32(at + 4, checksum(at + FRAME_LEN, len));
    b->len += FRAME_LEN + len;
}

void cache_file_put_end(struct bytes *b, uint32_t count)
{
    uint8_t end[FRAME_LEN] = {0};
    wire_put_u32(end + 4, count);
    bytes_append(b, end, FRAME_LEN);
}

/* ---- reading ---- */

struct reader {
    FILE *f;
    uint64_t elapsed_s; /* since it was written */
    struct reply *reply;
    struct query q;
    uint8_t entry[ENTRY_MAX];
};

/* An answer, read as one from outside is. */
static bool read_message(struct reader *r, const uint8_t *message, size_t len, const struct cache_saved *s)
{
    uint16_t flags = wire_u16(message + 2);
    int name_len = name_check(message + DNS_HEADER_LEN, len - DNS_HEADER_LEN);
    if ((flags & FLAG_QR) == 0 || DNS_OPCODE(flags) != 0 || wire_u16(message + 4) != 1 || name_len < 0 ||
        len - DNS_HEADER_LEN < (size_t)name_len + 4)
        return false;
    uint8_t name[NAME_MAX_LEN];
    name_lower(name, message + DNS_HEADER_LEN);
    const uint8_t *fixed = message + DNS_HEADER_LEN + name_len;
    query_make(&r->q, name, wire_u16(fixed));
    r->q.qclass = wire_u16(fixed + 2);
    r->q.dnssec_ok = s->dnssec_ok;
    if (s->checking_disabled)
        r->q.flags |= FLAG_CD;
    reply_begin(r->reply, &r->q);
    if (reply_copy(r->reply, message, len, SECTION_ANSWER, SECTION_ADDITIONAL) != ERR_OK)
        return false;
    r->reply->flags = flags & (FLAG_AA | FLAG_RA | FLAG_AD);
    r->reply->rcode = flags & 15;
    return !r->reply->overflow;
}

static int read_entry(struct reader *r, size_t len, uint32_t expected, cache_file_each *each, void *ctx,
                      struct cache_file_result *out)
{
    if (len < ENTRY_MIN || len > ENTRY_MAX)
        return ERR_CHECKSUM; /* nobody writes that: where the next one begins is not known either */
    if (fread(r->entry, 1, len, r->f) != len)
        return ERR_TRUNCATED;
    if (checksum(r->entry, len) != expected)
        return ERR_CHECKSUM;
    struct cache_saved s = {.age_s = wire_u32(r->entry) + r->elapsed_s,
                            .ttl_s = wire_u32(r->entry + 4),
                            .dnssec_ok = r->entry[8] & BIT_DNSSEC_OK,
                            .checking_disabled = r->entry[8] & BIT_CHECKING_DISABLED,
                            .in_long = r->entry[8] & BIT_LONG,
                            .uses = r->entry[9]};
    if (!read_message(r, r->entry + FIXED_LEN, len - FIXED_LEN, &s)) {
        out->refused++;
        return ERR_OK;
    }
    out->entries++;
    return each(ctx, &s, r->reply) ? ERR_OK : ERR_LIMIT;
}

static int read_head(FILE *f, uint64_t identity, uint64_t wall_ms, uint64_t *elapsed_s)
{
    uint8_t head[HEAD_LEN];
    if (fread(head, 1, HEAD_LEN, f) != HEAD_LEN || memcmp(head, MAGIC, MAGIC_LEN) != 0 ||
        checksum(head, HEAD_LEN - 4) != wire_u32(head + HEAD_LEN - 4))
        return ERR_MALFORMED;
    if (get_u64(head + MAGIC_LEN) != identity)
        return ERR_MISMATCH;
    uint64_t written_ms = get_u64(head + MAGIC_LEN + 8);
    *elapsed_s = wall_ms > written_ms ? (wall_ms - written_ms + 999) / 1000 : 0;
    return ERR_OK;
}

int cache_file_read(FILE *f, uint64_t identity, uint64_t wall_ms, cache_file_each *each, void *ctx,
                    struct cache_file_result *out)
{
    *out = (struct cache_file_result){0};
    uint64_t elapsed_s;
    int ret = read_head(f, identity, wall_ms, &elapsed_s);
    if (ret != ERR_OK)
        return ret;
    struct reader *r = malloc(sizeof *r);
    struct reply *reply = malloc(sizeof *reply);
    if (r == NULL || reply == NULL)
        ret = -ENOMEM;
    else
        *r = (struct reader){.f = f, .elapsed_s = elapsed_s, .reply = reply};
    while (ret == ERR_OK) {
        uint8_t frame[FRAME_LEN];
        if (fread(frame, 1, FRAME_LEN, f) != FRAME_LEN) {
            ret = ERR_TRUNCATED;
        } else if (wire_u32(frame) == 0) {
            if (wire_u32(frame + 4) != out->entries + out->refused)
                ret = ERR_CHECKSUM;
            break;
        } else {
            ret = read_entry(r, wire_u32(frame), wire_u32(frame + 4), each, ctx, out);
        }
    }
    free(reply);
    free(r);
    return ret;
}
