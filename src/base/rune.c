#include "base/rune.h"

#include <string.h>

/* Octets of a character by its first one, and the smallest character that may take so many (RFC 3629). */
static unsigned width_of(uint8_t first, int32_t *smallest)
{
    if (first >= 0xC2 && first <= 0xDF) {
        *smallest = 0x80;
        return 2;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        *smallest = 0x800;
        return 3;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        *smallest = 0x10000;
        return 4;
    }
    return 1;
}

static bool is_character(int32_t rune)
{
    return rune >= 0 && rune <= RUNE_MAX && (rune < 0xD800 || rune > 0xDFFF);
}

int32_t rune_read(const char *at, const char *end, unsigned *width)
{
    *width = 0;
    if (at >= end)
        return RUNE_END;
    uint8_t first = (uint8_t)*at;
    *width = 1;
    if (first < 0x80)
        return first;
    int32_t smallest = 0;
    unsigned len = width_of(first, &smallest);
    if (len == 1 || (size_t)(end - at) < len)
        return RUNE_ERROR;
    int32_t rune = first & (0x7F >> len);
    for (unsigned i = 1; i < len; i++) {
        if (((uint8_t)at[i] & 0xC0) != 0x80)
            return RUNE_ERROR;
        rune = rune << 6 | ((uint8_t)at[i] & 0x3F);
    }
    if (rune < smallest || !is_character(rune))
        return RUNE_ERROR;
    *width = len;
    return rune;
}

unsigned rune_write(int32_t rune, char out[4])
{
    if (!is_character(rune))
        rune = RUNE_ERROR;
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    unsigned len = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    for (unsigned i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (rune & 0x3F));
        rune >>= 6;
    }
    out[0] = (char)((0xF00 >> len & 0xFF) | rune);
    return len;
}

size_t rune_count(const char *text, size_t len)
{
    size_t count = 0;
    unsigned width;
    for (const char *at = text, *end = text + len; at < end; at += width, count++)
        rune_read(at, end, &width);
    return count;
}

/* Blocks of Unicode beyond ASCII without letters: those of symbols, punctuation, marks and private use. */
static const struct {
    int32_t first, last;
} no_words[] = {
    {0x80, 0xA9},     {0xAB, 0xB4},       {0xB6, 0xB9},        {0xBB, 0xBF},     {0xD7, 0xD7},
    {0xF7, 0xF7},     {0x2C2, 0x36F},     {0x2000, 0x2070},    {0x2072, 0x207E}, {0x2080, 0x208F},
    {0x20A0, 0x2101}, {0x2190, 0x2BFF},   {0x2E00, 0x2E2E},    {0x2E30, 0x3004}, {0x3007, 0x3030},
    {0xD800, 0xF8FF}, {0xFD3E, 0xFD4F},   {0xFE00, 0xFE6F},    {0xFF00, 0xFF0F}, {0xFF1A, 0xFF20},
    {0xFFE0, 0xFFFF}, {0x1F000, 0x1FFFF}, {0xE0000, 0x10FFFF},
};

bool rune_is_word(int32_t rune)
{
    if (rune < 0x80)
        return (rune >= '0' && rune <= '9') || (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') ||
               rune == '_';
    for (size_t i = 0; i < sizeof no_words / sizeof *no_words; i++)
        if (rune >= no_words[i].first && rune <= no_words[i].last)
            return false;
    return rune <= RUNE_MAX;
}

bool rune_is_print(int32_t rune)
{
    if (rune < 0xA1)
        return rune >= 0x20 && rune < 0x7F;
    return is_character(rune) && rune != 0xAD && !(rune >= 0x2000 && rune <= 0x200F) &&
           !(rune >= 0x2028 && rune <= 0x202F) && !(rune >= 0x205F && rune <= 0x206F) && rune != 0x3000 &&
           rune != 0xFEFF && !(rune >= 0xE000 && rune <= 0xF8FF) && (rune & 0xFFFE) != 0xFFFE &&
           rune < 0xE0000;
}

static const char short_escapes[] = "\a\b\f\n\r\t\v";
static const char short_letters[] = "abfnrtv";

static void append_rune(struct bytes *out, int32_t rune)
{
    char octets[4];
    bytes_append(out, octets, rune_write(rune, octets));
}

static void quote_one(struct bytes *out, int32_t rune, char mark, bool ascii)
{
    if (rune == mark || rune == '\\') {
        bytes_printf(out, "\\%c", (int)rune);
        return;
    }
    if (rune_is_print(rune) && (rune < 0x80 || !ascii)) {
        append_rune(out, rune);
        return;
    }
    const char *escape = rune > 0 && rune < 0x20 ? strchr(short_escapes, (int)rune) : NULL;
    if (escape != NULL)
        bytes_printf(out, "\\%c", short_letters[escape - short_escapes]);
    else if (rune < 0x20 || rune == 0x7F)
        bytes_printf(out, "\\x%02x", (unsigned)rune);
    else if (rune < 0x10000)
        bytes_printf(out, "\\u%04x", (unsigned)rune);
    else
        bytes_printf(out, "\\U%08x", (unsigned)rune);
}

void rune_quote(struct bytes *out, int32_t rune, bool ascii)
{
    bytes_append_str(out, "'");
    quote_one(out, is_character(rune) ? rune : RUNE_ERROR, '\'', ascii);
    bytes_append_str(out, "'");
}

void rune_quote_text(struct bytes *out, const char *text, size_t len, bool ascii)
{
    unsigned width;
    bytes_append_str(out, "\"");
    for (const char *at = text, *end = text + len; at < end && out->error == 0; at += width) {
        int32_t rune = rune_read(at, end, &width);
        if (rune == RUNE_ERROR && width == 1)
            bytes_printf(out, "\\x%02x", (unsigned)(uint8_t)*at);
        else
            quote_one(out, rune, '"', ascii);
    }
    bytes_append_str(out, "\"");
}
