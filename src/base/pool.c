#include "base/pool.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/queue.h>

#if defined(__SANITIZE_ADDRESS__)
#define MALLOC_ONLY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MALLOC_ONLY 1
#endif
#endif

#define GRAIN      8u
#define CHUNK      65536u
#define REGION     (64 * CHUNK)
#define CLASSES    (POOL_BLOCK_MAX / GRAIN)
#define SPARES_MAX 2 /* empty chunks that are kept: a size that comes and goes must not cost system calls */

#define MAPPED_FROM (128 << 10) /* as malloc() begins */

void pool_settle_malloc(void)
{
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    mallopt(M_TRIM_THRESHOLD, MAPPED_FROM);
}

size_t pool_room(size_t size)
{
    return (size + GRAIN - 1) / GRAIN * GRAIN;
}

#ifdef MALLOC_ONLY

void *pool_alloc(size_t size)
{
    return malloc(size);
}

void pool_free(void *block, size_t size)
{
    (void)size;
    free(block);
}

#else

/* A freed block, as long as it is free. */
struct block {
    struct block *next;
};

struct chunk {
    LIST_ENTRY(chunk) link; /* among those of its class that have room, or the spares; in neither when full */
    struct block *freed;
    uint32_t used; /* blocks */
    uint32_t end;  /* octets from the chunk's start that have been in use at some time */
};

LIST_HEAD(chunks, chunk);

static struct {
    pthread_mutex_t lock;
    struct chunks roomy[CLASSES + 1]; /* by the size of blocks in grains */
    struct chunks spares;
    unsigned nspares;
    char *region; /* its first `unused` octets are chunks to come */
    size_t unused;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct chunk *chunk_of(void *block)
{
    return (struct chunk *)((uintptr_t)block & ~(uintptr_t)(CHUNK - 1));
}

/* A chunk that was never used, at a multiple of its size. */
static void *map_chunk(void)
{
    if (pool.unused ==
        0) { /* many at once, so that they are few mappings; what is not touched takes no memory */
        char *at = mmap(NULL, REGION + CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED)
            return NULL;
        size_t before = (CHUNK - (uintptr_t)at % CHUNK) % CHUNK;
        if (before > 0)
            munmap(at, before);
        munmap(at + before + REGION, CHUNK - before);
        pool.region = at + before;
        pool.unused = REGION;
    }
    pool.unused -= CHUNK;
    return pool.region + pool.unused;
}

static struct chunk *chunk_new(struct chunks *list)
{
    struct chunk *c = LIST_FIRST(&pool.spares);
    if (c != NULL) {
        LIST_REMOVE(c, link);
        pool.nspares--;
    } else {
        c = map_chunk();
        if (c == NULL)
            return NULL;
    }
    c->freed = NULL;
    c->used = 0;
    c->end = sizeof *c;
    LIST_INSERT_HEAD(list, c, link);
    return c;
}

static bool has_room(const struct chunk *c, size_t size)
{
    return c->freed != NULL || CHUNK - c->end >= size;
}

static void *take_block(size_t size)
{
    struct chunks *list = &pool.roomy[size / GRAIN];
    struct chunk *c = LIST_FIRST(list);
    if (c == NULL)
        c = chunk_new(list);
    if (c == NULL)
        return NULL;
    void *block = c->freed;
    if (block != NULL) {
        c->freed = c->freed->next;
    } else {
        block = (char *)c + c->end;
        c->end += (uint32_t)size;
    }
    c->used++;
    if (!has_room(c, size))
        LIST_REMOVE(c, link);
    return block;
}

static void give_block(struct block *block, size_t size)
{
    struct chunk *c = chunk_of(block);
    if (!has_room(c, size))
        LIST_INSERT_HEAD(&pool.roomy[size / GRAIN], c, link);
    block->next = c->freed;
    c->freed = block;
    if (--c->used > 0)
        return;
    LIST_REMOVE(c, link);
    if (pool.nspares == SPARES_MAX) {
        munmap(c, CHUNK);
        return;
    }
    LIST_INSERT_HEAD(&pool.spares, c, link);
    pool.nspares++;
}

void *pool_alloc(size_t size)
{
    if (size == 0 || size > POOL_BLOCK_MAX)
        return malloc(size);
    pthread_mutex_lock(&pool.lock);
    void *block = take_block(pool_room(size));
    pthread_mutex_unlock(&pool.lock);
    return block;
}

void pool_free(void *block, size_t size)
{
    if (size == 0 || size > POOL_BLOCK_MAX || block == NULL) {
        free(block);
        return;
    }
    pthread_mutex_lock(&pool.lock);
    give_block(block, pool_room(size));
    pthread_mutex_unlock(&pool.lock);
}

#endif
