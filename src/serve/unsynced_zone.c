#include "serve/unsynced_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A record at PREFIX + the zone's name. False where it cannot be made. */
static bool add(struct zone_txn *t, struct rr_storage *storage, const char *prefix, const char *zone,
                uint32_t ttl, const char *data)
{
    char line[3 * NAME_MAX_TEXT];
    struct rr rr;
    snprintf(line, sizeof line, "%s%s %u IN %s", prefix, zone, ttl, data);
    return rr_from_text(line, strlen(line), storage, &rr) == ERR_OK && zone_add(t, &rr) == ERR_OK;
}

static bool fill(struct zone_txn *t, struct rr_storage *storage, const char *zone, bool reverse, uint32_t ttl)
{
    const char *below = strcmp(zone, ".") == 0 ? "" : zone;
    char soa[2 * NAME_MAX_TEXT + 64];
    uint32_t soa_ttl = ttl < 300 ? ttl : 300; /* CoreDNS's limit */
    snprintf(soa, sizeof soa, "SOA ns.dns.%s hostmaster.%s 0 7200 1800 86400 %u", below, below, ttl);
    if (!add(t, storage, "", zone, soa_ttl, soa))
        return false;
    return reverse || (add(t, storage, "svc.", below, ttl, "TYPE65280 \\# 0") &&
                       add(t, storage, "pod.", below, ttl, "TYPE65280 \\# 0") &&
                       add(t, storage, "dns-version.", below, 28800, "TXT \"1.1.0\""));
}

struct zone *unsynced_zone_new(const char *zone, bool reverse, uint32_t ttl)
{
    uint8_t apex[NAME_MAX_LEN];
    if (name_from_text(zone, strlen(zone), apex) < 0)
        return NULL;
    struct rr_storage *storage = malloc(sizeof *storage);
    struct zone *z = zone_new(apex);
    struct zone_txn *t = z != NULL && storage != NULL ? zone_begin(z) : NULL;
    bool filled = t != NULL && fill(t, storage, zone, reverse, ttl);
    if (t != NULL && !filled)
        zone_abort(t);
    if (!filled || zone_commit(t) != ERR_OK) {
        zone_free(z);
        z = NULL;
    }
    free(storage);
    return z;
}
