#include "zone/journal_history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zone/journal_p.h"

#define STEP 256 /* points by which a book grows */

/* Between two transactions, or after the last. */
struct point {
    uint32_t serial; /* of the zone there */
    off_t offset;
    uint64_t line;
};

/* One journal file. */
struct book {
    int fd; /* -1: none */
    dev_t device;
    ino_t inode;
    bool damaged; /* nothing more is read of it */
    struct point *points;
    size_t count;
    size_t cap;
};

struct journal_history {
    char *path;
    uint8_t apex[NAME_MAX_LEN];
    struct book before;
    struct book present;
};

static void book_close(struct book *b)
{
    if (b->fd >= 0)
        close(b->fd);
    free(b->points);
    *b = (struct book){.fd = -1};
}

struct journal_history *journal_history_new(const char *path, const uint8_t *apex)
{
    struct journal_history *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->before.fd = h->present.fd = -1;
    name_lower(h->apex, apex);
    h->path = strdup(path);
    if (h->path == NULL) {
        free(h);
        return NULL;
    }
    return h;
}

void journal_history_free(struct journal_history *h)
{
    if (h == NULL)
        return;
    book_close(&h->before);
    book_close(&h->present);
    free(h->path);
    free(h);
}

/* ---- reading on ---- */

static int add_point(struct book *b, const struct journal_reader *r)
{
    if (b->count == JOURNAL_HISTORY_MAX) { /* the older half is forgotten */
        b->count -= b->count / 2;
        memmove(b->points, b->points + JOURNAL_HISTORY_MAX / 2, b->count * sizeof *b->points);
    }
    if (b->count == b->cap) {
        struct point *points = realloc(b->points, (b->cap + STEP) * sizeof *points);
        if (points == NULL)
            return -ENOMEM;
        b->points = points;
        b->cap += STEP;
    }
    b->points[b->count++] = (struct point){.serial = r->serial, .offset = r->position, .line = r->line};
    return ERR_OK;
}

/* A reader of the book that goes on at a point; readers are large, and histories many. */
static struct journal_reader *reader_at(const struct journal_history *h, const struct book *b,
                                        const struct point *p)
{
    struct journal_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->path = strdup(h->path);
    if (r->path == NULL || lines_take(&r->lines, b->fd, JOURNAL_LINE_MAX) != ERR_OK) {
        r->lines.fd = -1;
        journal_unfollow(r);
        return NULL;
    }
    r->serial = p->serial;
    r->position = p->offset;
    r->line = p->line;
    return r;
}

static void reader_end(struct journal_reader *r)
{
    r->lines.fd = -1; /* the book's */
    journal_unfollow(r);
}

/* Notes what has come since. */
static void read_on(const struct journal_history *h, struct book *b)
{
    struct stat st;
    if (b->fd < 0 || b->damaged || b->count == 0)
        return;
    const struct point *last = &b->points[b->count - 1];
    if (fstat(b->fd, &st) == 0 && st.st_size == last->offset)
        return;
    struct journal_reader *r = reader_at(h, b, last);
    struct journal_txn txn;
    struct errtext e = {0};
    int ret = r == NULL ? -ENOMEM : 1;
    while (ret == 1 && (ret = journal_next(r, r->serial, &txn, &e)) == 1) {
        journal_step(r, &txn);
        if (add_point(b, r) != ERR_OK)
            ret = -ENOMEM;
    }
    b->damaged = ret < 0 && ret != -ENOMEM;
    if (r != NULL)
        reader_end(r);
}

/* Opens the file that has the journal's name now, where it is another. */
static void follow(struct journal_history *h)
{
    struct stat st;
    struct journal_reader *r;
    struct errtext e = {0};
    if (stat(h->path, &st) < 0 ||
        (h->present.fd >= 0 && st.st_dev == h->present.device && st.st_ino == h->present.inode) ||
        journal_follow(h->path, h->apex, &r, &e) != ERR_OK)
        return;
    struct book fresh = {.fd = r->lines.fd};
    if (fstat(fresh.fd, &st) < 0 || add_point(&fresh, r) != ERR_OK) {
        journal_unfollow(r);
        free(fresh.points);
        return;
    }
    fresh.device = st.st_dev;
    fresh.inode = st.st_ino;
    reader_end(r);
    book_close(&h->before);
    h->before = h->present;
    h->present = fresh;
}

void journal_history_look(struct journal_history *h)
{
    read_on(h, &h->present); /* to its end, before the next one takes its place */
    follow(h);
    read_on(h, &h->present);
}

/* ---- replaying ---- */

/* Index of the point with that serial, or -1. The newest are asked for most. */
static ssize_t find(const struct book *b, uint32_t serial)
{
    ssize_t i = (ssize_t)b->count - 1;
    while (i >= 0 && b->points[i].serial != serial)
        i--;
    return i;
}

static int replay_part(const struct journal_history *h, const struct book *b, ssize_t from, ssize_t to,
                       const struct journal_visitor *v)
{
    struct errtext e = {0};
    int ret = ERR_OK;
    if (from == to)
        return ERR_OK;
    struct journal_reader *r = reader_at(h, b, &b->points[from]);
    if (r == NULL)
        return -ENOMEM;
    for (ssize_t i = from; ret == ERR_OK && i < to; i++) {
        const struct point *next = &b->points[i + 1];
        struct journal_txn txn = {.serial = next->serial, .end = next->offset, .line = next->line};
        ret = journal_changes(r, &txn, v->change, v->ctx, &e);
        if (ret == ERR_OK)
            ret = v->commit(b->points[i].serial, next->serial, v->ctx);
        journal_step(r, &txn);
    }
    reader_end(r);
    return ret;
}

static uint64_t octets(const struct book *b, ssize_t from, ssize_t to)
{
    return (uint64_t)(b->points[to].offset - b->points[from].offset);
}

int journal_history_replay(const struct journal_history *h, uint32_t from, uint32_t to, uint64_t max,
                           const struct journal_visitor *visitor)
{
    const struct book *a = &h->present, *b = &h->before;
    ssize_t first = find(a, from), last = find(a, to);
    if (first >= 0 && first <= last)
        return octets(a, first, last) <= max ? replay_part(h, a, first, last, visitor) : ERR_LIMIT;
    first = find(b, from);
    ssize_t end = find(b, to);
    if (first >= 0 && first <= end)
        return octets(b, first, end) <= max ? replay_part(h, b, first, end, visitor) : ERR_LIMIT;
    end = a->count > 0 ? find(b, a->points[0].serial) : -1;
    if (first < 0 || end < first || last < 0)
        return ERR_NOT_FOUND;
    if (octets(b, first, end) + octets(a, 0, last) > max)
        return ERR_LIMIT;
    int ret = replay_part(h, b, first, end, visitor);
    return ret == ERR_OK ? replay_part(h, a, 0, last, visitor) : ret;
}
