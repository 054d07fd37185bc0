/*
 * The option `zonal`: names of a headless service that ask for the endpoints of one topology zone.
 *
 *     T.pin._zone.SVC.NS.svc.Z       the endpoints in T; no data where there are none
 *     T.prefer._zone.SVC.NS.svc.Z    the endpoints in T, or all where there are none
 *
 * T may be anything, so the zone has wildcards (RFC 4592): `*.pin._zone.SVC…` holds nothing but TYPE65280, so
 * that such names exist, and `*.prefer._zone.SVC…` holds all endpoints. A wildcard stands for names below an
 * existing one only if it is right there. So every name that exists because of a zone T, T itself and, as T
 * may hold dots, all that it ends in, has a wildcard of its own below it, with the same content; and an end
 * of a zone that is no zone itself (`example.com` of `rack7.example.com`) answers `prefer` with all
 * endpoints, as any other zone without endpoints does.
 *
 * That is many records: with k zones some 2k + 2 times those of the service itself. A service with too many
 * has none of these names, and a line in the log; its other names are as ever.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "sync/records_endpoints_p.h"
#include "sync/records_p.h"

/* Names that exist below pin._zone because of a service's zones. Clusters have a handful of zones; a service
 * with more names than this is made to cost. */
#define NODES_MAX 64

struct topology {
    const struct record_zone *zone;
    const uint8_t *base;
    const struct store_unit *unit;
    const struct endpoint *all; /* as records_endpoints.c sorts them */
    struct endpoint *by_zone;   /* those that have one */
    size_t nall, nby_zone;
    const char *nodes[NODES_MAX]; /* zones and what they end in, sorted, each once */
    size_t nnodes;
    bool too_many;
    struct record_set *out;
};

static const char *zone_of(const struct endpoint *e)
{
    return store_at(e->slice, e->address.zone);
}

static int compare_zones(const void *a, const void *b)
{
    const struct endpoint *x = a, *y = b;
    return strcmp(zone_of(x), zone_of(y));
}

/* The endpoints of exactly that zone: index of the first, their number in `*count`. */
static size_t find_zone(const struct topology *t, const char *zone, size_t *count)
{
    size_t first = 0;
    while (first < t->nby_zone && strcmp(zone_of(&t->by_zone[first]), zone) != 0)
        first++;
    *count = 0;
    while (first + *count < t->nby_zone && strcmp(zone_of(&t->by_zone[first + *count]), zone) == 0)
        ++*count;
    return first;
}

static void add_node(struct topology *t, const char *node)
{
    for (size_t i = 0; i < t->nnodes; i++)
        if (strcmp(t->nodes[i], node) == 0)
            return;
    if (t->nnodes == NODES_MAX)
        t->too_many = true;
    else
        t->nodes[t->nnodes++] = node;
}

static int collect(struct topology *t)
{
    t->by_zone = calloc(t->nall + 1, sizeof *t->by_zone);
    if (t->by_zone == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < t->nall; i++)
        if (t->all[i].address.zone != 0)
            t->by_zone[t->nby_zone++] = t->all[i];
    qsort(t->by_zone, t->nby_zone, sizeof *t->by_zone, compare_zones);
    for (size_t i = 0; i < t->nby_zone; i++)
        if (i == 0 || compare_zones(&t->by_zone[i], &t->by_zone[i - 1]) != 0)
            for (const char *node = zone_of(&t->by_zone[i]); node != NULL && !t->too_many;) {
                add_node(t, node);
                const char *dot = strchr(node, '.');
                node = dot == NULL ? NULL : dot + 1;
            }
    return ERR_OK;
}

/* What any zone without endpoints answers, at `owner`. */
static void add_others(const struct topology *t, const uint8_t *owner, bool prefer)
{
    if (prefer)
        records_add_endpoints(t->zone, owner, t->base, t->unit, t->all, t->nall, &any_port, t->out);
    else
        record_set_add(t->out, owner, RR_NAMESPACE, t->zone->ttl, "", 0);
}

static void add_wildcard(const struct topology *t, const uint8_t *below, bool prefer)
{
    uint8_t owner[NAME_MAX_LEN];
    if (records_prepend(owner, "*", below))
        add_others(t, owner, prefer);
}

static bool node_name(uint8_t out[NAME_MAX_LEN], const char *node, const uint8_t *directive)
{
    uint8_t labels[NAME_MAX_LEN];
    int len = name_from_text(node, strlen(node), labels);
    return len > 1 && records_prepend_wire(out, labels, (size_t)len - 1, directive);
}

/* All that is below `directive`, which is prefer._zone.SVC… or pin._zone.SVC… */
static void add_directive(const struct topology *t, const uint8_t *directive, bool prefer)
{
    add_wildcard(t, directive, prefer);
    for (size_t i = 0; i < t->nnodes && t->out->error == ERR_OK; i++) {
        uint8_t owner[NAME_MAX_LEN];
        size_t count, first = find_zone(t, t->nodes[i], &count);
        if (!node_name(owner, t->nodes[i], directive))
            continue;
        if (count > 0)
            records_add_endpoints(t->zone, owner, t->base, t->unit, t->by_zone + first, count, &any_port,
                                  t->out);
        else
            add_others(t, owner, prefer);
        add_wildcard(t, owner, prefer);
    }
}

void records_of_topology(const struct record_zone *z, const uint8_t *base, const struct store_unit *unit,
                         const struct endpoint *list, size_t n, struct record_set *out)
{
    uint8_t anchor[NAME_MAX_LEN], directive[NAME_MAX_LEN];
    struct record_set names;
    record_set_init(&names);
    struct topology t = {.zone = z, .base = base, .unit = unit, .all = list, .nall = n, .out = &names};
    if (collect(&t) != ERR_OK)
        out->error = -ENOMEM;
    if (!t.too_many && out->error == ERR_OK && records_prepend(anchor, "_zone", base)) {
        if (records_prepend(directive, "prefer", anchor))
            add_directive(&t, directive, true);
        if (records_prepend(directive, "pin", anchor))
            add_directive(&t, directive, false);
    }
    if (t.too_many || names.error == ERR_LIMIT || names.data.len + out->data.len > RECORD_SET_MAX)
        log_limited(LOG_LEVEL_WARNING, "sync: Service %s/%s: no names for its zones (%s)",
                    unit->namespace->name, unit->name,
                    t.too_many ? "they are too many" : "their records would take too much memory");
    else if (out->error == ERR_OK)
        record_set_append(out, &names);
    free(t.by_zone);
    record_set_free(&names);
}
