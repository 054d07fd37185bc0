/*
 * What is known of a cluster's zone before anything of the cluster is: its apex, svc.ZONE and pod.ZONE, and
 * dns-version.ZONE. CoreDNS answers these before its first synchronisation too, with serial 0; all else is
 * SERVFAIL then, since it may exist.
 */
#ifndef SEAMARK_SERVE_UNSYNCED_ZONE_H
#define SEAMARK_SERVE_UNSYNCED_ZONE_H

#include <stdbool.h>

#include "zone/zone.h"

/* The zone of that name in text, with the final dot. A reverse zone has the apex alone. NULL without memory,
 * or where the name leaves no room for names below it. Free with zone_free(). */
struct zone *unsynced_zone_new(const char *zone, bool reverse, uint32_t ttl);

#endif
