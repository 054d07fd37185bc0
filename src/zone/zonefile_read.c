#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "zone/journal.h"
#include "zone/lines.h"
#include "zone/number_p.h"
#include "zone/zonefile.h"
#include "zone/zonefile_p.h"

int zonefile_fail(struct zonefile_reading *r, int code, const char *why)
{
    return errtext_set(r->e, code, "%s:%" PRIu64 ": %s", r->path, r->lines.number, why);
}

int zonefile_fail_end(struct zonefile_reading *r)
{
    r->lines.number++; /* of the line that is not there or not whole */
    return zonefile_fail(r, ERR_TRUNCATED,
                         "the file ends without its trailer (it was cut, or written by something else)");
}

static bool starts_with(const char *line, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);
    return len >= n && memcmp(line, prefix, n) == 0;
}

bool zonefile_is_trailer(const char *line, size_t len)
{
    return starts_with(line, len, ZONEFILE_TRAILER);
}

static int begin(struct zonefile_reading *r)
{
    int ret = lines_open(&r->lines, r->path, JOURNAL_LINE_MAX);
    if (ret == -EINVAL)
        return errtext_set(r->e, ret, "%s: not a regular file", r->path);
    if (ret != ERR_OK)
        return errtext_set(r->e, ret, "%s: %s", r->path, err_text(ret));
    r->crc = (uint32_t)crc32(0, NULL, 0);
    *r->header = (struct zonefile_header){0};
    return ERR_OK;
}

/* The next line; the end of the file is an error, since the trailer comes before it. */
static int next(struct zonefile_reading *r, char **line, size_t *len)
{
    int ret = lines_next(&r->lines, line, len);
    if (ret == 1)
        return ERR_OK;
    if (ret != ERR_LIMIT && ret < 0 && ret != ERR_TRUNCATED)
        return errtext_set(r->e, ret, "%s: cannot be read: %s", r->path, err_text(ret));
    if (ret != ERR_LIMIT)
        return zonefile_fail_end(r);
    r->lines.number++;
    return zonefile_fail(r, ret, "the line is too long");
}

/* The text of a header value into `out`; false where it does not fit. */
static bool take(char *out, size_t out_len, const char *value, size_t len)
{
    if (len >= out_len || memchr(value, '\0', len) != NULL)
        return false;
    memcpy(out, value, len);
    out[len] = '\0';
    return true;
}

static int header_value(struct zonefile_reading *r, const char *key, size_t key_len, const char *value,
                        size_t len)
{
    struct zonefile_header *h = r->header;
    uint64_t number = 0;
    bool ok = true;
#define KEY(text) (key_len == sizeof(text) - 1 && memcmp(key, text, key_len) == 0)
    if (KEY("zone")) {
        ok = take(h->zone, sizeof h->zone, value, len);
    } else if (KEY("serial")) {
        ok = r->have_serial = number_decimal(value, len, UINT32_MAX, &number);
        h->serial = (uint32_t)number;
    } else if (KEY("records")) {
        ok = number_decimal(value, len, INT64_MAX, &h->records);
    } else if (KEY("rendered")) {
        ok = take(h->rendered, sizeof h->rendered, value, len);
    } else if (KEY("source")) {
        ok = take(h->source, sizeof h->source, value, len);
    } else if (KEY("cluster")) {
        ok = take(h->cluster, sizeof h->cluster, value, len);
    } else if (KEY("versions")) {
        ok = take(h->versions, sizeof h->versions, value, len);
    } /* another key is a later version's addition */
#undef KEY
    return ok ? ERR_OK : zonefile_fail(r, ERR_MALFORMED, "the header's value is malformed or too long");
}

/* One line of the header after the first. 1 where it is one, 0 where the records begin. */
static int header_line(struct zonefile_reading *r, const char *line, size_t len)
{
    if (len == 0 || line[0] != ';' || zonefile_is_trailer(line, len))
        return 0;
    const char *colon = memchr(line, ':', len);
    if (!starts_with(line, len, "; ") || colon == NULL || (size_t)(colon - line) + 2 > len || colon[1] != ' ')
        return 1; /* a comment that a person put there */
    const char *value = colon + 2;
    int ret = header_value(r, line + 2, (size_t)(colon - line) - 2, value, len - (size_t)(value - line));
    return ret == ERR_OK ? 1 : ret;
}

/* Reads the header up to and with the first line that does not belong to it, which is left in *line. */
static int read_header(struct zonefile_reading *r, char **line, size_t *len)
{
    int ret = next(r, line, len);
    if (ret != ERR_OK)
        return ret;
    size_t magic = sizeof ZONEFILE_MAGIC - 1;
    if (!starts_with(*line, *len, ZONEFILE_MAGIC))
        return zonefile_fail(r, ERR_MALFORMED,
                             "expected \"" ZONEFILE_MAGIC ZONEFILE_VERSION "\": not a zone file of Seamark");
    if (*len != magic + 1 || (*line)[magic] != ZONEFILE_VERSION[0])
        return zonefile_fail(r, ERR_UNSUPPORTED,
                             "a zone file of another version; this program reads version " ZONEFILE_VERSION);
    do {
        r->crc = (uint32_t)crc32(r->crc, (const Bytef *)*line, (uInt)*len + 1);
        ret = next(r, line, len);
        if (ret == ERR_OK)
            ret = header_line(r, *line, *len);
    } while (ret == 1);
    if (ret != ERR_OK)
        return ret;
    if (r->header->zone[0] == '\0' || !r->have_serial)
        return zonefile_fail(r, ERR_MALFORMED,
                             "expected the zone's name and serial in the header before this line");
    return ERR_OK;
}

/* `; end: N records, crc32 XXXXXXXX` and then the end of the file. */
int zonefile_end(struct zonefile_reading *r, const char *line, size_t line_len)
{
    const char *text = line + sizeof ZONEFILE_TRAILER - 1;
    size_t len = line_len - (sizeof ZONEFILE_TRAILER - 1);
    static const char between[] = " records, crc32 ";
    const char *blank = memchr(text, ' ', len);
    size_t digits = blank == NULL ? len : (size_t)(blank - text), used = digits + sizeof between - 1;
    uint64_t records;
    uint32_t crc;
    if (used > len || memcmp(text + digits, between, sizeof between - 1) != 0 ||
        !number_decimal(text, digits, INT64_MAX, &records) || !number_crc(text + used, len - used, &crc))
        return zonefile_fail(r, ERR_MALFORMED, "the trailer is malformed");
    if (crc != r->crc)
        return zonefile_fail(r, ERR_CHECKSUM,
                             "the checksum is not that of the file: it is damaged or was edited");
    if (records != r->records || (r->header->records != 0 && r->header->records != r->records))
        return zonefile_fail(r, ERR_MALFORMED, "the number of records is not that of the file");
    r->header->records = records;
    char *more;
    size_t more_len;
    int ret = lines_next(&r->lines, &more, &more_len);
    if (ret == 0)
        return ERR_OK;
    r->lines.number += ret != 1;
    return zonefile_fail(r, ERR_MALFORMED, "something follows the trailer");
}

int zonefile_begin(struct zonefile_reading *r, char **line, size_t *len)
{
    int ret = begin(r);
    return ret == ERR_OK ? read_header(r, line, len) : ret;
}

static int read_records(struct zonefile_reading *r, char *line, size_t len,
                        int (*visit)(const struct rr *rr, void *ctx), void *ctx)
{
    struct rr_storage *storage = malloc(sizeof *storage);
    if (storage == NULL)
        return -ENOMEM;
    int ret = ERR_OK;
    while (ret == ERR_OK && !zonefile_is_trailer(line, len)) {
        r->crc = (uint32_t)crc32(r->crc, (const Bytef *)line, (uInt)len + 1); /* with the newline */
        if (len > 0 && line[0] != ';') {
            struct rr rr;
            const char *why;
            ret = rr_from_text_why(line, len, storage, &rr, &why);
            if (ret != ERR_OK) {
                zonefile_fail(r, ret, why);
                break;
            }
            r->records++;
            ret = visit(&rr, ctx);
            if (ret < 0)
                zonefile_fail(r, ret, err_text(ret));
        }
        if (ret == ERR_OK)
            ret = next(r, &line, &len);
    }
    if (ret == ERR_OK)
        ret = zonefile_end(r, line, len);
    free(storage);
    return ret;
}

int zonefile_read_header(const char *path, struct zonefile_header *out, struct errtext *e)
{
    struct zonefile_header header;
    struct zonefile_reading r = {.path = path, .header = &header, .e = e};
    char *line;
    size_t len;
    int ret = zonefile_begin(&r, &line, &len);
    if (ret == ERR_OK)
        *out = header;
    lines_close(&r.lines);
    return ret;
}

int zonefile_read(const char *path, struct zonefile_header *header,
                  int (*visit)(const struct rr *rr, void *ctx), void *ctx, struct errtext *e)
{
    struct zonefile_header own;
    struct zonefile_reading r = {.path = path, .header = header != NULL ? header : &own, .e = e};
    char *line;
    size_t len;
    int ret = zonefile_begin(&r, &line, &len);
    if (ret == ERR_OK)
        ret = read_records(&r, line, len, visit, ctx);
    lines_close(&r.lines);
    return ret;
}
