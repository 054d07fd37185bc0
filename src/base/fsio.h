/*
 * Files, durably. A file is replaced, never written in place: temporary name in the same folder, write,
 * fsync, rename, fsync of the folder. Every failure leaves the old file as it was and no temporary file
 * behind.
 */
#ifndef SEAMARK_BASE_FSIO_H
#define SEAMARK_BASE_FSIO_H

#include <stdio.h>

#include "base/bytes.h"

/* Reads a whole regular file of at most out->max bytes into `out` (initialised by the caller). A FIFO, a
 * device or a folder is refused without blocking. Returns ERR_OK, ERR_LIMIT, -errno. */
int fsio_read(const char *path, struct bytes *out);

/* A file being replaced. Write to `stream`, then commit or abort. */
struct fsio_replace {
    FILE *stream;
    char path[4096];
    char temporary[4096 + 16];
};

int fsio_replace_begin(struct fsio_replace *r, const char *path, unsigned mode);
/* Makes what was written durable and puts it in place. On failure the old file stands. Closes in every case.
 */
int fsio_replace_commit(struct fsio_replace *r);
void fsio_replace_abort(struct fsio_replace *r);

/* fsync of the folder that `path` is in. */
int fsio_sync_folder_of(const char *path);

/* Writes all of `len` bytes, going on after short writes and signals. Returns ERR_OK or -errno. */
int fsio_write_all(int fd, const void *data, size_t len);

#endif
