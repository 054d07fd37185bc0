/*
 * Log lines as CoreDNS writes them: on stdout, no time stamp, `[LEVEL] ` and then the subject, e.g.
 * `[WARNING] plugin/kubernetes: ...`. Messages read "subject: fact (reason)". One write(2) a line, so lines
 * of both programs never mix. Never waits: while stdout takes nothing (a full pipe), lines are dropped. Any
 * thread.
 */
#ifndef SEAMARK_BASE_LOG_H
#define SEAMARK_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/* Shows debug lines too (the `debug` plugin). Process-wide. */
void log_set_debug(bool on);
bool log_debug_on(void);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes a finished line (ending in '\n') as it is; the log plugin uses it. */
void log_raw(const char *line, size_t len);

#define log_debug(...)                                                                                       \
    do {                                                                                                     \
        if (log_debug_on())                                                                                  \
            log_line(LOG_LEVEL_DEBUG, __VA_ARGS__);                                                          \
    } while (0)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)

/* For lines that an outsider can trigger: at most one a second from one call site; the next line that gets
 * through says how many were left out. Use the macro. */
struct log_limit {
    uint64_t next_ms;
    uint64_t suppressed;
};
bool log_limit_allows(struct log_limit *limit, uint64_t *suppressed);
#define log_limited(level, format, ...)                                                                      \
    do {                                                                                                     \
        static struct log_limit limit_;                                                                      \
        uint64_t left_out_;                                                                                  \
        if (log_limit_allows(&limit_, &left_out_)) {                                                         \
            if (left_out_ > 0)                                                                               \
                log_line(level, format " (%llu more like it)", ##__VA_ARGS__,                                \
                         (unsigned long long)left_out_);                                                     \
            else                                                                                             \
                log_line(level, format, ##__VA_ARGS__);                                                      \
        }                                                                                                    \
    } while (0)

#endif
