#include "sync/publish_p.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "sync/kube_select.h"

bool publish_wants(const struct publisher *p, enum kube_kind kind)
{
    return kube_select_wants(&p->block->kubernetes, kind);
}

bool publish_live(const struct publisher *p)
{
    return p->live;
}

int publish_error(const struct publisher *p)
{
    return p->error;
}

/* ---- life ---- */

static int open_zones(struct publisher *p, const struct publish_options *o, struct errtext *e)
{
    size_t n = p->rules.nzones;
    p->zones = calloc(n + 1, sizeof *p->zones);
    p->ours = calloc(n + 1, sizeof *p->ours);
    p->begun = calloc(n + 1, sizeof *p->begun);
    p->waiting = calloc(n + 1, sizeof *p->waiting);
    p->identities = calloc(n + 1, sizeof *p->identities);
    if (p->zones == NULL || p->ours == NULL || p->begun == NULL || p->waiting == NULL ||
        p->identities == NULL)
        return -ENOMEM;
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < n; i++) {
        const struct record_zone *z = &p->rules.zones[i];
        if (publish_zone_init(&p->zones[i], o->folder, z) != ERR_OK)
            return errtext_set(e, ERR_LIMIT, "%s: the path of a zone file there is too long", o->folder);
        p->ours[i] = o->is_ours == NULL || o->is_ours(o->ctx, z->apex, z->view);
        p->waiting[i] = z->kind == RECORD_ZONE_MULTICLUSTER;
        bytes_init(&p->identities[i], ZONEFILE_HEADER_MAX - 1);
        ret = cluster_block_identity(o->block, z->view, &p->identities[i]);
    }
    return ret;
}

int publish_new(const struct publish_options *o, struct publisher **out, struct errtext *e)
{
    struct publisher *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    p->block = o->block;
    const struct kubernetes_block *k = &o->block->kubernetes;
    struct store_options options = {.namespaces = &k->namespaces,
                                    .endpoint_pod_names = k->endpoint_pod_names,
                                    .noendpoints = k->noendpoints,
                                    .multicluster = k->multicluster.count > 0,
                                    .zonal = k->zonal,
                                    .externals = o->block->external.zones.count > 0,
                                    .clients = &o->block->clients};
    int ret = record_rules_init(&p->rules, o->block, e);
    if (ret == ERR_OK)
        ret = open_zones(p, o, e);
    if (ret == ERR_OK &&
        ((p->store = store_new(&options)) == NULL || (p->changes = changes_new(&p->rules, p->store)) == NULL))
        ret = -ENOMEM;
    if (ret != ERR_OK) {
        publish_free(p);
        return errtext_set(e, ret, "%s", err_text(ret));
    }
    record_rules_find_local(&p->rules);
    *out = p;
    return ERR_OK;
}

void publish_free(struct publisher *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; p->zones != NULL && i < p->rules.nzones; i++)
        publish_zone_close(&p->zones[i]);
    for (size_t i = 0; p->identities != NULL && i < p->rules.nzones; i++)
        bytes_free(&p->identities[i]);
    changes_free(p->changes);
    store_free(p->store);
    free(p->zones);
    free(p->ours);
    free(p->begun);
    free(p->waiting);
    free(p->identities);
    record_rules_free(&p->rules);
    free(p);
}

/* ---- writing ---- */

static void note_failure(struct publisher *p, const struct publish_zone *z, int code)
{
    uint64_t now = clock_ms();
    p->retry_step = p->retry_step == 0 ? PUBLISH_RETRY_MIN_MS : p->retry_step * 2;
    if (p->retry_step > PUBLISH_RETRY_MAX_MS)
        p->retry_step = PUBLISH_RETRY_MAX_MS;
    p->retry_ms = now + p->retry_step;
    if (now < p->failure_limit.next_ms)
        return;
    p->failure_limit.next_ms = now + 60000;
    log_error("sync: zone %s: cannot be written, the files from before stay and are tried again (%s)",
              z->title, err_text(code));
}

static struct publish_source source_of(struct publisher *p, char versions[512])
{
    size_t used = 0;
    versions[0] = '\0';
    for (int kind = 0; kind < KUBE_KINDS; kind++)
        if (p->versions[kind][0] != '\0')
            used += (size_t)snprintf(versions + used, 512 - used, "%s%s=%s", used > 0 ? " " : "",
                                     kube_kind_resource((enum kube_kind)kind), p->versions[kind]);
    return (struct publish_source){
        .rules = &p->rules, .store = p->store, .cluster = p->cluster, .versions = versions};
}

/* Commits, compares or writes anew whatever each zone needs. */
static int settle_zones(struct publisher *p)
{
    char versions[512];
    struct publish_source source = source_of(p, versions);
    int worst = ERR_OK;
    p->reap_ms = 0;
    for (size_t i = 0; i < p->rules.nzones; i++) {
        struct publish_zone *z = &p->zones[i];
        source.identity = p->identities[i].data;
        if (!p->ours[i] || p->waiting[i])
            continue;
        int ret = publish_zone_settle(z, &source);
        if (z->child != 0)
            p->reap_ms = clock_ms() + PUBLISH_REAP_MS;
        if (ret != ERR_OK) {
            note_failure(p, z, ret);
            worst = ret;
        }
    }
    if (worst == ERR_OK && p->retry_ms != 0) {
        p->retry_ms = p->retry_step = 0;
        p->failure_limit.next_ms = 0;
        log_info("sync: the zone files are up to date again");
    }
    return worst;
}

static void on_change(void *ctx, size_t zone, char op, const struct rr *rr)
{
    struct publisher *p = ctx;
    if (!p->ours[zone])
        return;
    publish_zone_change(&p->zones[zone], p->begun[zone] ? NULL : publish_cause_text(&p->cause), op, rr);
    p->begun[zone] = true;
}

void publish_distrust_files(struct publisher *p)
{
    p->other_cluster = false;
    for (size_t i = 0; i < p->rules.nzones; i++)
        p->zones[i].state = ZONE_STALE;
    p->retry_ms = clock_ms();
}

static void take_changes(struct publisher *p)
{
    if (changes_pending(p->changes) == 0)
        return;
    memset(p->begun, 0, p->rules.nzones * sizeof *p->begun);
    if (changes_take(p->changes, on_change, p) != ERR_OK)
        publish_distrust_files(p);
    publish_cause_reset(&p->cause);
}

int publish_flush(struct publisher *p)
{
    if (p->error != ERR_OK)
        return p->error;
    take_changes(p);
    p->next_flush_ms = clock_ms() + PUBLISH_WAIT_MS;
    return settle_zones(p);
}

/* Zones of ServiceImports wait for them, the others do not: the API server may not have such objects at all.
 * Where it says so, what is on disk stays, and a zone without a file gets one without imports. */
static void stop_waiting(struct publisher *p)
{
    char versions[512];
    struct publish_source source = source_of(p, versions);
    for (size_t i = 0; i < p->rules.nzones; i++) {
        source.identity = p->identities[i].data;
        if (p->waiting[i])
            p->waiting[i] = !p->listed[KUBE_SERVICEIMPORT] &&
                            (!p->imports_absent || publish_zone_on_disk(&p->zones[i], &source));
    }
}

void publish_imports_known(struct publisher *p)
{
    if (!p->live || p->error != ERR_OK)
        return;
    take_changes(p); /* a zone that is compared as it is now must not hear of them again */
    stop_waiting(p);
    settle_zones(p);
}

void publish_go_live(struct publisher *p)
{
    p->live = true;
    if (changes_begin(p->changes) != ERR_OK)
        p->error = -ENOMEM; /* better to end than to follow changes with a hole */
    log_info("sync: %zu namespaces, %zu services, %zu endpoint slices, %zu pods listed",
             store_count(p->store, KUBE_NAMESPACE), store_count(p->store, KUBE_SERVICE),
             store_count(p->store, KUBE_ENDPOINTSLICE), store_count(p->store, KUBE_POD));
    stop_waiting(p);
    settle_zones(p);
}

int publish_wait_ms(const struct publisher *p)
{
    uint64_t due = UINT64_MAX, now = clock_ms();
    if (!p->live || p->error != ERR_OK)
        return -1;
    if (changes_pending(p->changes) > 0)
        due = p->next_flush_ms;
    if (p->retry_ms != 0 && p->retry_ms < due)
        due = p->retry_ms;
    if (p->reap_ms != 0 && p->reap_ms < due)
        due = p->reap_ms;
    if (due == UINT64_MAX)
        return -1;
    return due <= now ? 0 : (int)(due - now);
}

void publish_run(struct publisher *p)
{
    if (publish_wait_ms(p) == 0)
        publish_flush(p);
}

int publish_finish(struct publisher *p)
{
    int ret = p->live || p->error != ERR_OK ? publish_flush(p) : -EAGAIN;
    for (size_t i = 0; i < p->rules.nzones && ret == ERR_OK; i++)
        ret = publish_zone_reap(&p->zones[i], true);
    return ret;
}
