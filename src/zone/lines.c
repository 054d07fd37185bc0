#include "zone/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

/* Octets asked for at once where lines are shorter. */
#define BUFFER_MIN (256u << 10)

int lines_take(struct lines *l, int fd, size_t line_max)
{
    *l = (struct lines){.fd = fd};
    l->cap = line_max + 1 > BUFFER_MIN ? line_max + 1 : BUFFER_MIN;
    l->buffer = malloc(l->cap);
    return l->buffer != NULL ? ERR_OK : -ENOMEM;
}

int lines_open(struct lines *l, const char *path, size_t line_max)
{
    struct stat st;
    int ret = ERR_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    *l = (struct lines){.fd = fd};
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        ret = -errno;
    else if (!S_ISREG(st.st_mode))
        ret = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    if (ret == ERR_OK)
        ret = lines_take(l, fd, line_max);
    if (ret != ERR_OK)
        lines_close(l);
    return ret;
}

void lines_close(struct lines *l)
{
    if (l->fd >= 0)
        close(l->fd);
    free(l->buffer);
    *l = (struct lines){.fd = -1};
}

void lines_seek(struct lines *l, off_t offset, uint64_t number)
{
    l->at = l->end = 0;
    l->offset = offset;
    l->number = number;
}

/* Moves what is left to the front and reads on. Returns the octets read, 0 at the end of the file. */
static ssize_t fill(struct lines *l)
{
    memmove(l->buffer, l->buffer + l->at, l->end - l->at);
    l->end -= l->at;
    l->at = 0;
    if (l->end == l->cap)
        return ERR_LIMIT;
    ssize_t n;
    do
        n = pread(l->fd, l->buffer + l->end, l->cap - l->end, l->offset + (off_t)l->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    l->end += (size_t)n;
    return n;
}

int lines_next(struct lines *l, char **line, size_t *len)
{
    size_t searched = 0;
    for (;;) {
        char *begin = l->buffer + l->at;
        char *newline = memchr(begin + searched, '\n', l->end - l->at - searched);
        if (newline != NULL) {
            *line = begin;
            *len = (size_t)(newline - begin);
            l->at += *len + 1;
            l->offset += (off_t)*len + 1;
            l->number++;
            return 1;
        }
        searched = l->end - l->at;
        ssize_t n = fill(l);
        if (n < 0)
            return (int)n;
        if (n == 0)
            return l->end == l->at ? 0 : ERR_TRUNCATED;
    }
}
