/*
 * Workers and the control thread as a test plays them: in place of worker.c and control.c, at link time.
 * Included by one file of a program. Worker number i is `fake_workers[i]`; all run on one event base; posted
 * and deferred calls wait until run_posts().
 */
#ifndef SEAMARK_TESTS_FAKE_WORKER_H
#define SEAMARK_TESTS_FAKE_WORKER_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "serve/control.h"
#include "serve/worker.h"

#define FAKE_WORKERS 3

struct worker {
    unsigned index;
};

static struct worker fake_workers[FAKE_WORKERS] = {{0}, {1}, {2}};
static struct event_base *fake_base;
static uint64_t fake_random;

struct fake_post {
    struct worker *to; /* NULL: the control thread */
    void (*fn)(void *ctx);
    void *ctx;
};
static struct fake_post fake_posts[256];
static unsigned fake_nposts;
static struct worker *fake_self = &fake_workers[0];

static int fake_add_post(struct worker *to, void (*fn)(void *ctx), void *ctx)
{
    if (fake_nposts == 256)
        return -ENOMEM;
    fake_posts[fake_nposts++] = (struct fake_post){to, fn, ctx};
    return ERR_OK;
}

/* Runs what was posted, and what that posts; returns how many. */
static inline unsigned run_posts(void)
{
    unsigned n = 0;
    while (n < fake_nposts) {
        struct fake_post p = fake_posts[n++];
        fake_self = p.to;
        p.fn(p.ctx);
    }
    fake_self = &fake_workers[0];
    fake_nposts = 0;
    return n;
}

unsigned worker_index(const struct worker *w)
{
    return w->index;
}
unsigned worker_count(void)
{
    return FAKE_WORKERS;
}
struct event_base *worker_base(const struct worker *w)
{
    (void)w;
    return fake_base;
}
struct worker *worker_self(void)
{
    return fake_self;
}
struct worker *worker_at(unsigned index)
{
    return &fake_workers[index];
}
uint64_t worker_random(struct worker *w)
{
    (void)w;
    return fake_random;
}
int worker_defer(struct worker *w, void (*fn)(void *ctx), void *ctx)
{
    return fake_add_post(w, fn, ctx);
}
int worker_post(struct worker *w, void (*fn)(void *ctx), void *ctx)
{
    return fake_add_post(w, fn, ctx);
}
void worker_post_task(struct worker *w, struct worker_task *t, void (*fn)(void *ctx), void *ctx)
{
    (void)t;
    if (fake_add_post(w, fn, ctx) != ERR_OK)
        abort();
}
int control_post(void (*fn)(void *ctx), void *ctx)
{
    return fake_add_post(NULL, fn, ctx);
}
const char *control_zones_folder(void)
{
    return "/nowhere";
}

struct event_base *control_base(void)
{
    return fake_base;
}

/* request.c's, which cannot be had without the real worker. */
uint16_t address_port(const union address *a)
{
    return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

#endif
