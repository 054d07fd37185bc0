/* Characters of UTF-8 text, as Go has them. Any thread. */
#ifndef SEAMARK_BASE_RUNE_H
#define SEAMARK_BASE_RUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define RUNE_END   (-1)   /* behind the last character */
#define RUNE_ERROR 0xFFFD /* what octets that are no UTF-8 are read as, one at a time */
#define RUNE_MAX   0x10FFFF

/* The character at `at`; *width is how many octets it takes. RUNE_END (width 0) at the end. */
int32_t rune_read(const char *at, const char *end, unsigned *width);

/* Writes a character and returns its octets, at most 4; what is no character is written as RUNE_ERROR. */
unsigned rune_write(int32_t rune, char out[4]);

/* Characters in `len` octets. */
size_t rune_count(const char *text, size_t len);

/* Letters and digits. Outside ASCII it goes by blocks: symbols and punctuation are not among them. */
bool rune_is_word(int32_t rune);
bool rune_is_print(int32_t rune);

/* Appends the character in single quotes, or the text in double ones, escaped as Go's %q does; with `ascii`
 * everything beyond ASCII too. */
void rune_quote(struct bytes *out, int32_t rune, bool ascii);
void rune_quote_text(struct bytes *out, const char *text, size_t len, bool ascii);

#endif
