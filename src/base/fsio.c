#include "base/fsio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static int read_fd(int fd, struct bytes *out)
{
    for (;;) {
        size_t room = out->max - out->len;
        char *at = bytes_reserve(out, room < 65536 ? room : 65536);
        if (at == NULL)
            return out->error;
        ssize_t n = room == 0 ? 0 : read(fd, at, room < 65536 ? room : 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0) {
            char extra;
            if (room == 0 && read(fd, &extra, 1) == 1)
                return ERR_LIMIT;
            out->data[out->len] = '\0';
            return ERR_OK;
        }
        out->len += (size_t)n;
    }
}

int fsio_read(const char *path, struct bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    struct stat st;
    int ret = fstat(fd, &st) < 0 ? -errno : ERR_OK;
    if (ret == ERR_OK && !S_ISREG(st.st_mode))
        ret = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    if (ret == ERR_OK)
        ret = read_fd(fd, out);
    close(fd);
    return ret;
}

int fsio_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

int fsio_sync_folder_of(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        path = "./", slash = path + 1;
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    if (len >= sizeof folder)
        return -ENAMETOOLONG;
    memcpy(folder, path, len);
    folder[len] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int ret = fsync(fd) < 0 ? -errno : ERR_OK;
    close(fd);
    return ret;
}

/* A file that stood there already, left by a writer that was killed, may allow more than `mode`. */
static int restrict_to(int fd, unsigned mode)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || ((st.st_mode & 0777 & ~mode) != 0 && fchmod(fd, st.st_mode & mode) < 0))
        return -errno;
    return ERR_OK;
}

int fsio_replace_begin(struct fsio_replace *r, const char *path, unsigned mode)
{
    r->stream = NULL;
    if ((size_t)snprintf(r->path, sizeof r->path, "%s", path) >= sizeof r->path)
        return -ENAMETOOLONG;
    snprintf(r->temporary, sizeof r->temporary, "%s.tmp", path);
    /* O_NONBLOCK: a FIFO under that name is an error and no place to wait. */
    int fd = open(r->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                  mode);
    if (fd < 0)
        return -errno;
    int ret = restrict_to(fd, mode);
    r->stream = ret == ERR_OK ? fdopen(fd, "w") : NULL;
    if (r->stream == NULL) {
        ret = ret == ERR_OK ? -errno : ret;
        close(fd);
        unlink(r->temporary);
        return ret;
    }
    return ERR_OK;
}

int fsio_replace_commit(struct fsio_replace *r)
{
    int ret = ERR_OK;
    if (fflush(r->stream) != 0 || ferror(r->stream))
        ret = errno != 0 ? -errno : -EIO;
    if (ret == ERR_OK && fsync(fileno(r->stream)) < 0)
        ret = -errno;
    if (fclose(r->stream) != 0 && ret == ERR_OK)
        ret = -errno;
    r->stream = NULL;
    if (ret == ERR_OK && rename(r->temporary, r->path) < 0)
        ret = -errno;
    if (ret != ERR_OK) {
        unlink(r->temporary);
        return ret;
    }
    return fsio_sync_folder_of(r->path);
}

void fsio_replace_abort(struct fsio_replace *r)
{
    if (r->stream != NULL) {
        fclose(r->stream);
        r->stream = NULL;
        unlink(r->temporary);
    }
}
