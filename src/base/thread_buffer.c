#include "base/thread_buffer.h"

#include <pthread.h>
#include <stdlib.h>

struct buffer {
    struct buffer *next; /* of the same thread */
    _Alignas(max_align_t) unsigned char octets[];
};

static pthread_key_t key; /* of the first of the thread's buffers */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int failed;

static void free_all(void *first)
{
    for (struct buffer *b = first, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
}

static void make_key(void)
{
    failed = pthread_key_create(&key, free_all);
}

void *thread_buffer(void **own, size_t size)
{
    if (*own != NULL)
        return *own;
    pthread_once(&once, make_key);
    struct buffer *b = failed != 0 ? NULL : calloc(1, sizeof *b + size);
    if (b == NULL)
        return NULL;
    b->next = pthread_getspecific(key);
    if (pthread_setspecific(key, b) != 0) {
        free(b);
        return NULL;
    }
    return *own = b->octets;
}
