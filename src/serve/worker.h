/*
 * A worker: one thread, one event loop, its own sockets, its own scratch memory. Everything here is for the
 * worker's own thread unless it says otherwise.
 */
#ifndef SEAMARK_SERVE_WORKER_H
#define SEAMARK_SERVE_WORKER_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/err.h"
#include "serve/request.h"

#define WORKERS_MAX 64 /* tables indexed by worker have this size */

struct worker;

unsigned worker_index(const struct worker *w); /* 0 ... worker_count() - 1 */
unsigned worker_count(void);                   /* any thread; fixed after start */
struct event_base *worker_base(const struct worker *w);
struct worker *worker_self(void);         /* the calling thread's worker, NULL in other threads */
uint64_t worker_random(struct worker *w); /* fast, not for secrets */

/* Runs fn(ctx) in this worker's loop after the present callback, before it waits again. ERR_LIMIT where too
 * many are due. */
int worker_defer(struct worker *w, void (*fn)(void *ctx), void *ctx);

/* Runs fn(ctx) in the worker's thread soon. Any thread. -ENOMEM. */
int worker_post(struct worker *w, void (*fn)(void *ctx), void *ctx);
/* The same in memory that the caller lends until fn is called: for what must not be lost. Cannot fail. */
struct worker_task {
    void (*fn)(void *ctx);
    void *ctx;
    struct worker_task *next;
    bool lent;
};
void worker_post_task(struct worker *w, struct worker_task *t, void (*fn)(void *ctx), void *ctx);
struct worker *worker_at(unsigned index); /* any thread */

#endif
