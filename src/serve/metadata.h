/*
 * Metadata: what plugins know about a request, by label, for those who print it
 * ({/kubernetes/client-namespace} of `log`) or decide by it (rewrite, template). CoreDNS collects all values
 * before the chain; here a value is looked up when somebody asks, so a label that nobody uses costs nothing.
 */
#ifndef SEAMARK_SERVE_METADATA_H
#define SEAMARK_SERVE_METADATA_H

#include <stdbool.h>

#include "serve/request.h"

#define METADATA_VALUE_MAX 512 /* octets of a value; longer ones are cut */

/* True for "plugin/name": neither part empty (CoreDNS's IsLabel). */
bool metadata_is_label(const char *text);

/* Writes the value of `label` (at most `cap` octets, no NUL) and returns its length; -1 where the block has
 * no `metadata`, its zones do not hold the client's question (but for metadata_anywhere), or no plugin knows
 * the label. In the request's
 * worker, at any point of the walk through the chain. */
int metadata_value(const struct request *r, const char *label, char *out, size_t cap);

#endif
