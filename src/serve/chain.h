/* Walking the plugins of a block: the query down, the answer up (see plugin.h). In the worker's thread. */
#ifndef SEAMARK_SERVE_CHAIN_H
#define SEAMARK_SERVE_CHAIN_H

#include "serve/config.h"
#include "serve/request.h"

/* Chooses the route for a parsed question that came by `l`, and sends it through the chain. The request ends
 * in every case, now or later; `done` has been or will be called. */
void chain_enter(struct request *r, const struct listener *l);

/* Sends an inner request through the stages of its route's block, from r->floor on. It ends in every case. */
void chain_enter_below(struct request *r);

#endif
