#include "zone/zonedb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"

struct entry {
    struct zone *zone;
    unsigned labels; /* of the apex */
};

struct table {
    size_t count;
    struct entry entries[]; /* most labels first */
};

struct zonedb {
    struct table *table; /* published through base/rcu.h */
};

struct zonedb *zonedb_new(void)
{
    struct zonedb *db = malloc(sizeof *db);
    struct table *empty = calloc(1, sizeof *empty);
    if (db == NULL || empty == NULL) {
        free(db);
        free(empty);
        return NULL;
    }
    db->table = empty;
    return db;
}

void zonedb_free(struct zonedb *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->table->count; i++)
        zone_free(db->table->entries[i].zone);
    free(db->table);
    free(db);
}

struct zone *zonedb_lookup(const struct zonedb *db, const uint8_t *lname)
{
    const struct table *t = rcu_read(&db->table);
    unsigned labels = name_label_count(lname);
    for (size_t i = 0; i < t->count; i++) {
        for (; labels > t->entries[i].labels; labels--)
            lname += 1u + *lname;
        if (labels == t->entries[i].labels && name_equal(zone_apex(t->entries[i].zone), lname))
            return t->entries[i].zone;
    }
    return NULL;
}

/* Index of the zone with that apex, or the table's count. */
static size_t search(const struct table *t, const uint8_t *apex)
{
    size_t i = 0;
    while (i < t->count && !name_equal(zone_apex(t->entries[i].zone), apex))
        i++;
    return i;
}

struct zone *zonedb_get(const struct zonedb *db, const uint8_t *apex)
{
    const struct table *t = rcu_read(&db->table);
    size_t i = search(t, apex);
    return i < t->count ? t->entries[i].zone : NULL;
}

/* Puts `next` in the place of the present table, which goes when its readers have gone, and `zone` with it.
 */
static void publish(struct zonedb *db, struct table *next, struct zone *zone)
{
    struct table *old = db->table;
    rcu_publish(&db->table, next);
    rcu_free_later(old, free);
    if (zone != NULL)
        rcu_free_later(zone, zone_release);
}

int zonedb_put(struct zonedb *db, struct zone *z)
{
    const struct table *t = db->table;
    size_t old = search(t, zone_apex(z)), count = t->count + (old == t->count);
    struct zone *replaced = old < t->count ? t->entries[old].zone : NULL;
    if (count > ZONEDB_MAX)
        return ERR_LIMIT;
    struct table *next = malloc(sizeof *next + count * sizeof next->entries[0]);
    if (next == NULL)
        return -ENOMEM;
    next->count = count;
    struct entry entry = {.zone = z, .labels = name_label_count(zone_apex(z))};
    size_t at = replaced != NULL ? old : 0;
    while (replaced == NULL && at < t->count && t->entries[at].labels >= entry.labels)
        at++;
    size_t behind = replaced != NULL ? at + 1 : at;
    memcpy(next->entries, t->entries, at * sizeof entry);
    next->entries[at] = entry;
    memcpy(next->entries + at + 1, t->entries + behind, (t->count - behind) * sizeof entry);
    publish(db, next, replaced);
    return ERR_OK;
}

int zonedb_drop(struct zonedb *db, const uint8_t *apex)
{
    const struct table *t = db->table;
    size_t at = search(t, apex);
    if (at == t->count)
        return ERR_NOT_FOUND;
    struct table *next = malloc(sizeof *next + (t->count - 1) * sizeof next->entries[0]);
    if (next == NULL)
        return -ENOMEM;
    next->count = t->count - 1;
    memcpy(next->entries, t->entries, at * sizeof t->entries[0]);
    memcpy(next->entries + at, t->entries + at + 1, (next->count - at) * sizeof t->entries[0]);
    publish(db, next, t->entries[at].zone);
    return ERR_OK;
}
