#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "zone/journal.h"
#include "zone/journal_p.h"
#include "zone/serial.h"

/* Memory of a transaction that is kept for the next one; a rare large one gives its back. */
#define TXN_KEEP (1u << 20)

static int writer_init(struct journal_writer *w, const char *path)
{
    *w = (struct journal_writer){.fd = -1};
    bytes_init(&w->txn, JOURNAL_TXN_MAX);
    return (size_t)snprintf(w->path, sizeof w->path, "%s", path) < sizeof w->path ? ERR_OK : -ENAMETOOLONG;
}

static int open_for_append(struct journal_writer *w)
{
    w->fd = open(w->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    return w->fd < 0 ? -errno : ERR_OK;
}

int journal_create(struct journal_writer *w, const char *path, const uint8_t *apex, uint32_t base)
{
    struct fsio_replace file;
    char zone[NAME_MAX_TEXT];
    int ret = writer_init(w, path);
    if (ret == ERR_OK)
        ret = fsio_replace_begin(&file, path, 0644);
    if (ret != ERR_OK)
        return ret;
    int len = fprintf(file.stream, JOURNAL_MAGIC JOURNAL_VERSION "\n; zone: %s\n; base: %" PRIu32 "\n",
                      name_to_text(apex, zone), base);
    ret = fsio_replace_commit(&file); /* sees a failed fprintf too */
    if (ret == ERR_OK)
        ret = open_for_append(w);
    if (ret != ERR_OK)
        return ret;
    w->committed = len;
    w->serial = base;
    return ERR_OK;
}

/* Reads what is there to the last commit, so as to know where to go on. */
static int find_end(struct journal_writer *w, const uint8_t *apex, uint32_t base, struct errtext *e)
{
    struct journal_reader *r;
    struct journal_txn txn;
    int ret = journal_follow(w->path, apex, &r, e);
    if (ret != ERR_OK)
        return ret;
    if (r->base != base)
        ret = errtext_set(e, ERR_STALE, "%s: the journal is upon serial %" PRIu32 ", expected %" PRIu32,
                          w->path, r->base, base);
    else
        while ((ret = journal_next(r, r->serial, &txn, e)) == 1) {
            journal_step(r, &txn);
            w->transactions++;
        }
    w->committed = r->position;
    w->serial = r->serial;
    journal_unfollow(r);
    return ret;
}

/* Cuts off what is behind the last commit: of a writer that was killed, or of a write that failed. */
static int cut_tail(struct journal_writer *w)
{
    struct stat st;
    if (fstat(w->fd, &st) < 0)
        return -errno;
    if (st.st_size < w->committed)
        return ERR_TRUNCATED; /* somebody else has cut it */
    if (st.st_size > w->committed && ftruncate(w->fd, w->committed) < 0)
        return -errno;
    return ERR_OK;
}

int journal_open(struct journal_writer *w, const char *path, const uint8_t *apex, uint32_t base,
                 struct errtext *e)
{
    int ret = writer_init(w, path);
    if (ret == ERR_OK)
        ret = find_end(w, apex, base, e);
    if (ret == ERR_OK)
        ret = open_for_append(w);
    if (ret == ERR_OK)
        ret = cut_tail(w);
    if (ret != ERR_OK) {
        journal_close(w);
        return errtext_set(e, ret, "%s: %s", path, err_text(ret));
    }
    return ERR_OK;
}

void journal_close(struct journal_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    bytes_free(&w->txn);
    w->changes = 0;
}

int journal_cause(struct journal_writer *w, const char *text)
{
    bytes_append_str(&w->txn, "; cause: ");
    size_t start = w->txn.len;
    bytes_append_str(&w->txn, text);
    for (size_t i = start; i < w->txn.len; i++)
        if ((unsigned char)w->txn.data[i] < ' ' || w->txn.data[i] == 0x7f)
            w->txn.data[i] = ' ';
    return bytes_append(&w->txn, "\n", 1);
}

static int change(struct journal_writer *w, const char *op, const struct rr *rr)
{
    size_t start = w->txn.len;
    if (rr->type == RR_SOA)
        return ERR_MALFORMED;
    bytes_append_str(&w->txn, op);
    int ret = rr_to_text(rr, &w->txn);
    if (ret == ERR_OK)
        ret = bytes_append(&w->txn, "\n", 1);
    if (ret == ERR_OK)
        w->changes++;
    else
        w->txn.len = start;
    return ret;
}

int journal_remove(struct journal_writer *w, const struct rr *rr)
{
    return change(w, "- ", rr);
}

int journal_add(struct journal_writer *w, const struct rr *rr)
{
    return change(w, "+ ", rr);
}

void journal_discard(struct journal_writer *w)
{
    w->changes = 0;
    if (w->txn.cap > TXN_KEEP)
        bytes_free(&w->txn);
    bytes_reset(&w->txn);
}

uint32_t journal_crc_begin(uint32_t serial_before)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%" PRIu32 "\n", serial_before);
    return (uint32_t)crc32(crc32(0, NULL, 0), (const Bytef *)text, (uInt)len);
}

/* The commit line of the transaction built. Returns its length. */
static size_t commit_line(const struct journal_writer *w, uint32_t serial, char line[JOURNAL_COMMIT_MAX])
{
    char when[CLOCK_RFC3339_MAX];
    int len = snprintf(line, JOURNAL_COMMIT_MAX, "= %" PRIu32 " %s crc32 ", serial,
                       clock_rfc3339(clock_wall_ms(), when));
    uLong crc = crc32(journal_crc_begin(w->serial), (const Bytef *)w->txn.data, (uInt)w->txn.len);
    crc = crc32(crc, (const Bytef *)line, (uInt)len);
    return (size_t)(len + snprintf(line + len, JOURNAL_COMMIT_MAX - (size_t)len, "%08lx\n", crc));
}

int journal_commit(struct journal_writer *w, uint32_t serial, bool sync)
{
    char line[JOURNAL_COMMIT_MAX];
    if (w->txn.error != ERR_OK)
        return w->txn.error;
    if (w->changes == 0) {
        journal_discard(w);
        return ERR_OK;
    }
    if (!serial_after(serial, w->serial))
        return ERR_STALE;
    int ret = cut_tail(w); /* where an earlier failure could not */
    if (ret != ERR_OK)
        return ret;
    size_t len = w->txn.len, line_len = commit_line(w, serial, line);
    ret = bytes_append(&w->txn, line, line_len);
    if (ret != ERR_OK)
        return ret;
    ret = fsio_write_all(w->fd, w->txn.data, w->txn.len);
    if (ret == ERR_OK && sync && fdatasync(w->fd) < 0)
        ret = -errno;
    if (ret != ERR_OK) {
        w->txn.len = len;
        cut_tail(w);
        return ret;
    }
    w->committed += (off_t)(len + line_len);
    w->serial = serial;
    w->transactions++;
    journal_discard(w);
    return ERR_OK;
}
