/*
 * The journal: what has changed since the zone file was written, as text that a person can read and grep.
 *
 *     ; seamark journal 1
 *     ; zone: cluster.local.
 *     ; base: 1763878800
 *     ; cause: Service default/web changed 2026-11-23T06:20:24Z
 *     - web.default.svc.cluster.local.	30	IN	A	10.96.1.1
 *     + web.default.svc.cluster.local.	30	IN	A	10.96.1.2
 *     = 1763878801 2026-11-23T06:20:24.321Z crc32 1a2b3c4d
 *     ...
 *
 * A transaction is the lines between two commit lines; its commit line (`=`) carries the serial that the zone
 * has after it (RFC 1982 greater than the one before), the time it was written and the crc32 of every octet
 * of the transaction before the checksum's own digits, the serial of the transaction before it taken into the
 * sum first as "SERIAL\n", so that a gap or a repeated transaction does not verify. The SOA is not listed:
 * only its serial changes. A reader applies whole transactions in order and ignores a tail that is not
 * committed.
 *
 * The writer never leaves a torn line in the way: after a failed or short write the file is cut back to the
 * last commit. A journal belongs to the zone file whose serial is its `base`; when the zone file is written
 * anew, the new journal is put in place after it (so: a journal whose base is older than the zone file's
 * serial is skipped up to that serial).
 */
#ifndef SEAMARK_ZONE_JOURNAL_H
#define SEAMARK_ZONE_JOURNAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"
#include "zone/zone.h"

#define JOURNAL_LINE_MAX (RDATA_MAX * 5 + 2048) /* rdata all escaped, owner, fields */
#define JOURNAL_TXN_MAX  (64u << 20) /* octets of one transaction; a larger change is a new zone file */

/* ---- writing (seamark-sync) ---- */
struct journal_writer {
    int fd;
    char path[4096];
    off_t committed; /* size of the file up to the last commit */
    uint32_t serial; /* of the last commit, or the base */
    uint64_t transactions;
    struct bytes txn; /* the transaction being built */
    uint64_t changes; /* records in it */
};
/* Starts an empty journal upon `base`, replacing what is there (durably). */
int journal_create(struct journal_writer *w, const char *path, const uint8_t *apex, uint32_t base);
/* Opens an existing journal to append; a tail that is not committed is cut off. ERR_STALE where base is
 * another. */
int journal_open(struct journal_writer *w, const char *path, const uint8_t *apex, uint32_t base,
                 struct errtext *e);
void journal_close(struct journal_writer *w);

/* ERR_MALFORMED for a record that has no text and for the SOA; ERR_LIMIT sticks once the transaction is
 * larger than JOURNAL_TXN_MAX: commit fails too, and a new zone file is due. */
int journal_cause(struct journal_writer *w, const char *text); /* newlines become spaces */
int journal_remove(struct journal_writer *w, const struct rr *rr);
int journal_add(struct journal_writer *w, const struct rr *rr);
/* Appends the transaction in one write and, where `sync`, fdatasyncs it. On failure the file is cut back to
 * what it was, the transaction stays pending and may be committed again later. An empty transaction is not
 * written. ERR_STALE where `serial` is not after the last one (RFC 1982). */
int journal_commit(struct journal_writer *w, uint32_t serial, bool sync);
void journal_discard(struct journal_writer *w); /* forget the transaction being built */

/* ---- reading ---- */
struct journal_reader; /* follows one journal file, an open descriptor of it */

/* Opens the journal of `apex`. -ENOENT where there is none, ERR_MALFORMED where it is not one,
 * ERR_UNSUPPORTED where it is of another version. It goes on reading this one file even where another takes
 * its name: follow that anew. */
int journal_follow(const char *path, const uint8_t *apex, struct journal_reader **out, struct errtext *e);
void journal_unfollow(struct journal_reader *r);
uint32_t journal_base(const struct journal_reader *r);
/* Goes back to the first transaction: for another zone than the one it was read for. NULL allowed. */
void journal_rewind(struct journal_reader *r);

/* Applies every further whole transaction to `z`, each with one zone_commit; transactions at or below the
 * zone's serial are skipped. Returns the number applied (0 where there is nothing new), or ERR_STALE (the
 * first one, or the journal's base, does not follow on the zone's serial), ERR_CHECKSUM or ERR_MALFORMED
 * (damage: `e` says at which offset; nothing of that transaction is applied and the caller waits for a new
 * zone file). A tail without commit line is no error. */
int journal_apply(struct journal_reader *r, struct zone *z, struct errtext *e);

/* Whether the journal at `path` has both serials, as its base or after a transaction of it, and leads from
 * the first to the second. So a zone at `to` that was brought there by journals has been at `from`. False
 * also where it cannot be read, or is damaged on the way. */
bool journal_leads(const char *path, const uint8_t *apex, uint32_t from, uint32_t to);

/* journal_apply() with a callback in place of a zone (seamark-sync compares with what is on disk). `op` is
 * '-' or
 * '+'. `serial` on entry is the zone file's, on return that of the last transaction. Where visit returns
 * non-zero, that is returned; the checksum has been seen to be right before the first record of a transaction
 * is visited. */
int journal_replay(struct journal_reader *r, uint32_t *serial,
                   int (*visit)(char op, const struct rr *rr, void *ctx), void *ctx, struct errtext *e);

#endif
