/* Walking the plugins of a block: the query down, the answer up (see plugin.h). In the worker's thread. */
#ifndef SEAMARK_SERVE_CHAIN_H
#define SEAMARK_SERVE_CHAIN_H

#include "serve/config.h"
#include "serve/request.h"

/* Chooses the route for a parsed question that came by `l`, and sends it through the chain. The request ends
 * in every case, now or later; `done` has been or will be called. */
void chain_enter(struct request *r, const struct listener *l);

#endif
