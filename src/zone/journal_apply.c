/* A journal's transactions into a zone in memory. */
#include <errno.h>

#include "zone/journal.h"
#include "zone/journal_p.h"

static int change(char op, const struct rr *rr, void *ctx)
{
    struct zone_txn *t = ctx;
    if (op == '-')
        return zone_remove(t, rr);
    int ret = zone_add(t, rr);
    return ret == ERR_EXISTS ? ERR_OK : ret; /* a record added once more keeps the newer TTL */
}

/* All of a transaction or nothing of it. */
static int apply_one(struct journal_reader *r, const struct journal_txn *txn, struct zone *z,
                     struct errtext *e)
{
    struct zone_txn *t = zone_begin(z);
    if (t == NULL)
        return -ENOMEM;
    int ret = journal_changes(r, txn, change, t, e);
    if (ret == ERR_OK)
        ret = zone_set_serial(t, txn->serial);
    if (ret != ERR_OK) {
        zone_abort(t);
        return ret == -ENOMEM ? ret
                              : ERR_MALFORMED; /* above all ERR_NOT_FOUND: it was not made upon this zone */
    }
    return zone_commit(t);
}

int journal_apply(struct journal_reader *r, struct zone *z, struct errtext *e)
{
    struct journal_txn txn;
    int count = 0, ret;
    while ((ret = journal_next(r, zone_serial(zone_current(z)), &txn, e)) == 1) {
        ret = apply_one(r, &txn, z, e);
        if (ret != ERR_OK)
            return errtext_set(e, ret, "%s:%llu: %s", r->path, (unsigned long long)txn.line, err_text(ret));
        journal_step(r, &txn);
        count++;
    }
    return ret < 0 ? ret : count;
}
