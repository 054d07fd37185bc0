/*
 * The Corefile, read as CoreDNS reads it: server blocks of keys and directives, snippets, `import`,
 * environment variables, quoting and comments. What a directive means is its plugin's business (src/plugins/,
 * and conf/kubernetes_block.h for the one that both programs read); this module knows words and lines only.
 *
 * A loaded corefile is immutable, owns all its memory (one arena) and may be read by any thread.
 */
#ifndef SEAMARK_CONF_COREFILE_H
#define SEAMARK_CONF_COREFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A line of the configuration and, where it ends in `{`, the lines inside its braces. */
struct directive {
    const char *name;        /* first word */
    const char *const *args; /* the words behind it, nargs of them, then NULL */
    size_t nargs;
    const struct directive *body; /* nbody lines; NULL where there was no brace */
    size_t nbody;
    int has_body;     /* true for `{ }` too */
    const char *file; /* where the line stands, through imports too */
    unsigned line;    /* counted from 1 */
};

enum key_scheme { KEY_DNS, KEY_TLS, KEY_QUIC, KEY_GRPC, KEY_HTTPS, KEY_HTTPS3 };

/* One zone that a server block answers for; `10.0.0.0/23` in a Corefile makes two of them. */
struct server_key {
    enum key_scheme scheme;
    const char *zone; /* presentation form, lower case, with the final dot */
    uint16_t port;    /* 0 where none was written: the scheme's default, or -dns.port for dns:// */
    const char
        *cidr; /* the CIDR it was written as ("10.0.0.0/23"), or NULL; loopback to what a plugin may want */
};

struct server_block {
    const struct server_key *keys;
    size_t nkeys;
    const struct directive *directives;
    size_t ndirectives;
    const char *file;
    unsigned line;
};

struct corefile {
    const struct server_block *blocks;
    size_t nblocks;
    uint64_t hash;            /* of all tokens: comments and white space do not count, imported files do */
    const char *const *files; /* every file that was read, nfiles of them */
    size_t nfiles;
    void *arena;
};

/*
 * Loads the file at `path`. Errors: ERR_CONFIG with `e` set to "FILE:LINE - what was expected, what was
 * found"; -errno where the file cannot be read; -ENOMEM. Limits are named in corefile.c. Control thread only
 * (getenv).
 */
int corefile_load(const char *path, struct corefile **out, struct errtext *e);

/* The same from memory; `name` stands in error messages, and imports are relative to the folder of `name`. */
int corefile_parse(const char *name, const char *text, size_t len, struct corefile **out, struct errtext *e);

void corefile_free(struct corefile *c); /* NULL allowed */

/* First directive of that name in the block, or NULL. */
const struct directive *server_block_find(const struct server_block *b, const char *name);

#endif
