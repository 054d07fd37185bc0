#include "conf/corefile_stdin.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "conf/corefile_p.h"

/* Everything up to the end of standard input into `fd`. */
static int keep(int fd)
{
    char piece[16384];
    size_t total = 0;
    for (;;) {
        ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : ERR_OK;
        total += (size_t)n;
        int ret = total > COREFILE_MAX_FILE_SIZE ? ERR_LIMIT : fsio_write_all(fd, piece, (size_t)n);
        if (ret != ERR_OK)
            return ret;
    }
}

/* Puts what came in the place of standard input. Its start is where a program that is executed anew in this
 * one's place reads it. */
static int replace_stdin(void)
{
    int fd = memfd_create("Corefile", MFD_CLOEXEC);
    int ret = fd < 0 ? -errno : keep(fd);
    if (ret == ERR_OK && (lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0))
        ret = -errno;
    if (fd >= 0)
        close(fd);
    return ret;
}

int corefile_take_stdin(const char **conf, struct errtext *e)
{
    struct stat st;
    if (*conf == NULL || strcmp(*conf, "stdin") != 0)
        return ERR_OK;
    if (fstat(STDIN_FILENO, &st) < 0)
        return errtext_set(e, -errno, "standard input: %s", strerror(errno));
    *conf = NULL;
    if (S_ISCHR(st.st_mode))
        return ERR_OK;
    int ret = replace_stdin();
    if (ret != ERR_OK)
        return errtext_set(e, ret, "standard input: %s", err_text(ret));
    *conf = access("/dev/stdin", R_OK) == 0 ? "/dev/stdin" : "/proc/self/fd/0";
    return ERR_OK;
}
