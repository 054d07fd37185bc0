/* What a source says, taken in: the publisher as a kube_sink. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sync/publish_p.h"
#include "sync/records_label.h"

static void note_version(struct publisher *p, enum kube_kind kind, const char *version)
{
    snprintf(p->versions[kind], sizeof p->versions[kind], "%s", version != NULL ? version : "");
}

static void sink_list_begin(void *ctx, enum kube_kind kind)
{
    struct publisher *p = ctx;
    if (publish_wants(p, kind))
        store_list_begin(p->store, kind);
}

/* After every event: a batch that is full does not wait. */
static void after_event(struct publisher *p)
{
    if (p->live && changes_pending(p->changes) >= PUBLISH_BATCH_MAX)
        publish_flush(p);
}

static void sink_put(void *ctx, struct kube_object *o)
{
    struct publisher *p = ctx;
    uint64_t before = changes_touches(p->changes);
    if (publish_wants(p, o->kind) && store_put(p->store, o) == -ENOMEM)
        p->error = -ENOMEM;
    if (changes_touches(p->changes) != before)
        publish_cause_add(&p->cause, o->kind, o->namespace, o->name, "changed", o->changed_ms);
    kube_object_free(o);
    after_event(p);
}

static void sink_remove(void *ctx, enum kube_kind kind, const char *namespace, const char *name)
{
    struct publisher *p = ctx;
    uint64_t before = changes_touches(p->changes);
    if (publish_wants(p, kind))
        store_remove(p->store, kind, namespace, name);
    if (changes_touches(p->changes) != before)
        publish_cause_add(&p->cause, kind, namespace, name, "removed", clock_wall_ms());
    after_event(p);
}

static bool all_listed(const struct publisher *p)
{
    for (int kind = 0; kind < KUBE_KINDS; kind++)
        if (kind != KUBE_SERVICEIMPORT && publish_wants(p, (enum kube_kind)kind) && !p->listed[kind])
            return false;
    return true;
}

static void sink_list_end(void *ctx, enum kube_kind kind, const char *resource_version)
{
    struct publisher *p = ctx;
    uint64_t before = changes_touches(p->changes);
    if (!publish_wants(p, kind))
        return;
    store_list_end(p->store, kind);
    if (changes_touches(p->changes) != before)
        publish_cause_add(&p->cause, kind, "", "", "gone from a new list", clock_wall_ms());
    bool first_imports = kind == KUBE_SERVICEIMPORT && !p->listed[kind];
    p->listed[kind] = true;
    note_version(p, kind, resource_version);
    if (first_imports)
        publish_imports_known(p);
    if (!p->live && p->error == ERR_OK && all_listed(p))
        publish_go_live(p);
    if (p->other_cluster) /* the address leads to another cluster now: new files, with its name in the header
                           */
        publish_distrust_files(p);
    after_event(p);
}

static void sink_absent(void *ctx, enum kube_kind kind)
{
    struct publisher *p = ctx;
    if (kind != KUBE_SERVICEIMPORT || p->imports_absent)
        return;
    p->imports_absent = true;
    publish_imports_known(p);
}

static void sink_progress(void *ctx, enum kube_kind kind, const char *resource_version)
{
    if (publish_wants(ctx, kind))
        note_version(ctx, kind, resource_version);
}

static void sink_cluster(void *ctx, const char *uid)
{
    struct publisher *p = ctx;
    char old[sizeof p->cluster];
    memcpy(old, p->cluster, sizeof old);
    label_printable(uid, p->cluster);
    p->other_cluster = p->live && strcmp(old, p->cluster) != 0;
}

struct kube_sink publish_sink(struct publisher *p)
{
    return (struct kube_sink){.ctx = p,
                              .list_begin = sink_list_begin,
                              .put = sink_put,
                              .remove = sink_remove,
                              .list_end = sink_list_end,
                              .absent = sink_absent,
                              .progress = sink_progress,
                              .cluster = sink_cluster};
}
