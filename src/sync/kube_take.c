/* What comes in for one kind, item by item, and what the sink hears of it. The JSON part of kube_watch_p.h's
 * machine. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sync/kube_event.h"
#include "sync/kube_json.h"
#include "sync/kube_path.h"
#include "sync/kube_watch_p.h"

void kube_take_list_begin(struct kube_follow *f)
{
    const struct kube_sink *sink = &f->watch->sink;
    f->items = 0;
    f->pages = 0;
    sink->list_begin(sink->ctx, f->kind);
}

static void say_why_no_cluster(const struct kubernetes_block *k)
{
    if (k->namespace_labels.count > 0)
        log_info(
            "plugin/kubernetes: namespaces: namespace_labels leaves out kube-system, so zone files do not "
            "say which cluster they are of");
    else
        log_warning("plugin/kubernetes: namespaces: there is no kube-system, so the cluster has no identity");
}

bool kube_take_list_end(struct kube_follow *f, const char *version)
{
    const struct kube_sink *sink = &f->watch->sink;
    size_t len = strlen(version);
    if (len == 0 || len >= sizeof f->version)
        return false;
    memcpy(f->version, version, len + 1);
    if (f->kind == KUBE_NAMESPACE && f->watch->cluster[0] == '\0')
        say_why_no_cluster(f->watch->block);
    sink->list_end(sink->ctx, f->kind, f->version);
    log_debug("plugin/kubernetes: %s: listed %llu (resource version %s)", kube_path_resource(f->kind),
              (unsigned long long)f->items, f->version);
    f->status.listed = true;
    f->status.lists++;
    f->status.heard_ms = kube_watch_now();
    f->trouble[0] = '\0';
    return true;
}

/* The sink has been told of everything up to `version`. */
static void advance(struct kube_follow *f, const char *version)
{
    const struct kube_sink *sink = &f->watch->sink;
    size_t len = strlen(version);
    f->progressed = true;
    f->tries = 0;
    f->expiries = 0;
    f->status.in_a_row = 0;
    f->status.heard_ms = kube_watch_now();
    f->trouble[0] = '\0';
    if (len == 0 || len >= sizeof f->version)
        return; /* the version before still holds: at worst an event comes twice */
    memcpy(f->version, version, len + 1);
    sink->progress(sink->ctx, f->kind, f->version);
}

static void leave_out(struct kube_follow *f, const char *what, const char *why)
{
    f->status.left_out++;
    log_limited(LOG_LEVEL_WARNING, "plugin/kubernetes: %s: %s left out (%s)", kube_path_resource(f->kind),
                what, why);
}

/* -ENOMEM ends the answer, so that what did not fit is asked for again; what cannot be read would not become
 * better by that. */
static int put(struct kube_follow *f, struct json_object *j)
{
    struct kube_watch *w = f->watch;
    struct errtext e = {{0}};
    struct kube_object *o;
    int ret = kube_json_object(j, f->kind, &o, &e);
    if (ret == -ENOMEM) {
        f->ended_by = errtext_set(&f->why, ret, "%s", e.text);
        return ret;
    }
    if (ret != ERR_OK) {
        leave_out(f, "an object", e.text);
        return ERR_OK;
    }
    if (f->kind == KUBE_NAMESPACE && strcmp(o->name, "kube-system") == 0)
        kube_watch_saw_cluster(w, o->uid);
    f->items++;
    w->sink.put(w->sink.ctx, o);
    return ERR_OK;
}

static void take_out(struct kube_follow *f, const struct kube_identity *id)
{
    const struct kube_sink *sink = &f->watch->sink;
    const char *namespace = f->kind == KUBE_NAMESPACE ? "" : id->namespace;
    if (id->name[0] == '\0' || (f->kind != KUBE_NAMESPACE && namespace[0] == '\0'))
        leave_out(f, "a deletion", "it does not say of what");
    else
        sink->remove(sink->ctx, f->kind, namespace, id->name);
}

static int take_error(struct kube_follow *f, struct json_object *j)
{
    struct kube_status status = kube_status_read(j);
    f->ended_by = status.code == 410 || status.version_too_large ? ERR_STALE
                  : status.code == 400 || status.code == 422     ? ERR_UNSUPPORTED
                                                                 : ERR_MALFORMED;
    errtext_set(&f->why, f->ended_by, "%d %s: %s", status.code, status.reason, status.message);
    return f->ended_by;
}

static int take_bookmark(struct kube_follow *f, const struct kube_event *event, const char *version)
{
    if (f->state == FOLLOW_WATCHING) {
        advance(f, version);
    } else if (event->ends_initial) {
        if (!kube_take_list_end(f, version)) {
            f->ended_by = errtext_set(&f->why, ERR_MALFORMED, "the list ends without a resource version");
            return f->ended_by;
        }
        f->state = FOLLOW_WATCHING;
        f->accepted_ms = kube_watch_now();
        f->tries = 0;
        kube_watch_wake_soon(f->watch); /* it no longer counts for apiserver_max_inflight */
    }
    return ERR_OK;
}

int kube_take_event(void *ctx, struct json_object *j)
{
    struct kube_follow *f = ctx;
    struct kube_event event;
    struct errtext e = {{0}};
    if (kube_event_read(j, &event, &e) != ERR_OK) {
        leave_out(f, "an event", e.text);
        return ERR_OK;
    }
    if (event.type == KUBE_EVENT_ERROR)
        return take_error(f, event.object);
    struct kube_identity id = kube_json_identity(event.object);
    if (event.type == KUBE_EVENT_BOOKMARK)
        return take_bookmark(f, &event, id.resource_version);
    int ret = ERR_OK;
    if (event.type == KUBE_EVENT_PUT)
        ret = put(f, event.object);
    else
        take_out(f, &id);
    if (ret == ERR_OK && f->state == FOLLOW_WATCHING) {
        f->status.events++;
        advance(f, id.resource_version);
    }
    return ret;
}

int kube_take_item(void *ctx, struct json_object *j)
{
    return put(ctx, j);
}

void kube_take_bad(void *ctx, const char *why)
{
    leave_out(ctx, "an item", why);
}
