#include "base/log.h"

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

void log_raw(const char *line, size_t len)
{
    /* A full or closed pipe must not stop a DNS server: what cannot be written is dropped. */
    ssize_t n = write(STDOUT_FILENO, line, len);
    (void)n;
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
