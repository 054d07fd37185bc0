/*
 * A growable byte buffer with a hard maximum given at birth, so that nothing read from outside can make it
 * grow without limit. The first failure (maximum reached, no memory) sticks: later appends do nothing and
 * fail too, so a run of appends needs one check at its end. One thread at a time. The buffer owns its memory.
 */
#ifndef SEAMARK_BASE_BYTES_H
#define SEAMARK_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    char *data; /* NUL-terminated where len > 0 */
    size_t len;
    size_t cap;
    size_t max; /* most bytes it may hold */
    int error;  /* ERR_OK, ERR_LIMIT or -ENOMEM; sticky */
};

void bytes_init(struct bytes *b, size_t max);
void bytes_free(struct bytes *b);  /* leaves it empty and usable */
void bytes_reset(struct bytes *b); /* empties it, keeps the memory, clears the error */

int bytes_append(struct bytes *b, const void *data, size_t len);
int bytes_append_str(struct bytes *b, const char *text);
int bytes_printf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for `len` more bytes and returns where they go, or NULL; the caller adds what it wrote to
 * b->len. */
char *bytes_reserve(struct bytes *b, size_t len);
/* Drops the first `len` bytes. */
void bytes_consume(struct bytes *b, size_t len);

#endif
