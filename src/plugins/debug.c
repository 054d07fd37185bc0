/*
 * debug: shows debug lines in the log, of the whole process.
 *
 *     debug
 *
 * CoreDNS also lets a panic end the process then; here there is none to catch.
 */
#include <stdlib.h>

#include "base/log.h"
#include "serve/plugin.h"

static unsigned users; /* configurations and blocks that ask for it; control thread */

static int debug_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                       struct errtext *e)
{
    (void)s;
    *state = NULL;
    if (d->has_body)
        return args_error(e, "debug", d, "expected no block");
    return args_count(e, "debug", d, 0, 0);
}

static int debug_start(void *state, struct errtext *e)
{
    (void)state, (void)e;
    users++;
    log_set_debug(true);
    return ERR_OK;
}

static void debug_stop(void *state)
{
    (void)state;
    log_set_debug(--users > 0);
}

const struct plugin plugin_debug = {
    .name = "debug",
    .setup = debug_setup,
    .start = debug_start,
    .stop = debug_stop,
};
