/* The lines about DNSSEC that the directives `unbound` and `forward` have in common. As conf/args.h; control
 * thread. */
#ifndef SEAMARK_EXCHANGE_UNBOUND_ARGS_H
#define SEAMARK_EXCHANGE_UNBOUND_ARGS_H

#include "conf/args.h"
#include "exchange/unbound_settings.h"

/* `validate [FILE]` */
int unbound_args_validate(struct unbound_settings *s, const char *plugin, const struct directive *o,
                          struct errtext *e);

/* `negative_trust_anchors ZONES...` */
int unbound_args_distrust(struct unbound_settings *s, const char *plugin, const struct directive *o,
                          struct errtext *e);

/* Once all lines are read: trust anchors, positive or negative, mean something with `validate` alone. */
int unbound_args_complete(const struct unbound_settings *s, const char *plugin, const struct directive *d,
                          struct errtext *e);

#endif
