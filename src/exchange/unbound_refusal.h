/* Settings of unbound.conf(5) that are refused, because in the library they would be ignored, would reach
 * beyond the block that they stand in, or are dangerous. Any thread. */
#ifndef SEAMARK_EXCHANGE_UNBOUND_REFUSAL_H
#define SEAMARK_EXCHANGE_UNBOUND_REFUSAL_H

#include <stddef.h>

/* Why the setting (without its colon, `len` octets) is refused, or NULL. A constant. */
const char *unbound_refusal(const char *name, size_t len);

#endif
