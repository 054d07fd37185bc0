/* forward's options of the direct exchanges (exchange_direct.h). Control thread. */
#ifndef SEAMARK_UPSTREAM_FORWARD_DIRECT_H
#define SEAMARK_UPSTREAM_FORWARD_DIRECT_H

#include "conf/corefile.h"
#include "upstream/upstream_roster.h"

/* Reads the option `o` of a forward directive. ERR_NOT_FOUND: it is none of these; ERR_CONFIG with a text
 * where it is wrong. */
int forward_direct_read(struct upstream_settings *s, const struct directive *o, struct errtext *e);

/* Reads a TO that is a tls:// or https:// URL, of an address or of a host name that `r`'s resolvers know.
 * ERR_NOT_FOUND: it is none; ERR_CONFIG with a text. */
int forward_direct_to(struct upstream_roster *r, struct upstream_source *source, const struct directive *d,
                      const char *to, struct errtext *e);

/* Whether the options agree with each other and with the upstreams; `d` is the directive itself. Reads the
 * files that `tls` names. */
int forward_direct_check(struct upstream_settings *s, const struct directive *d, struct errtext *e);

/* Logs where `d` has options of TLS, but no upstream that speaks it. When all TOs are read. */
void forward_direct_warn(const struct upstream_roster *r, const struct directive *d);

#endif
