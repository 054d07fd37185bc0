#include "sync/sync_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Who was killed may hold it for a moment longer, by a child that is still to go: a second in all. */
#define TRIES    50
#define PAUSE_US 20000

static int take(int f)
{
    int ret;
    for (unsigned i = 0; (ret = flock(f, LOCK_EX | LOCK_NB)) < 0 && i < TRIES; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            break;
        usleep(PAUSE_US);
    }
    return ret;
}

static int name_holder(int fd, const char *path, struct errtext *e)
{
    char pid[32] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    return errtext_set(e, ERR_EXISTS, "%s: another seamark-sync writes here (process %s)", path,
                       pid[0] != '\0' ? pid : "unknown");
}

int sync_lock(const char *folder, int *fd, struct errtext *e)
{
    char path[4096], pid[32];
    if ((size_t)snprintf(path, sizeof path, "%s/.lock", folder) >= sizeof path)
        return errtext_set(e, -ENAMETOOLONG, "%s: the path is too long", folder);
    int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    if (f < 0)
        return errtext_set(e, -errno, "%s: %s", path, strerror(errno));
    if (take(f) < 0) {
        int ret = errno == EWOULDBLOCK ? name_holder(f, path, e)
                                       : errtext_set(e, -errno, "%s: %s", path, strerror(errno));
        close(f);
        return ret;
    }
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* The number is for people: a full disk must not keep the writer from its folder. */
    if (ftruncate(f, 0) < 0 || pwrite(f, pid, (size_t)len, 0) != len)
        errtext_set(e, ERR_OK, "%s: the process id could not be written", path);
    *fd = f;
    return ERR_OK;
}
