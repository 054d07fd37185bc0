/*
 * The search list of a resolv.conf(5)-like file: the domains that a resolver puts behind a name, in their
 * order. As CoreDNS reads it: the last `search` or `domain` line counts. Immutable once read.
 */
#ifndef SEAMARK_SERVE_SEARCH_LIST_H
#define SEAMARK_SERVE_SEARCH_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "dns/name.h"

/* Kubernetes allows a pod 32; each costs a question of its own for a name that does not exist. */
#define SEARCH_LIST_MAX 32

struct search_list {
    size_t count;
    uint8_t domains[SEARCH_LIST_MAX][NAME_MAX_LEN]; /* lower case */
};

/* Reads the file. A domain that is no name, and those beyond SEARCH_LIST_MAX, are left out with a warning
 * that names `path`. -errno, ERR_LIMIT where the file is over 64 KiB; `out` is empty then. */
int search_list_read(const char *path, struct search_list *out);

/* The same from memory, which need not end with a NUL. */
void search_list_parse(const char *path, const char *text, size_t len, struct search_list *out);

#endif
