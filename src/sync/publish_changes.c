#include "sync/publish_changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum what { UNIT, NAMESPACE, POD_ADDRESS, ADDRESS, CLIENT };

/* Something touched, with the records it had: one set for each zone of the block, empty where it has none
 * there. */
struct touched {
    struct store_link
        link; /* POD_ADDRESS, ADDRESS, CLIENT: found again by hash; units and namespaces carry a flag */
    TAILQ_ENTRY(touched) in_list;
    enum what what;
    struct store_unit *unit;
    struct store_namespace *namespace; /* NAMESPACE and POD_ADDRESS */
    struct ip ip;                      /* POD_ADDRESS, ADDRESS, CLIENT */
    struct record_set before[];
};

struct changes {
    const struct record_rules *rules;
    struct store *store;
    TAILQ_HEAD(, touched) list; /* in the order they were touched */
    size_t pending;
    uint64_t touches;
    struct store_table by_ip;
    struct record_set *apex; /* for each zone, as last taken, without the SOA */
    struct record_set after; /* scratch */
    int error;               /* sticky until taken */
};

/* ---- making records of what was touched ---- */

static void render(const struct changes *c, const struct touched *t, size_t zone, struct record_set *out)
{
    const struct record_rules *rules = c->rules;
    const struct record_zone *z = &rules->zones[zone];
    if (t->what == UNIT)
        records_of_unit(rules, z, t->unit, out);
    else if (t->what == NAMESPACE)
        records_of_namespace(rules, z, t->namespace, out);
    else if (t->what == POD_ADDRESS)
        records_of_pod_address(rules, z, c->store, t->namespace, &t->ip, out);
    else if (t->what == CLIENT)
        records_of_client(z, c->store, &t->ip, out);
    else
        records_of_address(rules, z, c->store, &t->ip, out);
    record_set_sort(out);
}

static void render_apex(const struct changes *c, size_t zone, struct record_set *out)
{
    struct record_set all;
    record_set_init(&all);
    records_of_apex(c->rules, &c->rules->zones[zone], c->store, 0, &all);
    for (size_t i = 0; i < all.count; i++) {
        struct rr rr;
        record_set_rr(&all, i, &rr);
        if (rr.type != RR_SOA)
            record_set_add(out, rr.owner, rr.type, rr.ttl, rr.rdata, rr.rdlen);
    }
    if (all.error != ERR_OK)
        out->error = all.error;
    record_set_free(&all);
    record_set_sort(out);
}

/* ---- taking down ---- */

static struct touched *touch(struct changes *c, enum what what, struct store_unit *unit,
                             struct store_namespace *n, const struct ip *ip)
{
    size_t nzones = c->rules->nzones;
    if (c->pending >= CHANGES_MAX)
        c->error = ERR_LIMIT;
    if (c->error != ERR_OK)
        return NULL; /* the zones are compared as a whole */
    struct touched *t = calloc(1, sizeof *t + nzones * sizeof t->before[0]);
    if (t == NULL) {
        c->error = -ENOMEM;
        return NULL;
    }
    t->what = what;
    t->unit = unit;
    t->namespace = n;
    if (ip != NULL)
        t->ip = *ip;
    for (size_t i = 0; i < nzones; i++) {
        record_set_init(&t->before[i]);
        render(c, t, i, &t->before[i]);
        if (t->before[i].error != ERR_OK)
            c->error = t->before[i].error;
    }
    TAILQ_INSERT_TAIL(&c->list, t, in_list);
    c->pending++;
    return t;
}

static void on_unit(void *ctx, struct store_unit *unit)
{
    struct changes *c = ctx;
    c->touches++;
    if (!unit->touched && touch(c, UNIT, unit, NULL, NULL) != NULL)
        unit->touched = true;
}

static void on_namespace(void *ctx, struct store_namespace *n)
{
    struct changes *c = ctx;
    c->touches++;
    if (!n->touched && touch(c, NAMESPACE, NULL, n, NULL) != NULL)
        n->touched = true;
}

static uint32_t ip_hash(const struct store_namespace *n, const struct ip *ip)
{
    uint32_t seed = n == NULL ? 0 : store_hash(0, n->name, strlen(n->name));
    return store_hash(seed, ip, sizeof *ip);
}

static void on_ip(struct changes *c, enum what what, struct store_namespace *n, const struct ip *ip)
{
    uint32_t hash = ip_hash(n, ip);
    for (struct store_link *l = store_table_chain(&c->by_ip, hash); l != NULL; l = l->next) {
        const struct touched *t = store_entry(l, struct touched, link);
        if (l->hash == hash && t->what == what && t->namespace == n && memcmp(&t->ip, ip, sizeof *ip) == 0)
            return;
    }
    struct touched *t = touch(c, what, NULL, n, ip);
    if (t != NULL)
        store_table_add(&c->by_ip, &t->link, hash);
}

static void on_address(void *ctx, const struct ip *ip)
{
    struct changes *c = ctx;
    c->touches++;
    if (record_rules_hold(c->rules, ip))
        on_ip(c, ADDRESS, NULL, ip);
}

static void on_pod_address(void *ctx, struct store_namespace *n, const struct ip *ip)
{
    struct changes *c = ctx;
    on_namespace(c, n); /* so that it stays until the change is taken */
    if (n->touched)
        on_ip(c, POD_ADDRESS, n, ip);
}

static void on_client(void *ctx, const struct ip *ip)
{
    struct changes *c = ctx;
    c->touches++;
    on_ip(c, CLIENT, NULL, ip);
}

/* ---- life ---- */

struct changes *changes_new(const struct record_rules *rules, struct store *store)
{
    struct changes *c = calloc(1, sizeof *c);
    struct record_set *apex = calloc(rules->nzones + 1, sizeof *apex);
    if (c == NULL || apex == NULL || store_table_init(&c->by_ip) != ERR_OK) {
        free(c);
        free(apex);
        return NULL;
    }
    c->rules = rules;
    c->store = store;
    c->apex = apex;
    TAILQ_INIT(&c->list);
    record_set_init(&c->after);
    for (size_t i = 0; i < rules->nzones; i++)
        record_set_init(&apex[i]);
    return c;
}

static void release(struct changes *c, struct touched *t)
{
    TAILQ_REMOVE(&c->list, t, in_list);
    for (size_t i = 0; i < c->rules->nzones; i++)
        record_set_free(&t->before[i]);
    if (t->what == POD_ADDRESS || t->what == ADDRESS || t->what == CLIENT)
        store_table_remove(&c->by_ip, &t->link);
    if (t->what == UNIT)
        store_settle_unit(c->store, t->unit);
    if (t->what == NAMESPACE)
        store_settle_namespace(c->store, t->namespace);
    free(t);
}

/* Namespaces last: the others may still point to them. */
static void release_all(struct changes *c)
{
    struct touched *t, *next;
    for (int namespaces = 0; namespaces <= 1; namespaces++)
        for (t = TAILQ_FIRST(&c->list); t != NULL; t = next) {
            next = TAILQ_NEXT(t, in_list);
            if ((t->what == NAMESPACE) == (namespaces == 1))
                release(c, t);
        }
    c->pending = 0;
    c->error = ERR_OK;
}

void changes_free(struct changes *c)
{
    if (c == NULL)
        return;
    store_listen(c->store, NULL);
    release_all(c);
    for (size_t i = 0; i < c->rules->nzones; i++)
        record_set_free(&c->apex[i]);
    free(c->apex);
    record_set_free(&c->after);
    store_table_free(&c->by_ip);
    free(c);
}

int changes_begin(struct changes *c)
{
    struct store_listener l = {.ctx = c,
                               .unit = on_unit,
                               .address = on_address,
                               .namespace = on_namespace,
                               .pod_address = on_pod_address,
                               .client = record_rules_have_clients(c->rules) ? on_client : NULL};
    release_all(c);
    store_listen(c->store, &l);
    int ret = ERR_OK;
    for (size_t i = 0; i < c->rules->nzones; i++) {
        record_set_reset(&c->apex[i]);
        render_apex(c, i, &c->apex[i]);
        if (c->apex[i].error != ERR_OK)
            ret = c->apex[i].error;
    }
    return ret;
}

size_t changes_pending(const struct changes *c)
{
    return c->pending;
}

uint64_t changes_touches(const struct changes *c)
{
    return c->touches;
}

/* ---- taking ---- */

struct taker {
    void (*visit)(void *ctx, size_t zone, char op, const struct rr *rr);
    void *ctx;
    size_t zone;
};

static int pass_on(void *ctx, char op, const struct rr *rr)
{
    struct taker *t = ctx;
    t->visit(t->ctx, t->zone, op, rr);
    return ERR_OK;
}

static void take_apex(struct changes *c, size_t zone, struct taker *taker)
{
    record_set_reset(&c->after);
    render_apex(c, zone, &c->after);
    if (c->after.error != ERR_OK) {
        c->error = c->after.error;
        return;
    }
    record_set_diff(&c->apex[zone], &c->after, pass_on, taker);
    struct record_set old = c->apex[zone];
    c->apex[zone] = c->after;
    c->after = old;
}

int changes_take(struct changes *c, void (*visit)(void *ctx, size_t zone, char op, const struct rr *rr),
                 void *ctx)
{
    struct taker taker = {.visit = visit, .ctx = ctx};
    for (taker.zone = 0; taker.zone < c->rules->nzones; taker.zone++) {
        struct touched *t;
        TAILQ_FOREACH(t, &c->list, in_list)
        {
            record_set_reset(&c->after);
            render(c, t, taker.zone, &c->after);
            if (c->after.error != ERR_OK)
                c->error = c->after.error;
            else
                record_set_diff(&t->before[taker.zone], &c->after, pass_on, &taker);
        }
        take_apex(c, taker.zone, &taker);
    }
    int ret = c->error;
    release_all(c);
    return ret;
}
