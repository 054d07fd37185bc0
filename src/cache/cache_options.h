/* The options of a `cache` directive, as the Corefile has them. Control thread. */
#ifndef SEAMARK_CACHE_CACHE_OPTIONS_H
#define SEAMARK_CACHE_CACHE_OPTIONS_H

#include "cache/cache_stage.h"
#include "conf/args.h"

/* Reads `cache [TTL] [ZONES...] { OPTIONS }` into c->settings and c->zones_label, which hold the defaults.
 * Zones are those of `block` where the directive names none. ERR_OK; ERR_CONFIG with file, line and what is
 * wrong in `e`, in CoreDNS's words where it has any; -ENOMEM. What was read until then is the caller's to
 * free. */
int cache_options_read(struct cache_stage *c, const struct directive *d, const struct server_block *block,
                       struct errtext *e);

#endif
