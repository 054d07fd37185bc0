#include "serve/control.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "serve/control_p.h"
#include "serve/supervisor.h"

#define POSTS_MAX 65536 /* calls waiting for the control thread; workers post a handful a second */

struct post {
    void (*fn)(void *ctx);
    void *ctx;
    struct post *next;
};

static struct {
    struct event_base *base;
    struct event *posted;
    int posted_fd;
    struct event *lameduck_over;
    int64_t lameduck_ms;
    int status;
    unsigned endings; /* signals to end that have come */
    bool leaving;
} control = {.posted_fd = -1};

static pthread_mutex_t posts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct post *posts_first, **posts_last = &posts_first;
static unsigned posts_count;
static atomic_bool draining;
static atomic_bool loop_exit;

void control_set_loop_exit(bool on)
{
    atomic_store(&loop_exit, on);
}

bool control_loop_exit(void)
{
    return atomic_load(&loop_exit);
}

struct event_base *control_base(void)
{
    return control.base;
}

bool control_draining(void)
{
    return atomic_load_explicit(&draining, memory_order_relaxed);
}

void control_set_lameduck(int64_t ms)
{
    if (ms < 0)
        control.lameduck_ms = 0; /* a configuration begins */
    else if (ms > control.lameduck_ms)
        control.lameduck_ms = ms;
}

int64_t control_lameduck(void)
{
    return control.lameduck_ms;
}

bool control_leaving(void)
{
    return control.leaving;
}

bool control_ending_at_once(void)
{
    return control.endings > 1;
}

/* ---- calls from other threads ---- */

int control_post(void (*fn)(void *ctx), void *ctx)
{
    struct post *p = malloc(sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    *p = (struct post){.fn = fn, .ctx = ctx};
    pthread_mutex_lock(&posts_lock);
    bool full = posts_count >= POSTS_MAX || control.posted_fd < 0;
    if (!full) {
        *posts_last = p;
        posts_last = &p->next;
        posts_count++;
    }
    pthread_mutex_unlock(&posts_lock);
    if (full) {
        free(p);
        return ERR_LIMIT;
    }
    uint64_t one = 1;
    ssize_t n = write(control.posted_fd, &one, sizeof one);
    (void)n;
    return ERR_OK;
}

static void run_posts(void)
{
    pthread_mutex_lock(&posts_lock);
    struct post *p = posts_first;
    posts_first = NULL;
    posts_last = &posts_first;
    posts_count = 0;
    pthread_mutex_unlock(&posts_lock);
    while (p != NULL) {
        struct post *next = p->next;
        p->fn(p->ctx);
        free(p);
        p = next;
    }
}

static void on_posted(evutil_socket_t fd, short what, void *ctx)
{
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n, (void)what, (void)ctx;
    run_posts();
}

/* ---- signals ---- */

static void leave(void)
{
    control.leaving = true;
    event_base_loopbreak(control.base);
}

static void on_lameduck_over(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what, (void)ctx;
    leave();
}

static void begin_end(int signal_number)
{
    if (++control.endings > 1) {
        if (signal_number == SIGINT)
            _exit(2); /* CoreDNS's status for a second interrupt */
        leave();
        return;
    }
    atomic_store(&draining, true);
    log_info("%s", signal_number == SIGINT ? "SIGINT: Shutting down"
                                           : "SIGTERM: Shutting down servers then terminating");
    if (control.lameduck_ms == 0) {
        leave();
        return;
    }
    log_info("plugin/health: Going into lameduck mode for %.1f s", (double)control.lameduck_ms / 1000);
    struct timeval wait = {.tv_sec = control.lameduck_ms / 1000,
                           .tv_usec = (control.lameduck_ms % 1000) * 1000};
    event_add(control.lameduck_over, &wait);
}

static void reload(const char *why)
{
    struct errtext e = {0};
    log_info("%s: Reloading", why);
    int ret = control_reload(&e);
    if (ret != ERR_OK)
        log_error("%s: reload failed, the old configuration goes on (%s)", why, e.text);
    else
        log_info("Reloading complete");
}

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    (void)what, (void)ctx;
    switch (number) {
    case SIGTERM:
    case SIGINT:
        begin_end((int)number);
        break;
    case SIGQUIT:
        supervisor_stop();
        _exit(0);
    case SIGHUP:
        reload("SIGHUP");
        break;
    case SIGUSR1:
        reload("SIGUSR1");
        break;
    case SIGCHLD:
        supervisor_reap();
        break;
    default:
        break;
    }
}

static const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGCHLD};
static struct event *signal_events[sizeof signals / sizeof signals[0]];

static int watch_signals(void)
{
    signal(SIGPIPE, SIG_IGN); /* libunbound and HTTP write to sockets that may be closed */
    signal(SIGUSR2, SIG_IGN); /* CoreDNS's binary upgrade: not here, and no reason to end */
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signal_events[i] = evsignal_new(control.base, signals[i], on_signal, NULL);
        if (signal_events[i] == NULL || event_add(signal_events[i], NULL) < 0)
            return -ENOMEM;
    }
    return ERR_OK;
}

int control_start(struct errtext *e)
{
    control.base = event_base_new();
    control.posted_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (control.base == NULL || control.posted_fd < 0)
        return errtext_set(e, -ENOMEM, "control: no memory or no descriptors");
    control.posted = event_new(control.base, control.posted_fd, EV_READ | EV_PERSIST, on_posted, NULL);
    control.lameduck_over = evtimer_new(control.base, on_lameduck_over, NULL);
    if (control.posted == NULL || control.lameduck_over == NULL || event_add(control.posted, NULL) < 0 ||
        watch_signals() != ERR_OK)
        return errtext_set(e, -ENOMEM, "control: no memory");
    return ERR_OK;
}

int control_loop(void)
{
    while (!control.leaving)
        if (event_base_loop(control.base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
            return 1;
    return control.status;
}

void control_wait(unsigned ms)
{
    struct timeval wait = {.tv_usec = (suseconds_t)ms * 1000};
    event_base_loopexit(control.base, &wait);
    event_base_loop(control.base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void exit_posted(void *ctx)
{
    control.status = (int)(intptr_t)ctx;
    leave();
}

void control_exit(int status)
{
    if (control_post(exit_posted, (void *)(intptr_t)status) != ERR_OK)
        _exit(status);
}

void control_banner(const struct config *c)
{
    for (size_t i = 0; i < c->nroutes; i++) {
        const struct route *r = &c->routes[i];
        char line[NAME_MAX_TEXT + ADDRESS_TEXT_MAX + 32];
        int n = r->listener->address[0] == '\0'
                    ? snprintf(line, sizeof line, "%s:%u\n", r->zone_text, r->listener->port)
                    : snprintf(line, sizeof line, "%s:%u on %s\n", r->zone_text, r->listener->port,
                               r->listener->address);
        log_raw(line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
    }
    struct utsname u;
    char line[256];
    if (uname(&u) == 0) {
        int n = snprintf(line, sizeof line, "Seamark-%s\nlinux/%.32s, gcc %.64s\n", SEAMARK_VERSION,
                         u.machine, __VERSION__);
        log_raw(line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
    }
}

void control_free(void)
{
    run_posts(); /* what workers left behind */
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (signal_events[i] != NULL)
            event_free(signal_events[i]);
    if (control.posted != NULL)
        event_free(control.posted);
    if (control.lameduck_over != NULL)
        event_free(control.lameduck_over);
    if (control.posted_fd >= 0)
        close(control.posted_fd);
    control.posted_fd = -1;
    if (control.base != NULL)
        event_base_free(control.base);
}
