/*
 * The upstreams of one `forward` directive as they change: its TOs (upstream_source.h), the set that they
 * make now (upstream_set.h), and the way from one set to the next while questions are under way.
 *
 *     look ─ changed ─> new set ─ every worker makes its exchanges ─> every worker takes it for new questions
 *                          │ one cannot: the old set stays
 *     the old set: questions under way end in it; each worker lets it go after its last one, and it is freed
 *     when all have
 *
 * Health, and exchanges with upstreams that are in both sets, are shared by them, so nothing is forgotten.
 *
 * Control thread, but for what says otherwise.
 */
#ifndef SEAMARK_UPSTREAM_ROSTER_H
#define SEAMARK_UPSTREAM_ROSTER_H

#include "upstream/upstream_set.h"
#include "upstream/upstream_source.h"

/* How often files are looked at. A change is in force after two looks. */
#define ROSTER_LOOK_MS 500
/* How long a start waits for the addresses of host names. Names of the cluster shall not wait longer for
 * names of upstreams, which this very server may have to answer. */
#define ROSTER_LOOKUP_MS 1000

struct upstream_roster {
    struct upstream_settings settings;
    struct upstream_source sources[UPSTREAMS_MAX];
    unsigned nsources;
    struct upstream_resolvers resolvers;         /* of host names among them */
    const char *where;                           /* "Corefile:12", for log lines; borrowed */
    unsigned concurrent;                         /* atomic: questions under way */
    struct upstream_set *set;                    /* from start to free: what the sources make now */
    struct upstream_set *of_worker[WORKERS_MAX]; /* each the worker's own: what it puts new questions to */
    struct upstream_set *retired;                /* some worker may still have questions in it */
    struct event *timer;                         /* to look again; NULL where no source changes */
    void (*changed)(void *ctx); /* called when `set` is another; NULL allowed. The old one is still there */
    void *changed_ctx;
};

int upstream_roster_start(struct upstream_roster *r, struct errtext *e);
/* No more looking; questions go on. */
void upstream_roster_stop(struct upstream_roster *r);
/* Once no worker uses it. */
void upstream_roster_free(struct upstream_roster *r);

/* Whether an upstream at this address can be asked from source_address. Any thread. */
bool upstream_roster_usable(const struct upstream_settings *s, const union address *a);

/* In the worker. */
int upstream_roster_worker_start(struct upstream_roster *r, struct worker *w, struct errtext *e);
/* After the worker's last question has ended, or was cancelled. */
void upstream_roster_worker_stop(struct upstream_roster *r, struct worker *w);

static inline struct upstream_set *upstream_roster_set(const struct upstream_roster *r,
                                                       const struct worker *w)
{
    return r->of_worker[worker_index(w)];
}

#endif
