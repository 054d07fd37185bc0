/* The options of a `forward` directive: the lines of its block. docs/forwarding.md says what they mean.
 * Control thread. */
#ifndef SEAMARK_UPSTREAM_FORWARD_OPTIONS_H
#define SEAMARK_UPSTREAM_FORWARD_OPTIONS_H

#include "conf/corefile.h"
#include "upstream/forward_stage.h"

/* Reads the block of `d` into the stage, whose settings are the default ones. ERR_CONFIG with `e` set,
 * -ENOMEM. */
int forward_read_options(struct forward_stage *f, const struct directive *d, struct errtext *e);

/* For whatever directive has a forward stage, `plugin` by name. */

/* Reads a domain name, in lower case. ERR_CONFIG with `e` set. */
int forward_read_name(const char *plugin, const struct directive *d, const char *word, uint8_t *out,
                      struct errtext *e);

/* `except NAMES...`. ERR_CONFIG with `e` set, -ENOMEM. */
int forward_read_except(struct forward_stage *f, const char *plugin, const struct directive *o,
                        struct errtext *e);

#endif
