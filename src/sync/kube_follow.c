#include <errno.h>
#include <json-c/json_object.h>
#include <json-c/json_tokener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sync/kube_event.h"
#include "sync/kube_path.h"
#include "sync/kube_watch_p.h"

/* Bytes of one answer to a list. Nothing of it is held; this ends what does not end. */
#define LIST_BODY_MAX ((uint64_t)16 << 30)
/* Bytes of one watch, which then goes on in the next. */
#define WATCH_BODY_MAX ((uint64_t)64 << 30)

/* What the server or a proxy says goes into a log line: one line it stays. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

/* ---- how a request ends ---- */

/* Another time, at once. */
static void again(struct kube_follow *f, enum follow_next next)
{
    f->next = next;
    f->ready_ms = kube_watch_now();
}

/* Another time, later. */
static void failed(struct kube_follow *f, enum kube_trouble trouble, uint32_t retry_after_s, const char *why)
{
    const struct kube_timing *t = &f->watch->timing;
    f->status.failures++;
    f->status.in_a_row++;
    snprintf(f->trouble, sizeof f->trouble, "%s", why);
    f->ready_ms = kube_watch_now() +
                  kube_backoff_ms(t, f->status.in_a_row, trouble, retry_after_s, kube_watch_random());
}

/* The server is to blame: no kind asks before the gate lets it. */
static void server_failed(struct kube_follow *f, enum kube_trouble trouble, int cause, uint32_t retry_after_s,
                          const char *why)
{
    char text[400];
    snprintf(text, sizeof text, "%s %s: %s", f->verb, kube_path_resource(f->kind), why);
    failed(f, trouble, retry_after_s, why);
    kube_watch_server_bad(f->watch, f, trouble, cause, retry_after_s, text);
}

/* The server answers, but this kind does not get on. */
static void kind_failed(struct kube_follow *f, enum log_level level, int cause, const char *why)
{
    failed(f, KUBE_REFUSED, 0, why);
    kube_watch_server_good(f->watch);
    uint64_t now = kube_watch_now();
    if (!kube_log_may(&f->log, cause, now))
        return;
    log_line(level, "plugin/kubernetes: %s: cannot %s (%s); asking again in %.1f s",
             kube_path_resource(f->kind), f->verb, why, (double)(f->ready_ms - now) / 1000);
}

/* The version to go on from is no longer, or not yet, known to the server. */
static void expired(struct kube_follow *f, const char *why)
{
    f->whole = f->next == NEXT_PAGE;
    f->next = NEXT_LIST;
    if (++f->expiries > 1) { /* a server that only ever says this is asked less and less */
        kind_failed(f, LOG_LEVEL_WARNING, ERR_STALE, why);
        return;
    }
    kube_watch_server_good(f->watch);
    log_info("plugin/kubernetes: %s: listing again (%s)", kube_path_resource(f->kind), why);
    again(f, NEXT_LIST);
}

static void forbidden(struct kube_follow *f, const char *message)
{
    failed(f, KUBE_REFUSED, 0, message);
    kube_watch_server_good(f->watch);
    if (!kube_log_may(&f->log, 403, kube_watch_now()))
        return;
    log_error("plugin/kubernetes: %s: not allowed to %s (403): RBAC lacks verb \"%s\" on resource \"%s\" in "
              "API group "
              "\"%s\", cluster-wide (%s)",
              kube_path_resource(f->kind), f->verb, f->verb, kube_kind_resource(f->kind),
              kube_path_group(f->kind), message);
}

/* This server has no streaming lists, now or at all. */
static void not_offered(struct kube_follow *f, const char *why)
{
    log_debug("plugin/kubernetes: no streaming list of %s (%s): listing in pages",
              kube_path_resource(f->kind), why);
    f->watch->streams = false;
    kube_watch_server_good(f->watch);
    again(f, NEXT_LIST);
}

/* The kind is one of a CustomResourceDefinition that the cluster need not have. */
static void absent(struct kube_follow *f, const char *why)
{
    const struct kube_sink *sink = &f->watch->sink;
    char text[320];
    snprintf(text, sizeof text, "%s; is the Multi-Cluster Services API installed?", why);
    f->status.absent = true;
    kind_failed(f, LOG_LEVEL_WARNING, 404, text);
    f->next = NEXT_LIST;
    if (sink->absent != NULL)
        sink->absent(sink->ctx, f->kind);
}

/* An answer other than 200. */
static void refused(struct kube_follow *f, const struct kube_answer *a)
{
    struct json_object *j = json_tokener_parse(a->body);
    struct kube_status status = kube_status_read(j);
    char why[256];
    snprintf(why, sizeof why, "HTTP %d: %.200s", a->status,
             status.message[0] != '\0' ? status.message
             : a->text[0] != '\0'      ? a->text
             : a->body[0] != '\0'      ? a->body
                                       : "no reason given");
    make_printable(why);
    if (a->status == 401) {
        kube_watch_renew(f->watch);
        server_failed(f, KUBE_REFUSED, a->status, a->retry_after_s, why);
    } else if (a->status == 429 || (a->status >= 500 && !status.version_too_large)) {
        server_failed(f, KUBE_REFUSED, a->status, a->retry_after_s, why);
    } else if (a->status == 410 || status.version_too_large) {
        expired(f, why);
    } else if (a->status == 404 && f->kind == KUBE_SERVICEIMPORT) {
        absent(f, why);
    } else if (a->status == 403) {
        forbidden(f, why);
    } else if (f->state == FOLLOW_STREAMING && (a->status == 400 || a->status == 422)) {
        not_offered(f, why);
    } else { /* a page or a version that the server does not take: whatever it is, a list does not need it */
        kind_failed(f, LOG_LEVEL_ERROR, a->status, why);
        f->next = NEXT_LIST;
    }
    json_object_put(j);
}

/* The answer broke off, and neither we nor its length nor its silence are why. */
static bool was_lost(const struct kube_follow *f, const struct kube_answer *a)
{
    return f->ended_by == ERR_OK && a->error != ERR_OK && a->error != -ETIMEDOUT && a->error != ERR_LIMIT;
}

static void page_done(struct kube_follow *f)
{
    struct kube_list_head head;
    struct errtext e = {{0}};
    char expected[64];
    snprintf(expected, sizeof expected, "%sList", kube_kind_name(f->kind));
    int ret = kube_stream_end(f->stream, &head, &e);
    if (ret == ERR_OK && strcmp(head.kind, expected) != 0)
        ret = errtext_set(&e, ERR_MALFORMED, "the answer is a \"%.40s\" and not a %s", head.kind, expected);
    if (ret == ERR_OK && ++f->pages > KUBE_PAGES_MAX)
        ret = errtext_set(&e, ERR_LIMIT, "a list of more than %d pages", KUBE_PAGES_MAX);
    if (ret == ERR_OK && head.continue_token[0] != '\0') {
        free(f->token);
        f->token = strdup(head.continue_token);
        if (f->token != NULL) {
            again(f, NEXT_PAGE);
            return;
        }
        ret = errtext_set(&e, -ENOMEM, "no memory");
    }
    if (ret == ERR_OK && !kube_take_list_end(f, head.resource_version))
        ret = errtext_set(&e, ERR_MALFORMED, "a list without a resource version");
    if (ret == ERR_OK) {
        f->whole = false;
        again(f, NEXT_WATCH);
        return;
    }
    make_printable(e.text);
    kind_failed(f, LOG_LEVEL_ERROR, ret, e.text);
    f->next = NEXT_LIST;
}

static void page_ended(struct kube_follow *f, const struct kube_answer *a)
{
    if (a->error == ERR_OK) {
        page_done(f);
    } else if (was_lost(f, a) || a->error == -ETIMEDOUT) {
        server_failed(f, KUBE_UNREACHABLE, a->error, 0, a->text); /* the same page again */
    } else {
        make_printable(f->why.text);
        kind_failed(f, LOG_LEVEL_ERROR, a->error, f->ended_by != ERR_OK ? f->why.text : a->text);
        f->next = NEXT_LIST;
    }
}

/* A streaming list ends before all that there is has come. */
static void stream_ended(struct kube_follow *f, const struct kube_answer *a)
{
    bool lost = was_lost(f, a);
    const char *why = f->ended_by != ERR_OK ? f->why.text
                      : a->error != ERR_OK  ? a->text
                                            : "ended before its end";
    if (f->ended_by == ERR_STALE)
        expired(f, why);
    else if (f->ended_by == ERR_UNSUPPORTED || !lost || ++f->tries >= KUBE_TRIES_MAX)
        not_offered(f, why);
    else
        server_failed(f, KUBE_UNREACHABLE, a->error, 0, why);
}

static void watch_ended(struct kube_follow *f, const struct kube_answer *a)
{
    uint64_t lived = kube_watch_now() - f->accepted_ms;
    bool proved = f->progressed || lived >= f->watch->timing.watch_steady_ms;
    f->next = NEXT_WATCH;
    if (proved)
        f->status.in_a_row = f->expiries = 0;
    if (f->ended_by == ERR_STALE) {
        expired(f, f->why.text);
    } else if (f->ended_by != ERR_OK) {
        if (++f->tries >= KUBE_TRIES_MAX) { /* something between here and there cannot be read: go round it */
            f->next = NEXT_LIST;
            f->tries = 0;
        }
        kind_failed(f, LOG_LEVEL_WARNING, f->ended_by, f->why.text);
    } else if (was_lost(f, a)) {
        server_failed(f, KUBE_UNREACHABLE, a->error, 0, a->text);
    } else if (proved ||
               a->error != ERR_OK) { /* its time was up; or it was silent: is the server still there? */
        log_debug("plugin/kubernetes: %s: watch renewed after %.1f s %s", kube_path_resource(f->kind),
                  (double)lived / 1000, a->text);
        again(f, NEXT_WATCH);
    } else {
        kind_failed(f, LOG_LEVEL_WARNING, ERR_OK, "the watch was closed at once");
    }
}

static void on_done(void *ctx, const struct kube_answer *a)
{
    struct kube_follow *f = ctx;
    f->get = NULL;
    make_printable(f->why.text);
    if (a->status == 0) {
        f->fresh = a->error == -ETIMEDOUT;
        server_failed(f, KUBE_UNREACHABLE, a->error, 0, a->text);
    } else if (a->status != 200) {
        refused(f, a);
    } else if (f->state == FOLLOW_PAGING) {
        page_ended(f, a);
    } else if (f->state == FOLLOW_STREAMING) {
        stream_ended(f, a);
    } else {
        watch_ended(f, a);
    }
    f->state = FOLLOW_RESTING;
    f->accepted = false;
    kube_stream_free(f->stream);
    f->stream = NULL;
    kube_gate_ended(&f->watch->gate, (int)f->kind);
    kube_watch_wake_soon(f->watch);
}

/* ---- how a request begins ---- */

static int on_head(void *ctx)
{
    struct kube_follow *f = ctx;
    f->accepted = true;
    f->accepted_ms = kube_watch_now();
    f->fresh = false;
    f->trouble[0] = '\0';
    f->status.absent = false;
    if (f->next == NEXT_LIST)
        kube_take_list_begin(f);
    kube_watch_server_good(f->watch);
    kube_watch_wake_soon(f->watch); /* a watch no longer counts for apiserver_max_inflight */
    return ERR_OK;
}

static int on_data(void *ctx, const char *data, size_t len)
{
    struct kube_follow *f = ctx;
    int ret = kube_stream_feed(f->stream, data, len, &f->why);
    if (ret != ERR_OK && f->ended_by == ERR_OK)
        f->ended_by = ret;
    return ret;
}

/* Decides what the request is, and writes its path. */
static int prepare(struct kube_follow *f, struct bytes *path, struct kube_get_limits *limits)
{
    const struct kube_timing *t = &f->watch->timing;
    unsigned timeout_s = t->watch_min_s + kube_watch_random() % (t->watch_max_s - t->watch_min_s + 1);
    *limits = (struct kube_get_limits){t->watch_head_ms, t->watch_idle_ms, WATCH_BODY_MAX, f->fresh};
    f->verb = "watch";
    if (f->next == NEXT_WATCH) {
        f->state = FOLLOW_WATCHING;
        return kube_path_watch(f->kind, f->select, f->version, timeout_s, path);
    }
    if (f->next == NEXT_LIST && f->watch->streams && !f->whole) {
        f->state = FOLLOW_STREAMING;
        limits->head_ms = t->list_head_ms;
        return kube_path_stream(f->kind, f->select, timeout_s, path);
    }
    *limits = (struct kube_get_limits){t->list_head_ms, t->list_idle_ms, LIST_BODY_MAX, f->fresh};
    f->state = FOLLOW_PAGING;
    f->verb = "list";
    return kube_path_list(f->kind, f->select, f->whole ? 0 : KUBE_PAGE_ITEMS,
                          f->next == NEXT_PAGE ? f->token : "", path);
}

void kube_follow_start(struct kube_follow *f)
{
    struct kube_stream_taker taker = {f, kube_take_event, kube_take_bad};
    const struct kube_get_taker http_taker = {f, on_head, on_data, on_done};
    struct kube_get_limits limits;
    struct bytes path;
    f->ended_by = ERR_OK;
    f->why = (struct errtext){{0}};
    f->progressed = false;
    f->status.requests++;
    bytes_init(&path, KUBE_PATH_MAX);
    int ret = prepare(f, &path, &limits);
    if (ret == ERR_OK) {
        bool list = f->state == FOLLOW_PAGING;
        taker.item = list ? kube_take_item : kube_take_event;
        f->stream = kube_stream_new(list ? KUBE_STREAM_LIST : KUBE_STREAM_EVENTS, &taker);
        ret = f->stream == NULL
                  ? -ENOMEM
                  : kube_http_get(f->watch->http, path.data, &limits, &http_taker, &f->get, &f->why);
    }
    bytes_free(&path);
    if (ret == ERR_OK)
        return;
    failed(f, KUBE_REFUSED, 0, err_text(ret));
    log_limited(LOG_LEVEL_ERROR, "plugin/kubernetes: %s: cannot ask (%s)", kube_path_resource(f->kind),
                err_text(ret));
    f->state = FOLLOW_RESTING;
    f->next = ret == ERR_LIMIT ? NEXT_LIST : f->next; /* a token too long to send */
    kube_stream_free(f->stream);
    f->stream = NULL;
    kube_gate_ended(&f->watch->gate, (int)f->kind);
}

void kube_follow_stop(struct kube_follow *f)
{
    kube_http_cancel(f->get);
    kube_stream_free(f->stream);
    free(f->token);
    free(f->select);
    *f = (struct kube_follow){.watch = f->watch, .kind = f->kind};
}
