/*
 * Preloaded into a program under test: its clocks, monotonic and of the wall, are ahead by as many seconds as
 * the file SHIFTED_CLOCK holds (a signed number of 8 octets, which a test changes while the program runs).
 * For tests of outages that last for hours.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t *shift;

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("SHIFTED_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (page != MAP_FAILED)
        shift = page;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int ret = (int)syscall(SYS_clock_gettime, id, ts);
    if (ret == 0 && shift != NULL && id != CLOCK_THREAD_CPUTIME_ID && id != CLOCK_PROCESS_CPUTIME_ID)
        ts->tv_sec += (time_t)__atomic_load_n(shift, __ATOMIC_RELAXED);
    return ret;
}
