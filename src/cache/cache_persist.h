/*
 * Caches that are kept on disk (the option `persist`): read at the start, written now and then and at the
 * end, by a thread of their own, so that no worker and no reload waits for a disk. A file is replaced and
 * never changed, and is for its owner alone (mode 0600). One that somebody else could have written, that is
 * of another server block or that is damaged is not read, or up to the damage. What cannot be written is said
 * once.
 *
 * Control thread, but for that thread.
 */
#ifndef SEAMARK_CACHE_CACHE_PERSIST_H
#define SEAMARK_CACHE_CACHE_PERSIST_H

#include "cache/answer_cache.h"

/* Reading at the start takes no longer; what has not been read by then is left out. */
#define CACHE_READ_MS 3000
/* How long the end of the process waits for all files to be written. */
#define CACHE_LEAVE_MS 2000

struct cache_persist;

struct cache_persist_settings {
    const char *path; /* copied */
    uint64_t identity;
    uint64_t interval_ms;  /* between two writings; they take a hundredth of the time at the most */
    uint32_t max_ttl_s[2]; /* by kind */
    uint32_t stale_s;      /* entries are kept for so long after their TTL */
};

/* Reads the file into the cache, which nobody uses yet, and has it written from now on. NULL without memory,
 * or where no thread could be started: then the log says so. */
struct cache_persist *cache_persist_start(struct answer_cache *cache, const struct cache_persist_settings *s);

/* At the end of the process: has the file written and waits for it, for CACHE_LEAVE_MS at the most with all
 * others together. */
void cache_persist_leave(struct cache_persist *p);

/* The cache may be freed afterwards: a writing that is under way is given up. NULL allowed. */
void cache_persist_stop(struct cache_persist *p);

#endif
