/*
 * The contract of a plugin.
 *
 * A server block of the Corefile is compiled into a chain: an array of stages in CoreDNS's order
 * (plugin_table.c), each a plugin with the settings that its directive gave. A query walks down the chain:
 * each stage's query() looks at it and says
 *
 *     VERDICT_NEXT      not mine (or: I have noted something in the request): the next stage, please;
 *     VERDICT_ANSWERED  r->reply holds the answer;
 *     VERDICT_PENDING   I need something from outside; I keep the request and will call request_resume();
 *     VERDICT_DROP      there shall be no answer.
 *
 * Then the answer walks up again, from the stage above the one that answered to the first: each stage's
 * answer() may look at the reply or change it (count it, log it, cache it, reorder it). At the end of the
 * chain without an answer the answer is SERVFAIL, which walks up all stages.
 *
 * Example: `cache` finds nothing and returns NEXT; `forward` asks an upstream and returns PENDING; 12 ms
 * later, in the event loop, forward calls request_reply(), copies the upstream's records into it and calls
 * request_resume(r, VERDICT_ANSWERED); cache's answer() keeps a copy, loadbalance's answer() shuffles,
 * prometheus' answer() counts, and the answer goes out.
 *
 * A stage that needs something from outside to change an answer calls request_hold() in answer(); the answer
 * goes on up once it calls request_resume(r, VERDICT_ANSWERED).
 *
 * Threads: setup, start, stop, leave and free run in the control thread. query and answer run in workers, all
 * at once, with the same `state`: it is read-only to them, or atomic, or kept per worker
 * (worker_start/worker_stop, indexed by worker_index(w)). query and answer never block, never allocate
 * without a bound.
 *
 * A configuration reload makes new states beside the old ones. What is to survive it (the cache's entries, an
 * HTTP socket) is held by the plugin's own process-wide table, by reference count: the new state takes it
 * over in setup/start before the old one lets go.
 */
#ifndef SEAMARK_SERVE_PLUGIN_H
#define SEAMARK_SERVE_PLUGIN_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/args.h"
#include "conf/corefile.h"
#include "serve/request.h"

enum verdict { VERDICT_NEXT, VERDICT_ANSWERED, VERDICT_PENDING, VERDICT_DROP };

struct block;
struct express_plan;
struct served_zones;

/* What a directive is set up in. */
struct plugin_setup {
    struct config *config;
    struct block *block;               /* the block being compiled (serve/config.h) */
    const struct server_block *source; /* its text: keys, other directives */
    const struct corefile *corefile;
};

struct plugin {
    const char *name; /* the directive */
    bool repeatable; /* may stand several times in a block: each gets a stage of its own, in order of the text
                      */
    bool one_list; /* and all of them are one list, which is the stage of the first: setup is called for that
                      alone, and reads the others too */

    /* Reads the directive; touches nothing outside (it also runs for `-check`). Required. */
    int (*setup)(const struct plugin_setup *s, const struct directive *d, void **state, struct errtext *e);
    void (*free)(void *state);

    /* The whole configuration is good and is about to serve: open sockets, start timers (control_base()).
     * Fails: the configuration is not used, stop is called for those started. Optional. */
    int (*start)(void *state, struct errtext *e);
    void (*stop)(void *state);

    /* The process is about to end, nothing is served any more: what the next one is to find is written. Some
     * two seconds at the most, all stages together. Control thread. Optional. */
    void (*leave)(void *state);

    /* As start and stop, once in every worker's own thread (libunbound contexts). Optional. */
    int (*worker_start)(void *state, struct worker *w, struct errtext *e);
    void (*worker_stop)(
        void *state, struct worker *w); /* after the last request of this configuration has left the worker */

    enum verdict (*query)(void *state, struct request *r);
    void (*answer)(void *state, struct request *r);

    /* The short way (serve/express.h), on which a question that a zone answers, or what the cache has kept,
     * never meets query() and answer(): says in `p` what these two do to such a question and its answer,
     * whatever the question, or, for the stage that has the zones, which. False where that cannot be said
     * once and for all: then all questions to the block walk the chain, as they do where this is NULL and
     * there is a query() or answer(). Called after all setup, before start. Optional: what it saves is most
     * of a query's cost. */
    bool (*express)(void *state, struct express_plan *p);

    /* What it knows about a request under `label` ("kubernetes/client-namespace"), for log, rewrite and
     * template (serve/metadata.h): writes at most `cap` octets without NUL and returns how many, or -1 where
     * the label is not its own or means nothing here. It looks at r->asked, since stages below may have
     * changed r->q. In a worker, at any point of the walk. Optional. */
    int (*metadata)(void *state, const struct request *r, const char *label, char *out, size_t cap);

    /* The zones that it answers from files: `transfer` hands them over, and `cache` keeps no answers from
     * them, as they come from memory. Any thread. Optional. */
    const struct served_zones *(*zones)(void *state);
    bool metadata_anywhere; /* also for names outside of the metadata directive's zones: in CoreDNS these
                               labels are set on the way of the query, not before */
};

/* Each plugin is one such constant, `plugin_NAME`, in src/plugins/NAME.c; its declaration is in
 * plugin_table.c. */

/* All plugins in the order of their stages. */
extern const struct plugin *const plugin_table[];
extern const size_t plugin_count;

#endif
