#include "zone/zone_ixfr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "zone/zone_axfr.h"

/* Text of the transactions that are read for one answer. */
#define TEXT_MAX (64u << 20)

/* An answer of so few records is not worth a comparison with the zone. */
#define RECORDS_FEW 256

/* A record that a transaction removes or adds. */
struct change {
    uint32_t number; /* in the transaction */
    uint32_t ttl;
    size_t owner; /* where in `data` */
    size_t rdata;
    uint16_t type;
    uint16_t rdlen;
    char op;
};

struct making {
    struct zone_ixfr *x;
    struct bytes data;    /* owners and rdata of the transaction */
    struct bytes changes; /* struct change */
    uint64_t most;        /* records that the answer may have */
};

/* ---- messages ---- */

static void begin_message(struct zone_ixfr *x)
{
    reply_begin(x->reply, x->query);
    x->reply->flags |= FLAG_AA;
}

static int end_message(struct zone_ixfr *x)
{
    uint8_t length[2];
    reply_finish(x->reply, REPLY_CAP);
    wire_put_u16(length, (uint16_t)x->reply->len);
    bytes_append(x->out, length, sizeof length);
    return bytes_append(x->out, x->reply->wire, x->reply->len);
}

static int put(struct making *m, const struct rr *rr)
{
    int ret = transfer_add(m->x->reply, rr);
    if (ret == 0) {
        ret = end_message(m->x);
        if (ret != ERR_OK)
            return ret;
        begin_message(m->x);
        ret = transfer_add(m->x->reply, rr);
    }
    if (ret == 1 && ++m->x->records > m->most)
        return ERR_LIMIT;
    return ret == 1 ? ERR_OK : ret;
}

static int put_soa(struct making *m, uint32_t serial)
{
    struct rr soa;
    uint8_t rdata[SOA_RDATA_MAX];
    zone_soa_at(m->x->version, serial, &soa, rdata);
    return put(m, &soa);
}

/* ---- a transaction ---- */

static struct change *change_at(const struct making *m, size_t i)
{
    return (struct change *)(void *)m->changes.data + i;
}

static struct rr record_of(const struct making *m, const struct change *c)
{
    const uint8_t *data = (const uint8_t *)m->data.data;
    return (struct rr){.owner = data + c->owner,
                       .type = c->type,
                       .class = CLASS_IN,
                       .ttl = c->ttl,
                       .rdlen = c->rdlen,
                       .rdata = data + c->rdata};
}

static int take_change(char op, const struct rr *rr, void *ctx)
{
    struct making *m = ctx;
    size_t owner_len = name_len(rr->owner), count = m->changes.len / sizeof(struct change);
    struct change c = {.op = op,
                       .number = (uint32_t)count,
                       .ttl = rr->ttl,
                       .type = rr->type,
                       .rdlen = rr->rdlen,
                       .owner = m->data.len,
                       .rdata = m->data.len + owner_len};
    bytes_append(&m->data, rr->owner, owner_len);
    bytes_append(&m->data, rr->rdata, rr->rdlen);
    bytes_append(&m->changes, &c, sizeof c);
    return m->data.error != ERR_OK ? m->data.error : m->changes.error;
}

static int compare(const void *a, const void *b, void *ctx)
{
    const struct change *x = a, *y = b;
    struct rr first = record_of(ctx, x), second = record_of(ctx, y);
    int diff = rr_compare(&first, &second);
    return diff != 0 ? diff : x->number < y->number ? -1 : 1;
}

/* The end of the run of changes to one record that begins at `i`. */
static size_t run_end(const struct making *m, size_t i, size_t count)
{
    struct rr record = record_of(m, change_at(m, i));
    for (size_t k = i + 1; k < count; k++) {
        struct rr other = record_of(m, change_at(m, k));
        if (rr_compare(&record, &other) != 0)
            return k;
    }
    return count;
}

/* What the transaction removes, or what it adds. A record whose first change is a removal was there before,
 * and one whose last change is an addition is there afterwards. */
static int put_changes(struct making *m, size_t count, char op)
{
    int ret = ERR_OK;
    for (size_t i = 0, end; ret == ERR_OK && i < count; i = end) {
        end = run_end(m, i, count);
        const struct change *first = change_at(m, i), *last = change_at(m, end - 1);
        bool before = first->op == '-', after = last->op == '+';
        if (before && after && first->ttl == last->ttl)
            continue;
        struct rr rr = record_of(m, op == '-' ? first : last);
        if (op == '-' ? before : after)
            ret = put(m, &rr);
    }
    return ret;
}

static int commit(uint32_t before, uint32_t after, void *ctx)
{
    struct making *m = ctx;
    size_t count = m->changes.len / sizeof(struct change);
    if (count > 1)
        qsort_r(m->changes.data, count, sizeof(struct change), compare, m);
    int ret = put_soa(m, before);
    if (ret == ERR_OK)
        ret = put_changes(m, count, '-');
    if (ret == ERR_OK)
        ret = put_soa(m, after);
    if (ret == ERR_OK)
        ret = put_changes(m, count, '+');
    bytes_reset(&m->data);
    bytes_reset(&m->changes);
    return ret;
}

int zone_ixfr_make(struct zone_ixfr *x, const struct journal_history *h, uint32_t from)
{
    uint32_t serial = zone_serial(x->version);
    uint64_t whole = zone_record_count(x->version) + 1; /* records of a full transfer */
    struct making m = {.x = x, .most = whole > RECORDS_FEW ? whole : RECORDS_FEW};
    bytes_init(&m.data, TEXT_MAX);
    bytes_init(&m.changes, TEXT_MAX);
    x->records = 0;
    begin_message(x);
    int ret = put_soa(&m, serial);
    const struct journal_visitor visitor = {.change = take_change, .commit = commit, .ctx = &m};
    if (ret == ERR_OK)
        ret = journal_history_replay(h, from, serial, TEXT_MAX, &visitor);
    if (ret == ERR_OK)
        ret = put_soa(&m, serial);
    if (ret == ERR_OK)
        ret = end_message(x);
    bytes_free(&m.data);
    bytes_free(&m.changes);
    return ret;
}
