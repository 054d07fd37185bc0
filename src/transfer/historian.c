#include "transfer/historian.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zone/zone_ixfr.h"

#define AGAIN_US 10000 /* until memory is asked for again, to tell a worker */

/* A journal that is followed. The history is the thread's own, and only the thread frees an entry. */
struct entry {
    char *path;
    uint8_t apex[NAME_MAX_LEN];
    unsigned references;
    struct journal_history *history;
    LIST_ENTRY(entry) link;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool running;
    bool stop, look, sweep; /* what the thread is to do */
    STAILQ_HEAD(, historian_job) jobs;
    LIST_HEAD(, entry) entries;
} h = {.lock = PTHREAD_MUTEX_INITIALIZER,
       .wake = PTHREAD_COND_INITIALIZER,
       .jobs = STAILQ_HEAD_INITIALIZER(h.jobs),
       .entries = LIST_HEAD_INITIALIZER(h.entries)};

static size_t spooled; /* atomic */

static struct entry *find(const char *path)
{
    struct entry *e;
    LIST_FOREACH(e, &h.entries, link)
    if (strcmp(e->path, path) == 0)
        return e;
    return NULL;
}

/* ---- the thread; with the lock held, but while it works ---- */

static void look_at(struct entry *e)
{
    if (e->history == NULL)
        e->history = journal_history_new(e->path, e->apex);
    if (e->history != NULL)
        journal_history_look(e->history);
}

static void look_at_all(void)
{
    struct entry *e;
    LIST_FOREACH(e, &h.entries, link)
    {
        pthread_mutex_unlock(&h.lock);
        look_at(e);
        pthread_mutex_lock(&h.lock);
    }
}

static void free_entry(struct entry *e)
{
    LIST_REMOVE(e, link);
    journal_history_free(e->history);
    free(e->path);
    free(e);
}

static void sweep(bool all)
{
    struct entry *e, *next;
    for (e = LIST_FIRST(&h.entries); e != NULL; e = next) {
        next = LIST_NEXT(e, link);
        if (all || e->references == 0)
            free_entry(e);
    }
}

static void run_done(void *ctx)
{
    struct historian_job *job = ctx;
    job->done(job);
}

static int make(struct historian_job *job, struct entry *e, struct reply *reply)
{
    if (e == NULL || reply == NULL)
        return ERR_NOT_FOUND;
    look_at(e);
    if (e->history == NULL)
        return -ENOMEM;
    if (__atomic_load_n(&spooled, __ATOMIC_RELAXED) > HISTORIAN_SPOOL_MAX)
        return ERR_LIMIT;
    struct zone_ixfr x = {.version = job->version, .query = job->query, .reply = reply, .out = &job->out};
    int ret = zone_ixfr_make(&x, e->history, job->from);
    job->records = x.records;
    return ret;
}

static void run(struct historian_job *job, struct entry *e, struct reply *reply)
{
    bytes_init(&job->out, HISTORIAN_ANSWER_MAX);
    job->result = make(job, e, reply);
    if (job->result != ERR_OK)
        bytes_free(&job->out);
    __atomic_fetch_add(&spooled, job->out.cap, __ATOMIC_RELAXED);
    while (worker_post(job->worker, run_done, job) != ERR_OK)
        usleep(AGAIN_US); /* the request must not be forgotten */
}

static void *historian_main(void *ctx)
{
    struct reply *reply = malloc(sizeof *reply); /* without it every answer is a whole zone */
    (void)ctx;
    pthread_mutex_lock(&h.lock);
    for (;;) {
        struct historian_job *job = STAILQ_FIRST(&h.jobs);
        if (job != NULL) {
            STAILQ_REMOVE_HEAD(&h.jobs, link);
            struct entry *e = find(job->path);
            pthread_mutex_unlock(&h.lock);
            run(job, e, reply);
            pthread_mutex_lock(&h.lock);
        } else if (h.sweep) {
            h.sweep = false;
            sweep(false);
        } else if (h.look) {
            h.look = false;
            look_at_all();
        } else if (h.stop) {
            break;
        } else {
            pthread_cond_wait(&h.wake, &h.lock);
        }
    }
    sweep(true);
    pthread_mutex_unlock(&h.lock);
    free(reply);
    return NULL;
}

/* ---- control thread ---- */

int historian_open(void)
{
    h.stop = h.look = h.sweep = false;
    int ret = pthread_create(&h.thread, NULL, historian_main, NULL);
    if (ret != 0)
        return -ret;
    pthread_setname_np(h.thread, "historian");
    pthread_mutex_lock(&h.lock);
    h.running = true;
    pthread_mutex_unlock(&h.lock);
    return ERR_OK;
}

static void set(bool *what)
{
    pthread_mutex_lock(&h.lock);
    *what = true;
    pthread_cond_signal(&h.wake);
    pthread_mutex_unlock(&h.lock);
}

void historian_close(void)
{
    pthread_mutex_lock(&h.lock);
    h.running = false;
    pthread_mutex_unlock(&h.lock);
    set(&h.stop);
    pthread_join(h.thread, NULL);
}

void historian_want(const char *path, const uint8_t *apex)
{
    pthread_mutex_lock(&h.lock);
    struct entry *e = find(path);
    if (e == NULL && (e = calloc(1, sizeof *e)) != NULL) {
        e->path = strdup(path);
        name_lower(e->apex, apex);
        if (e->path != NULL) {
            LIST_INSERT_HEAD(&h.entries, e, link);
        } else {
            free(e);
            e = NULL; /* without history the zone is transferred whole */
        }
    }
    if (e != NULL)
        e->references++;
    pthread_mutex_unlock(&h.lock);
    set(&h.look);
}

void historian_unwant(const char *path)
{
    pthread_mutex_lock(&h.lock);
    struct entry *e = find(path);
    if (e != NULL && e->references > 0)
        e->references--;
    pthread_mutex_unlock(&h.lock);
}

void historian_sweep(void)
{
    set(&h.sweep);
}

void historian_look(void)
{
    set(&h.look);
}

/* ---- workers ---- */

int historian_ask(struct historian_job *job)
{
    pthread_mutex_lock(&h.lock);
    bool running = h.running;
    if (running) {
        STAILQ_INSERT_TAIL(&h.jobs, job, link);
        pthread_cond_signal(&h.wake);
    }
    pthread_mutex_unlock(&h.lock);
    return running ? ERR_OK : ERR_UNSUPPORTED;
}

void historian_forget(struct historian_job *job)
{
    __atomic_fetch_sub(&spooled, job->out.cap, __ATOMIC_RELAXED);
    bytes_free(&job->out);
}
