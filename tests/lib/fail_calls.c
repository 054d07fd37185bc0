/*
 * Preloaded into a program under test (not its libraries: only calls from the program itself count): makes
 * the FAIL_AT-th call of the function FAIL_CALL fail with errno FAIL_ERRNO, and says so on stderr ("failed
 * NAME"). write and fwrite write a part first, as a full disk does. For fault tests only.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static __thread int inside; /* the dynamic loader and this file's own calls do not count */

/* True where `address` is in the program's own text. */
static int is_own(const void *address)
{
    Dl_info info;
    const char *slash;
    inside = 1;
    int found = dladdr(address, &info) != 0 && info.dli_fname != NULL;
    inside = 0;
    return found && ((slash = strrchr(info.dli_fname, '/')) == NULL || strstr(slash, ".so") == NULL);
}

static int fails_at(const char *name, const void *caller)
{
    static unsigned long calls;
    const char *wanted = getenv("FAIL_CALL"), *at = getenv("FAIL_AT"), *number = getenv("FAIL_ERRNO");
    if (inside || wanted == NULL || at == NULL || strcmp(wanted, name) != 0 || !is_own(caller) ||
        __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) != strtoul(at, NULL, 10))
        return 0;
    syscall(SYS_write, 2, "failed ", 7);
    syscall(SYS_write, 2, name, strlen(name));
    syscall(SYS_write, 2, "\n", 1);
    errno = number != NULL ? (int)strtol(number, NULL, 10) : EIO;
    return 1;
}

#define fails(name) fails_at(name, __builtin_return_address(0))

#define REAL(name)                                                                                           \
    static __typeof__(name) *real;                                                                           \
    if (real == NULL) {                                                                                      \
        inside = 1;                                                                                          \
        real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);                                                  \
        inside = 0;                                                                                          \
    }

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    int mode = va_arg(ap, int);
    va_end(ap);
    return fails("open") ? -1 : openat(AT_FDCWD, path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (fd <= 2 || !fails("write"))
        return syscall(SYS_write, fd, data, len);
    int error = errno;
    if (len > 1)
        syscall(SYS_write, fd, data, len / 2);
    errno = error;
    return -1;
}

size_t fwrite(const void *data, size_t size, size_t n, FILE *f)
{
    REAL(fwrite)
    if (!fails("fwrite"))
        return real(data, size, n, f);
    int error = errno;
    size_t done = real(data, size, n / 2, f);
    errno = error;
    return done;
}

int fflush(FILE *f)
{
    REAL(fflush)
    return fails("fflush") ? EOF : real(f);
}

int fclose(FILE *f)
{
    REAL(fclose)
    int failed = fails("fclose"), error = errno;
    int ret = real(f);
    if (failed)
        errno = error;
    return failed ? EOF : ret;
}

FILE *fdopen(int fd, const char *mode)
{
    REAL(fdopen)
    return fails("fdopen") ? NULL : real(fd, mode);
}

int fsync(int fd)
{
    return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fails("fdatasync") ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t len)
{
    return fails("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

int rename(const char *from, const char *to)
{
    return fails("rename") ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

ssize_t read(int fd, void *data, size_t len)
{
    return fails("read") ? -1 : syscall(SYS_read, fd, data, len);
}

void *malloc(size_t size)
{
    extern void *__libc_malloc(size_t);
    return fails("malloc") ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    extern void *__libc_calloc(size_t, size_t);
    return fails("malloc") ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    extern void *__libc_realloc(void *, size_t);
    return fails("malloc") ? NULL : __libc_realloc(p, size);
}
