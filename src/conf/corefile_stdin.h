/*
 * `-conf stdin`: a configuration that comes by a pipe, as with CoreDNS. A pipe can be read once, and both
 * programs read a Corefile more than once: what came is kept in memory, under the descriptor of standard
 * input, so that it has a path like any file, for this process and for those it starts.
 */
#ifndef SEAMARK_CONF_COREFILE_STDIN_H
#define SEAMARK_CONF_COREFILE_STDIN_H

#include "base/err.h"

/* Where *conf is "stdin", reads standard input to its end and sets *conf to a path that gives what was read,
 * as often as wanted; to NULL where standard input is a terminal or another device, which CoreDNS takes for
 * no configuration. Any other *conf stays. -errno, or ERR_LIMIT for more than a Corefile may have, with `e`
 * set. Once, before there are threads. */
int corefile_take_stdin(const char **conf, struct errtext *e);

#endif
