/*
 * The content of a hosts file: names to addresses and addresses to names. Immutable once it is read; any
 * thread.
 *
 * Lines read `ADDRESS NAME...`, `#` begins a comment; what does not read so is left out, as every resolver
 * does. A zone after an IPv6 address (`%eth0`) is left out. A name `*.example.org` stands for all names with
 * one label in its place that are not in the file themselves; it has no reverse entry.
 */
#ifndef SEAMARK_SERVE_HOSTS_TABLE_H
#define SEAMARK_SERVE_HOSTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/zone_scope.h"

struct hosts_table;

/* Pairs of a name and an address in one file: the largest block lists have half a million; 40 MB. */
#define HOSTS_ENTRIES_MAX 1000000

/* What a file is read for. */
struct hosts_scope {
    struct zone_scope names; /* others are left out */
    bool reverse;            /* addresses are found too */
};

/* ERR_LIMIT for more entries than HOSTS_ENTRIES_MAX, -ENOMEM. */
int hosts_table_read(const char *text, size_t len, const struct hosts_scope *scope, struct hosts_table **out);
void hosts_table_free(struct hosts_table *t); /* NULL allowed */

/* Addresses and, where reverse entries are kept, names by address: CoreDNS's count of entries. */
size_t hosts_table_entries(const struct hosts_table *t);

/* A run of entries: the addresses of a name, in the order of the file, or the names of an address. */
struct hosts_run {
    const struct hosts_table *table;
    size_t first;
    size_t count;
};
/* Addresses of one family of a lower-case name, its own or those of the wildcard. */
struct hosts_run hosts_addresses(const struct hosts_table *t, const uint8_t *lname, bool six);
const uint8_t *hosts_address(const struct hosts_run *run, size_t i); /* 4 or 16 octets */
/* Whether there are addresses, of either family, of the lower-case name of `len` octets, whose name_hash() is
 * `hash`. */
bool hosts_table_has(const struct hosts_table *t, const uint8_t *lname, size_t len, uint64_t hash);
/* Names of an address. */
struct hosts_run hosts_names(const struct hosts_table *t, const uint8_t *address, bool six);
const uint8_t *hosts_name(const struct hosts_run *run, size_t i); /* lower case, wire form */

/* The address that a lower-case name below in-addr.arpa or ip6.arpa stands for, all of its labels there:
 * false where it is none. `out` has 16 octets. */
bool hosts_reverse_address(const uint8_t *lname, uint8_t *out, bool *six);

#endif
