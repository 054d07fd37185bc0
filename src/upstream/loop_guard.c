#include "upstream/loop_guard.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "serve/control.h"
#include "upstream/upstream_probe.h"

#define RR_HINFO 13

/* One upstream of one stage. */
struct watch {
    struct loop_guard *guard;
    struct upstream *upstream; /* of the stage's set */
    struct event *timer;       /* to probe, or the end of the window */
    struct upstream_probe *probe;
    bool probing;
    /* under `lock` */
    uint8_t name[NAME_MAX_LEN]; /* of the probe that is out; the root: none is */
    bool returned;
};

struct loop_guard {
    struct forward_stage *stage;
    struct loop_guard *next;
    struct watch *watches[UPSTREAMS_MAX]; /* one for each upstream of the stage, in no order; under `lock` */
};

/* Workers look at the names only for HINFO questions, of which there are hardly any. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct loop_guard *guards;

/* Two labels of 62 random bits each in decimal, as CoreDNS's, below FROM. */
static int random_name(const uint8_t *from, uint8_t *out)
{
    char text[NAME_MAX_TEXT + 64], below[NAME_MAX_TEXT];
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return -EIO;
    name_to_text(from, below);
    snprintf(text, sizeof text, "%llu.%llu.%s", (unsigned long long)(random[0] >> 2),
             (unsigned long long)(random[1] >> 2), strcmp(below, ".") == 0 ? "" : below);
    return name_from_text(text, strlen(text), out) < 0 ? ERR_MALFORMED : ERR_OK;
}

static void wait_ms(struct watch *w, unsigned ms)
{
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(w->timer, &tv);
}

static void on_probe_done(void *ctx, bool answered)
{
    struct watch *w = ctx;
    (void)answered; /* what counts is whether it came back */
    w->probe = NULL;
}

static void begin_probe(struct watch *w)
{
    uint8_t name[NAME_MAX_LEN];
    struct query q;
    if (random_name(w->guard->stage->from, name) != ERR_OK) {
        wait_ms(w, LOOP_RECHECK_MS);
        return;
    }
    pthread_mutex_lock(&lock);
    memcpy(w->name, name, sizeof name);
    w->returned = false;
    pthread_mutex_unlock(&lock);
    query_make(&q, name, RR_HINFO);
    upstream_probe_cancel(w->probe);
    w->probe = NULL;
    struct exchange_target target;
    upstream_target(w->upstream, &target);
    if (upstream_probe_send(control_base(), &target, &q, LOOP_WINDOW_MS, on_probe_done, w, &w->probe) !=
        ERR_OK)
        w->probe = NULL; /* nothing went out, so nothing comes back: the window passes */
    w->probing = true;
    wait_ms(w, LOOP_WINDOW_MS);
}

static void end_window(struct watch *w)
{
    pthread_mutex_lock(&lock);
    bool returned = w->returned;
    w->name[0] = 0;
    pthread_mutex_unlock(&lock);
    w->probing = false;
    if (!returned && __atomic_exchange_n(&w->upstream->loops, false, __ATOMIC_RELAXED))
        log_info("plugin/loop: %s: upstream %s: no longer leads back to this server", w->guard->stage->where,
                 w->upstream->text);
    wait_ms(w, returned ? LOOP_RECHECK_LOOPING_MS : LOOP_RECHECK_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct watch *w = ctx;
    (void)fd, (void)what;
    if (w->probing)
        end_window(w);
    else
        begin_probe(w);
}

/* ---- in workers ---- */

/* CoreDNS's own words, and its level, which ends the process. */
static void end_process(const struct watch *w, const struct query *q, const union address *from)
{
    char name[NAME_MAX_TEXT], client[ADDRESS_TEXT_MAX], zone[NAME_MAX_TEXT], line[4 * NAME_MAX_TEXT];
    int len = snprintf(line, sizeof line,
                       "[FATAL] plugin/loop: Loop (%s:%u -> %s) detected for zone \"%s\", see "
                       "https://coredns.io/plugins/loop#troubleshooting. Query: \"HINFO %s\"\n",
                       address_text(from, client), (unsigned)address_port(from), w->guard->stage->where,
                       name_to_text(w->guard->stage->from, zone), name_to_text(q->lname, name));
    if (len > 0 && (size_t)len < sizeof line)
        log_raw(line, (size_t)len);
    control_exit(1);
}

static void found(const struct watch *w, const struct query *q, const union address *from)
{
    if (control_loop_exit())
        end_process(w, q, from);
    else if (!__atomic_exchange_n(&w->upstream->loops, true, __ATOMIC_RELAXED))
        log_error(
            "plugin/loop: %s: upstream %s leads back to this server: nothing is forwarded to it, names "
            "that only it could answer are SERVFAIL (give `forward` upstreams that are real resolvers, not "
            "a resolv.conf that points to this server or to a stub resolver on this host)",
            w->guard->stage->where, w->upstream->text);
}

bool loop_guard_returned(const struct query *q, const union address *from)
{
    bool ours = false;
    if (q->qtype != RR_HINFO)
        return false;
    pthread_mutex_lock(&lock);
    for (struct loop_guard *g = guards; g != NULL && !ours; g = g->next)
        for (unsigned i = 0; i < UPSTREAMS_MAX && !ours; i++) {
            struct watch *w = g->watches[i];
            if (w == NULL || w->name[0] == 0 || !name_equal(w->name, q->lname))
                continue;
            ours = true;
            w->returned = true;
            found(w, q, from);
        }
    pthread_mutex_unlock(&lock);
    return ours;
}

/* ---- life ---- */

/* Under the lock. */
static bool is_guarded(const struct upstream *u)
{
    for (const struct loop_guard *g = guards; g != NULL; g = g->next)
        for (unsigned i = 0; i < UPSTREAMS_MAX; i++)
            if (g->watches[i] != NULL && g->watches[i]->upstream == u)
                return true;
    return false;
}

static void watch_stop(struct watch *w)
{
    struct upstream *u = w->upstream;
    pthread_mutex_lock(&lock);
    w->upstream = NULL;
    w->name[0] = 0;
    /* After a reload, or a change of upstreams, another watch goes on with what was found; without one nobody
     * would take it back. */
    if (!is_guarded(u))
        __atomic_store_n(&u->loops, false, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&lock);
    upstream_probe_cancel(w->probe);
    event_free(w->timer);
    free(w);
}

static struct watch *watch_new(struct loop_guard *g, struct upstream *u)
{
    struct watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->guard = g;
    w->upstream = u;
    w->timer = event_new(control_base(), -1, 0, on_timer, w);
    if (w->timer == NULL) {
        free(w);
        return NULL;
    }
    wait_ms(w, LOOP_FIRST_MS);
    return w;
}

/* The stage has another set: watches of upstreams that are in both go on, others end or begin. */
static void follow(void *ctx)
{
    struct loop_guard *g = ctx;
    const struct upstream_set *set = g->stage->upstreams.set;
    struct watch *old[UPSTREAMS_MAX], *now[UPSTREAMS_MAX] = {0};
    for (unsigned i = 0; i < set->count; i++) {
        for (unsigned k = 0; k < UPSTREAMS_MAX && now[i] == NULL; k++)
            if (g->watches[k] != NULL && g->watches[k]->upstream == set->upstreams[i])
                now[i] = g->watches[k];
        if (now[i] == NULL && (now[i] = watch_new(g, set->upstreams[i])) == NULL)
            log_error("plugin/loop: %s: upstream %s: not guarded (no memory)", g->stage->where,
                      set->upstreams[i]->text);
    }
    pthread_mutex_lock(&lock);
    memcpy(old, g->watches, sizeof old);
    memcpy(g->watches, now, sizeof now);
    pthread_mutex_unlock(&lock);
    for (unsigned k = 0; k < UPSTREAMS_MAX; k++) {
        bool kept = old[k] == NULL;
        for (unsigned i = 0; i < UPSTREAMS_MAX; i++)
            kept |= now[i] == old[k];
        if (!kept)
            watch_stop(old[k]);
    }
}

void loop_guard_stop(struct loop_guard *g)
{
    if (g == NULL)
        return;
    pthread_mutex_lock(&lock);
    struct loop_guard **at = &guards;
    while (*at != NULL && *at != g)
        at = &(*at)->next;
    if (*at != NULL)
        *at = g->next;
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < UPSTREAMS_MAX; i++)
        if (g->watches[i] != NULL)
            watch_stop(g->watches[i]);
    g->stage->upstreams.changed = NULL;
    free(g);
}

int loop_guard_start(struct forward_stage *f, struct loop_guard **out)
{
    struct loop_guard *g = calloc(1, sizeof *g);
    if (g == NULL)
        return -ENOMEM;
    g->stage = f;
    pthread_mutex_lock(&lock);
    g->next = guards;
    guards = g;
    pthread_mutex_unlock(&lock);
    f->upstreams.changed = follow;
    f->upstreams.changed_ctx = g;
    *out = g;
    return ERR_OK;
}
