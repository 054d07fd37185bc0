/*
 * The historian: a thread that follows the journals of the zones that may be transferred
 * (zone/journal_history.h) and makes the incremental answers from them. Reading journals takes disks and, for
 * a client that is far behind, parsing megabytes of text: neither a worker nor the control thread waits for
 * that.
 */
#ifndef SEAMARK_TRANSFER_HISTORIAN_H
#define SEAMARK_TRANSFER_HISTORIAN_H

#include <sys/queue.h>

#include "serve/worker.h"
#include "zone/zone.h"

/* Octets of one answer, and of all that are made and not yet sent. Beyond either the client gets the whole
 * zone, which takes no such memory. */
#define HISTORIAN_ANSWER_MAX (16u << 20)
#define HISTORIAN_SPOOL_MAX  (64u << 20)

/* ---- control thread ---- */

/* Starts the thread. -errno. */
int historian_open(void);
/* Ends it, after what has been asked is answered. */
void historian_close(void);

/* Follows a journal, until as many calls of historian_unwant() and then historian_sweep(). */
void historian_want(const char *path, const uint8_t *apex);
void historian_unwant(const char *path);
void historian_sweep(void);

/* A zone has changed: look at the journals. */
void historian_look(void);

/* ---- workers ---- */

struct historian_job {
    /* by the asker; must live until done() */
    const char *path; /* of the journal */
    const struct zone_version *version;
    const struct query *query;
    uint32_t from;
    struct worker *worker;
    void (*done)(struct historian_job *job); /* in the worker's event loop */
    /* by the historian */
    int result;       /* as of zone_ixfr_make() */
    struct bytes out; /* messages, each behind its length */
    uint64_t records;
    STAILQ_ENTRY(historian_job) link;
};

/* Has the answer made. ERR_UNSUPPORTED where there is no historian (any more): done() is not called. */
int historian_ask(struct historian_job *job);
/* Frees what the job holds, once it is done. */
void historian_forget(struct historian_job *job);

#endif
