/*
 * A single small question to an upstream over a socket or a connection of its own, to learn whether it is
 * there: health checks and the loop plugin's probes. It does not go through an exchange because libunbound
 * cannot tell an upstream that answers REFUSED from one that is silent, and because the control thread has
 * none. The content of the answer does not matter to it. The thread that runs `base`.
 */
#ifndef SEAMARK_UPSTREAM_UPSTREAM_PROBE_H
#define SEAMARK_UPSTREAM_UPSTREAM_PROBE_H

#include <event2/event.h>

#include "dns/query.h"
#include "exchange/exchange.h"

struct upstream_probe;

/* `answered`: something came back that is a response and has our id. Called once, never within
 * upstream_probe_send(). */
typedef void upstream_probe_done(void *ctx, bool answered);

/* Sends `q` (its id is chosen here) over the target's transport. ERR_OK: done() will be called unless it is
 * cancelled first. -ENOMEM, -errno where no socket could be had. */
int upstream_probe_send(struct event_base *base, const struct exchange_target *to, const struct query *q,
                        unsigned timeout_ms, upstream_probe_done *done, void *ctx,
                        struct upstream_probe **out);
/* Sends the same once more, where it went by UDP. */
void upstream_probe_send_again(struct upstream_probe *p);
void upstream_probe_cancel(struct upstream_probe *p); /* NULL allowed */

#endif
