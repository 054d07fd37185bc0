/*
 * Bounded reading and writing of wire bytes in network order. A cursor cannot leave its buffer; the first
 * attempt sets `failed`, after which reads give 0 and writes do nothing. Check once at the end. Inline: on
 * the hot path.
 */
#ifndef SEAMARK_BASE_CURSOR_H
#define SEAMARK_BASE_CURSOR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

static inline struct cursor cursor_of(uint8_t *data, size_t len)
{
    return (struct cursor){.at = data, .end = data + len};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

/* Where `len` bytes are, and steps over them; NULL (and failed) where there are fewer. */
static inline uint8_t *cursor_take(struct cursor *c, size_t len)
{
    if (c->failed || cursor_left(c) < len) {
        c->failed = true;
        return NULL;
    }
    uint8_t *at = c->at;
    c->at += len;
    return at;
}

static inline uint16_t wire_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wire_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void wire_put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void wire_put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline uint64_t wire_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

static inline void wire_put_u64(uint8_t *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof v);
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 1);
    return p == NULL ? 0 : p[0];
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);
    return p == NULL ? 0 : wire_u16(p);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);
    return p == NULL ? 0 : wire_u32(p);
}

static inline void cursor_put_u8(struct cursor *c, uint8_t v)
{
    uint8_t *p = cursor_take(c, 1);
    if (p != NULL)
        *p = v;
}

static inline void cursor_put_u16(struct cursor *c, uint16_t v)
{
    uint8_t *p = cursor_take(c, 2);
    if (p != NULL)
        wire_put_u16(p, v);
}

static inline void cursor_put_u32(struct cursor *c, uint32_t v)
{
    uint8_t *p = cursor_take(c, 4);
    if (p != NULL)
        wire_put_u32(p, v);
}

static inline void cursor_put(struct cursor *c, const void *data, size_t len)
{
    uint8_t *p = cursor_take(c, len);
    if (p != NULL && len > 0)
        memcpy(p, data, len);
}

#endif
