/* Constants as they are written in a template: strings, characters, numbers. Any thread. */
#ifndef SEAMARK_GOTEMPLATE_LITERAL_P_H
#define SEAMARK_GOTEMPLATE_LITERAL_P_H

#include "gotemplate/node_p.h"

/* What a string in quotation marks (" or `) says; `out` may point into `text` or into the arena. False where
 * it is no string or memory is out. */
bool tpl_unquote(struct arena *arena, struct tpl_slice text, struct tpl_slice *out);

/* The first character between single quotes; returns how many octets tell it, 0 where there is none. */
int tpl_unquote_char(struct tpl_slice text, int32_t *out);

/* A number without sign in `base` (2 to 36, or 0: as its prefix says, with underscores between digits) of at
 * most `bits`. NULL and *out, or the reason why not, in Go's words. */
const char *tpl_parse_uint(const char *text, size_t len, int base, int bits, uint64_t *out);

/* Reads the number that n->text says into n->number. False where it is none: then `why` (128 octets) says
 * so. */
bool tpl_read_number(struct tpl_node *n, char why[128]);

#endif
