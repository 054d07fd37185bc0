/*
 * Regular expressions from the configuration, matched against texts that strangers influence: Perl's syntax
 * (PCRE2), which holds nearly all of Go's, with fixed limits on what a match may cost. A match that would
 * cost more counts as none. Immutable; matching from any thread.
 */
#ifndef SEAMARK_SERVE_ERROR_PATTERN_H
#define SEAMARK_SERVE_ERROR_PATTERN_H

#include <stdbool.h>

#include "base/err.h"

struct error_pattern;

/* ERR_MALFORMED with `e` set to what is wrong and where; ERR_LIMIT; -ENOMEM. */
int error_pattern_new(const char *text, struct error_pattern **out, struct errtext *e);
void error_pattern_free(struct error_pattern *p); /* NULL allowed */

/* Whether the expression matches anywhere in `subject`. Without memory: no. */
bool error_pattern_matches(const struct error_pattern *p, const char *subject);

#endif
