/*
 * The addresses of an upstream that is given by its host name, looked up in a thread of its own, which lives
 * as long as the lookup: the system's resolver, which is asked where no `resolver` is given, knows no other
 * way than to wait.
 *
 * Control thread.
 */
#ifndef SEAMARK_UPSTREAM_UPSTREAM_LOOKUP_H
#define SEAMARK_UPSTREAM_UPSTREAM_LOOKUP_H

#include <stdbool.h>

#include "base/err.h"
#include "serve/request.h"

#define LOOKUP_RESOLVERS_MAX 15
/* One resolver has this long for both questions, which are sent thrice meanwhile (CoreDNS: 2 s each). */
#define LOOKUP_TIMEOUT_MS 2000

struct upstream_lookup;

/* Who is asked; none: the system's resolver. */
struct upstream_resolvers {
    union address list[LOOKUP_RESOLVERS_MAX]; /* in turn, until one has an address */
    unsigned count;
};

/* Whether `host` is a host name, as RFC 1123 section 2.1 and underscores have it, and not an address. */
bool upstream_lookup_is_host(const char *host);

/* Begins. `host` is a domain name in text; all is copied. -ENOMEM, -EAGAIN where there are too many threads.
 */
int upstream_lookup_start(const char *host, const struct upstream_resolvers *resolvers,
                          struct upstream_lookup **out);

/* Whether it has ended. */
bool upstream_lookup_ended(struct upstream_lookup *l);
/* Waits for that, `ms` at the most. */
bool upstream_lookup_wait(struct upstream_lookup *l, unsigned ms);

/* Of one that has ended: the addresses, sorted, with this port, at most `max`; returns their number. With 0
 * `why` says in words what is wrong (static). */
unsigned upstream_lookup_result(const struct upstream_lookup *l, uint16_t port, union address *out,
                                unsigned max, const char **why);

/* Lets go of it; a thread that is still at it ends by itself. NULL allowed. */
void upstream_lookup_free(struct upstream_lookup *l);

#endif
