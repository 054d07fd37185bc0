#include "sync/sync_block.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "sync/kube_files.h"
#include "sync/kube_watch.h"
#include "sync/publish.h"

struct sync_block {
    struct sync_block_options options;
    struct publisher *publisher;
    struct kube_sink inner;   /* the publisher's */
    struct kube_files *files; /* one of the two sources */
    struct kube_watch *watch;
    struct event *timer; /* when the publisher has something to do */
    struct event *poll;  /* when files are to be looked at */
    bool armed;
    bool told_live;
    int source_error; /* the last load of files */
};

/* ---- the publisher's time ---- */

static void arm(struct sync_block *b)
{
    if (publish_error(b->publisher) != ERR_OK && b->options.failed != NULL)
        b->options.failed(b->options.ctx);
    int ms = b->armed ? -1 : publish_wait_ms(b->publisher);
    if (ms < 0)
        return;
    b->armed = true;
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
    if (ms == 0)
        event_active(b->timer, EV_TIMEOUT,
                     0); /* after what the loop has in hand: events that came together */
    else
        evtimer_add(b->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct sync_block *b = ctx;
    (void)fd, (void)what;
    b->armed = false;
    publish_run(b->publisher);
    arm(b);
}

/* ---- the source speaks ---- */

static void on_list_begin(void *ctx, enum kube_kind kind)
{
    struct sync_block *b = ctx;
    b->inner.list_begin(b->inner.ctx, kind);
}

static void on_put(void *ctx, struct kube_object *o)
{
    struct sync_block *b = ctx;
    b->inner.put(b->inner.ctx, o);
    arm(b);
}

static void on_remove(void *ctx, enum kube_kind kind, const char *namespace, const char *name)
{
    struct sync_block *b = ctx;
    b->inner.remove(b->inner.ctx, kind, namespace, name);
    arm(b);
}

static void on_list_end(void *ctx, enum kube_kind kind, const char *resource_version)
{
    struct sync_block *b = ctx;
    b->inner.list_end(b->inner.ctx, kind, resource_version);
    arm(b);
    if (b->told_live || !publish_live(b->publisher))
        return;
    b->told_live = true;
    if (b->options.live != NULL)
        b->options.live(b->options.ctx);
}

static void on_absent(void *ctx, enum kube_kind kind)
{
    struct sync_block *b = ctx;
    b->inner.absent(b->inner.ctx, kind);
    arm(b);
}

static void on_progress(void *ctx, enum kube_kind kind, const char *resource_version)
{
    struct sync_block *b = ctx;
    b->inner.progress(b->inner.ctx, kind, resource_version);
}

static void on_cluster(void *ctx, const char *uid)
{
    struct sync_block *b = ctx;
    b->inner.cluster(b->inner.ctx, uid);
}

static struct kube_sink sink_of(struct sync_block *b)
{
    return (struct kube_sink){.ctx = b,
                              .list_begin = on_list_begin,
                              .put = on_put,
                              .remove = on_remove,
                              .list_end = on_list_end,
                              .absent = on_absent,
                              .progress = on_progress,
                              .cluster = on_cluster};
}

/* ---- files ---- */

static void on_poll(evutil_socket_t fd, short what, void *ctx)
{
    struct sync_block *b = ctx;
    struct timeval tv = {.tv_sec = SYNC_POLL_MS / 1000, .tv_usec = (SYNC_POLL_MS % 1000) * 1000};
    (void)fd, (void)what;
    if (kube_files_changed(b->files))
        b->source_error = kube_files_load(b->files);
    if (b->options.follow)
        evtimer_add(b->poll, &tv);
    else if (!b->told_live && b->options.live != NULL)
        b->options.live(b->options.ctx); /* there was nothing to read: it will not become live */
}

static int start_files(struct event_base *base, struct sync_block *b)
{
    struct kube_sink sink = sink_of(b);
    struct timeval now = {0};
    b->files = kube_files_new(&b->options.block->kubernetes, &sink);
    b->poll = evtimer_new(base, on_poll, b);
    if (b->files == NULL || b->poll == NULL || evtimer_add(b->poll, &now) < 0)
        return -ENOMEM;
    return ERR_OK;
}

/* ---- an API server ---- */

static int start_watch(struct event_base *base, struct sync_block *b, struct errtext *e)
{
    struct kube_sink sink = sink_of(b);
    int ret = kube_watch_start(base, &b->options.block->kubernetes, &sink, &b->watch, e);
    if (ret == ERR_OK)
        log_info("sync: following %s", kube_watch_server(b->watch));
    return ret;
}

/* ---- life ---- */

int sync_block_start(struct event_base *base, const struct sync_block_options *options,
                     struct sync_block **out, struct errtext *e)
{
    struct sync_block *b = calloc(1, sizeof *b);
    if (b == NULL)
        return -ENOMEM;
    b->options = *options;
    struct publish_options publish = {
        .block = options->block, .folder = options->folder, .is_ours = options->is_ours, .ctx = options->ctx};
    int ret = publish_new(&publish, &b->publisher, e);
    if (ret == ERR_OK)
        b->inner = publish_sink(b->publisher);
    if (ret == ERR_OK && (b->timer = evtimer_new(base, on_timer, b)) == NULL)
        ret = -ENOMEM;
    if (ret == ERR_OK)
        ret = options->block->kubernetes.objects != NULL ? start_files(base, b) : start_watch(base, b, e);
    if (ret != ERR_OK) {
        sync_block_free(b);
        return errtext_set(e, ret, "%s", err_text(ret));
    }
    *out = b;
    return ERR_OK;
}

void sync_block_free(struct sync_block *b)
{
    if (b == NULL)
        return;
    kube_watch_stop(b->watch);
    kube_files_free(b->files);
    publish_free(b->publisher);
    if (b->timer != NULL)
        event_free(b->timer);
    if (b->poll != NULL)
        event_free(b->poll);
    free(b);
}

static bool watching_all(const struct kube_watch *w)
{
    for (int kind = 0; kind < KUBE_KINDS; kind++) {
        struct kube_watch_status status;
        kube_watch_status(w, (enum kube_kind)kind, &status);
        if (status.followed && !status.absent && !(status.listed && status.watching))
            return false;
    }
    return true;
}

bool sync_block_in_step(const struct sync_block *b)
{
    bool heard = b->watch != NULL ? watching_all(b->watch) : b->source_error == ERR_OK;
    return heard && publish_live(b->publisher) && publish_wait_ms(b->publisher) <= PUBLISH_WAIT_MS;
}

int sync_block_finish(struct sync_block *b)
{
    int ret = publish_finish(b->publisher);
    return ret != ERR_OK ? ret : b->source_error;
}
