#include "base/fsio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../runner.h"
#include "base/err.h"

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[2][128];
    static unsigned next;
    char *out = path[next++ % 2];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

/* What stands in a file, "(none)" where there is none. */
static const char *content(const char *name)
{
    static char text[256];
    FILE *f = fopen(path_of(name), "r");
    if (f == NULL)
        return "(none)";
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

static int read_file(const char *name, size_t max, size_t *len)
{
    struct bytes b;
    bytes_init(&b, max);
    int ret = fsio_read(path_of(name), &b);
    *len = b.len;
    bytes_free(&b);
    return ret;
}

static void a_file_is_read_whole(void)
{
    struct bytes b;
    bytes_init(&b, 100);
    put("small", "some text\n");
    CU_ASSERT_EQUAL(fsio_read(path_of("small"), &b), ERR_OK);
    CU_ASSERT_STRING_EQUAL(b.data, "some text\n");
    bytes_free(&b);
    put("empty", "");
    bytes_init(&b, 100);
    CU_ASSERT_EQUAL(fsio_read(path_of("empty"), &b), ERR_OK);
    CU_ASSERT_EQUAL(b.len, 0);
    bytes_free(&b);
}

static void a_file_longer_than_the_maximum_is_refused(void)
{
    size_t len;
    put("ten", "0123456789");
    CU_ASSERT_EQUAL(read_file("ten", 10, &len), ERR_OK);
    CU_ASSERT_EQUAL(len, 10);
    CU_ASSERT_EQUAL(read_file("ten", 9, &len), ERR_LIMIT);
    CU_ASSERT_EQUAL(read_file("ten", 0, &len), ERR_LIMIT);
    FILE *f = fopen(path_of("large"), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (unsigned i = 0; i < 200000; i++)
        fputc('x', f);
    fclose(f);
    CU_ASSERT_EQUAL(read_file("large", 200000, &len), ERR_OK);
    CU_ASSERT_EQUAL(len, 200000);
    CU_ASSERT_EQUAL(read_file("large", 199999, &len), ERR_LIMIT);
}

static void what_is_no_regular_file_is_refused_without_waiting(void)
{
    size_t len;
    CU_ASSERT_EQUAL(mkfifo(path_of("fifo"), 0600), 0);
    alarm(5); /* a read that waits for a writer would never end */
    CU_ASSERT_EQUAL(read_file("fifo", 100, &len), -EINVAL);
    alarm(0);
    CU_ASSERT_EQUAL(mkdir(path_of("folder"), 0700), 0);
    CU_ASSERT_EQUAL(read_file("folder", 100, &len), -EISDIR);
    CU_ASSERT_EQUAL(read_file("missing", 100, &len), -ENOENT);
    struct bytes b;
    bytes_init(&b, 100);
    CU_ASSERT_EQUAL(fsio_read("/dev/zero", &b), -EINVAL);
    bytes_free(&b);
}

static void a_file_is_replaced_in_one_step(void)
{
    struct fsio_replace r;
    struct stat st;
    put("zone", "old");
    CU_ASSERT_EQUAL_FATAL(fsio_replace_begin(&r, path_of("zone"), 0640), ERR_OK);
    fputs("new", r.stream);
    fflush(r.stream);
    CU_ASSERT_STRING_EQUAL(content("zone"), "old"); /* until it is committed */
    CU_ASSERT_EQUAL(fsio_replace_commit(&r), ERR_OK);
    CU_ASSERT_STRING_EQUAL(content("zone"), "new");
    CU_ASSERT_STRING_EQUAL(content("zone.tmp"), "(none)");
    CU_ASSERT_EQUAL(stat(path_of("zone"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0640);
}

static void what_is_given_up_leaves_the_old_file(void)
{
    struct fsio_replace r;
    put("zone", "old");
    CU_ASSERT_EQUAL_FATAL(fsio_replace_begin(&r, path_of("zone"), 0600), ERR_OK);
    fputs("new", r.stream);
    fsio_replace_abort(&r);
    fsio_replace_abort(&r); /* no harm done */
    CU_ASSERT_STRING_EQUAL(content("zone"), "old");
    CU_ASSERT_STRING_EQUAL(content("zone.tmp"), "(none)");
}

static void a_write_that_fails_leaves_the_old_file(void)
{
    struct fsio_replace r;
    struct rlimit before, small = {.rlim_cur = 64, .rlim_max = RLIM_INFINITY};
    put("zone", "old");
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(fsio_replace_begin(&r, path_of("zone"), 0600), ERR_OK);
    for (unsigned i = 0; i < 1000; i++)
        fputs("0123456789", r.stream);
    setrlimit(RLIMIT_FSIZE, &small); /* stands for a full disk */
    int ret = fsio_replace_commit(&r);
    setrlimit(RLIMIT_FSIZE, &before);
    CU_ASSERT_EQUAL(ret, -EFBIG);
    CU_ASSERT_STRING_EQUAL(content("zone"), "old");
    CU_ASSERT_STRING_EQUAL(content("zone.tmp"), "(none)");
}

static void a_rename_that_fails_leaves_nothing_behind(void)
{
    struct fsio_replace r;
    CU_ASSERT_EQUAL(mkdir(path_of("taken"), 0700), 0);
    CU_ASSERT_EQUAL_FATAL(fsio_replace_begin(&r, path_of("taken"), 0600), ERR_OK);
    CU_ASSERT_EQUAL(fsio_replace_commit(&r), -EISDIR);
    CU_ASSERT_STRING_EQUAL(content("taken.tmp"), "(none)");
}

static void a_file_left_by_a_writer_that_was_killed_is_no_obstacle(void)
{
    struct fsio_replace r;
    put("zone", "old");
    put("zone.tmp", "half of what it was going to be, and longer than the new one");
    struct stat st;
    CU_ASSERT_EQUAL(chmod(path_of("zone.tmp"), 0666), 0); /* as a volume's fsGroup may have it */
    CU_ASSERT_EQUAL_FATAL(fsio_replace_begin(&r, path_of("zone"), 0600), ERR_OK);
    fputs("new", r.stream);
    CU_ASSERT_EQUAL(fsio_replace_commit(&r), ERR_OK);
    CU_ASSERT_STRING_EQUAL(content("zone"), "new");
    CU_ASSERT_EQUAL(stat(path_of("zone"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
}

static void a_trap_at_the_temporary_name_is_refused(void)
{
    struct fsio_replace r;
    put("zone", "old");
    put("elsewhere", "not to be touched");
    CU_ASSERT_EQUAL(symlink(path_of("elsewhere"), path_of("zone.tmp")), 0);
    CU_ASSERT_EQUAL(fsio_replace_begin(&r, path_of("zone"), 0600), -ELOOP);
    CU_ASSERT_STRING_EQUAL(content("elsewhere"), "not to be touched");
    unlink(path_of("zone.tmp"));
    CU_ASSERT_EQUAL(mkfifo(path_of("zone.tmp"), 0600), 0);
    alarm(5);
    CU_ASSERT(fsio_replace_begin(&r, path_of("zone"), 0600) < 0); /* and does not wait for a reader */
    alarm(0);
    unlink(path_of("zone.tmp"));
    CU_ASSERT_STRING_EQUAL(content("zone"), "old");
}

static void a_folder_that_is_missing_is_said_at_once(void)
{
    struct fsio_replace r;
    CU_ASSERT_EQUAL(fsio_replace_begin(&r, path_of("no/such/zone"), 0600), -ENOENT);
    char path[5000];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    CU_ASSERT_EQUAL(fsio_replace_begin(&r, path, 0600), -ENAMETOOLONG);
}

static void everything_is_written_even_to_a_pipe_that_takes_little(void)
{
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) { /* reads slowly, in odd pieces, and checks each octet */
        close(fds[1]);
        unsigned char buffer[777];
        size_t total = 0;
        ssize_t n;
        while ((n = read(fds[0], buffer, sizeof buffer)) > 0)
            for (ssize_t i = 0; i < n; i++)
                if (buffer[i] != (unsigned char)(total++ * 7))
                    _exit(1);
        _exit(total == 300000 ? 0 : 2);
    }
    close(fds[0]);
    static unsigned char data[300000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    CU_ASSERT_EQUAL(fsio_write_all(fds[1], data, sizeof data), ERR_OK);
    close(fds[1]);
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(fsio_write_all(-1, data, 1), -EBADF);
}

static void the_folder_of_a_path_is_found(void)
{
    CU_ASSERT_EQUAL(fsio_sync_folder_of(path_of("anything")), ERR_OK);
    CU_ASSERT_EQUAL(fsio_sync_folder_of("/anything"), ERR_OK);
    CU_ASSERT_EQUAL(fsio_sync_folder_of("anything"), ERR_OK);
    CU_ASSERT_EQUAL(fsio_sync_folder_of(path_of("no/such")), -ENOENT);
}

static const struct unit_test tests[] = {
    {"a file is read whole", a_file_is_read_whole},
    {"a file longer than the maximum is refused", a_file_longer_than_the_maximum_is_refused},
    {"what is no regular file is refused without waiting",
     what_is_no_regular_file_is_refused_without_waiting},
    {"a file is replaced in one step", a_file_is_replaced_in_one_step},
    {"what is given up leaves the old file", what_is_given_up_leaves_the_old_file},
    {"a write that fails leaves the old file", a_write_that_fails_leaves_the_old_file},
    {"a rename that fails leaves nothing behind", a_rename_that_fails_leaves_nothing_behind},
    {"a file left by a writer that was killed is no obstacle",
     a_file_left_by_a_writer_that_was_killed_is_no_obstacle},
    {"a trap at the temporary name is refused", a_trap_at_the_temporary_name_is_refused},
    {"a folder that is missing is said at once", a_folder_that_is_missing_is_said_at_once},
    {"everything is written, even to a pipe that takes little",
     everything_is_written_even_to_a_pipe_that_takes_little},
    {"the folder of a path is found", the_folder_of_a_path_is_found},
};

int main(void)
{
    snprintf(folder, sizeof folder, "/tmp/seamark-fsio-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 2;
    int status = run_suite("fsio", tests, sizeof tests / sizeof tests[0]);
    static const char *const names[] = {"small",  "empty", "ten",      "large", "fifo",
                                        "folder", "zone",  "zone.tmp", "taken", "elsewhere"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        remove(path_of(names[i]));
    rmdir(folder);
    return status;
}
