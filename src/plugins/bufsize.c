/*
 * bufsize: lowers the UDP size that a client announces by EDNS, so that answers are not fragmented.
 *
 *     bufsize [SIZE]
 *
 * SIZE is 512 to 4096 octets; 1232 without (DNS flag day 2020). A client that announces more is treated, and
 * told in the answer's OPT record, as if it had announced SIZE. Example: `bufsize 1232`.
 */
#include <errno.h>
#include <stdlib.h>

#include "serve/express_plan.h"
#include "serve/plugin.h"

#define SIZE_DEFAULT 1232
#define SIZE_MIN     512
#define SIZE_MAX_    4096

struct bufsize {
    uint16_t size;
};

static int bufsize_setup(const struct plugin_setup *s, const struct directive *d, void **state,
                         struct errtext *e)
{
    (void)s;
    uint64_t size = SIZE_DEFAULT;
    int ret = args_count(e, "bufsize", d, 0, 1);
    if (ret == ERR_OK && d->has_body)
        ret = args_error(e, "bufsize", d, "expected no block");
    if (ret == ERR_OK && d->nargs == 1)
        ret = args_uint(e, "bufsize", d, d->args[0], SIZE_MIN, SIZE_MAX_, &size);
    if (ret != ERR_OK)
        return ret;
    struct bufsize *b = malloc(sizeof *b);
    if (b == NULL)
        return -ENOMEM;
    b->size = (uint16_t)size;
    *state = b;
    return ERR_OK;
}

static enum verdict bufsize_query(void *state, struct request *r)
{
    const struct bufsize *b = state;
    if (r->q.has_edns && r->q.udp_size > b->size)
        r->q.udp_size = b->size;
    r->max_udp = b->size;
    return VERDICT_NEXT;
}

static bool bufsize_express(void *state, struct express_plan *p)
{
    p->max_udp = ((const struct bufsize *)state)->size;
    return true;
}

const struct plugin plugin_bufsize = {
    .name = "bufsize",
    .setup = bufsize_setup,
    .free = free,
    .query = bufsize_query,
    .express = bufsize_express,
};
