#include "cache/cache_persist.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rcu.h"
#include "cache/cache_persist_p.h"

/* A writing that took t is followed by so many t without one. */
#define PAUSE_FACTOR 100
/* The thread has nothing to do any more: so long is waited for its end. */
#define THREAD_END_MS 1000

struct cache_persist {
    struct cache_persist_settings settings;
    struct cache_persist *next;
    /* under the lock */
    struct answer_cache *cache;
    uint64_t due_ms;
    uint64_t written; /* answer_cache_changes() then */
    bool wanted;
    bool busy;    /* the thread has it */
    bool reading; /* and looks at the cache */
    bool stopped; /* the thread frees it */
    bool complained;
    atomic_bool cancel;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed; /* of anything under the lock; on the monotonic clock */
static struct cache_persist *list;
static bool thread_runs;
static uint64_t leave_by_ms; /* 0: nobody leaves */

static void init(void)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attr);
    pthread_condattr_destroy(&attr);
}

/* Under the lock: waits for a change, until `ms` of clock_ms() at the latest. */
static void wait_until(uint64_t ms)
{
    const struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};
    pthread_cond_timedwait(&changed, &lock, &t);
}

static void persist_free(struct cache_persist *p)
{
    free((char *)(uintptr_t)p->settings.path);
    free(p);
}

/* ---- the thread ---- */

static void has_read(void *ctx)
{
    struct cache_persist *p = ctx;
    pthread_mutex_lock(&lock);
    p->reading = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Under the lock. Nothing new: nothing to write. */
static bool is_due(const struct cache_persist *p, uint64_t now_ms)
{
    return (p->wanted || now_ms >= p->due_ms) && p->written != answer_cache_changes(p->cache);
}

/* Under the lock, which is let go while it writes. */
static void write_one(struct cache_persist *p)
{
    uint64_t changes = answer_cache_changes(p->cache), start = clock_ms();
    struct answer_cache *cache = p->cache;
    p->busy = p->reading = true;
    p->wanted = false;
    pthread_mutex_unlock(&lock);
    int ret = cache_dump(cache, &p->settings, &p->cancel, has_read, p);
    uint64_t took = clock_ms() - start, pause = took * PAUSE_FACTOR;
    pthread_mutex_lock(&lock);
    p->busy = false;
    p->due_ms = start + took + (pause > p->settings.interval_ms ? pause : p->settings.interval_ms);
    if (ret == ERR_OK)
        p->written = changes;
    else if (ret != ERR_STALE && !p->complained)
        log_warning("plugin/cache: %s: the cache cannot be kept there (%s)", p->settings.path, err_text(ret));
    p->complained = p->complained || (ret != ERR_OK && ret != ERR_STALE);
    if (p->stopped)
        persist_free(p);
    pthread_cond_broadcast(&changed);
}

/* Under the lock: what is to be written next, or NULL and when to look again. */
static struct cache_persist *next_due(uint64_t *until_ms)
{
    uint64_t now = clock_ms();
    *until_ms = now + 3600 * 1000;
    for (struct cache_persist *p = list; p != NULL; p = p->next) {
        if (is_due(p, now))
            return p;
        uint64_t due = p->due_ms > now ? p->due_ms : now + p->settings.interval_ms;
        p->wanted = false; /* it is as it was written */
        if (due < *until_ms)
            *until_ms = due;
    }
    return NULL;
}

static void *thread_main(void *ctx)
{
    (void)ctx;
    rcu_reader_register();
    pthread_mutex_lock(&lock);
    while (list != NULL) {
        uint64_t until;
        struct cache_persist *p = next_due(&until);
        if (p != NULL) {
            write_one(p);
            continue;
        }
        pthread_cond_broadcast(&changed); /* what was wanted is there */
        wait_until(until);
    }
    thread_runs = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    rcu_reader_unregister();
    return NULL;
}

/* Under the lock. */
static bool start_thread(void)
{
    pthread_t thread;
    if (thread_runs)
        return true;
    if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
        return false;
    pthread_setname_np(thread, "cache-writer");
    pthread_detach(thread);
    thread_runs = true;
    return true;
}

/* ---- the control thread ---- */

struct cache_persist *cache_persist_start(struct answer_cache *cache, const struct cache_persist_settings *s)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init);
    cache_restore(cache, s);
    struct cache_persist *p = calloc(1, sizeof *p);
    char *path = strdup(s->path);
    if (p != NULL && path != NULL) {
        p->settings = *s;
        p->settings.path = path;
        p->cache = cache;
        p->due_ms = clock_ms() + s->interval_ms;
        p->written = answer_cache_changes(cache);
        pthread_mutex_lock(&lock);
        p->next = list;
        list = p;
        bool runs = start_thread();
        if (!runs)
            list = p->next;
        pthread_mutex_unlock(&lock);
        if (runs)
            return p;
    }
    log_warning("plugin/cache: %s: the cache is not kept (no memory or no thread)", s->path);
    free(path);
    free(p);
    return NULL;
}

void cache_persist_leave(struct cache_persist *p)
{
    pthread_mutex_lock(&lock);
    if (leave_by_ms == 0)
        leave_by_ms = clock_ms() + CACHE_LEAVE_MS;
    p->wanted = true;
    pthread_cond_broadcast(&changed);
    while ((p->wanted || p->busy) && clock_ms() < leave_by_ms)
        wait_until(leave_by_ms);
    if (p->wanted || p->busy)
        log_warning("plugin/cache: %s: the cache is not written at the end, that takes too long",
                    p->settings.path);
    pthread_mutex_unlock(&lock);
}

/* Under the lock: the thread ends with its last cache; a test or sanitizer is not to find it half-way. */
static void await_thread(void)
{
    uint64_t by = clock_ms() + THREAD_END_MS;
    while (list == NULL && thread_runs && clock_ms() < by)
        wait_until(by);
}

void cache_persist_stop(struct cache_persist *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&lock);
    struct cache_persist **at = &list;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    atomic_store_explicit(&p->cancel, true, memory_order_relaxed);
    pthread_cond_broadcast(&changed);
    while (p->reading)
        pthread_cond_wait(&changed, &lock);
    if (p->busy)
        p->stopped = true;
    else
        persist_free(p);
    await_thread();
    pthread_mutex_unlock(&lock);
}
