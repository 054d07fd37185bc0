/* Workers, called from many threads at once, while configurations come and go under questions that wait. */
#include "serve/worker.h"

#include <pthread.h>
#include <time.h>

#include "../runner.h"
#include "fake_plugins.h"
#include "serve/chain.h"
#include "serve/worker_p.h"
#include "serve/workers.h"

#define WORKERS   3
#define THREADS   4
#define POSTS     20000 /* of each thread */
#define UNDER_WAY 300   /* questions at the same time */

static int nothing(struct worker *w, void *ctx)
{
    (void)w, (void)ctx;
    return ERR_OK;
}

/* ---- tasks ---- */

static struct {
    unsigned last[THREADS]; /* the worker's own: number of the last task of each thread */
    unsigned count;
    unsigned out_of_order;
} ran[WORKERS];

struct numbered {
    unsigned worker, thread, number;
    struct worker_task task; /* lent by every second */
};

static void run_numbered(void *ctx)
{
    struct numbered *n = ctx;
    ran[n->worker].count++;
    ran[n->worker].out_of_order +=
        worker_self() != worker_at(n->worker) || n->number <= ran[n->worker].last[n->thread];
    ran[n->worker].last[n->thread] = n->number;
    free(n);
}

static void *post_many(void *ctx)
{
    unsigned thread = *(unsigned *)ctx;
    for (unsigned i = 1; i <= POSTS; i++) {
        struct numbered *n = malloc(sizeof *n);
        if (n == NULL)
            break;
        *n = (struct numbered){.worker = i % WORKERS, .thread = thread, .number = i};
        if (i / WORKERS % 2 == 0)
            worker_post_task(worker_at(n->worker), &n->task, run_numbered, n);
        else if (worker_post(worker_at(n->worker), run_numbered, n) != ERR_OK)
            free(n);
    }
    return NULL;
}

static void tasks_from_many_threads_all_run_in_order_and_where_they_were_sent(void)
{
    pthread_t threads[THREADS];
    unsigned numbers[THREADS], count = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, post_many, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    workers_call(nothing, NULL); /* behind all of them */
    for (unsigned w = 0; w < WORKERS; w++) {
        count += ran[w].count;
        CU_ASSERT_EQUAL(ran[w].out_of_order, 0);
    }
    CU_ASSERT_EQUAL(count, THREADS * POSTS);
}

static int by_index(struct worker *w, void *ctx)
{
    unsigned *called = ctx;
    called[worker_index(w)]++;
    return worker_index(w) == 1 ? ERR_LIMIT : ERR_OK;
}

static void a_call_to_all_waits_for_all_and_tells_of_a_failure(void)
{
    for (unsigned round = 0; round < 500; round++) {
        unsigned called[WORKERS] = {0};
        CU_ASSERT_EQUAL(workers_call(by_index, called), ERR_LIMIT);
        for (unsigned w = 0; w < WORKERS; w++)
            CU_ASSERT_EQUAL(called[w], 1);
    }
}

static unsigned deferred;

static void defer_again(void *ctx)
{
    if (++deferred < 1000)
        worker_defer(ctx, defer_again, ctx);
}

static void count_deferred(void *ctx)
{
    (void)ctx;
    deferred++;
}

static int defer(struct worker *w, void *ctx)
{
    (void)ctx;
    deferred = 0;
    int ret = worker_defer(w, defer_again, w);
    return deferred == 0 ? ret : ERR_LIMIT; /* not before we return */
}

static int defer_too_many(struct worker *w, void *ctx)
{
    unsigned n = 0;
    while (worker_defer(w, count_deferred, NULL) == ERR_OK)
        n++;
    *(unsigned *)ctx = n;
    deferred = 0;
    return ERR_OK;
}

static int in_worker_0(struct worker *w, void *ctx)
{
    struct {
        int (*fn)(struct worker *w, void *ctx);
        void *ctx;
    } *call = ctx;
    return worker_index(w) == 0 ? call->fn(w, call->ctx) : ERR_OK;
}

static void deferred_tasks_run_later_in_the_same_thread_and_are_bounded(void)
{
    unsigned taken = 0;
    struct {
        int (*fn)(struct worker *w, void *ctx);
        void *ctx;
    } once = {defer, NULL}, many = {defer_too_many, &taken};
    CU_ASSERT_EQUAL(workers_call(in_worker_0, &once), ERR_OK);
    for (unsigned i = 0; i < 2000; i++)
        workers_call(nothing, NULL);
    CU_ASSERT_EQUAL(deferred, 1000);
    CU_ASSERT_EQUAL(workers_call(in_worker_0, &many), ERR_OK);
    workers_call(nothing, NULL);
    workers_call(nothing, NULL);
    CU_ASSERT_EQUAL(taken, WORKER_TASKS_MAX);
    CU_ASSERT_EQUAL(deferred, WORKER_TASKS_MAX);
}

/* ---- configurations ---- */

static struct config *config;
static unsigned posted, ended; /* atomic */
static bool over;

static void ended_one(struct request *r)
{
    (void)r;
    __atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
}

/* One question that waits until a task of its worker's resumes it. */
static void begin_one(void *ctx)
{
    static const uint8_t name[] = "\10anything\4test";
    (void)ctx;
    struct worker *w = worker_self();
    uint8_t packet[512];
    struct query q;
    struct request *r = request_new(w);
    if (r == NULL) {
        ended_one(NULL);
        return;
    }
    query_make(&q, name, RR_A);
    int len = query_write(&q, packet, sizeof packet);
    r->transport = TRANSPORT_TCP;
    r->done = ended_one;
    request_serve(r, &w->present->config->listeners[0], packet, (size_t)len);
}

/* As fast as they are answered, and no faster: a mailbox has no end. */
static void *ask_on_and_on(void *ctx)
{
    (void)ctx;
    for (unsigned i = 0; !__atomic_load_n(&over, __ATOMIC_SEQ_CST); i++) {
        while (__atomic_load_n(&posted, __ATOMIC_SEQ_CST) - __atomic_load_n(&ended, __ATOMIC_SEQ_CST) >
               UNDER_WAY)
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        __atomic_fetch_add(&posted, 1, __ATOMIC_SEQ_CST);
        worker_post(worker_at(i % WORKERS), begin_one, NULL);
    }
    return NULL;
}

static int prepare(struct worker *w, void *ctx)
{
    struct errtext e = {0};
    return worker_prepare(w, ctx, &e);
}

static int adopt(struct worker *w, void *ctx)
{
    worker_adopt(w, ctx);
    return ERR_OK;
}

static int retire(struct worker *w, void *ctx)
{
    (void)ctx;
    worker_retire_present(w);
    return ERR_OK;
}

static void use(const char *text)
{
    struct config *fresh = NULL;
    struct errtext e;
    CU_ASSERT_EQUAL_FATAL(fake_config(text, &fresh, &e), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(workers_call(prepare, fresh), ERR_OK);
    workers_call(adopt, fresh);
    config_unref(config);
    config = fresh;
}

static void configurations_come_and_go_under_questions_that_wait(void)
{
    pthread_t threads[THREADS];
    use("test {\n pending\n}\n");
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, ask_on_and_on, NULL), 0);
    /* On a busy machine those who ask may come late. */
    for (unsigned i = 0; i < 200 || (i < 20000 && __atomic_load_n(&posted, __ATOMIC_SEQ_CST) <= 1000); i++)
        use(i % 2 ? "test {\n pending\n}\n" : "test {\n pending\n silent\n}\n");
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 10000 && __atomic_load_n(&ended, __ATOMIC_SEQ_CST) < posted; i++)
        workers_call(nothing, NULL);
    CU_ASSERT(posted > 1000);
    CU_ASSERT_EQUAL(__atomic_load_n(&ended, __ATOMIC_SEQ_CST), posted);
    workers_call(retire, NULL);
    config_unref(config);
    CU_ASSERT_EQUAL(fake_get(&fake_live), 0);
    CU_ASSERT_EQUAL(fake_get(&fake_worker_starts), fake_get(&fake_worker_stops));
}

static const struct unit_test tests[] = {
    {"tasks from many threads all run, in order and where they were sent",
     tasks_from_many_threads_all_run_in_order_and_where_they_were_sent},
    {"a call to all waits for all and tells of a failure",
     a_call_to_all_waits_for_all_and_tells_of_a_failure},
    {"deferred tasks run later in the same thread and are bounded",
     deferred_tasks_run_later_in_the_same_thread_and_are_bounded},
    {"configurations come and go under questions that wait",
     configurations_come_and_go_under_questions_that_wait},
};

int main(void)
{
    struct errtext e = {0};
    if (workers_start(WORKERS, &e) != ERR_OK)
        return 2;
    int status = run_suite("worker_threads", tests, sizeof tests / sizeof tests[0]);
    workers_stop();
    return status;
}
