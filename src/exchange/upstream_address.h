/* Addresses of upstreams: `10.0.0.10`, `10.0.0.10:5353`, `2001:db8::1`, `[2001:db8::1]:53`, `fe80::1%eth0`.
 * Any thread. */
#ifndef SEAMARK_EXCHANGE_UPSTREAM_ADDRESS_H
#define SEAMARK_EXCHANGE_UPSTREAM_ADDRESS_H

#include "serve/request.h"

#define UPSTREAM_PORT     53
#define UPSTREAM_TEXT_MAX (ADDRESS_TEXT_MAX + 16)

/* Reads an address; port 53 where none is written. ERR_MALFORMED where it is not an IP address (a host name,
 * a path). */
int upstream_address_parse(const char *text, union address *out);
/* The same with another port where none is written. */
int upstream_address_parse_port(const char *text, uint16_t port, union address *out);

/* Splits "HOST" or "HOST:PORT" ("[HOST]" and "[HOST]:PORT" with colons in HOST); *port stays where none is
 * written. What HOST is does not matter. ERR_MALFORMED. */
int upstream_address_split(const char *text, char *host, size_t cap, uint16_t *port);

/* "10.0.0.10:53", "[2001:db8::1]:53", or "recursion" where there is no address: the label "to" of metrics.
 * Returns `out`. */
char *upstream_address_text(const union address *a, char out[UPSTREAM_TEXT_MAX]);

/* Binds a socket to a source address, the port left to the connect that follows, so that as many may be in
 * use as there are destinations. Nothing where the family is 0. -errno. */
int upstream_address_bind(int fd, const union address *source);

#endif
