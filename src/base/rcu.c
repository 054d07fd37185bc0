#include "base/rcu.h"

#include <semaphore.h>
#include <stddef.h>
#include <stdlib.h>
#include <urcu.h>

#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif

#ifdef TSAN
/* ThreadSanitizer does not see the ordering that liburcu's inline assembly and membarrier give. These two
 * calls tell it: what a reader did in its section, and a writer before rcu_free_later(), happens before what
 * is done after rcu_wait() and in release(). */
extern void AnnotateHappensBefore(const char *file, int line, const volatile void *address);
extern void AnnotateHappensAfter(const char *file, int line, const volatile void *address);
static char grace;
#define READER_DONE() AnnotateHappensBefore(__FILE__, __LINE__, &grace)
#define GRACE_OVER()  AnnotateHappensAfter(__FILE__, __LINE__, &grace)
#else
#define READER_DONE() ((void)0)
#define GRACE_OVER()  ((void)0)
#endif

void rcu_reader_register(void)
{
    rcu_register_thread();
}

void rcu_reader_unregister(void)
{
    rcu_unregister_thread();
}

void rcu_reader_begin(void)
{
    rcu_read_lock();
}

void rcu_reader_end(void)
{
    READER_DONE();
    rcu_read_unlock();
}

void rcu_wait(void)
{
    synchronize_rcu();
    GRACE_OVER();
}

struct later {
    struct rcu_head head;
    void *object;
    void (*release)(void *);
};

static void run_later(struct rcu_head *head)
{
    GRACE_OVER();
    struct later *l = (struct later *)(void *)((char *)head - offsetof(struct later, head));
    l->release(l->object);
    free(l);
}

void rcu_free_later(void *object, void (*release)(void *))
{
    struct later *l = malloc(sizeof *l);
    if (l == NULL) { /* no memory to defer with: wait here instead */
        rcu_wait();
        release(object);
        return;
    }
    l->object = object;
    l->release = release;
    READER_DONE();
    call_rcu(&l->head, run_later);
}

#ifdef TSAN
/* rcu_barrier() hands memory from thread to thread unseen too. Releases run in the order they were asked for,
 * so it is enough to wait for one's own. */
static void post(void *semaphore)
{
    sem_post(semaphore);
}

void rcu_drain(void)
{
    sem_t released;
    sem_init(&released, 0, 0);
    rcu_free_later(&released, post);
    while (sem_wait(&released) < 0)
        ;
    sem_destroy(&released);
}
#else
void rcu_drain(void)
{
    rcu_barrier();
}
#endif
