/* Wildcards (RFC 4592): which name stands in for one that does not exist. Any registered RCU reader. */
#ifndef SEAMARK_ZONE_ZONE_WILDCARD_H
#define SEAMARK_ZONE_ZONE_WILDCARD_H

#include "zone/zone.h"

/* The node "*.ENCLOSER", where ENCLOSER is the longest existing ancestor of `lname`, a lower-case name of
 * `len` octets below the apex that does not exist; NULL where there is none. */
const struct node *zone_wildcard(const struct zone_version *v, const uint8_t *lname, size_t len);

#endif
