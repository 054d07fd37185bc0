/* Each thread has a buffer of its own, the same at each call, and leaves none behind. */
#include "base/thread_buffer.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "../runner.h"

#define THREADS 8
#define SIZE    65536u

static pthread_barrier_t all_filled;

static void *use(void *arg)
{
    static _Thread_local void *one, *other;
    uintptr_t number = (uintptr_t)arg, wrong = 0;
    uint8_t *a = thread_buffer(&one, SIZE), *b = thread_buffer(&other, 10);
    if (a == NULL || b == NULL || a == b || a[SIZE - 1] != 0)
        return (void *)1;
    memset(a, (int)number, SIZE);
    memset(b, (int)number + 100, 10);
    pthread_barrier_wait(&all_filled);
    wrong += thread_buffer(&one, SIZE) != a || thread_buffer(&other, 10) != b;
    wrong += a[0] != number || a[SIZE - 1] != number || b[9] != number + 100;
    return (void *)wrong;
}

static void every_thread_has_its_own(void)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&all_filled, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, use, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        CU_ASSERT_PTR_NULL(wrong);
    }
    pthread_barrier_destroy(&all_filled);
}

int main(void)
{
    static const struct unit_test tests[] = {{"every thread has its own", every_thread_has_its_own}};
    return run_suite("base/thread_buffer", tests, sizeof tests / sizeof tests[0]);
}
