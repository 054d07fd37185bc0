/*
 * Lines of a file, read through one buffer and handed out in place: a zone has millions of them. The file is
 * read, not mapped, so that whoever cuts it meanwhile cannot end us by SIGBUS. One thread at a time.
 */
#ifndef SEAMARK_ZONE_LINES_H
#define SEAMARK_ZONE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct lines {
    int fd;
    char *buffer;
    size_t cap;      /* of the buffer; the longest line is one octet shorter */
    size_t at, end;  /* what is read and not yet handed out */
    off_t offset;    /* in the file, of buffer[at] */
    uint64_t number; /* of the line handed out last, from 1 */
};

/* Opens a regular file; a FIFO, a device or a folder is refused without blocking. `line_max` bounds the
 * length of a line. Returns ERR_OK, -EISDIR, -EINVAL, -ENOMEM or another -errno; on failure nothing stays
 * open. */
int lines_open(struct lines *l, const char *path, size_t line_max);
/* The same of a file that is open already, which lines_close() then closes. -ENOMEM. */
int lines_take(struct lines *l, int fd, size_t line_max);
void lines_close(struct lines *l);

/* Goes on at `offset`, reading the file anew from there; the next line is counted as `number` + 1. */
void lines_seek(struct lines *l, off_t offset, uint64_t number);

/* The next line without its newline, valid until the next call. Returns 1, 0 at the end of the file,
 * ERR_TRUNCATED where the file ends in a line without newline (not handed out), ERR_LIMIT where the line is
 * too long, -errno. */
int lines_next(struct lines *l, char **line, size_t *len);

#endif
