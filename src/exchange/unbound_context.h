/*
 * libunbound's contexts: making, configuring, finalising and deleting them. With exchange_unbound.c the only
 * place that knows the library. All of it is done under one lock, because the library's parser of
 * configurations and some of its set-up have global state; it takes a millisecond or more, so it is never on
 * the way of a query.
 */
#ifndef SEAMARK_EXCHANGE_UNBOUND_CONTEXT_H
#define SEAMARK_EXCHANGE_UNBOUND_CONTEXT_H

#include <event2/event.h>

#include "exchange/exchange.h"
#include "exchange/unbound_settings.h"

struct ub_ctx;

/* A context that asks `target`, or recurses from the root where target->unbound says so, on the event loop
 * `base`; in base's thread. -ENOMEM; ERR_CONFIG: the library does not take the settings; ERR_UNSUPPORTED;
 * -errno. */
int unbound_context_new(struct event_base *base, const struct exchange_target *target, struct ub_ctx **out);

/* Never within one of the library's callbacks. What is under way is called back with failure. */
void unbound_context_free(struct ub_ctx *ub);

/* The library has one log for the whole process, and switches it off whenever a context is deleted: on again.
 */
void unbound_context_log(struct ub_ctx *ub);

/* Has the library read the settings and set itself up, then forgets it. ERR_CONFIG with a text where it does
 * not take them. */
int unbound_context_check(struct unbound_settings *s, struct errtext *e);

#endif
