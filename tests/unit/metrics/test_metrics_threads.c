/* Counting from many threads while the page is made. */
#include "metrics/metrics.h"

#include <pthread.h>

#include "../runner.h"

static void make_page(void)
{
    struct bytes out;
    bytes_init(&out, 1 << 20);
    CU_ASSERT_EQUAL(metrics_render(&out), 0);
    bytes_free(&out);
}

static const struct metric *shared_counter;

static void *count_much(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 100000; i++)
        metrics_add(shared_counter, 0, 1);
    return NULL;
}

static void run_threads(int count)
{
    pthread_t threads[8];
    for (int i = 0; i < count; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, count_much, NULL), 0);
    for (int i = 0; i < 5; i++)
        make_page(); /* while they count */
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void test_threads(void)
{
    static const struct metric_desc desc = {.name = "t_threads_total", .help = "T.", .type = METRIC_COUNTER};
    shared_counter = metrics_register(&desc, NULL, 0);
    run_threads(8);
    CU_ASSERT_EQUAL(metrics_value(shared_counter, 0), 800000);
    run_threads(8); /* on the cells that the first eight left behind */
    CU_ASSERT_EQUAL(metrics_value(shared_counter, 0), 1600000);
}

static pthread_barrier_t gate;

static void *count_once(void *ctx)
{
    (void)ctx;
    metrics_add(shared_counter, 0, 1);
    pthread_barrier_wait(&gate); /* nobody ends before all have counted */
    return NULL;
}

static void test_more_threads_than_cells(void)
{
    enum { MANY = 120 };
    static const struct metric_desc desc = {.name = "t_many_total", .help = "M.", .type = METRIC_COUNTER};
    shared_counter = metrics_register(&desc, NULL, 0);
    pthread_t threads[MANY];
    pthread_barrier_init(&gate, NULL, MANY);
    for (int i = 0; i < MANY; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, count_once, NULL), 0);
    for (int i = 0; i < MANY; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&gate);
    CU_ASSERT_EQUAL(metrics_value(shared_counter, 0), MANY);
}

static void *register_and_count(void *ctx)
{
    static const struct metric_desc desc = {.name = "t_register_total", .help = "R.", .type = METRIC_COUNTER};
    static const struct metric_desc gauge = {.name = "t_register", .help = "G.", .type = METRIC_GAUGE};
    for (int i = 0; i < 200; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        const struct metric_label labels[] = {LABEL("i", value)};
        metrics_add(metrics_register(&desc, labels, 1), 0, 1);
        struct metric_gauge *g = metrics_gauge(&gauge, labels, 1, NULL, NULL);
        metrics_gauge_set(g, i);
        metrics_gauge_remove(g);
    }
    return ctx;
}

static void test_registering(void)
{
    static const struct metric_desc desc = {.name = "t_register_total", .help = "R.", .type = METRIC_COUNTER};
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, register_and_count, NULL), 0);
    for (int i = 0; i < 5; i++)
        make_page();
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    const struct metric_label labels[] = {LABEL("i", "77")};
    CU_ASSERT_EQUAL(metrics_value(metrics_register(&desc, labels, 1), 0), 8);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"no count of any thread is lost, nor when the thread has ended", test_threads},
        {"threads without cells of their own count too", test_more_threads_than_cells},
        {"several threads register the same series once", test_registering},
    };
    return run_suite("metrics_threads", tests, sizeof tests / sizeof tests[0]);
}
