#include "serve/express_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Zones of one listener: a bucket's links are 16 bits wide. Beyond it everything walks the chain, which takes
 * as long for so many. */
#define ZONES_MAX 16384

struct express_table {
    unsigned count;
    unsigned mask; /* buckets, less one */
    unsigned ndepths;
    uint8_t depths[NAME_MAX_LEN / 2 + 1]; /* numbers of labels that its zones have, most first */
    uint16_t *buckets;                    /* counted from 1; 0 is empty */
    struct express_zone root;             /* of names in no other zone: only `kept` */
    struct express_zone zones[];
};

/* Of a name with a label at least. */
static inline unsigned bucket_of(const struct express_table *t, const uint8_t *name, size_t len)
{
    return (name[1] * 31u + name[2] * 17u + (unsigned)len) & t->mask;
}

const struct express_zone *express_table_find(const struct express_table *t, const uint8_t *lname, size_t len,
                                              const uint8_t *starts, unsigned labels)
{
    for (unsigned d = 0; d < t->ndepths; d++) {
        if (t->depths[d] > labels)
            continue;
        size_t at = starts[labels - t->depths[d]];
        const uint8_t *suffix = lname + at;
        for (unsigned i = t->buckets[bucket_of(t, suffix, len - at)]; i != 0; i = t->zones[i - 1].next) {
            const struct express_zone *z = &t->zones[i - 1];
            if (express_zone_is(z, suffix, len - at))
                return z->served != NULL || z->kept != NULL ? z : NULL;
        }
    }
    return t->root.kept != NULL ? &t->root : NULL;
}

/* ---- the plan of a block ---- */

/* With neither `end` nor `kept` every question to the block walks the chain. */
static void plan_block(const struct block *b, struct express_plan *p)
{
    *p = (struct express_plan){0};
    for (unsigned i = 0; i < b->nstages && p->end == NULL; i++) {
        const struct plugin *plugin = b->stages[i].plugin;
        if (plugin->query == NULL && plugin->answer == NULL)
            continue;
        bool has_kept = p->kept != NULL;
        if (plugin->express == NULL || !plugin->express(b->stages[i].state, p)) {
            p->end = NULL;
            return;
        }
        p->stage = i;
        if (p->kept != NULL && !has_kept)
            p->kept_stage = i;
    }
}

/* ---- zones ---- */

static const struct route *route_of(const struct listener *l, const uint8_t *name)
{
    for (size_t i = 0; i < l->nroutes; i++)
        if (name_in(name, l->routes[i]->zone))
            return l->routes[i];
    return NULL;
}

/* Whether all names of a zone are in one of `zones`, or none is; false where it is some. */
static bool all_or_none(const uint8_t (*zones)[NAME_MAX_LEN], size_t n, const uint8_t *name, bool *all)
{
    bool some = false;
    *all = false;
    for (size_t i = 0; i < n; i++) {
        *all = *all || name_in(name, zones[i]);
        some = some || name_in(zones[i], name);
    }
    return *all || !some;
}

/* Whether a stage of the block answers names of the zone from files. */
static bool is_local(const struct block *b, const uint8_t *zone)
{
    for (unsigned i = 0; i < b->nstages; i++) {
        const struct plugin *p = b->stages[i].plugin;
        if (p->zones != NULL && served_zones_find(p->zones(b->stages[i].state), zone) != NULL)
            return true;
    }
    return false;
}

/* A zone of which no stage has the names: what is kept of them. Where a line is to be written of each, the
 * chain knows what to write. */
static void fill_kept(struct express_zone *z, const struct config *c, const struct listener *l,
                      const struct route *r, const struct express_plan *p)
{
    bool all;
    if (p->kept == NULL || p->tell != NULL || is_local(r->block, z->name) ||
        !all_or_none(p->ttl_zones, p->nttl_zones, z->name, &all) || !all)
        return;
    z->kept = p->kept;
    z->fetch_kept = p->fetch_kept;
    z->kept_state = p->kept_state;
    z->listener = (unsigned)(l - c->listeners);
    z->route = r;
    z->stage = (uint8_t)p->kept_stage;
    z->rotate = p->rotate;
    z->max_udp = p->max_udp;
}

static void fill_zone(struct express_zone *z, const struct config *c, const struct listener *l,
                      const struct express_plan *plans)
{
    const struct route *r = route_of(l, z->name);
    const struct express_plan *p = r == NULL ? NULL : &plans[r - c->routes];
    const struct served_zone *served =
        p == NULL || p->end == NULL ? NULL : served_zones_find(&p->end->zones, z->name);
    bool all_fall, one_ttl;
    if (served == NULL && p != NULL)
        fill_kept(z, c, l, r, p);
    if (served == NULL || served->label_count == 0 ||
        !all_or_none(p->ttl_zones, p->nttl_zones, z->name, &one_ttl))
        return;
    const struct zone_scope *f = &p->end->fallthrough;
    bool clear = all_or_none((const uint8_t(*)[NAME_MAX_LEN])f->zones, f->count, z->name, &all_fall);
    z->served = served;
    z->end = p->end;
    z->route = r;
    z->stage = (uint8_t)p->stage;
    z->apex_len = (uint8_t)served->spelling.apex_len;
    z->rotate = p->rotate;
    z->one_ttl = one_ttl;
    z->falls_through = all_fall || !clear;
    z->pods_made_up = p->pods_made_up;
    z->may_respell = p->may_respell;
    z->max_udp = p->max_udp;
    z->found = p->found;
    z->denied = p->denied;
    z->claims = p->claims;
    z->claims_state = p->claims_state;
    z->tell = p->tell;
    z->tell_state = p->tell_state;
}

/* ---- the table ---- */

static void add_zone(struct express_table *t, const uint8_t *name)
{
    struct express_zone *z = &t->zones[t->count];
    *z = (struct express_zone){.labels = (uint8_t)name_label_count(name)};
    z->len = (uint8_t)name_lower(z->name, name);
    if (z->labels > 0) /* the root's zone is t->root */
        t->count++;
}

static int more_labels_first(const void *a, const void *b)
{
    const struct express_zone *x = a, *y = b;
    return x->labels != y->labels ? y->labels - x->labels : name_compare(x->name, y->name);
}

/* Each name once, the deepest first. */
static void sort_zones(struct express_table *t)
{
    unsigned n = 0;
    qsort(t->zones, t->count, sizeof t->zones[0], more_labels_first);
    for (unsigned i = 0; i < t->count; i++)
        if (n == 0 || !name_equal(t->zones[i].name, t->zones[n - 1].name))
            t->zones[n++] = t->zones[i];
    t->count = n;
}

static bool index_zones(struct express_table *t)
{
    while (t->mask < 2 * t->count)
        t->mask = 2 * t->mask + 1;
    t->buckets = calloc(t->mask + 1u, sizeof *t->buckets);
    for (unsigned i = 0; t->buckets != NULL && i < t->count; i++) {
        struct express_zone *z = &t->zones[i];
        uint16_t *bucket = &t->buckets[bucket_of(t, z->name, z->len)];
        z->by_end = z->served != NULL && z->len == z->apex_len && z->labels == t->zones[0].labels;
        z->next = *bucket;
        *bucket = (uint16_t)(i + 1);
        if (t->ndepths == 0 || t->depths[t->ndepths - 1] != z->labels)
            t->depths[t->ndepths++] = z->labels;
    }
    return t->buckets != NULL;
}

static void table_free(struct express_table *t)
{
    if (t != NULL)
        free(t->buckets);
    free(t);
}

/* Adds the zones that the route's stages answer from files, where its names go the short way; returns how
 * many they are. `t` may be NULL. */
static size_t add_zones(const struct route *r, const struct express_plan *p, struct express_table *t)
{
    size_t n = 0;
    for (unsigned i = 0; (p->end != NULL || p->kept != NULL) && i < r->block->nstages; i++) {
        const struct stage *s = &r->block->stages[i];
        const struct served_zones *zones = s->plugin->zones == NULL ? NULL : s->plugin->zones(s->state);
        for (size_t k = 0; zones != NULL && k < zones->count; k++, n++)
            if (t != NULL && name_in(zones->zones[k].apex, r->zone))
                add_zone(t, zones->zones[k].apex);
    }
    return n;
}

static int table_build(const struct config *c, struct listener *l, const struct express_plan *plans)
{
    size_t most = l->nroutes;
    bool any = false;
    for (size_t i = 0; i < l->nroutes; i++) {
        const struct express_plan *p = &plans[l->routes[i] - c->routes];
        any = any || p->end != NULL || p->kept != NULL;
        most += add_zones(l->routes[i], p, NULL);
    }
    if (!any || most > ZONES_MAX)
        return ERR_OK;
    struct express_table *t = calloc(1, sizeof *t + (most + 1) * sizeof t->zones[0]);
    if (t == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < l->nroutes; i++) {
        add_zone(t, l->routes[i]->zone);
        add_zones(l->routes[i], &plans[l->routes[i] - c->routes], t);
    }
    fill_zone(&t->root, c, l, plans); /* its name is that of the root */
    sort_zones(t);
    for (unsigned i = 0; i < t->count; i++)
        fill_zone(&t->zones[i], c, l, plans);
    if (!index_zones(t)) {
        table_free(t);
        return -ENOMEM;
    }
    l->express = t;
    return ERR_OK;
}

int express_tables_build(struct config *c)
{
    struct express_plan *plans = calloc(c->nroutes + 1, sizeof *plans);
    int ret = plans == NULL ? -ENOMEM : ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < c->nroutes; i++)
        plan_block(c->routes[i].block, &plans[i]);
    for (size_t i = 0; ret == ERR_OK && i < c->nlisteners; i++)
        ret = table_build(c, &c->listeners[i], plans);
    free(plans);
    return ret;
}

void express_tables_free(struct config *c)
{
    for (size_t i = 0; i < c->nlisteners; i++) {
        table_free(c->listeners[i].express);
        c->listeners[i].express = NULL;
    }
}
