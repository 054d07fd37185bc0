/* A set of zones that a name is in or not: where a plugin or its `fallthrough` holds. Immutable once made. */
#ifndef SEAMARK_SERVE_ZONE_SCOPE_H
#define SEAMARK_SERVE_ZONE_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/args.h"
#include "dns/name.h"

struct zone_scope {
    uint8_t (*zones)[NAME_MAX_LEN]; /* lower case */
    size_t count;
};

/* The zones of a list; `scope` owns its memory: zone_scope_free(), also after an error. ERR_MALFORMED where
 * one is no name, -ENOMEM. Control thread. */
int zone_scope_init(struct zone_scope *scope, const struct zone_list *list);
/* As CoreDNS's `fallthrough`: nothing where it is not given, every name where it names no zones. */
int zone_scope_init_fallthrough(struct zone_scope *scope, bool given, const struct zone_list *list);
void zone_scope_free(struct zone_scope *scope);

/* Whether the lower-case name is at or below one of the zones. Any thread. */
bool zone_scope_has(const struct zone_scope *scope, const uint8_t *lname);

#endif
