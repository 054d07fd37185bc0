/* What a request of DNS over HTTPS says of where it goes. Any thread. */
#ifndef SEAMARK_EXCHANGE_DOH_URL_H
#define SEAMARK_EXCHANGE_DOH_URL_H

#include "base/bytes.h"
#include "exchange/exchange.h"
#include "exchange/upstream_address.h"

#define DOH_AUTHORITY_MAX (SERVER_NAME_MAX + UPSTREAM_TEXT_MAX)

/* The name that the server is known by, else its address; with the port where it is not 443. `cap` is
 * DOH_AUTHORITY_MAX. */
void doh_authority(const struct exchange_target *target, char *out, size_t cap);

/* The path with the message in it, for GET: base64url without padding (RFC 8484 section 4.1). `out` is begun
 * here; the caller looks at its error and frees it. */
void doh_get_path(const char *path, const uint8_t *message, size_t len, struct bytes *out);

#endif
