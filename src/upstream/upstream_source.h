/*
 * One TO of a `forward` directive: an address, a host name, or a file like /etc/resolv.conf whose name
 * servers count.
 *
 * A host name is looked up at start, by `resolver` or the system's resolver, and again every
 * SOURCE_REFRESH_MS. Where that fails, the addresses found before stay in use.
 *
 * A file is looked at again now and then (upstream_source_look); what it names is taken over once two looks
 * in a row have found the same, so that a file that is being written is not read half. A file that cannot be
 * read, or names no server, changes nothing. A path is followed anew each time, so a file that is replaced,
 * or the symbolic link of a ConfigMap that is moved on, is seen like one that is written in place.
 *
 * Control thread.
 */
#ifndef SEAMARK_UPSTREAM_SOURCE_H
#define SEAMARK_UPSTREAM_SOURCE_H

#include <stdbool.h>

#include "base/err.h"
#include "exchange/upstream_transport.h"
#include "upstream/upstream_lookup.h"

/* How long the addresses of a host name are taken as they were. */
#define SOURCE_REFRESH_MS 30000
/* The same while none is known. */
#define SOURCE_RETRY_MS 1000

#define UPSTREAMS_MAX 15 /* CoreDNS's limit of TOs, and ours of upstreams in use */

struct upstream_source {
    char *path;                                 /* of a file, or NULL. Owned */
    char *host;                                 /* a host name, or NULL. Owned */
    uint16_t port;                              /* of all the host's addresses */
    const struct upstream_resolvers *resolvers; /* who knows the host; borrowed */
    struct upstream_lookup *lookup;             /* under way, or NULL */
    uint64_t next_ms;                           /* when the next one begins */
    struct upstream_transport transport;    /* of an address, as it is written: without its TLS settings */
    union address addresses[UPSTREAMS_MAX]; /* what it stands for */
    unsigned count;
    uint64_t taken;   /* hash of the file's content that `addresses` is of */
    uint64_t pending; /* of the last look, where that was another; 0: it was not */
    bool bad;         /* the log has said that it cannot be used */
};

/* A source of one address. */
void upstream_source_address(struct upstream_source *s, const union address *address);

/* A source that is a file, read now. -errno where it cannot be read, ERR_LIMIT where it is no such file (too
 * large), -ENOMEM. A file without name servers is no error. */
int upstream_source_file(struct upstream_source *s, const char *path);

/* A host name, which is not looked up before the first look. -ENOMEM. */
int upstream_source_host(struct upstream_source *s, const char *host, uint16_t port,
                         const struct upstream_resolvers *resolvers);

/* Looks again: reads a file, takes what a lookup has found, begins one where it is time. True: `addresses`
 * has changed. */
bool upstream_source_look(struct upstream_source *s);

/* Waits for a lookup that is under way, `ms` at the most. */
void upstream_source_wait(struct upstream_source *s, unsigned ms);

/* Whether it may change, so that looking makes sense. */
bool upstream_source_changes(const struct upstream_source *s);

void upstream_source_free(struct upstream_source *s);

#endif
