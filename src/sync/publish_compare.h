/*
 * A zone as it stands on disk (zone file and journal) beside the zone as it should be (records_stream): the
 * records by which they differ. Both are read once, in canonical order; what the journal adds and removes is
 * the only thing held in memory. One thread.
 */
#ifndef SEAMARK_SYNC_PUBLISH_COMPARE_H
#define SEAMARK_SYNC_PUBLISH_COMPARE_H

#include "sync/records_stream.h"
#include "zone/journal.h"
#include "zone/zonefile.h"

struct on_disk {
    struct zonefile_header header;
    uint32_t serial;   /* of the zone with its journal */
    bool journal_fits; /* the journal is there, sound to its end, and upon this very file: it can go on */
};

/*
 * Reads the header and the end of the journal. ERR_OK, or what is wrong with the zone file (-ENOENT,
 * ERR_MALFORMED,
 * ...) with `e` set; then `out->serial` is the newest serial that could be made out, 0 where none.
 */
int publish_look(const char *zone_path, const char *journal_path, const uint8_t *apex, struct on_disk *out,
                 struct errtext *e);

/*
 * Calls visit with '-' for what only the disk has and '+' for what only `stream` has; the SOA's serial does
 * not count, another difference in the SOA is ERR_MISMATCH. A non-zero result of visit ends it and is
 * returned. Every other error means that the files cannot be relied upon, and that what was visited so far is
 * void.
 */
int publish_compare(const char *zone_path, const char *journal_path, const uint8_t *apex,
                    struct record_stream *stream, int (*visit)(void *ctx, char op, const struct rr *rr),
                    void *ctx, struct errtext *e);

#endif
