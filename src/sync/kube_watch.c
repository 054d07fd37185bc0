#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "sync/kube_path.h"
#include "sync/kube_select.h"
#include "sync/kube_watch_p.h"

uint64_t kube_watch_now(void)
{
    return clock_ms();
}

uint32_t kube_watch_random(void)
{
    uint32_t random;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random = (uint32_t)clock_ns();
    return random;
}

void kube_watch_wake_soon(struct kube_watch *w)
{
    struct timeval now = {0};
    evtimer_add(w->wake, &now);
}

void kube_watch_server_good(struct kube_watch *w)
{
    if (w->gate.open)
        return;
    kube_gate_good(&w->gate);
    if (w->said_away)
        log_info("plugin/kubernetes: API server %s: answers again (after %.1f s)", w->auth.server,
                 (double)(kube_watch_now() - w->away_ms) / 1000);
    w->away_ms = 0;
    w->said_away = false;
    kube_watch_wake_soon(w);
}

void kube_watch_server_bad(struct kube_watch *w, const struct kube_follow *f, enum kube_trouble trouble,
                           int cause, uint32_t retry_after_s, const char *why)
{
    uint64_t now = kube_watch_now();
    kube_gate_bad(&w->gate, &w->timing, (int)f->kind, trouble, retry_after_s, now, kube_watch_random());
    if (w->away_ms == 0)
        w->away_ms = now;
    if (!kube_log_may(&w->log, cause, now))
        return;
    w->said_away = true;
    log_line(trouble == KUBE_UNREACHABLE ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
             "plugin/kubernetes: API server %s: no good answer for %.1f s (%s); asking again in %.1f s",
             w->auth.server, (double)(now - w->away_ms) / 1000, why, (double)(w->gate.ready_ms - now) / 1000);
}

void kube_watch_saw_cluster(struct kube_watch *w, const char *uid)
{
    if (uid[0] == '\0' || strlen(uid) >= sizeof w->cluster || strcmp(uid, w->cluster) == 0)
        return;
    if (w->cluster[0] != '\0')
        log_warning(
            "plugin/kubernetes: API server %s: another cluster than before (kube-system was %s, is %s)",
            w->auth.server, w->cluster, uid);
    memcpy(w->cluster, uid, strlen(uid) + 1);
    w->sink.cluster(w->sink.ctx, w->cluster);
}

void kube_watch_renew(struct kube_watch *w)
{
    struct kube_auth fresh = {0};
    struct errtext e = {{0}};
    int ret = kube_auth_load(w->block, &fresh, &e);
    if (ret == ERR_OK && strcmp(fresh.server, w->auth.server) == 0) {
        struct kube_auth old = w->auth;
        w->auth = fresh;
        fresh = old;
    } else if (ret == ERR_OK) { /* its credentials are for another server than the one we talk to */
        log_limited(LOG_LEVEL_WARNING, "plugin/kubernetes: API server is %s now: takes effect with a restart",
                    fresh.server);
    } else {
        log_limited(LOG_LEVEL_WARNING, "plugin/kubernetes: credentials cannot be read again (%s)", e.text);
    }
    kube_auth_free(&fresh);
}

static void refresh_token(struct kube_watch *w)
{
    struct errtext e = {{0}};
    int ret = kube_auth_refresh(&w->auth, &e);
    if (ret == ERR_OK || !kube_log_may(&w->log, ret, kube_watch_now()))
        return;
    log_warning("plugin/kubernetes: %s; the one read before is used", e.text);
}

static bool is_waiting(const struct kube_follow *f)
{
    return f->status.followed && f->state == FOLLOW_RESTING;
}

/* Requests that count for kube_pace. */
static unsigned count_inflight(const struct kube_watch *w)
{
    unsigned count = 0;
    for (size_t i = 0; i < KUBE_KINDS; i++) {
        const struct kube_follow *f = &w->kinds[i];
        count += f->get != NULL && !(f->state == FOLLOW_WATCHING && f->accepted);
    }
    return count;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Starts whoever may start, and sleeps until the next may. */
static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    struct kube_watch *w = ctx;
    (void)fd, (void)what;
    uint64_t now = kube_watch_now(), next = UINT64_MAX;
    for (size_t i = 0; i < KUBE_KINDS; i++) {
        struct kube_follow *f = &w->kinds[i];
        if (!is_waiting(f) || now < f->ready_ms || !kube_gate_may_start(&w->gate, now) ||
            now < kube_pace_ready_ms(&w->pace, count_inflight(w), now))
            continue;
        kube_gate_started(&w->gate, (int)f->kind);
        kube_pace_started(&w->pace);
        refresh_token(w);
        kube_follow_start(f);
    }
    uint64_t open = later(kube_gate_ready_ms(&w->gate), kube_pace_ready_ms(&w->pace, count_inflight(w), now));
    for (size_t i = 0; i < KUBE_KINDS; i++) {
        const struct kube_follow *f = &w->kinds[i];
        uint64_t ready = is_waiting(f) ? later(f->ready_ms, open) : UINT64_MAX;
        next = ready < next ? ready : next;
    }
    if (next == UINT64_MAX)
        return; /* whatever is under way wakes us when it ends */
    uint64_t ms = next > now ? next - now : 0;
    struct timeval t = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    evtimer_add(w->wake, &t);
}

static int select_all(struct kube_watch *w, struct errtext *e)
{
    int ret = ERR_OK;
    for (enum kube_kind kind = 0; ret == ERR_OK && kind < KUBE_KINDS; kind++) {
        struct bytes query;
        bytes_init(&query, KUBE_PATH_MAX);
        ret = bytes_append_str(&query, "");
        if (ret == ERR_OK)
            ret = kube_select_query(w->block, kind, &query);
        w->kinds[kind].select = query.data; /* the follower's now */
    }
    return ret == ERR_OK ? ERR_OK : errtext_set(e, ret, "the label selectors: %s", err_text(ret));
}

int kube_watch_start_timed(struct event_base *base, const struct kubernetes_block *k,
                           const struct kube_sink *sink, const struct kube_timing *timing,
                           struct kube_watch **out, struct errtext *e)
{
    struct kube_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return errtext_set(e, -ENOMEM, "no memory");
    *w = (struct kube_watch){.base = base, .block = k, .sink = *sink, .timing = *timing, .streams = true};
    for (enum kube_kind kind = 0; kind < KUBE_KINDS; kind++) {
        struct kube_follow *f = &w->kinds[kind];
        f->watch = w;
        f->kind = kind;
        f->status.followed = kube_select_wants(k, kind);
    }
    kube_pace_init(&w->pace, k, kube_watch_now());
    int ret = select_all(w, e);
    if (ret == ERR_OK)
        ret = kube_auth_load(k, &w->auth, e);
    if (ret == ERR_OK)
        ret = kube_http_open(base, &w->auth, &w->http, e);
    w->wake = ret == ERR_OK ? evtimer_new(base, on_wake, w) : NULL;
    if (w->wake == NULL) {
        kube_watch_stop(w);
        return ret != ERR_OK ? ret : errtext_set(e, -ENOMEM, "no memory");
    }
    kube_watch_wake_soon(w);
    *out = w;
    return ERR_OK;
}

int kube_watch_start(struct event_base *base, const struct kubernetes_block *k, const struct kube_sink *sink,
                     struct kube_watch **out, struct errtext *e)
{
    return kube_watch_start_timed(base, k, sink, &kube_timing_usual, out, e);
}

void kube_watch_stop(struct kube_watch *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < KUBE_KINDS; i++)
        kube_follow_stop(&w->kinds[i]);
    kube_http_close(w->http);
    kube_auth_free(&w->auth);
    if (w->wake != NULL)
        event_free(w->wake);
    free(w);
}

void kube_watch_status(const struct kube_watch *w, enum kube_kind kind, struct kube_watch_status *out)
{
    const struct kube_follow *f = &w->kinds[kind];
    *out = f->status;
    out->watching = f->state == FOLLOW_WATCHING && f->accepted;
    out->in_a_row = out->watching ? 0 : out->in_a_row;
    out->trouble = f->trouble;
}

const char *kube_watch_server(const struct kube_watch *w)
{
    return w->auth.server;
}
