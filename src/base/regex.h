/*
 * Regular expressions of the configuration, matched against texts that strangers influence: RE2, which has
 * the syntax of Go's regexp package and finds the same match (leftmost, the first of the alternatives), in
 * time linear in the text whatever the expression. No other file knows the library; it is C++, this interface
 * is C.
 *
 * An expression is immutable and matches from any thread. RE2 keeps the states that matching has made in
 * memory of at most REGEX_MEMORY_MAX for each expression, behind a lock of its own that readers share; once
 * that is full it goes on without them, slower by a constant factor.
 */
#ifndef SEAMARK_BASE_REGEX_H
#define SEAMARK_BASE_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define REGEX_PATTERN_MAX 10000 /* octets of an expression: CoreDNS's limit */
#define REGEX_GROUPS_MAX  99    /* groups of an expression, beside the whole match */
#define REGEX_MEMORY_MAX  (1 << 20)

struct regex;

/* A group's place in the text. */
struct regex_span {
    size_t at;
    size_t len;
    bool set; /* false: the group has taken no part in the match */
};

/* Compiles `pattern`. ERR_MALFORMED with `e` saying why in Go's words ("error parsing regexp: ...");
 * ERR_LIMIT where it is too long, has too many groups or takes too much memory; -ENOMEM. */
int regex_new(const char *pattern, struct regex **out, struct errtext *e);
void regex_free(struct regex *r); /* NULL allowed */

/* Number of groups, without the whole match. */
unsigned regex_groups(const struct regex *r);

/* Number of the group that is called `name` (len octets), or ERR_NOT_FOUND. */
int regex_group_named(const struct regex *r, const char *name, size_t len);

/* Name of group `i` (1 to regex_groups()), or NULL where it has none. Valid as long as the expression. */
const char *regex_group_name(const struct regex *r, unsigned i);

/* Whether the expression matches anywhere in `text` (len octets). spans[0] becomes the whole match, spans[1]
 * the first group and so on, nspans of them (0 is cheapest); those beyond the expression's groups are not
 * set. Without memory: no match. */
bool regex_match(const struct regex *r, const char *text, size_t len, struct regex_span *spans,
                 unsigned nspans);

#ifdef __cplusplus
}
#endif

#endif
