/* What the parts of the journal share. */
#ifndef SEAMARK_ZONE_JOURNAL_P_H
#define SEAMARK_ZONE_JOURNAL_P_H

#include "zone/journal.h"
#include "zone/lines.h"

#define JOURNAL_MAGIC   "; seamark journal "
#define JOURNAL_VERSION "1"
/* Octets of the longest commit line. */
#define JOURNAL_COMMIT_MAX 96

#define JOURNAL_HEADER_LINES 3

struct journal_reader {
    struct lines lines;
    char *path; /* for messages */
    uint32_t base;
    off_t begin;     /* of the first transaction, behind the header */
    uint32_t serial; /* after the last transaction that was read or skipped */
    off_t position;  /* in the file, after that transaction */
    uint64_t line;   /* number of its last line */
    struct rr_storage storage;
};

/* A whole transaction whose checksum is right. */
struct journal_txn {
    uint32_t serial; /* of the zone after it */
    off_t end;       /* in the file, after its commit line */
    uint64_t line;   /* number of its commit line */
};

/* The checksum of a transaction begins with the serial before it. */
uint32_t journal_crc_begin(uint32_t serial_before);

/* Finds the next whole transaction that is after the serial `have`, stepping over older ones. Returns 1, 0
 * where there is none (yet), or as journal_apply. */
int journal_next(struct journal_reader *r, uint32_t have, struct journal_txn *txn, struct errtext *e);
/* Visits the changes of the transaction that journal_next found. */
int journal_changes(struct journal_reader *r, const struct journal_txn *txn,
                    int (*visit)(char op, const struct rr *rr, void *ctx), void *ctx, struct errtext *e);
/* Steps over it. */
void journal_step(struct journal_reader *r, const struct journal_txn *txn);

#endif
