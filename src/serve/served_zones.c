#include "serve/served_zones.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "metrics/metrics.h"
#include "serve/unsynced_zone.h"

static bool is_reverse(const uint8_t *apex)
{
    static const uint8_t in_addr[] = "\7in-addr\4arpa", ip6[] = "\3ip6\4arpa";
    return name_in(apex, in_addr) || name_in(apex, ip6);
}

int served_zones_init(struct served_zones *s, const char *plugin, const char *view,
                      const struct zone_list *zones)
{
    *s = (struct served_zones){
        .plugin = plugin, .view = view, .zones = calloc(zones->count + 1, sizeof *s->zones)};
    if (s->zones == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < zones->count; i++) {
        struct served_zone *z = &s->zones[s->count++];
        if (name_from_text(zones->zones[i], strlen(zones->zones[i]), z->apex) < 0)
            return ERR_MALFORMED;
        z->spelling.apex_len = name_lower(z->apex, z->apex);
        name_to_text(z->apex, z->text);
        z->label_count = (uint8_t)name_label_count(z->apex);
        z->reverse = is_reverse(z->apex);
        z->spelling.apex = z->apex;
    }
    return ERR_OK;
}

void served_zones_free(struct served_zones *s)
{
    for (size_t i = 0; i < s->count; i++) {
        zone_watch_release(s->zones[i].watched);
        zone_free(s->zones[i].unsynced);
    }
    free(s->zones);
    *s = (struct served_zones){0};
}

int served_zones_add_unsynced(struct served_zones *s, uint32_t ttl, struct errtext *e)
{
    for (size_t i = 0; i < s->count; i++) {
        struct served_zone *z = &s->zones[i];
        z->unsynced = unsynced_zone_new(z->text, z->reverse, ttl);
        if (z->unsynced == NULL)
            return errtext_set(e, ERR_MALFORMED, "plugin/%s: zone %s: there is no room for names below it",
                               s->plugin, z->text);
    }
    return ERR_OK;
}

/* ---- metrics ---- */

static double gauge_age(void *ctx)
{
    return watched_zone_age(((const struct served_zone *)ctx)->watched);
}

static double gauge_of(const struct served_zone *z, bool serial)
{
    double value = 0;
    rcu_reader_begin();
    const struct zone *zone = watched_zone_read(z->watched);
    if (zone != NULL) {
        const struct zone_version *v = zone_current(zone);
        value = serial ? (double)zone_serial(v) : (double)zone_record_count(v);
    }
    rcu_reader_end();
    return value;
}

static double gauge_serial(void *ctx)
{
    return gauge_of(ctx, true);
}

static double gauge_records(void *ctx)
{
    return gauge_of(ctx, false);
}

static const struct metric_desc age_desc = {
    .name = "seamark_zone_age_seconds",
    .help = "Seconds since the zone was last known to be in step with its source; -1 where there is no zone.",
    .type = METRIC_GAUGE};
static const struct metric_desc serial_desc = {
    .name = "seamark_zone_serial", .help = "Serial of the zone that is served.", .type = METRIC_GAUGE};
static const struct metric_desc records_desc = {
    .name = "seamark_zone_records", .help = "Records of the zone that is served.", .type = METRIC_GAUGE};

static void add_gauges(struct served_zone *z, const char *view)
{
    struct metric_label labels[] = {LABEL("zone", z->text), LABEL("view", view)};
    size_t nlabels = *view != '\0' ? 2 : 1;
    z->gauges[0] = metrics_gauge(&age_desc, labels, nlabels, gauge_age, z);
    z->gauges[1] = metrics_gauge(&serial_desc, labels, nlabels, gauge_serial, z);
    z->gauges[2] = metrics_gauge(&records_desc, labels, nlabels, gauge_records, z);
}

/* ---- life ---- */

int served_zones_start(struct served_zones *s, const char *identity, struct errtext *e)
{
    for (size_t i = 0; i < s->count; i++) {
        struct served_zone *z = &s->zones[i];
        z->watched = zone_watch_acquire(z->apex, s->view, identity);
        if (z->watched == NULL)
            return errtext_set(e, -ENOMEM,
                               "plugin/%s: zone %s cannot be watched (no memory, or its name is too long)",
                               s->plugin, z->text);
    }
    for (size_t i = 0; i < s->count; i++)
        add_gauges(&s->zones[i], s->view);
    return ERR_OK;
}

void served_zones_stop(struct served_zones *s)
{
    for (size_t i = 0; i < s->count; i++)
        for (unsigned g = 0; g < 3; g++) {
            metrics_gauge_remove(s->zones[i].gauges[g]);
            s->zones[i].gauges[g] = NULL;
        }
}

static bool is_loaded(const struct served_zone *z)
{
    rcu_reader_begin();
    bool loaded = z->watched != NULL && watched_zone_read(z->watched) != NULL;
    rcu_reader_end();
    return loaded;
}

bool served_zones_loaded(const struct served_zones *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (!is_loaded(&s->zones[i]))
            return false;
    return true;
}

const struct served_zone *served_zones_find(const struct served_zones *s, const uint8_t *lname)
{
    const struct served_zone *best = NULL;
    size_t len = name_len(lname);
    for (size_t i = 0; i < s->count; i++) {
        const struct served_zone *z = &s->zones[i];
        if ((best == NULL || z->label_count > best->label_count) &&
            name_in_len(lname, len, z->apex, z->spelling.apex_len))
            best = z;
    }
    return best;
}
