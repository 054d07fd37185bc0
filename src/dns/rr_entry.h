/*
 * A record as people write it into a master file, in place of the one line that dns/rr.h reads: parentheses
 * over several lines, comments, TTL and class in either order or left out, a TTL with units (1h30m), `@`.
 * Names are below the root, so a missing final dot makes no difference. Any thread.
 */
#ifndef SEAMARK_DNS_RR_ENTRY_H
#define SEAMARK_DNS_RR_ENTRY_H

#include "base/bytes.h"
#include "dns/rr.h"

/* Reads the first record of `text`; what follows on further lines is not looked at. Without a TTL it is
 * `default_ttl`, without a class IN. `line` is scratch memory, whose maximum bounds the record's text; `out`
 * points into `storage`. Directives ($TTL ...) are refused. ERR_MALFORMED with *why in static words, also
 * where there is no record; ERR_LIMIT and -ENOMEM of `line`. */
int rr_from_entry(const char *text, size_t len, uint32_t default_ttl, struct bytes *line,
                  struct rr_storage *storage, struct rr *out, const char **why);

#endif
