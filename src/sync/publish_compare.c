#include "sync/publish_compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* What the journal does to the zone file: for each record the last operation on it, in canonical order. */
struct delta {
    struct record_set set;
    char *ops; /* one for each record of the set, as added */
    size_t cap;
    size_t *order; /* indices into the set, sorted, the last operation on each record alone */
    size_t count;
    size_t at;
};

static void delta_free(struct delta *d)
{
    record_set_free(&d->set);
    free(d->ops);
    free(d->order);
}

static int delta_add(char op, const struct rr *rr, void *ctx)
{
    struct delta *d = ctx;
    if (d->set.count == d->cap) {
        size_t cap = d->cap == 0 ? 256 : d->cap * 2;
        char *ops = realloc(d->ops, cap);
        if (ops == NULL)
            return -ENOMEM;
        d->ops = ops;
        d->cap = cap;
    }
    d->ops[d->set.count] = op;
    return record_set_add(&d->set, rr->owner, rr->type, rr->ttl, rr->rdata, rr->rdlen);
}

static int compare_at(const struct record_set *set, size_t a, size_t b)
{
    struct rr x, y;
    record_set_rr(set, a, &x);
    record_set_rr(set, b, &y);
    return rr_compare(&x, &y);
}

static int compare_order(const void *a, const void *b, void *ctx)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int order = compare_at(ctx, x, y);
    return order != 0 ? order : x < y ? -1 : 1;
}

static int delta_sort(struct delta *d)
{
    size_t n = d->set.count, kept = 0;
    d->order = calloc(n + 1, sizeof *d->order);
    if (d->order == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        d->order[i] = i;
    qsort_r(d->order, n, sizeof *d->order, compare_order, &d->set);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || compare_at(&d->set, d->order[i], d->order[i + 1]) != 0)
            d->order[kept++] = d->order[i];
    d->count = kept;
    return ERR_OK;
}

static int delta_read(struct delta *d, const char *path, const uint8_t *apex, uint32_t serial,
                      struct errtext *e)
{
    struct journal_reader *reader;
    record_set_init(&d->set);
    int ret = journal_follow(path, apex, &reader, e);
    if (ret == -ENOENT)
        return delta_sort(d);
    if (ret != ERR_OK)
        return ret;
    ret = journal_replay(reader, &serial, delta_add, d, e);
    journal_unfollow(reader);
    return ret < 0 ? ret : delta_sort(d);
}

/* ---- both sides, record by record ---- */

struct comparison {
    struct record_stream *stream;
    struct rr want; /* the stream's next */
    int more;       /* 1 while there is one */
    struct delta delta;
    int (*visit)(void *ctx, char op, const struct rr *rr);
    void *ctx;
};

static int advance(struct comparison *c)
{
    c->more = record_stream_next(c->stream, &c->want);
    return c->more < 0 ? c->more : ERR_OK;
}

/* The SOAs may differ in the serial, which is the first of the five numbers at the end. */
static bool same_soa(const struct rr *a, const struct rr *b)
{
    size_t serial = a->rdlen - 20u;
    return a->rdlen == b->rdlen && a->rdlen > 20 && a->ttl == b->ttl &&
           memcmp(a->rdata, b->rdata, serial) == 0 &&
           memcmp(a->rdata + serial + 4, b->rdata + serial + 4, 16) == 0;
}

/* A record that is on disk, in canonical order. */
static int have(struct comparison *c, const struct rr *rr)
{
    int ret = ERR_OK;
    if (rr->type == RR_SOA) {
        if (c->more != 1 || c->want.type != RR_SOA || !same_soa(rr, &c->want))
            return ERR_MISMATCH;
        return advance(c);
    }
    while (ret == ERR_OK && c->more == 1) {
        int order = rr_compare(&c->want, rr);
        if (order == 0 && c->want.ttl == rr->ttl)
            return advance(c);
        if (order >= 0)
            break;
        ret = c->want.type == RR_SOA ? ERR_MISMATCH : c->visit(c->ctx, '+', &c->want);
        if (ret == ERR_OK)
            ret = advance(c);
    }
    return ret == ERR_OK ? c->visit(c->ctx, '-', rr)
                         : ret; /* one with another TTL is added by the next call */
}

/* What the journal has added before `rr` (NULL: all that is left). */
static int journal_before(struct comparison *c, const struct rr *rr)
{
    int ret = ERR_OK;
    struct delta *d = &c->delta;
    while (ret == ERR_OK && d->at < d->count) {
        struct rr next;
        record_set_rr(&d->set, d->order[d->at], &next);
        if (rr != NULL && rr_compare(&next, rr) >= 0)
            break;
        if (d->ops[d->order[d->at++]] == '+')
            ret = have(c, &next);
    }
    return ret;
}

static int on_file_record(const struct rr *rr, void *ctx)
{
    struct comparison *c = ctx;
    struct delta *d = &c->delta;
    int ret = journal_before(c, rr);
    if (ret != ERR_OK)
        return ret;
    if (d->at < d->count) {
        struct rr changed;
        record_set_rr(&d->set, d->order[d->at], &changed);
        if (rr_compare(&changed, rr) == 0) /* removed, or there with the journal's TTL */
            return d->ops[d->order[d->at++]] == '+' ? have(c, &changed) : ERR_OK;
    }
    return have(c, rr);
}

static int compare_file(struct comparison *c, const char *zone_path, struct errtext *e)
{
    struct zonefile_header header;
    int ret = advance(c);
    if (ret == ERR_OK)
        ret = zonefile_read(zone_path, &header, on_file_record, c, e);
    if (ret == ERR_OK)
        ret = journal_before(c, NULL);
    while (ret == ERR_OK && c->more == 1) {
        ret = c->want.type == RR_SOA ? ERR_MISMATCH : c->visit(c->ctx, '+', &c->want);
        if (ret == ERR_OK)
            ret = advance(c);
    }
    return ret;
}

int publish_compare(const char *zone_path, const char *journal_path, const uint8_t *apex,
                    struct record_stream *stream, int (*visit)(void *ctx, char op, const struct rr *rr),
                    void *ctx, struct errtext *e)
{
    struct comparison c = {.stream = stream, .visit = visit, .ctx = ctx};
    struct zonefile_header header;
    int ret = zonefile_read_header(zone_path, &header, e);
    if (ret == ERR_OK) {
        ret = delta_read(&c.delta, journal_path, apex, header.serial, e);
        if (ret == ERR_OK)
            ret = compare_file(&c, zone_path, e);
        delta_free(&c.delta);
    }
    return ret;
}

static int ignore_record(char op, const struct rr *rr, void *ctx)
{
    (void)op, (void)rr, (void)ctx;
    return ERR_OK;
}

int publish_look(const char *zone_path, const char *journal_path, const uint8_t *apex, struct on_disk *out,
                 struct errtext *e)
{
    struct journal_reader *reader;
    struct errtext journal_error = {0};
    *out = (struct on_disk){0};
    int ret = zonefile_read_header(zone_path, &out->header, e);
    out->serial = ret == ERR_OK ? out->header.serial : 0;
    if (journal_follow(journal_path, apex, &reader, &journal_error) != ERR_OK)
        return ret;
    uint32_t serial = ret == ERR_OK ? out->header.serial : journal_base(reader);
    bool upon = ret == ERR_OK && journal_base(reader) == out->header.serial;
    int replayed = journal_replay(reader, &serial, ignore_record, NULL, &journal_error);
    out->journal_fits = upon && replayed >= 0;
    out->serial = serial;
    journal_unfollow(reader);
    return ret;
}
