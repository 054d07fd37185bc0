/*
 * What a `forward` directive does with a question: chooses whether it is its own, joins it to the same
 * question under way or puts it to its upstreams, and makes the client's answer of what comes back. The
 * directive is read by plugins/forward.c.
 *
 * The cache stage of the same block uses it to refresh entries (forward_stage_refresh).
 */
#ifndef SEAMARK_UPSTREAM_FORWARD_STAGE_H
#define SEAMARK_UPSTREAM_FORWARD_STAGE_H

#include <sys/queue.h>

#include "serve/config.h"
#include "upstream/inflight.h"
#include "upstream/upstream_roster.h"

struct cache_stage;
struct forward_job;
LIST_HEAD(forward_jobs, forward_job);

struct forward_stage {
    struct upstream_roster upstreams;
    uint8_t from[NAME_MAX_LEN];      /* names at or below it are ours ... */
    uint8_t (*except)[NAME_MAX_LEN]; /* ... but for those at or below one of these */
    size_t nexcept;
    uint32_t
        next; /* bit n: an answer with rcode n leaves the question to the next forward of the block ... */
    bool next_on_nodata;             /* ... and so does NOERROR without an answer */
    struct forward_stage *following; /* the next forward of the block, or NULL; from start */
    const struct block *block;
    struct cache_stage *cache;             /* of the same block, or NULL; from start */
    char where[256];                       /* "Corefile:12" */
    char limit_text[64];                   /* why a question was refused */
    struct forward_jobs jobs[WORKERS_MAX]; /* questions that this stage's requests lead, by worker */
};

/* Control thread. */
int forward_stage_start(struct forward_stage *f, struct errtext *e);
void forward_stage_stop(struct forward_stage *f);
/* Once no worker uses it. */
void forward_stage_free(struct forward_stage *f);
/* In the worker. */
int forward_stage_worker_start(struct forward_stage *f, struct worker *w, struct errtext *e);
void forward_stage_worker_stop(struct forward_stage *f, struct worker *w);

bool forward_stage_matches(const struct forward_stage *f, const struct query *q);
enum verdict forward_stage_query(struct forward_stage *f, struct request *r);

/* forward/upstream, which an upstream's answer to this request leaves behind where the block has metadata
 * (plugin.h's metadata). An answer from the cache leaves none. */
int forward_stage_metadata(const struct forward_stage *f, const struct request *r, const char *label,
                           char *out, size_t cap);

/* Asks for q without a client. done() comes later, from the event loop, once. ERR_EXISTS: the same is being
 * asked for a client already; otherwise as upstream_ask_start(), or ERR_LIMIT. `q` stays in place until
 * done(). */
int forward_stage_refresh(struct forward_stage *f, struct worker *w, const struct query *q,
                          upstream_ask_done *done, void *ctx);

/* Whether the states of its stages are forward stages. */
bool forward_stage_is(const struct plugin *p);

/* The forward stage of the block that would take the question, or NULL. */
struct forward_stage *forward_stage_of(const struct block *b, const struct query *q);

#endif
