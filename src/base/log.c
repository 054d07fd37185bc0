#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static atomic_bool debug_on;

void log_set_debug(bool on)
{
    atomic_store_explicit(&debug_on, on, memory_order_relaxed);
}

bool log_debug_on(void)
{
    return atomic_load_explicit(&debug_on, memory_order_relaxed);
}

/* A pipe that nobody reads from any more must not stop a DNS server: a line that would have to wait is
 * dropped. stdout is left blocking, since others share it; a pipe that is ready takes a line of PIPE_BUF
 * octets at once, as long as no other thread writes between the question and the line. */
void log_raw(const char *line, size_t len)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    pthread_mutex_lock(&lock);
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT)) {
        ssize_t n = write(STDOUT_FILENO, line, len);
        (void)n;
    }
    pthread_mutex_unlock(&lock);
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const tag[] = {"[DEBUG] ", "[INFO] ", "[WARNING] ", "[ERROR] "};
    char line[2048];
    size_t used = (size_t)snprintf(line, sizeof line, "%s", tag[level]);
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(line + used, sizeof line - used - 1, format, ap);
    va_end(ap);
    if (n < 0)
        return;
    used += (size_t)n;
    if (used > sizeof line - 2)
        used = sizeof line - 2;
    line[used++] = '\n';
    log_raw(line, used);
}

bool log_limit_allows(struct log_limit *limit, uint64_t *suppressed)
{
    uint64_t now = clock_ms();
    uint64_t next = __atomic_load_n(&limit->next_ms, __ATOMIC_RELAXED);
    if (now < next || !__atomic_compare_exchange_n(&limit->next_ms, &next, now + 1000, false,
                                                   __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        __atomic_fetch_add(&limit->suppressed, 1, __ATOMIC_RELAXED);
        return false;
    }
    *suppressed = __atomic_exchange_n(&limit->suppressed, 0, __ATOMIC_RELAXED);
    return true;
}
