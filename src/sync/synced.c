#include "sync/synced.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

void synced_touch(const char *folder)
{
    char path[4096 + 16];
    snprintf(path, sizeof path, "%s/.synced", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    if (fd < 0 || futimens(fd, NULL) < 0)
        log_limited(LOG_LEVEL_WARNING, "sync: %s cannot be touched (%s)", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}
