#include "serve/supervisor.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/cluster_block.h"

#define BACKOFF_MIN_MS 250
#define BACKOFF_MAX_MS 30000
#define STEADY_MS      10000 /* one that has run for so long starts its back-off anew */
#define STOP_MS        3000

static struct {
    struct event *again; /* starts a child, or ends one that was told to end and does not */
    const char *conf;
    const char *zones;
    char program[4096];
    pid_t pid; /* 0 while it does not run */
    uint64_t started_ms;
    unsigned backoff_ms;
    bool wanted;
    bool told_to_end;
} sv;

static int find_program(void)
{
    ssize_t n = readlink("/proc/self/exe", sv.program, sizeof sv.program - 1);
    if (n < 0)
        return -errno;
    sv.program[n] = '\0';
    char *slash = strrchr(sv.program, '/');
    size_t at = slash == NULL ? 0 : (size_t)(slash + 1 - sv.program);
    if ((size_t)snprintf(sv.program + at, sizeof sv.program - at, "seamark-sync") >= sizeof sv.program - at)
        return -ENAMETOOLONG;
    return ERR_OK;
}

/* Signals are blocked: until exec() the handlers are seamark's, and would tell seamark of what was meant for
 * its child. SIGHUP stays ignored until the child has a handler for it; one that comes before finds a child
 * that is about to read the new Corefile anyway. */
static void run_child(pid_t parent)
{
    static const int defaults[] = {SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE};
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        signal(defaults[i], SIG_DFL);
    signal(SIGHUP, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* seamark ended before prctl */
        _exit(1);
    close_range(STDERR_FILENO + 1, UINT_MAX, 0); /* not every library's descriptors close themselves */
    execl(sv.program, "seamark-sync", "-conf", sv.conf, "-zones", sv.zones, (char *)NULL);
    fprintf(stderr, "seamark-sync: %s cannot be started (%s)\n", sv.program, strerror(errno));
    _exit(127);
}

static void start_again_later(void)
{
    struct timeval wait = {.tv_sec = sv.backoff_ms / 1000,
                           .tv_usec = (suseconds_t)(sv.backoff_ms % 1000) * 1000};
    event_add(sv.again, &wait);
    sv.backoff_ms = sv.backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : sv.backoff_ms * 2;
}

static void start_child(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run_child(self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        log_error("seamark-sync: cannot be started (%s); trying again in %u ms", strerror(errno),
                  sv.backoff_ms);
        start_again_later();
        return;
    }
    sv.pid = pid;
    sv.told_to_end = false;
    sv.started_ms = clock_ms();
}

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what, (void)ctx;
    if (sv.wanted && sv.pid == 0)
        start_child();
    if (sv.pid != 0 && sv.told_to_end) { /* STOP_MS ago: it hangs */
        log_error("seamark-sync: did not end when asked to, and is killed");
        kill(sv.pid, SIGKILL);
    }
}

int supervisor_start(struct event_base *base, const char *conf, const char *zones)
{
    sv.conf = conf;
    sv.zones = zones;
    sv.backoff_ms = BACKOFF_MIN_MS;
    sv.again = evtimer_new(base, on_again, NULL);
    return sv.again == NULL ? -ENOMEM : find_program();
}

void supervisor_want(bool wanted)
{
    sv.wanted = wanted;
    if (sv.again == NULL)
        return;
    if (wanted && sv.pid == 0 && !event_pending(sv.again, EV_TIMEOUT, NULL))
        start_child();
    if (!wanted && sv.pid != 0 && !sv.told_to_end) {
        static const struct timeval patience = {.tv_sec = STOP_MS / 1000};
        sv.told_to_end = true;
        kill(sv.pid, SIGTERM);
        event_add(sv.again, &patience);
    }
}

void supervisor_reload(void)
{
    if (sv.pid != 0)
        kill(sv.pid, SIGHUP);
}

void supervisor_reap(void)
{
    int status;
    if (sv.pid == 0 || waitpid(sv.pid, &status, WNOHANG) != sv.pid)
        return;
    sv.pid = 0;
    if (sv.told_to_end)
        event_del(sv.again);
    if (!sv.wanted)
        return;
    if (sv.told_to_end) { /* and wanted again before it was gone */
        start_child();
        return;
    }
    if (clock_ms() - sv.started_ms >= STEADY_MS)
        sv.backoff_ms = BACKOFF_MIN_MS;
    if (WIFEXITED(status) && WEXITSTATUS(status) == SYNC_STATUS_NO_BLOCK) {
        /* It has read a newer Corefile than seamark has: the reload that ends the wish for it is on its way.
         */
        start_again_later();
        return;
    }
    if (WIFSIGNALED(status))
        log_error("seamark-sync: ended by signal %d; started again in %u ms, the zones on disk go on serving",
                  WTERMSIG(status), sv.backoff_ms);
    else
        log_error(
            "seamark-sync: ended with status %d; started again in %u ms, the zones on disk go on serving",
            WEXITSTATUS(status), sv.backoff_ms);
    start_again_later();
}

void supervisor_stop(void)
{
    sv.wanted = false;
    if (sv.again != NULL)
        event_free(sv.again);
    sv.again = NULL;
    if (sv.pid == 0)
        return;
    kill(sv.pid, SIGTERM);
    for (unsigned waited = 0; waited < STOP_MS; waited += 10) {
        if (waitpid(sv.pid, NULL, WNOHANG) != 0) {
            sv.pid = 0;
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    kill(sv.pid, SIGKILL);
    waitpid(sv.pid, NULL, 0);
    sv.pid = 0;
}
