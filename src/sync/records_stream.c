#include "sync/records_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/*
 * Two runs of records are merged: the few of the apex, and the body. The body comes in pieces, each of them
 * sorted, each wholly before the next in canonical order: namespaces below pod.Z, then below svc.Z each
 * namespace's node and its units; in an external zone only the latter, right below Z; in a reverse zone the
 * addresses, as in a zone of clients. Where a piece ends, fill() makes the next.
 */
enum body { BODY_PODS, BODY_NAMESPACE, BODY_UNITS, BODY_ADDRESSES, BODY_END };

struct run {
    struct record_set set;
    size_t at;
};

struct record_stream {
    const struct record_rules *rules;
    const struct record_zone *zone;
    const struct store *store;
    struct run apex;
    struct run piece;
    enum body body;
    struct store_namespace **namespaces;
    size_t nnamespaces;
    size_t namespace; /* the present one */
    struct store_unit **units;
    size_t nunits;
    size_t unit;
    struct ip *addresses;
    size_t naddresses;
    size_t address;
};

static int compare_octet_labels(uint8_t a, uint8_t b)
{
    char x[4], y[4];
    snprintf(x, sizeof x, "%u", a);
    snprintf(y, sizeof y, "%u", b);
    return strcmp(x, y);
}

/* Canonical order of the reverse names: IPv4 by the octets' decimal text, IPv6 by nibbles, which is by
 * octets. */
static int compare_addresses(const void *a, const void *b)
{
    const struct ip *x = a, *y = b;
    if (x->family != y->family)
        return (int)x->family - (int)y->family; /* in-addr before ip6; they share a zone only below arpa */
    if (x->family == 6)
        return memcmp(x->octets, y->octets, 16);
    int order = 0;
    for (int i = 0; i < 4 && order == 0; i++)
        order = compare_octet_labels(x->octets[i], y->octets[i]);
    return order;
}

static int open_clients(struct record_stream *r)
{
    int ret = store_all_clients(r->store, &r->addresses, &r->naddresses);
    if (ret == ERR_OK)
        qsort(r->addresses, r->naddresses, sizeof *r->addresses, records_compare_clients);
    r->body = BODY_ADDRESSES;
    return ret;
}

static int open_addresses(struct record_stream *r)
{
    size_t n, kept = 0;
    int ret = store_all_addresses(r->store, &r->addresses, &n);
    if (ret != ERR_OK)
        return ret;
    for (size_t i = 0; i < n; i++)
        if (record_rules_zone_of(r->rules, r->zone->kind, &r->addresses[i]) == r->zone)
            r->addresses[kept++] = r->addresses[i];
    r->naddresses = kept;
    qsort(r->addresses, kept, sizeof *r->addresses, compare_addresses);
    r->body = BODY_ADDRESSES;
    return ERR_OK;
}

struct record_stream *record_stream_open(const struct record_rules *rules, const struct record_zone *z,
                                         const struct store *s, uint32_t serial)
{
    struct record_stream *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->rules = rules;
    r->zone = z;
    r->body = record_zone_is_cluster(z) ? BODY_PODS : BODY_NAMESPACE;
    r->store = s;
    record_set_init(&r->apex.set);
    record_set_init(&r->piece.set);
    records_of_apex(rules, z, s, serial, &r->apex.set);
    record_set_sort(&r->apex.set);
    int ret = r->apex.set.error;
    if (ret == ERR_OK && z->kind == RECORD_ZONE_CLIENTS)
        ret = open_clients(r);
    else if (ret == ERR_OK)
        ret = record_zone_is_reverse(z) ? open_addresses(r)
                                        : store_sorted_namespaces(s, &r->namespaces, &r->nnamespaces);
    if (ret == ERR_OK)
        return r;
    record_stream_close(r);
    return NULL;
}

void record_stream_close(struct record_stream *r)
{
    if (r == NULL)
        return;
    record_set_free(&r->apex.set);
    record_set_free(&r->piece.set);
    free(r->namespaces);
    free(r->units);
    free(r->addresses);
    free(r);
}

/* Adds the namespace's node below `parent` (svc.Z or pod.Z) alone. */
static void add_node(struct record_stream *r, const struct store_namespace *n, const uint8_t *parent)
{
    struct record_set nodes;
    record_set_init(&nodes);
    records_of_namespace(r->rules, r->zone, n, &nodes);
    for (size_t i = 0; i < nodes.count; i++) {
        struct rr rr;
        record_set_rr(&nodes, i, &rr);
        if (name_in(rr.owner, parent))
            record_set_add(&r->piece.set, rr.owner, rr.type, rr.ttl, rr.rdata, rr.rdlen);
    }
    if (nodes.error != ERR_OK)
        r->piece.set.error = nodes.error;
    record_set_free(&nodes);
}

static void fill_pods(struct record_stream *r)
{
    if (r->namespace == r->nnamespaces) {
        r->namespace = 0;
        r->body = BODY_NAMESPACE;
        return;
    }
    const struct store_namespace *n = r->namespaces[r->namespace ++];
    const struct store_pod_address *a;
    add_node(r, n, r->zone->pod);
    LIST_FOREACH(a, &n->pod_addresses, in_namespace)
    records_of_pod_address(r->rules, r->zone, r->store, n, &a->ip, &r->piece.set);
}

static int fill_namespace(struct record_stream *r)
{
    if (r->namespace == r->nnamespaces) {
        r->body = BODY_END;
        return ERR_OK;
    }
    const struct store_namespace *n = r->namespaces[r->namespace ++];
    if (!store_exposed(n))
        return ERR_OK;
    add_node(r, n, r->zone->svc);
    free(r->units);
    r->units = NULL;
    r->unit = 0;
    r->body = BODY_UNITS;
    return store_sorted_units(n, &r->units, &r->nunits);
}

static void fill_unit(struct record_stream *r)
{
    if (r->unit == r->nunits) {
        r->body = BODY_NAMESPACE;
        return;
    }
    records_of_unit(r->rules, r->zone, r->units[r->unit++], &r->piece.set);
}

static void fill_address(struct record_stream *r)
{
    if (r->address == r->naddresses) {
        r->body = BODY_END;
        return;
    }
    const struct ip *ip = &r->addresses[r->address++];
    if (r->zone->kind == RECORD_ZONE_CLIENTS)
        records_of_client(r->zone, r->store, ip, &r->piece.set);
    else
        records_of_address(r->rules, r->zone, r->store, ip, &r->piece.set);
}

/* Makes the next piece that has something in it. */
static int fill(struct record_stream *r)
{
    int ret = ERR_OK;
    r->piece.at = 0;
    record_set_reset(&r->piece.set);
    while (ret == ERR_OK && r->piece.set.count == 0 && r->body != BODY_END) {
        if (r->body == BODY_PODS)
            fill_pods(r);
        else if (r->body == BODY_NAMESPACE)
            ret = fill_namespace(r);
        else if (r->body == BODY_UNITS)
            fill_unit(r);
        else
            fill_address(r);
        if (ret == ERR_OK)
            ret = r->piece.set.error;
    }
    record_set_sort(&r->piece.set);
    return ret;
}

static bool peek(const struct run *run, struct rr *out)
{
    if (run->at == run->set.count)
        return false;
    record_set_rr(&run->set, run->at, out);
    return true;
}

int record_stream_next(struct record_stream *r, struct rr *out)
{
    struct rr apex, piece;
    if (r->piece.at == r->piece.set.count) {
        int ret = fill(r);
        if (ret != ERR_OK)
            return ret;
    }
    bool has_apex = peek(&r->apex, &apex), has_piece = peek(&r->piece, &piece);
    if (!has_apex && !has_piece)
        return 0;
    if (has_apex && (!has_piece || rr_compare(&apex, &piece) < 0)) {
        *out = apex;
        r->apex.at++;
    } else {
        *out = piece;
        r->piece.at++;
    }
    return 1;
}
