/*
 * Random histories of Kubernetes events, for property tests: few names, so that everything collides: objects
 * made again under a name, slices moved to another service, addresses passed on, namespaces that come and go
 * under their services, lists in the middle. A history is given by its seed alone. Header only.
 */
#ifndef SEAMARK_TESTS_HISTORY_H
#define SEAMARK_TESTS_HISTORY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/kube_object.h"

#define HISTORY_NAMES 5 /* of each kind, in each of 3 namespaces */
#define HISTORY_SLOTS (KUBE_KINDS * 3 * HISTORY_NAMES)

/* What a slot holds is given by a number; 0: no such object. */
struct history {
    uint64_t random;
    uint64_t content[HISTORY_SLOTS];
};

static inline uint64_t history_random(uint64_t *state, uint64_t below)
{
    *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static inline enum kube_kind history_kind(size_t slot)
{
    return (enum kube_kind)(slot % KUBE_KINDS);
}

/* Names: namespaces a, b, c; the others by number. A Namespace's own name is that of its slot's namespace. */
static inline void history_names(size_t slot, const char **namespace, const char **name)
{
    static const char *const namespaces[] = {"a", "b", "c"};
    static const char *const names[] = {"db", "web", "x0", "x1", "x2"};
    size_t ns = slot / KUBE_KINDS % 3;
    *namespace = history_kind(slot) == KUBE_NAMESPACE ? "" : namespaces[ns];
    *name = history_kind(slot) == KUBE_NAMESPACE ? namespaces[ns] : names[slot / (KUBE_KINDS * 3)];
}

/* An object with room for what it points to. */
struct history_object {
    struct kube_object o;
    struct ip ips[8];
    struct kube_external externals[3];
    struct kube_port ports[4];
    struct kube_endpoint endpoints[6];
    struct kube_label labels[2];
};

static inline struct ip history_ip(uint64_t *r)
{
    struct ip ip = {0};
    char text[IP_TEXT_MAX];
    uint64_t n = history_random(r, 6);
    snprintf(text, sizeof text, history_random(r, 4) == 0 ? "fd00::%x" : "10.%u.0.7", (unsigned)n);
    ip_from_text(text, &ip);
    return ip;
}

static inline size_t history_ports(uint64_t *r, struct kube_port *ports)
{
    static const char *const names[] = {"", "http", "dns", "b ad"};
    size_t n = history_random(r, 4);
    for (size_t i = 0; i < n; i++)
        ports[i] = (struct kube_port){.name = names[history_random(r, 4)],
                                      .protocol = history_random(r, 2) == 0 ? "TCP" : "UDP",
                                      .port = (uint16_t)history_random(r, 3)};
    return n;
}

static inline void history_service(uint64_t *r, struct history_object *h)
{
    static const char *const targets[] = {"www.example.com", "10.0.0.1", "web.a.svc.cluster.local",
                                          "no name"};
    struct kube_service *s = &h->o.service;
    bool import = h->o.kind == KUBE_SERVICEIMPORT;
    s->type = (enum service_type)history_random(r, import ? 2 : 3);
    s->ips = h->ips;
    s->nips = s->type == SERVICE_CLUSTER_IP ? history_random(r, 3) : 0;
    for (size_t i = 0; i < s->nips; i++)
        h->ips[i] = history_ip(r);
    s->ports = h->ports;
    s->nports = history_ports(r, h->ports);
    s->external_name = s->type == SERVICE_EXTERNAL_NAME ? targets[history_random(r, 4)] : "";
    s->externals = h->externals;
    s->nexternals = import ? 0 : history_random(r, 2) * history_random(r, 4);
    for (size_t i = 0; i < s->nexternals; i++) {
        bool host = history_random(r, 3) == 0;
        h->externals[i] = (struct kube_external){.ip = host ? (struct ip){0} : history_ip(r),
                                                 .host = host ? targets[history_random(r, 4)] : ""};
    }
}

static inline void history_slice(uint64_t *r, struct history_object *h)
{
    static const char *const services[] = {"db", "web", "x0", "", "Upper"};
    static const char *const topologies[] = {"", "eu-a", "rack7.EU-A", "b.rack7.eu-a", "no zone"};
    static const char *const clusters[] = {"", "east", "West", "c.d"};
    static const char *const hostnames[] = {"", "", "h0", "h1", "not a label"};
    static const char *const fqdns[] = {"www.example.com", "mail.example.com", "nodots"};
    struct kube_slice *s = &h->o.slice;
    bool fqdn = history_random(r, 8) == 0;
    s->service = services[history_random(r, 5)];
    s->imported = services[history_random(r, 5)];
    s->cluster = clusters[history_random(r, 4)];
    s->ports = h->ports;
    s->nports = history_ports(r, h->ports);
    s->endpoints = h->endpoints;
    s->nendpoints = history_random(r, 6);
    for (size_t i = 0; i < s->nendpoints; i++) {
        h->ips[i] = history_ip(r);
        h->endpoints[i] = (struct kube_endpoint){.ips = &h->ips[i],
                                                 .nips = fqdn ? 0 : 1,
                                                 .hostname = hostnames[history_random(r, 5)],
                                                 .target_name = history_random(r, 2) == 0 ? "pod-1" : "",
                                                 .fqdn = fqdn ? fqdns[history_random(r, 3)] : "",
                                                 .zone = topologies[history_random(r, 5)],
                                                 .ready = history_random(r, 4) != 0};
    }
}

static inline void history_pod(uint64_t *r, struct history_object *h)
{
    struct kube_pod *p = &h->o.pod;
    *p = (struct kube_pod){.nips = history_random(r, 5) == 0 ? 0 : 1 + history_random(r, 2)};
    for (size_t i = 0; i < p->nips; i++)
        p->ips[i] = history_ip(r);
    if (p->nips == 2 && memcmp(&p->ips[0], &p->ips[1], sizeof p->ips[0]) == 0)
        p->nips = 1;
    h->labels[0] = (struct kube_label){"app", history_random(r, 2) == 0 ? "web" : "db"};
    h->labels[1] = (struct kube_label){"tier", "x"};
    p->labels = h->labels;
    p->nlabels = history_random(r, 3);
}

/* The object that a slot holds when its content is `content`. */
static inline void history_make(size_t slot, uint64_t content, struct history_object *h)
{
    uint64_t r = content;
    *h = (struct history_object){.o = {.kind = history_kind(slot), .uid = "", .resource_version = ""}};
    history_names(slot, &h->o.namespace, &h->o.name);
    if (h->o.kind == KUBE_SERVICE || h->o.kind == KUBE_SERVICEIMPORT)
        history_service(&r, h);
    else if (h->o.kind == KUBE_ENDPOINTSLICE)
        history_slice(&r, h);
    else if (h->o.kind == KUBE_POD)
        history_pod(&r, h);
}

/* Who is told. */
struct history_taker {
    void *ctx;
    void (*put)(void *ctx, const struct kube_object *o); /* borrowed */
    void (*remove)(void *ctx, enum kube_kind kind, const char *namespace, const char *name);
    void (*list_begin)(void *ctx, enum kube_kind kind);
    void (*list_end)(void *ctx, enum kube_kind kind);
};

static inline void history_tell(const struct history *h, size_t slot, const struct history_taker *t)
{
    struct history_object object;
    const char *namespace, *name;
    history_names(slot, &namespace, &name);
    if (h->content[slot] == 0) {
        t->remove(t->ctx, history_kind(slot), namespace, name);
        return;
    }
    history_make(slot, h->content[slot], &object);
    t->put(t->ctx, &object.o);
}

/* Slots of one Namespace object beyond the first of its name do not count. */
static inline bool history_is_used(size_t slot)
{
    return history_kind(slot) != KUBE_NAMESPACE || slot / (KUBE_KINDS * 3) == 0;
}

static inline void history_list(const struct history *h, enum kube_kind kind, const struct history_taker *t)
{
    t->list_begin(t->ctx, kind);
    for (size_t slot = 0; slot < HISTORY_SLOTS; slot++)
        if (history_kind(slot) == kind && h->content[slot] != 0 && history_is_used(slot))
            history_tell(h, slot, t);
    t->list_end(t->ctx, kind);
}

/* One step: an object comes, changes, goes or is told of again, or a kind is listed anew, with changes that
 * nobody told of. */
static inline void history_step(struct history *h, const struct history_taker *t)
{
    size_t slot;
    do
        slot = history_random(&h->random, HISTORY_SLOTS);
    while (!history_is_used(slot));
    uint64_t what = history_random(&h->random, 100);
    if (what < 55)
        h->content[slot] = 1 + history_random(&h->random, 1000000);
    else if (what < 85)
        h->content[slot] = 0;
    if (what < 92) {
        history_tell(h, slot, t);
        return;
    }
    if (history_random(&h->random, 4) == 0) /* begun, and begun again */
        t->list_begin(t->ctx, history_kind(slot));
    h->content[slot] = history_random(&h->random, 2) == 0 ? 0 : 1 + history_random(&h->random, 1000000);
    history_list(h, history_kind(slot), t);
}

#endif
