#include "serve/config_routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/rr.h"

static const char *const all_addresses[] = {""};

static struct listener *find_listener(struct config *c, const char *address, uint16_t port)
{
    for (size_t i = 0; i < c->nlisteners; i++)
        if (c->listeners[i].port == port && strcmp(c->listeners[i].address, address) == 0)
            return &c->listeners[i];
    return NULL;
}

static void label_listener(struct listener *l)
{
    bool v6 = strchr(l->address, ':') != NULL;
    snprintf(l->label, sizeof l->label, "dns://%s%s%s:%u", v6 ? "[" : "", l->address, v6 ? "]" : "", l->port);
}

/* As many listeners and routes as there are pairs of key and address: counted first, so that pointers stay.
 */
static size_t count_pairs(const struct config *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->nblocks; i++)
        n += c->blocks[i].source->nkeys * (c->blocks[i].bind == NULL ? 1 : c->blocks[i].nbind);
    return n;
}

static int fill_route(struct route *r, struct block *b, const struct server_key *key, struct errtext *e)
{
    uint8_t zone[NAME_MAX_LEN];
    if (name_from_text(key->zone, strlen(key->zone), zone) < 0)
        return errtext_set(e, ERR_CONFIG, "%s:%u - '%s' is not a domain name", b->source->file,
                           b->source->line, key->zone);
    r->block = b;
    r->zone_len = (uint8_t)name_lower(r->zone, zone);
    r->label_count = (uint8_t)name_label_count(zone);
    snprintf(r->zone_text, sizeof r->zone_text, "%s", key->zone);
    return ERR_OK;
}

static int add_route(struct config *c, struct block *b, const struct server_key *key, const char *address,
                     uint16_t port, struct errtext *e)
{
    struct listener *l = find_listener(c, address, port);
    if (l == NULL) {
        l = &c->listeners[c->nlisteners++];
        l->port = port;
        snprintf(l->address, sizeof l->address, "%s", address);
        label_listener(l);
    }
    struct route *r = &c->routes[c->nroutes];
    int ret = fill_route(r, b, key, e);
    if (ret != ERR_OK)
        return ret;
    for (size_t i = 0; i < c->nroutes; i++)
        if (c->routes[i].listener == l && name_equal(c->routes[i].zone, r->zone))
            return errtext_set(e, ERR_CONFIG,
                               "%s:%u - cannot serve %s on %s - it is already defined by the block at %s:%u",
                               b->source->file, b->source->line, key->zone, l->label,
                               c->routes[i].block->source->file, c->routes[i].block->source->line);
    r->listener = l;
    l->any_class = l->any_class || b->any_class;
    c->nroutes++;
    return ERR_OK;
}

static int add_block(struct config *c, struct block *b, uint16_t dns_port, struct errtext *e)
{
    for (size_t k = 0; k < b->source->nkeys; k++) {
        const struct server_key *key = &b->source->keys[k];
        if (key->scheme != KEY_DNS)
            return errtext_set(
                e, ERR_CONFIG,
                "%s:%u - serving over tls://, quic://, grpc:// or https:// is not built into Seamark yet",
                b->source->file, b->source->line);
        uint16_t port = key->port != 0 ? key->port : dns_port;
        const char *const *addresses = b->bind == NULL ? all_addresses : b->bind;
        size_t count = b->bind == NULL ? 1 : b->nbind;
        for (size_t a = 0; a < count; a++) {
            int ret = add_route(c, b, key, addresses[a], port, e);
            if (ret != ERR_OK)
                return ret;
        }
    }
    return ERR_OK;
}

/* A port that is bound both for all addresses and for one: the kernel would share it out by address, and
 * CoreDNS refuses it. */
static int check_bindings(const struct config *c, struct errtext *e)
{
    for (size_t i = 0; i < c->nroutes; i++)
        for (size_t j = 0; j < c->nroutes; j++) {
            const struct route *a = &c->routes[i], *b = &c->routes[j];
            if (a->listener->port == b->listener->port && a->listener->address[0] == '\0' &&
                b->listener->address[0] != '\0' && name_equal(a->zone, b->zone))
                return errtext_set(
                    e, ERR_CONFIG,
                    "%s:%u - zone %s port %u is bound to %s here and to all addresses at %s:%u",
                    b->block->source->file, b->block->source->line, b->zone_text, b->listener->port,
                    b->listener->address, a->block->source->file, a->block->source->line);
        }
    return ERR_OK;
}

static int more_labels_first(const void *a, const void *b)
{
    const struct route *const *x = a, *const *y = b;
    return (*y)->label_count - (*x)->label_count;
}

static int sort_routes(struct config *c, struct errtext *e)
{
    for (size_t i = 0; i < c->nlisteners; i++) {
        struct listener *l = &c->listeners[i];
        l->routes = calloc(c->nroutes, sizeof *l->routes);
        if (l->routes == NULL)
            return errtext_set(e, -ENOMEM, "configuration: no memory");
        for (size_t r = 0; r < c->nroutes; r++)
            if (c->routes[r].listener == l)
                l->routes[l->nroutes++] = &c->routes[r];
        qsort(l->routes, l->nroutes, sizeof *l->routes, more_labels_first);
    }
    return ERR_OK;
}

int config_routes_build(struct config *c, uint16_t dns_port, struct errtext *e)
{
    size_t pairs = count_pairs(c);
    c->listeners = calloc(pairs > 0 ? pairs : 1, sizeof *c->listeners);
    c->routes = calloc(pairs > 0 ? pairs : 1, sizeof *c->routes);
    if (c->listeners == NULL || c->routes == NULL)
        return errtext_set(e, -ENOMEM, "configuration: no memory");
    for (size_t i = 0; i < c->nblocks; i++) {
        int ret = add_block(c, &c->blocks[i], dns_port, e);
        if (ret != ERR_OK)
            return ret;
    }
    int ret = check_bindings(c, e);
    return ret != ERR_OK ? ret : sort_routes(c, e);
}

void config_routes_free(struct config *c)
{
    for (size_t i = 0; i < c->nlisteners; i++)
        free(c->listeners[i].routes);
    free(c->listeners);
    free(c->routes);
}

const struct route *listener_route(const struct listener *l, const struct query *q)
{
    for (size_t i = 0; i < l->nroutes; i++) {
        const struct route *r = l->routes[i];
        if (r->label_count > q->label_count)
            continue;
        if (!name_in_len(q->lname, q->qname_len, r->zone, r->zone_len))
            continue;
        /* DS is the parent's business (RFC 4035 section 3.1.4.1), where the parent is served here too. The
         * root is not looked for, as in CoreDNS: a cluster's own name would be asked for upstream. */
        bool child = q->qtype == RR_DS && r->label_count == q->label_count && r->label_count > 0;
        if (child && i + 1 < l->nroutes) {
            for (size_t k = i + 1; k < l->nroutes; k++)
                if (l->routes[k]->label_count > 0 && name_in(q->lname, l->routes[k]->zone))
                    return l->routes[k];
        }
        return r;
    }
    return NULL;
}
