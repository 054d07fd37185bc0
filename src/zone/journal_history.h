/*
 * The history of a zone: which transactions lead from one serial to another, for incremental transfers. It
 * follows the journal, notes where each transaction stands, and when the journal is begun anew upon a newer
 * zone file it keeps the one before it open, so that whoever lags behind by less than a journal finds the
 * way.
 *
 *     the journal before   base o--o--o--o--o--o--o
 *     the journal                         base o--o--o--o
 *                                    from ^              ^ to
 *
 * What a history tells are transactions whose checksums were right when they were read. Damage ends it there,
 * until the next journal. One thread at a time.
 */
#ifndef SEAMARK_ZONE_JOURNAL_HISTORY_H
#define SEAMARK_ZONE_JOURNAL_HISTORY_H

#include "zone/journal.h"

/* Transactions of one journal that are remembered: the newest. 24 octets each. */
#define JOURNAL_HISTORY_MAX 65536

struct journal_history;

/* Of the journal at `path`, which need not be there yet. NULL without memory. */
struct journal_history *journal_history_new(const char *path, const uint8_t *apex);
void journal_history_free(struct journal_history *h);

/* Reads on in the journal, and in the next one where there is one. */
void journal_history_look(struct journal_history *h);

/* Who is told of a way from one serial to another. Where a function returns non-zero, that is the end. */
struct journal_visitor {
    int (*change)(char op, const struct rr *rr, void *ctx); /* as of journal_replay() */
    int (*commit)(uint32_t before, uint32_t after, void *ctx);
    void *ctx;
};

/* Visits the transactions that lead from `from` to `to`. ERR_NOT_FOUND where they are not known; ERR_LIMIT
 * where their text has more than `max` octets; ERR_MALFORMED, -errno where the file cannot be read any more;
 * or what the visitor returned. */
int journal_history_replay(const struct journal_history *h, uint32_t from, uint32_t to, uint64_t max,
                           const struct journal_visitor *visitor);

#endif
