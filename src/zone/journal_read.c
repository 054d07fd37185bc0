#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "zone/journal.h"
#include "zone/journal_p.h"
#include "zone/number_p.h"
#include "zone/serial.h"

static int fail(struct journal_reader *r, int code, struct errtext *e, const char *why)
{
    return errtext_set(e, code, "%s:%" PRIu64 ": %s (at offset %lld)", r->path, r->lines.number, why,
                       (long long)r->position);
}

/* One header line: `prefix` and then a value, which is left in *value. */
static int header_line(struct journal_reader *r, const char *prefix, char **value, size_t *len,
                       struct errtext *e)
{
    size_t n = strlen(prefix);
    int ret = lines_next(&r->lines, value, len);
    if (ret < 0 && ret != ERR_TRUNCATED && ret != ERR_LIMIT)
        return errtext_set(e, ret, "%s: cannot be read: %s", r->path, err_text(ret));
    if (ret != 1 || *len < n || memcmp(*value, prefix, n) != 0) {
        r->lines.number += ret != 1;
        return errtext_set(e, ERR_MALFORMED, "%s:%" PRIu64 ": expected \"%s...\": not a journal of Seamark",
                           r->path, r->lines.number, prefix);
    }
    *value += n;
    *len -= n;
    return ERR_OK;
}

static int read_header(struct journal_reader *r, const uint8_t *apex, struct errtext *e)
{
    char *value;
    size_t len;
    uint8_t zone[NAME_MAX_LEN];
    uint64_t base;
    int ret = header_line(r, JOURNAL_MAGIC, &value, &len, e);
    if (ret != ERR_OK)
        return ret;
    if (len != 1 || value[0] != JOURNAL_VERSION[0])
        return errtext_set(e, ERR_UNSUPPORTED,
                           "%s:1: a journal of another version; this program reads version " JOURNAL_VERSION,
                           r->path);
    ret = header_line(r, "; zone: ", &value, &len, e);
    if (ret != ERR_OK)
        return ret;
    if (name_from_text(value, len, zone) < 0 || !name_equal(zone, apex))
        return errtext_set(e, ERR_MALFORMED, "%s:2: the journal of another zone", r->path);
    ret = header_line(r, "; base: ", &value, &len, e);
    if (ret != ERR_OK)
        return ret;
    if (!number_decimal(value, len, UINT32_MAX, &base))
        return errtext_set(e, ERR_MALFORMED, "%s:3: expected a serial", r->path);
    r->base = r->serial = (uint32_t)base;
    r->position = r->begin = r->lines.offset;
    r->line = JOURNAL_HEADER_LINES;
    return ERR_OK;
}

void journal_rewind(struct journal_reader *r)
{
    if (r == NULL)
        return;
    r->serial = r->base;
    r->position = r->begin;
    r->line = JOURNAL_HEADER_LINES;
}

int journal_follow(const char *path, const uint8_t *apex, struct journal_reader **out, struct errtext *e)
{
    struct journal_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->lines.fd = -1;
    r->path = strdup(path);
    int ret = r->path == NULL ? -ENOMEM : lines_open(&r->lines, path, JOURNAL_LINE_MAX);
    if (ret != ERR_OK)
        errtext_set(e, ret, "%s: %s", path, ret == -EINVAL ? "not a regular file" : err_text(ret));
    else
        ret = read_header(r, apex, e);
    if (ret != ERR_OK) {
        journal_unfollow(r);
        return ret;
    }
    *out = r;
    return ERR_OK;
}

void journal_unfollow(struct journal_reader *r)
{
    if (r == NULL)
        return;
    lines_close(&r->lines);
    free(r->path);
    free(r);
}

uint32_t journal_base(const struct journal_reader *r)
{
    return r->base;
}

/* `= SERIAL TIME crc32 XXXXXXXX`: the parts that matter, and where the digits of the checksum begin. */
static bool parse_commit(const char *line, size_t len, uint32_t *serial, uint32_t *crc)
{
    static const char mark[] = " crc32 ";
    size_t tail = sizeof mark - 1 + 8;
    uint64_t number;
    if (len < 2 + tail || len > JOURNAL_COMMIT_MAX || line[1] != ' ')
        return false;
    const char *digits = line + 2, *blank = memchr(digits, ' ', len - 2);
    if (memcmp(line + len - tail, mark, sizeof mark - 1) != 0 || !number_crc(line + len - 8, 8, crc) ||
        !number_decimal(digits, (size_t)(blank - digits), UINT32_MAX, &number))
        return false;
    *serial = (uint32_t)number;
    return true;
}

static int check_commit(struct journal_reader *r, const char *line, size_t len, uint32_t crc,
                        struct journal_txn *txn, struct errtext *e)
{
    uint32_t expected;
    if (!parse_commit(line, len, &txn->serial, &expected))
        return fail(r, ERR_MALFORMED, e, "the commit line is malformed");
    if ((uint32_t)crc32(crc, (const Bytef *)line, (uInt)len - 8) != expected)
        return fail(
            r, ERR_CHECKSUM, e,
            serial_after(txn->serial, r->serial)
                ? "the checksum does not match: the transaction is damaged, or one before it is missing"
                : "the checksum does not match: the transaction is damaged or stands here a second time");
    if (!serial_after(txn->serial, r->serial))
        return fail(r, ERR_MALFORMED, e, "the serial does not go up");
    txn->end = r->lines.offset;
    txn->line = r->lines.number;
    return 1;
}

/* Reads from the last commit to the next. 1, 0 where there is none yet, or an error. */
static int scan(struct journal_reader *r, struct journal_txn *txn, struct errtext *e)
{
    uint32_t crc = journal_crc_begin(r->serial);
    char *line;
    size_t len;
    int ret;
    lines_seek(&r->lines, r->position, r->line);
    while ((ret = lines_next(&r->lines, &line, &len)) == 1) {
        if (len > 0 && line[0] == '=')
            return check_commit(r, line, len, crc, txn, e);
        if (r->lines.offset - r->position > (off_t)JOURNAL_TXN_MAX)
            return fail(r, ERR_MALFORMED, e, "the transaction is longer than a transaction may be");
        crc = (uint32_t)crc32(crc, (const Bytef *)line, (uInt)len + 1); /* with the newline */
    }
    if (ret == ERR_LIMIT)
        return fail(r, ERR_MALFORMED, e, "the line is too long");
    if (ret < 0 && ret != ERR_TRUNCATED)
        return errtext_set(e, ret, "%s: cannot be read: %s", r->path, err_text(ret));
    return 0;
}

static int check_size(struct journal_reader *r, struct errtext *e)
{
    struct stat st;
    if (fstat(r->lines.fd, &st) < 0)
        return errtext_set(e, -errno, "%s: %s", r->path, err_text(-errno));
    if (st.st_size < r->position)
        return fail(r, ERR_MALFORMED, e, "the file was cut to less than had been read of it");
    return ERR_OK;
}

int journal_next(struct journal_reader *r, uint32_t have, struct journal_txn *txn, struct errtext *e)
{
    for (;;) {
        if (serial_after(r->serial, have))
            return errtext_set(e, ERR_STALE,
                               "%s:%" PRIu64 ": the journal goes on from serial %" PRIu32
                               ", the zone is at %" PRIu32 " (at offset %lld)",
                               r->path, r->line, r->serial, have, (long long)r->position);
        int ret = check_size(r, e);
        if (ret != ERR_OK)
            return ret;
        /* A writer may cut a torn tail and write another while we read: look twice before calling it damage.
         */
        ret = scan(r, txn, NULL);
        if (ret == ERR_CHECKSUM || ret == ERR_MALFORMED)
            ret = scan(r, txn, e);
        if (ret != 1)
            return ret;
        if (serial_after(txn->serial, have))
            break;
        journal_step(r, txn);
    }
    if (r->serial != have)
        return errtext_set(e, ERR_STALE,
                           "%s:%" PRIu64 ": the transaction leads from serial %" PRIu32 " to %" PRIu32
                           ", the zone is at %" PRIu32 " (at offset %lld)",
                           r->path, txn->line, r->serial, txn->serial, have, (long long)r->position);
    return 1;
}

int journal_changes(struct journal_reader *r, const struct journal_txn *txn,
                    int (*visit)(char op, const struct rr *rr, void *ctx), void *ctx, struct errtext *e)
{
    lines_seek(&r->lines, r->position, r->line);
    for (;;) {
        char *line;
        size_t len;
        struct rr rr;
        const char *why;
        int ret = lines_next(&r->lines, &line, &len);
        if (ret != 1 || r->lines.number > txn->line)
            return fail(r, ret < 0 && ret > -ERR_BASE ? ret : ERR_MALFORMED, e,
                        "the file changed while it was read");
        if (r->lines.number == txn->line)
            return ERR_OK;
        if (len == 0 || line[0] == ';')
            continue;
        if (len < 2 || (line[0] != '-' && line[0] != '+') || line[1] != ' ')
            return fail(r, ERR_MALFORMED, e,
                        "expected a line that begins with \"- \", \"+ \", \"= \" or \";\"");
        if (rr_from_text_why(line + 2, len - 2, &r->storage, &rr, &why) != ERR_OK)
            return fail(r, ERR_MALFORMED, e, why);
        if (rr.type == RR_SOA)
            return fail(r, ERR_MALFORMED, e, "a transaction does not change the SOA but by its serial");
        ret = visit(line[0], &rr, ctx);
        if (ret < 0)
            return fail(r, ret, e, err_text(ret));
        if (ret > 0)
            return ret;
    }
}

void journal_step(struct journal_reader *r, const struct journal_txn *txn)
{
    r->serial = txn->serial;
    r->position = txn->end;
    r->line = txn->line;
}

int journal_replay(struct journal_reader *r, uint32_t *serial,
                   int (*visit)(char op, const struct rr *rr, void *ctx), void *ctx, struct errtext *e)
{
    struct journal_txn txn;
    int count = 0, ret;
    while ((ret = journal_next(r, *serial, &txn, e)) == 1) {
        ret = journal_changes(r, &txn, visit, ctx, e);
        if (ret != ERR_OK)
            return ret;
        journal_step(r, &txn);
        *serial = txn.serial;
        count++;
    }
    return ret < 0 ? ret : count;
}

bool journal_leads(const char *path, const uint8_t *apex, uint32_t from, uint32_t to)
{
    struct journal_reader *r;
    struct journal_txn txn;
    if (journal_follow(path, apex, &r, NULL) != ERR_OK)
        return false;
    uint32_t at = r->base;
    bool seen = at == from;
    while ((!seen || at != to) && journal_next(r, at, &txn, NULL) == 1) {
        journal_step(r, &txn);
        at = txn.serial;
        seen = seen || at == from;
    }
    journal_unfollow(r);
    return seen && at == to;
}
