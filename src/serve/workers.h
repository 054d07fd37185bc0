/* All workers together, as the control thread starts, calls and stops them; and what it has a worker do with
 * a configuration. */
#ifndef SEAMARK_SERVE_WORKERS_H
#define SEAMARK_SERVE_WORKERS_H

#include "serve/config.h"
#include "serve/worker.h"

/* Makes `count` workers and starts their threads. Once. */
int workers_start(unsigned count, struct errtext *e);
/* Ends all threads (what waits in them is dropped) and frees everything. Sockets must have been closed by
 * then. */
void workers_stop(void);

/* Runs fn in every worker's thread and waits for all; the first result that is not ERR_OK, or ERR_OK. */
int workers_call(int (*fn)(struct worker *w, void *ctx), void *ctx);

/* ---- in the worker's thread, through workers_call ---- */
int worker_prepare(struct worker *w, struct config *c, struct errtext *e); /* worker_start of all stages */
void worker_abandon(struct worker *w, struct config *c);                   /* undoes worker_prepare */
void worker_adopt(struct worker *w,
                  struct config *c); /* from now on; the one before is let go when nothing waits in it */
void worker_retire_present(struct worker *w);

#endif
