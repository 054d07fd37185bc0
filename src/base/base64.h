/* Base64 in its form for URLs, without padding (RFC 4648 section 5). Any thread. */
#ifndef SEAMARK_BASE_BASE64_H
#define SEAMARK_BASE_BASE64_H

#include "base/bytes.h"

/* Appends the encoded octets; errors are `out`'s. */
int base64url_append(struct bytes *out, const uint8_t *data, size_t len);

#endif
