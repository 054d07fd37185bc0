/* What identity lines are made of (kubernetes_block_identity). */
#ifndef SEAMARK_CONF_KUBERNETES_IDENTITY_P_H
#define SEAMARK_CONF_KUBERNETES_IDENTITY_P_H

#include "base/bytes.h"

/* Appends a word of the configuration so that it reads back as one, cut and closed with a hash of the whole
 * where it is long. A failure stays in `out`. */
void identity_append_word(struct bytes *out, const char *word);

/* Cuts what was appended since `start` in the same way. */
void identity_shorten(struct bytes *out, size_t start);

#endif
