/*
 * All records of a zone, one after the other in canonical order, made from the store as they are asked for,
 * so that a zone of any size is written or compared without ever being in memory. The store must not change
 * meanwhile. One thread.
 */
#ifndef SEAMARK_SYNC_RECORDS_STREAM_H
#define SEAMARK_SYNC_RECORDS_STREAM_H

#include "sync/records.h"

struct record_stream;

/* Rules, zone (one of rules->zones) and store are borrowed. NULL without memory. */
struct record_stream *record_stream_open(const struct record_rules *rules, const struct record_zone *z,
                                         const struct store *s, uint32_t serial);
/* 1 with `*out` filled (valid until the next call), 0 at the end, or -ENOMEM. */
int record_stream_next(struct record_stream *r, struct rr *out);
void record_stream_close(struct record_stream *r); /* NULL allowed */

#endif
