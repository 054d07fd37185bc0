/*
 * The name servers of a resolv.conf(5)-like file. Lines `nameserver ADDRESS` count; search, domain, options,
 * sortlist and whatever else stands there do not, nor do lines that start with `#` or `;`. An address that
 * cannot be read is left out, as resolvers do, and named in the log. Any thread.
 */
#ifndef SEAMARK_UPSTREAM_RESOLV_CONF_H
#define SEAMARK_UPSTREAM_RESOLV_CONF_H

#include "serve/request.h"

/* A resolv.conf has some hundred octets; more than this is not one. */
#define RESOLV_CONF_MAX 65536

/* Reads the file. At most `max` servers go to `out` (those behind are left out and named in the log), their
 * number to `count`; none is no error. -errno, ERR_LIMIT. */
int resolv_conf_read(const char *path, union address *out, size_t max, size_t *count);

/* The same from memory; `path` is for log lines. Returns the number of servers. */
size_t resolv_conf_parse(const char *path, const char *text, size_t len, union address *out, size_t max);

#endif
