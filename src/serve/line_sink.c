#include "serve/line_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics/metrics.h"

#define BUFFER_MAX (64 << 10) /* of one worker: some 500 lines, a pipe's own size */
#define FULL       (16 << 10) /* written at once: some 130 lines, four pieces of what a pipe takes whole */
#define WAIT_MS    10         /* how long a line waits for others at the most */
#define BUSY       8          /* lines of one write from which on it pays to wait for more */
#define RETRY_MS   50         /* while stdout takes nothing */

_Static_assert(LINE_SINK_LINE_MAX >= 512 && BUFFER_MAX >= 4 * LINE_SINK_LINE_MAX, "a line fits");

struct sink {
    struct event *timer; /* when to write: others may come with a line, or stdout takes something again */
    unsigned users;
    bool waits;     /* the timer runs */
    bool refused;   /* and it runs because stdout took nothing */
    unsigned lines; /* in the buffer since the last write */
    bool busy;      /* the last write was of many lines */
    size_t len;
    char buffer[BUFFER_MAX];
};

static struct sink *sinks[WORKERS_MAX];

static const struct metric_desc dropped_desc = {
    .name = "seamark_log_dropped_lines_total",
    .help = "Counter of log lines for queries that were dropped because stdout did not take them.",
    .type = METRIC_COUNTER,
};
static const struct metric *dropped;

/* How to write to stdout without waiting. */
static struct {
    int fd;
    enum { OUT_FILE, OUT_SOCKET, OUT_NONBLOCKING, OUT_POLLED } kind;
} out;
static pthread_once_t out_once = PTHREAD_ONCE_INIT;

/* O_NONBLOCK on the descriptor itself would be seen by everybody who shares it, so a pipe or terminal is
 * opened again. Where that is not allowed (a container's stdout that belongs to root) readiness is asked for
 * first. */
static void look_at_stdout(void)
{
    struct stat st;
    out.fd = STDOUT_FILENO;
    out.kind = OUT_POLLED;
    dropped = metrics_register(&dropped_desc, NULL, 0);
    if (fstat(STDOUT_FILENO, &st) < 0)
        return;
    if (S_ISREG(st.st_mode)) {
        out.kind = OUT_FILE;
    } else if (S_ISSOCK(st.st_mode)) {
        out.kind = OUT_SOCKET;
    } else {
        int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0) {
            out.fd = fd;
            out.kind = OUT_NONBLOCKING;
        }
    }
}

static ssize_t write_now(const char *data, size_t len)
{
    if (out.kind == OUT_SOCKET)
        return send(out.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (out.kind == OUT_POLLED) {
        struct pollfd p = {.fd = out.fd, .events = POLLOUT};
        if (poll(&p, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
    }
    return write(out.fd, data, len);
}

static size_t count_lines(const char *data, size_t len)
{
    size_t n = 0;
    for (const char *p = data, *end = data + len; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        n++;
    return n;
}

/* Whole lines from `at`, as many as a pipe takes in one piece; a file takes all. */
static size_t next_piece(const struct sink *s, size_t at)
{
    size_t len = s->len - at;
    if (out.kind == OUT_FILE || len <= LINE_SINK_LINE_MAX)
        return len;
    const char *last = memrchr(s->buffer + at, '\n', LINE_SINK_LINE_MAX);
    return (size_t)(last - (s->buffer + at)) + 1;
}

static void wait_for(struct sink *s, unsigned ms)
{
    struct timeval tv = {.tv_usec = ms * 1000};
    s->waits = event_add(s->timer, &tv) == 0;
}

/* Writes all, or as many pieces as a pipe takes whole and are full. */
static void flush(struct sink *s, bool all)
{
    size_t at = 0;
    s->refused = false;
    s->busy = s->lines >= BUSY;
    s->lines = 0;
    while (at < s->len && (all || s->len - at > LINE_SINK_LINE_MAX)) {
        ssize_t n = write_now(s->buffer + at, next_piece(s, at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            wait_for(s, RETRY_MS);
            s->refused = s->waits;
            break;
        }
        if (n <= 0) { /* closed, or a full disk: later lines may do better */
            metrics_add(dropped, 0, count_lines(s->buffer + at, s->len - at));
            at = s->len;
            break;
        }
        at += (size_t)n;
    }
    memmove(s->buffer, s->buffer + at, s->len - at);
    s->len -= at;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct sink *s = ctx;
    (void)fd, (void)what;
    s->waits = false;
    flush(s, true);
}

int line_sink_open(struct worker *w, struct errtext *e)
{
    struct sink **s = &sinks[worker_index(w)];
    pthread_once(&out_once, look_at_stdout);
    if (*s != NULL) {
        (*s)->users++;
        return ERR_OK;
    }
    struct sink *fresh = malloc(sizeof *fresh);
    if (fresh == NULL)
        return errtext_set(e, -ENOMEM, "log: no memory");
    fresh->users = 1;
    fresh->waits = fresh->refused = false;
    fresh->busy = false;
    fresh->lines = 0;
    fresh->len = 0;
    fresh->timer = evtimer_new(worker_base(w), on_timer, fresh);
    if (fresh->timer == NULL) {
        free(fresh);
        return errtext_set(e, -ENOMEM, "log: no memory");
    }
    *s = fresh;
    return ERR_OK;
}

void line_sink_close(struct worker *w)
{
    struct sink **s = &sinks[worker_index(w)];
    if (*s == NULL || --(*s)->users > 0)
        return;
    flush(*s, true);
    if ((*s)->len > 0)
        metrics_add(dropped, 0, count_lines((*s)->buffer, (*s)->len));
    event_free((*s)->timer);
    free(*s);
    *s = NULL;
}

void line_sink_write(struct worker *w, const char *line, size_t len)
{
    struct sink *s = sinks[worker_index(w)];
    bool cut = len > LINE_SINK_LINE_MAX;
    if (cut)
        len = LINE_SINK_LINE_MAX;
    if (len == 0 || len > BUFFER_MAX - s->len) {
        metrics_add(dropped, 0, len > 0);
        return;
    }
    memcpy(s->buffer + s->len, line, len);
    s->len += len;
    s->lines++;
    if (cut)
        s->buffer[s->len - 1] = '\n';
    if (s->refused) /* the timer writes */
        return;
    if (s->len >= FULL)
        flush(s, false);
    if (s->waits || s->len == 0)
        return;
    /* Where few ask, lines are written at the end of this turn of the loop: those of several workers then
     * stand in the order of the answers. */
    wait_for(s, s->busy ? WAIT_MS : 0);
    if (!s->waits) /* there is no timer to be had */
        flush(s, true);
}
