#include "serve/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rcu.h"
#include "serve/io_tcp.h"
#include "serve/io_udp.h"
#include "serve/worker_p.h"
#include "serve/workers.h"

static struct worker *table[WORKERS_MAX];
static unsigned table_count;
static _Thread_local struct worker *self;

unsigned worker_index(const struct worker *w)
{
    return w->index;
}

unsigned worker_count(void)
{
    return table_count;
}

struct event_base *worker_base(const struct worker *w)
{
    return w->base;
}

struct worker *worker_self(void)
{
    return self;
}

struct worker *worker_at(unsigned index)
{
    return index < table_count ? table[index] : NULL;
}

uint64_t worker_random(struct worker *w)
{
    uint64_t x = w->random; /* xorshift64: good enough to shuffle and to choose with */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return w->random = x;
}

/* ---- tasks ---- */

static void tasks_init(struct task_list *l)
{
    *l = (struct task_list){.last = &l->first};
}

static void tasks_append(struct task_list *l, struct worker_task *t)
{
    *l->last = t;
    l->last = &t->next;
    l->count++;
}

static int tasks_add(struct task_list *l, void (*fn)(void *), void *ctx)
{
    struct worker_task *t = malloc(sizeof *t);
    if (t == NULL)
        return -ENOMEM;
    *t = (struct worker_task){.fn = fn, .ctx = ctx};
    tasks_append(l, t);
    return ERR_OK;
}

/* At the end, when nobody runs them any more. */
static void tasks_free(struct task_list *l)
{
    while (l->first != NULL) {
        struct worker_task *next = l->first->next;
        if (!l->first->lent)
            free(l->first);
        l->first = next;
    }
}

static struct worker_task *tasks_take(struct task_list *l)
{
    struct worker_task *first = l->first;
    tasks_init(l);
    return first;
}

static void tasks_run(struct worker_task *t)
{
    while (t != NULL) {
        struct worker_task *next = t->next;
        bool lent = t->lent; /* what is lent may be gone after the call */
        t->fn(t->ctx);
        if (!lent)
            free(t);
        t = next;
    }
}

int worker_defer(struct worker *w, void (*fn)(void *ctx), void *ctx)
{
    if (w->due.count >= WORKER_TASKS_MAX)
        return ERR_LIMIT;
    if (w->due.first == NULL)
        event_active(w->due_event, 0, 0);
    return tasks_add(&w->due, fn, ctx);
}

static void run_due(evutil_socket_t fd, short what, void *ctx)
{
    struct worker *w = ctx;
    (void)fd, (void)what;
    tasks_run(tasks_take(&w->due));
    udp_flush(w);
}

static void wake(const struct worker *w)
{
    uint64_t one = 1;
    ssize_t n = write(w->mailbox_fd, &one, sizeof one); /* an eventfd that is full wakes just as well */
    (void)n;
}

int worker_post(struct worker *w, void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&w->mailbox_lock);
    bool first = w->mailbox.first == NULL;
    int ret = tasks_add(&w->mailbox, fn, ctx);
    pthread_mutex_unlock(&w->mailbox_lock);
    if (ret == ERR_OK && first)
        wake(w);
    return ret;
}

void worker_post_task(struct worker *w, struct worker_task *t, void (*fn)(void *ctx), void *ctx)
{
    *t = (struct worker_task){.fn = fn, .ctx = ctx, .lent = true};
    pthread_mutex_lock(&w->mailbox_lock);
    bool first = w->mailbox.first == NULL;
    tasks_append(&w->mailbox, t);
    pthread_mutex_unlock(&w->mailbox_lock);
    if (first)
        wake(w);
}

static void run_mailbox(evutil_socket_t fd, short what, void *ctx)
{
    struct worker *w = ctx;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n, (void)what;
    pthread_mutex_lock(&w->mailbox_lock);
    struct worker_task *t = tasks_take(&w->mailbox);
    pthread_mutex_unlock(&w->mailbox_lock);
    tasks_run(t);
    udp_flush(w);
}

static void on_idle(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    worker_free_idle(ctx);
}

/* ---- life ---- */

static void *worker_main(void *ctx)
{
    self = ctx;
    rcu_reader_register();
    event_base_loop(self->base, EVLOOP_NO_EXIT_ON_EMPTY);
    rcu_reader_unregister();
    return NULL;
}

static void worker_free(struct worker *w)
{
    if (w == NULL)
        return;
    if (w->mailbox_event != NULL)
        event_free(w->mailbox_event);
    if (w->due_event != NULL)
        event_free(w->due_event);
    if (w->idle_event != NULL)
        event_free(w->idle_event);
    tasks_free(&w->due);
    tasks_free(&w->mailbox);
    if (w->mailbox_fd >= 0)
        close(w->mailbox_fd);
    udp_batch_free(w->udp);
    tcp_shared_free(w->tcp);
    while (w->free_requests != NULL) {
        struct request *r = w->free_requests;
        w->free_requests = r->origin;
        free(r);
    }
    for (unsigned i = 0; i < REQUEST_DEPTH_MAX; i++)
        free(w->scratch[i]);
    if (w->base != NULL)
        event_base_free(w->base);
    pthread_mutex_destroy(&w->mailbox_lock);
    free(w);
}

/* Only the worker's own thread uses its base (the control thread before that is started, and after its end);
 * others leave something in the mailbox. So it needs no locks: eleven pairs a question to an upstream. */
static struct event_base *base_new(void)
{
    struct event_config *c = event_config_new();
    if (c == NULL)
        return NULL;
    event_config_set_flag(c, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(c);
    event_config_free(c);
    return base;
}

static struct worker *worker_new(unsigned index)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->index = index;
    pthread_mutex_init(&w->mailbox_lock, NULL);
    tasks_init(&w->due);
    tasks_init(&w->mailbox);
    LIST_INIT(&w->tenancies);
    LIST_INIT(&w->endpoints);
    TAILQ_INIT(&w->connections);
    if (getrandom(&w->random, sizeof w->random, 0) != sizeof w->random || w->random == 0)
        w->random = 0x9e3779b97f4a7c15u + index;
    w->mailbox_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    w->base = base_new();
    w->udp = udp_batch_new();
    w->tcp = w->base == NULL ? NULL : tcp_shared_new(w);
    bool ok = w->mailbox_fd >= 0 && w->base != NULL && w->udp != NULL && w->tcp != NULL;
    for (unsigned i = 0; i < REQUEST_DEPTH_MAX; i++)
        ok = (w->scratch[i] = malloc(sizeof *w->scratch[i])) != NULL && ok;
    if (ok) {
        w->due_event = event_new(w->base, -1, 0, run_due, w);
        w->idle_event = event_new(w->base, -1, 0, on_idle, w);
        w->mailbox_event = event_new(w->base, w->mailbox_fd, EV_READ | EV_PERSIST, run_mailbox, w);
        ok = w->due_event != NULL && w->idle_event != NULL && w->mailbox_event != NULL &&
             event_add(w->mailbox_event, NULL) == 0;
    }
    if (!ok) {
        worker_free(w);
        return NULL;
    }
    return w;
}

int workers_start(unsigned count, struct errtext *e)
{
    request_count_drops();
    for (unsigned i = 0; i < count && i < WORKERS_MAX; i++) {
        struct worker *w = worker_new(i);
        if (w == NULL)
            return errtext_set(e, -ENOMEM, "worker %u: cannot be made (no memory or no descriptors)", i);
        table[i] = w;
        table_count = i + 1;
    }
    for (unsigned i = 0; i < table_count; i++)
        table[i]->connections_max = tcp_connections_max(table_count);
    for (unsigned i = 0; i < table_count; i++) {
        int ret = pthread_create(&table[i]->thread, NULL, worker_main, table[i]);
        if (ret != 0)
            return errtext_set(e, -ret, "worker %u: thread cannot be started (%s)", i, strerror(ret));
        table[i]->running = true;
        char name[24];
        snprintf(name, sizeof name, "worker-%u", i);
        pthread_setname_np(table[i]->thread, name);
    }
    return ERR_OK;
}

static void stop_loop(void *ctx)
{
    struct worker *w = ctx;
    event_base_loopbreak(w->base);
}

void workers_stop(void)
{
    for (unsigned i = 0; i < table_count; i++)
        if (table[i]->running)
            worker_post(table[i], stop_loop, table[i]);
    for (unsigned i = 0; i < table_count; i++)
        if (table[i]->running)
            pthread_join(table[i]->thread, NULL);
    for (unsigned i = 0; i < table_count; i++)
        worker_free(table[i]);
    table_count = 0;
}

struct call {
    int (*fn)(struct worker *w, void *ctx);
    void *ctx;
    struct worker *worker;
    int result;
    struct call_group *group;
};

struct call_group {
    pthread_mutex_t lock;
    pthread_cond_t done;
    unsigned left;
};

static void run_call(void *ctx)
{
    struct call *call = ctx;
    call->result = call->fn(call->worker, call->ctx);
    pthread_mutex_lock(&call->group->lock);
    if (--call->group->left == 0)
        pthread_cond_signal(&call->group->done);
    pthread_mutex_unlock(&call->group->lock);
}

int workers_call(int (*fn)(struct worker *w, void *ctx), void *ctx)
{
    struct call_group group = {.left = table_count};
    struct call calls[WORKERS_MAX];
    pthread_mutex_init(&group.lock, NULL);
    pthread_cond_init(&group.done, NULL);
    for (unsigned i = 0; i < table_count; i++) {
        calls[i] = (struct call){.fn = fn, .ctx = ctx, .worker = table[i], .group = &group};
        if (worker_post(table[i], run_call, &calls[i]) != ERR_OK) {
            calls[i].result = -ENOMEM;
            pthread_mutex_lock(&group.lock);
            group.left--;
            pthread_mutex_unlock(&group.lock);
        }
    }
    pthread_mutex_lock(&group.lock);
    while (group.left > 0)
        pthread_cond_wait(&group.done, &group.lock);
    pthread_mutex_unlock(&group.lock);
    pthread_mutex_destroy(&group.lock);
    pthread_cond_destroy(&group.done);
    for (unsigned i = 0; i < table_count; i++)
        if (calls[i].result != ERR_OK)
            return calls[i].result;
    return ERR_OK;
}
