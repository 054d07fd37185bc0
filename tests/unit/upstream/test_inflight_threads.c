/* Joining and finishing in several workers at once; for ThreadSanitizer. */
#include "../runner.h"

#include <pthread.h>
#include <sched.h>

#include "../serve/message.h"
#include "serve/worker.h"
#include "upstream/inflight.h"

#define THREADS 3
#define ROUNDS  4000
#define NAMES   5 /* few, so that threads meet */

/* Workers with a mailbox each, in place of worker.c. */
struct worker {
    pthread_mutex_t lock;
    struct worker_task *mail;
    unsigned told, answered;
};
static struct worker workers[THREADS];

void worker_post_task(struct worker *w, struct worker_task *t, void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&w->lock);
    *t = (struct worker_task){.fn = fn, .ctx = ctx, .next = w->mail};
    w->mail = t;
    pthread_mutex_unlock(&w->lock);
}

unsigned worker_index(const struct worker *w)
{
    return (unsigned)(w - workers);
}

static void read_mail(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    struct worker_task *m = w->mail;
    w->mail = NULL;
    pthread_mutex_unlock(&w->lock);
    while (m != NULL) {
        struct worker_task *next = m->next;
        m->fn(m->ctx);
        m = next;
    }
}

static void tell(struct inflight_waiter *self, enum upstream_result result, struct exchange_answer *answer)
{
    self->worker->told++;
    if (result == UPSTREAM_ANSWER && answer->len == 4 && memcmp(answer->wire, "true", 4) == 0)
        self->worker->answered++;
    free(self);
}

static const int set;

static void *ask_and_answer(void *ctx)
{
    struct worker *w = ctx;
    struct query names[NAMES];
    for (unsigned i = 0; i < NAMES; i++) {
        char text[32];
        snprintf(text, sizeof text, "n%u.example.org.", i);
        names[i] = make_query(text, RR_A);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct inflight_waiter *waiter = calloc(1, sizeof *waiter);
        struct inflight *f;
        *waiter = (struct inflight_waiter){.worker = w, .tell = tell};
        if (inflight_join(&set, &names[round % NAMES], false, waiter, true, &f) == INFLIGHT_LEAD) {
            sched_yield(); /* time for others to follow */
            struct exchange_answer *answer = exchange_answer_new("true", 4);
            inflight_finish(f, UPSTREAM_ANSWER, answer);
            exchange_answer_unref(answer);
        }
        read_mail(w);
    }
    return NULL;
}

static void every_asker_of_every_thread_is_told_once(void)
{
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        pthread_mutex_init(&workers[i].lock, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, ask_and_answer, &workers[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        read_mail(&workers[i]);
        CU_ASSERT_EQUAL(workers[i].told, ROUNDS);
        CU_ASSERT_EQUAL(workers[i].answered, ROUNDS);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"every asker of every thread is told once", every_asker_of_every_thread_is_told_once},
    };
    return run_suite("inflight_threads", tests, sizeof tests / sizeof tests[0]);
}
