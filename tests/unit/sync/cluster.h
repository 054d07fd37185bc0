/*
 * A cluster for tests: YAML of Kubernetes objects goes into a store, the records of a zone come out as text.
 * Header only, since every test is a program of its own. Failures to set up end the test program.
 */
#ifndef SEAMARK_TESTS_CLUSTER_H
#define SEAMARK_TESTS_CLUSTER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/cluster_block.h"
#include "conf/corefile.h"
#include "sync/kube_json.h"
#include "sync/kube_yaml.h"
#include "sync/records_stream.h"
#include "sync/store.h"

struct cluster {
    struct corefile *corefile;
    struct cluster_block block;
    struct record_rules rules;
    struct store *store;
};

#define CLUSTER_MUST(condition)                                                                              \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* An empty store with the block's options; it borrows from the block. */
static inline struct store *cluster_new_store(const struct cluster *c)
{
    struct store_options store = {.namespaces = &c->block.kubernetes.namespaces,
                                  .endpoint_pod_names = c->block.kubernetes.endpoint_pod_names,
                                  .noendpoints = c->block.kubernetes.noendpoints,
                                  .multicluster = c->block.kubernetes.multicluster.count > 0,
                                  .zonal = c->block.kubernetes.zonal,
                                  .externals = c->block.external.zones.count > 0,
                                  .clients = &c->block.clients};
    return store_new(&store);
}

/* `options` are lines of a kubernetes block; `zones` stand behind its name; `beside` is what else is in the
 * server block. */
static inline void cluster_open_with(struct cluster *c, const char *zones, const char *options,
                                     const char *beside)
{
    struct errtext e = {0};
    char text[4096];
    int len =
        snprintf(text, sizeof text, "%s {\nkubernetes %s {\n%s\n}\n%s\n}\n", zones, zones, options, beside);
    *c = (struct cluster){0};
    CLUSTER_MUST(corefile_parse("test", text, (size_t)len, &c->corefile, &e) == ERR_OK);
    int ret = cluster_block_parse(c->corefile, &c->corefile->blocks[0],
                                  server_block_find(&c->corefile->blocks[0], "kubernetes"), &c->block, &e);
    if (ret != ERR_OK)
        fprintf(stderr, "%s\n", e.text);
    CLUSTER_MUST(ret == ERR_OK);
    CLUSTER_MUST(record_rules_init(&c->rules, &c->block, &e) == ERR_OK);
    c->store = cluster_new_store(c);
    CLUSTER_MUST(c->store != NULL);
}

static inline void cluster_open(struct cluster *c, const char *zones, const char *options)
{
    cluster_open_with(c, zones, options, "");
}

static inline void cluster_close(struct cluster *c)
{
    store_free(c->store);
    record_rules_free(&c->rules);
    cluster_block_free(&c->block);
    corefile_free(c->corefile);
}

struct cluster_reader {
    void (*visit)(void *ctx, struct kube_object *o);
    void *ctx;
};

static inline int cluster_on_document(void *ctx, struct json_object *doc, unsigned number)
{
    struct cluster_reader *r = ctx;
    struct errtext e = {0};
    enum kube_kind kind;
    struct kube_object *o;
    (void)number;
    int ret = kube_json_kind(doc, &kind, &e);
    if (ret == ERR_OK)
        ret = kube_json_object(doc, kind, &o, &e);
    if (ret != ERR_OK)
        fprintf(stderr, "%s\n", e.text);
    CLUSTER_MUST(ret == ERR_OK);
    r->visit(r->ctx, o);
    return ERR_OK;
}

/* Calls visit for each object of the YAML; visit owns it. */
static inline void cluster_each(const char *yaml, void (*visit)(void *ctx, struct kube_object *o), void *ctx)
{
    struct cluster_reader r = {visit, ctx};
    struct errtext e = {0};
    int ret = kube_yaml(yaml, strlen(yaml), cluster_on_document, &r, &e);
    if (ret != ERR_OK)
        fprintf(stderr, "%s\n", e.text);
    CLUSTER_MUST(ret == ERR_OK);
}

static inline void cluster_put_object(void *ctx, struct kube_object *o)
{
    store_put(ctx, o);
    kube_object_free(o);
}

static inline void cluster_put(struct cluster *c, const char *yaml)
{
    cluster_each(yaml, cluster_put_object, c->store);
}

static inline const struct record_zone *cluster_zone(const struct cluster *c, const char *name)
{
    uint8_t apex[NAME_MAX_LEN];
    CLUSTER_MUST(name_from_text(name, strlen(name), apex) > 0);
    for (size_t i = 0; i < c->rules.nzones; i++)
        if (name_equal(c->rules.zones[i].apex, apex))
            return &c->rules.zones[i];
    CLUSTER_MUST(!"zone of the block");
    return NULL;
}

/* All records of the zone, one a line, with blanks for tabs, without class, and without TTL unless asked for;
 * checks that they come in canonical order, each once. The caller frees. */
static inline char *cluster_zone_records(const struct cluster *c, const struct record_zone *zone, bool ttl)
{
    struct bytes out, line, last;
    struct rr rr;
    int ret;
    bytes_init(&out, 64 << 20);
    bytes_init(&line, 1 << 20);
    bytes_init(&last, 1 << 20);
    struct rr_storage *storage = malloc(sizeof *storage);
    struct record_stream *stream = record_stream_open(&c->rules, zone, c->store, 1);
    CLUSTER_MUST(stream != NULL && storage != NULL);
    while ((ret = record_stream_next(stream, &rr)) == 1) {
        struct rr before;
        bytes_reset(&line);
        CLUSTER_MUST(rr_to_text(&rr, &line) == ERR_OK);
        if (last.len > 0) {
            CLUSTER_MUST(rr_from_text(last.data, last.len, storage, &before) == ERR_OK);
            CLUSTER_MUST(rr_compare(&before, &rr) < 0);
        }
        bytes_reset(&last);
        bytes_append(&last, line.data, line.len);
        char owner[NAME_MAX_TEXT], type[16];
        const char *rdata = strrchr(line.data, '\t') + 1;
        bytes_printf(&out, "%s ", name_to_text(rr.owner, owner));
        if (ttl)
            bytes_printf(&out, "%u ", rr.ttl);
        bytes_printf(&out, "%s %s\n", rrtype_to_text(rr.type, type), rdata);
    }
    CLUSTER_MUST(ret == 0 && out.error == ERR_OK);
    record_stream_close(stream);
    bytes_free(&line);
    bytes_free(&last);
    free(storage);
    return out.data;
}

static inline char *cluster_records(const struct cluster *c, const char *zone)
{
    return cluster_zone_records(c, cluster_zone(c, zone), false);
}

/* The lines of `text` whose first word ends in `suffix`; the caller frees. */
static inline char *cluster_below(const char *text, const char *suffix)
{
    struct bytes out;
    bytes_init(&out, 64 << 20);
    bytes_append_str(&out, "");
    while (*text != '\0') {
        size_t line = strcspn(text, "\n") + 1, word = strcspn(text, " "), len = strlen(suffix);
        if (word >= len && strncmp(text + word - len, suffix, len) == 0 &&
            (word == len || text[word - len - 1] == '.'))
            bytes_append(&out, text, line);
        text += line;
    }
    return out.data;
}

/* Whether this and nothing else stands below `below` in the zone; where not, both are shown. */
static inline bool cluster_shows(const struct cluster *c, const char *zone, bool ttl, const char *below,
                                 const char *expected)
{
    char *all = cluster_zone_records(c, cluster_zone(c, zone), ttl);
    char *found = cluster_below(all, below);
    bool same = strcmp(found, expected) == 0;
    if (!same)
        fprintf(stderr, "\n--- expected\n%s--- found\n%s---\n", expected, found);
    free(found);
    free(all);
    return same;
}

#endif
