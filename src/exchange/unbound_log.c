#include "exchange/unbound_log.h"

#include <string.h>

#include "base/log.h"

static ssize_t log_write(void *cookie, const char *text, size_t len)
{
    (void)cookie;
    const char *message = memmem(text, len, "] ", 2); /* "[time] libunbound[pid:0] error: ..." */
    const char *second =
        message == NULL ? NULL : memmem(message + 2, len - (size_t)(message + 2 - text), "] ", 2);
    message = second != NULL ? second + 2 : text;
    size_t left = len - (size_t)(message - text);
    while (left > 0 && message[left - 1] == '\n')
        left--;
    if (left > 0)
        log_limited(LOG_LEVEL_WARNING, "plugin/forward: libunbound: %.*s", (int)left, message);
    return (ssize_t)len;
}

FILE *unbound_log_stream(void)
{
    static FILE *stream;
    if (stream == NULL) {
        stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = log_write});
        if (stream != NULL)
            setvbuf(stream, NULL, _IOLBF, 1024);
    }
    return stream;
}
