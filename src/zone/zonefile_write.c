#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "zone/journal.h"
#include "zone/zonefile.h"
#include "zone/zonefile_p.h"

/* Lines are gathered up to here and then written and summed at once. */
#define GATHER 65536u
/* The longest line may come when all but one octet is gathered; a name asks for room for its longest text. */
#define GATHER_MAX (GATHER + JOURNAL_LINE_MAX + NAME_MAX_TEXT)

static void flush_lines(struct zonefile_writer *w)
{
    if (w->error == ERR_OK)
        w->error = w->line.error;
    if (w->error == ERR_OK && w->line.len > 0) {
        w->crc = (uint32_t)crc32(w->crc, (const Bytef *)w->line.data, (uInt)w->line.len);
        errno = 0;
        if (fwrite(w->line.data, 1, w->line.len, w->file.stream) != w->line.len)
            w->error = errno != 0 ? -errno : -EIO;
    }
    bytes_reset(&w->line);
}

/* One header line; a value that is not known is left out. It stays one line whatever the value holds. */
static void header_line(struct zonefile_writer *w, const char *key, const char *value)
{
    if (value[0] == '\0')
        return;
    bytes_printf(&w->line, "; %s: ", key);
    size_t start = w->line.len;
    bytes_append_str(&w->line, value);
    for (size_t i = start; i < w->line.len; i++)
        if ((unsigned char)w->line.data[i] < ' ' || w->line.data[i] == 0x7f)
            w->line.data[i] = ' ';
    bytes_append(&w->line, "\n", 1);
}

static void write_header(struct zonefile_writer *w, const struct zonefile_header *header)
{
    char number[24];
    bytes_append_str(&w->line, ZONEFILE_MAGIC ZONEFILE_VERSION "\n");
    header_line(w, "zone", header->zone);
    snprintf(number, sizeof number, "%" PRIu32, header->serial);
    header_line(w, "serial", number);
    snprintf(number, sizeof number, "%" PRIu64, header->records);
    if (header->records > 0)
        header_line(w, "records", number);
    header_line(w, "rendered", header->rendered);
    header_line(w, "source", header->source);
    header_line(w, "cluster", header->cluster);
    header_line(w, "versions", header->versions);
}

int zonefile_write_begin(struct zonefile_writer *w, const char *path, const struct zonefile_header *header)
{
    w->crc = (uint32_t)crc32(0, NULL, 0);
    w->records = 0;
    w->expected = header->records;
    w->error = ERR_OK;
    bytes_init(&w->line, GATHER_MAX);
    int ret = fsio_replace_begin(&w->file, path, 0644);
    if (ret != ERR_OK)
        return ret;
    write_header(w, header);
    flush_lines(w);
    ret = w->error;
    if (ret != ERR_OK)
        zonefile_write_abort(w);
    return ret;
}

int zonefile_write_rr(struct zonefile_writer *w, const struct rr *rr)
{
    if (w->error != ERR_OK)
        return w->error;
    w->error = rr_to_text(rr, &w->line);
    if (w->error != ERR_OK)
        return w->error;
    w->error = bytes_append(&w->line, "\n", 1);
    w->records++;
    if (w->line.len >= GATHER)
        flush_lines(w);
    return w->error;
}

int zonefile_write_commit(struct zonefile_writer *w)
{
    flush_lines(w);
    if (w->error == ERR_OK && w->expected != 0 && w->expected != w->records)
        w->error = ERR_MALFORMED; /* the header promised another number */
    bytes_printf(&w->line, ZONEFILE_TRAILER "%" PRIu64 " records, crc32 %08" PRIx32 "\n", w->records, w->crc);
    flush_lines(w);
    if (w->error != ERR_OK) {
        int ret = w->error;
        zonefile_write_abort(w);
        return ret;
    }
    bytes_free(&w->line);
    return fsio_replace_commit(&w->file);
}

void zonefile_write_abort(struct zonefile_writer *w)
{
    bytes_free(&w->line);
    fsio_replace_abort(&w->file);
}
