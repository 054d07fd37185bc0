/*
 * Finding forwarding loops: an upstream that, directly or through others, sends our questions back to us. For
 * each upstream of the guarded forward stages a probe is sent now and then: a question for a name that nobody
 * can guess, HINFO, below the stage's FROM, straight to that upstream. If a question for that name comes in
 * while the probe is out, the upstream loops: upstream_loops() holds, nothing is forwarded to it, and one log
 * line names the line of the Corefile. The name is new each time, so that one who saw it cannot use it later.
 *
 *     idle ──(timer)──> probing ──name came back──> looping, probed again every LOOP_RECHECK_LOOPING_MS
 *       ^                  │
 *       └──LOOP_WINDOW_MS──┘ it did not: not looping, probed again after LOOP_RECHECK_MS
 *
 * With -loop-exit the first loop found ends the process, as CoreDNS does. Control thread, but for
 * loop_guard_returned().
 */
#ifndef SEAMARK_UPSTREAM_LOOP_GUARD_H
#define SEAMARK_UPSTREAM_LOOP_GUARD_H

#include "upstream/forward_stage.h"

/* The first probe waits until the listeners are surely open. */
#define LOOP_FIRST_MS 300
/* How long after a probe its return counts: two resolvers in between that retry once. */
#define LOOP_WINDOW_MS 2000
/* A loop can also come later, with a change elsewhere; a probe in 30 s costs nothing. */
#define LOOP_RECHECK_MS         30000
#define LOOP_RECHECK_LOOPING_MS 3000

struct loop_guard;

/* Begins to guard the stage's upstreams. -ENOMEM. */
int loop_guard_start(struct forward_stage *f, struct loop_guard **out);
void loop_guard_stop(struct loop_guard *g); /* NULL allowed */

/* Whether the question is one of our probes come back. Any worker; cheap for all but HINFO. */
bool loop_guard_returned(const struct query *q, const union address *from);

#endif
