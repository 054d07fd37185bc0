/*
 * Preloaded into a program under test: ends it, with the call's name on stderr, where a thread calls libevent
 * about a base without locks (EVENT_BASE_FLAG_NOLOCK), or one of its events, while another thread runs that
 * base's loop. The libraries' own calls count too. Says at the end how many calls it has seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BASES_MAX 64

static struct {
    struct event_base *base;
    int owner; /* the thread that is in its loop; 0: none */
} bases[BASES_MAX];
static unsigned long seen;
static __thread int lockless; /* the configuration that is being made is without locks */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int thread(void)
{
    return (int)syscall(SYS_gettid);
}

static int *owner_of(const struct event_base *base)
{
    for (unsigned i = 0; base != NULL && i < BASES_MAX; i++)
        if (__atomic_load_n(&bases[i].base, __ATOMIC_ACQUIRE) == base)
            return &bases[i].owner;
    return NULL;
}

static void look(const struct event_base *base, const char *name)
{
    const int *at = owner_of(base);
    int owner = at == NULL ? 0 : __atomic_load_n(at, __ATOMIC_ACQUIRE);
    __atomic_fetch_add(&seen, at != NULL, __ATOMIC_RELAXED);
    if (owner == 0 || owner == thread())
        return;
    dprintf(2, "%s() of another thread's base\n", name);
    abort();
}

__attribute__((destructor)) static void tell(void)
{
    dprintf(2, "libevent was called %lu times\n", seen);
}

/* ---- bases ---- */

int event_config_set_flag(struct event_config *c, int flag)
{
    lockless = (flag & EVENT_BASE_FLAG_NOLOCK) != 0;
    return REAL(event_config_set_flag)(c, flag);
}

struct event_base *event_base_new_with_config(const struct event_config *c)
{
    struct event_base *base = REAL(event_base_new_with_config)(c);
    struct event_base *none = NULL;
    for (unsigned i = 0; lockless && i < BASES_MAX; i++, none = NULL)
        if (__atomic_compare_exchange_n(&bases[i].base, &none, base, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            break;
    lockless = 0;
    return base;
}

void event_base_free(struct event_base *base)
{
    look(base, "event_base_free");
    REAL(event_base_free)(base);
    for (unsigned i = 0; i < BASES_MAX; i++)
        if (bases[i].base == base)
            __atomic_store_n(&bases[i].base, NULL, __ATOMIC_RELEASE);
}

int event_base_loop(struct event_base *base, int flags)
{
    int *owner = owner_of(base);
    look(base, "event_base_loop");
    if (owner != NULL)
        __atomic_store_n(owner, thread(), __ATOMIC_RELEASE);
    int ret = REAL(event_base_loop)(base, flags);
    if (owner != NULL)
        __atomic_store_n(owner, 0, __ATOMIC_RELEASE);
    return ret;
}

int event_base_loopbreak(struct event_base *base)
{
    look(base, "event_base_loopbreak");
    return REAL(event_base_loopbreak)(base);
}

int event_base_loopexit(struct event_base *base, const struct timeval *tv)
{
    look(base, "event_base_loopexit");
    return REAL(event_base_loopexit)(base, tv);
}

/* ---- events ---- */

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn,
                        void *ctx)
{
    look(base, "event_new");
    return REAL(event_new)(base, fd, what, fn, ctx);
}

int event_assign(struct event *e, struct event_base *base, evutil_socket_t fd, short what,
                 event_callback_fn fn, void *ctx)
{
    look(base, "event_assign");
    return REAL(event_assign)(e, base, fd, what, fn, ctx);
}

int event_add(struct event *e, const struct timeval *tv)
{
    look(event_get_base(e), "event_add");
    return REAL(event_add)(e, tv);
}

int event_del(struct event *e)
{
    look(event_get_base(e), "event_del");
    return REAL(event_del)(e);
}

void event_active(struct event *e, int what, short calls)
{
    look(event_get_base(e), "event_active");
    REAL(event_active)(e, what, calls);
}

int event_pending(const struct event *e, short what, struct timeval *tv)
{
    look(event_get_base(e), "event_pending");
    return REAL(event_pending)(e, what, tv);
}

void event_free(struct event *e)
{
    look(event_get_base(e), "event_free");
    REAL(event_free)(e);
}

/* ---- listeners ---- */

int evconnlistener_enable(struct evconnlistener *l)
{
    look(evconnlistener_get_base(l), "evconnlistener_enable");
    return REAL(evconnlistener_enable)(l);
}

int evconnlistener_disable(struct evconnlistener *l)
{
    look(evconnlistener_get_base(l), "evconnlistener_disable");
    return REAL(evconnlistener_disable)(l);
}

void evconnlistener_free(struct evconnlistener *l)
{
    look(evconnlistener_get_base(l), "evconnlistener_free");
    REAL(evconnlistener_free)(l);
}
