/*
 * loop: finds forwarding loops.
 *
 *     loop
 *
 * Each upstream of the block's `forward` directives is probed at start and from time to time with a name that
 * nobody can guess. Where the probe comes back to this server, that upstream is not asked any more until it
 * no longer does, and the log names the line of the Corefile. Cluster names go on being answered. With the
 * flag -loop-exit a loop ends the process, as it does CoreDNS.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/args.h"
#include "serve/plugin.h"
#include "upstream/loop_guard.h"

struct loop {
    const struct block *block;
    struct loop_guard *guards[STAGES_MAX]; /* of each forward stage; from start to stop */
};

static int loop_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                      struct errtext *e)
{
    int ret = args_count(e, "loop", d, 0, 0);
    if (ret == ERR_OK && d->has_body)
        ret = args_error(e, "loop", d, "expected no block");
    if (ret != ERR_OK)
        return ret;
    struct loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    l->block = s->block;
    *state = l;
    return ERR_OK;
}

static void loop_stop(void *state)
{
    struct loop *l = state;
    for (unsigned i = 0; i < STAGES_MAX; i++) {
        loop_guard_stop(l->guards[i]);
        l->guards[i] = NULL;
    }
}

/* The forward stages come behind this one and are started after it; the guard looks at their upstreams only
 * when its first timer fires. */
static int loop_start(void *state, struct errtext *e)
{
    struct loop *l = state;
    for (unsigned i = 0; i < l->block->nstages; i++) {
        const struct stage *s = &l->block->stages[i];
        if (strcmp(s->plugin->name, "forward") != 0)
            continue;
        int ret = loop_guard_start(s->state, &l->guards[i]);
        if (ret != ERR_OK) {
            loop_stop(l);
            return errtext_set(e, ret, "plugin/loop: no memory");
        }
    }
    return ERR_OK;
}

static enum verdict loop_query(void *state, struct request *r)
{
    (void)state;
    if (!loop_guard_returned(&r->q, &r->client))
        return VERDICT_NEXT;
    reply_error(r->reply, &r->q, RCODE_REFUSED); /* here the loop ends */
    return VERDICT_ANSWERED;
}

const struct plugin plugin_loop = {
    .name = "loop",
    .setup = loop_setup,
    .free = free,
    .start = loop_start,
    .stop = loop_stop,
    .query = loop_query,
};
