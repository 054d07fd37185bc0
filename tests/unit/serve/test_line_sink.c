/* Every case runs in a child process: the sink looks at stdout once in a process's life. */
#include "serve/line_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../plugins/fake_serve.h"

#include "metrics/metrics.h"

#include "../runner.h"

/* Runs `body` in a child with `out` as stdout. True where it exits with 0. */
static bool in_child(int out, void (*body)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        dup2(out, STDOUT_FILENO);
        fake_worker.base = event_base_new();
        body();
        event_base_free(fake_worker.base);
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                          \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

static uint64_t dropped(void)
{
    static const struct metric_desc desc = {
        .name = "seamark_log_dropped_lines_total", .help = "", .type = METRIC_COUNTER};
    return metrics_value(metrics_register(&desc, NULL, 0), 0);
}

static void run_loop(unsigned ms)
{
    struct timeval tv = {.tv_usec = ms * 1000};
    event_base_loopexit(fake_worker.base, &tv);
    event_base_dispatch(fake_worker.base);
}

static void write_three(void)
{
    struct errtext e = {0};
    MUST(line_sink_open(&fake_worker, &e) == ERR_OK);
    MUST(line_sink_open(&fake_worker, &e) == ERR_OK);
    line_sink_write(&fake_worker, "one\n", 4);
    line_sink_write(&fake_worker, "two\n", 4);
    run_loop(50);
    line_sink_write(&fake_worker, "three\n", 6);
    line_sink_close(&fake_worker);
    line_sink_close(&fake_worker); /* the last one writes what is left */
    run_loop(50);                  /* and no timer is left */
    MUST(dropped() == 0);
}

static const char *read_all(int fd, size_t *len)
{
    static char out[2 << 20];
    *len = 0;
    for (ssize_t n; *len < sizeof out - 1 && (n = read(fd, out + *len, sizeof out - 1 - *len)) > 0;)
        *len += (size_t)n;
    out[*len] = '\0';
    return out;
}

static void test_kinds(void)
{
    size_t len;
    int pipe_ends[2], socket_ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(pipe_ends), 0);
    CU_ASSERT_TRUE(in_child(pipe_ends[1], write_three));
    close(pipe_ends[1]);
    CU_ASSERT_STRING_EQUAL(read_all(pipe_ends[0], &len), "one\ntwo\nthree\n");
    close(pipe_ends[0]);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_ends), 0);
    CU_ASSERT_TRUE(in_child(socket_ends[1], write_three));
    close(socket_ends[1]);
    CU_ASSERT_STRING_EQUAL(read_all(socket_ends[0], &len), "one\ntwo\nthree\n");
    close(socket_ends[0]);
    char name[] = "/tmp/seamark-sink-XXXXXX";
    int file = mkstemp(name);
    CU_ASSERT_EQUAL(write(file, "before\n", 7), 7);
    CU_ASSERT_TRUE(in_child(file, write_three));
    CU_ASSERT_EQUAL(lseek(file, 0, SEEK_SET), 0);
    CU_ASSERT_STRING_EQUAL(read_all(file, &len), "before\none\ntwo\nthree\n");
    close(file);
    unlink(name);
}

static char long_line[LINE_SINK_LINE_MAX + 100];

static void write_into_full_pipe(void)
{
    struct errtext e = {0};
    MUST(line_sink_open(&fake_worker, &e) == ERR_OK);
    uint64_t start = clock_ms();
    for (int i = 0; i < 10000; i++) {
        char line[32];
        int n = snprintf(line, sizeof line, "this is line number %06d\n", i);
        line_sink_write(&fake_worker, line, (size_t)n);
    }
    MUST(clock_ms() - start < 5000);
    MUST(dropped() > 1000 && dropped() < 8000);
    /* Somebody reads at last (the parent, when this process has ended); until then closing does not wait
     * either. */
    line_sink_close(&fake_worker);
    MUST(clock_ms() - start < 5000);
}

/* A pipe that nobody reads holds up nothing; what is written are whole lines. */
static void test_full_pipe(void)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    fcntl(ends[1], F_SETPIPE_SZ, 65536);
    CU_ASSERT_TRUE(in_child(ends[1], write_into_full_pipe));
    close(ends[1]);
    size_t len;
    const char *text = read_all(ends[0], &len);
    CU_ASSERT_TRUE(len > 60000 && len <= 65536);
    size_t lines = 0;
    for (const char *at = text; *at != '\0'; at += 27, lines++)
        if (strncmp(at, "this is line number ", 20) != 0 || at[26] != '\n')
            break;
    CU_ASSERT_EQUAL(lines * 27, len);
    close(ends[0]);
}

static void write_after_waiting(void)
{
    struct errtext e = {0};
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    MUST(line_sink_open(&fake_worker, &e) == ERR_OK);
    for (int i = 0; i < 40; i++)
        line_sink_write(&fake_worker, long_line, sizeof long_line);
    MUST(dropped() > 0);
    MUST((fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK) ==
         (flags & O_NONBLOCK)); /* others' descriptor stays as it was */
    run_loop(999);              /* the parent reads meanwhile; the timer writes the rest */
    line_sink_close(&fake_worker);
}

/* What did not go at once goes when there is room again. */
static void test_retry(void)
{
    int ends[2];
    memset(long_line, 'x', sizeof long_line);
    long_line[sizeof long_line - 1] = '\n';
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    fcntl(ends[1], F_SETPIPE_SZ, 16384);
    fflush(stdout);
    pid_t reader = fork();
    if (reader == 0) {
        close(ends[1]);
        usleep(300000);
        size_t len;
        const char *text = read_all(ends[0], &len);
        bool whole = len % LINE_SINK_LINE_MAX == 0 && len > 16384;
        for (size_t i = LINE_SINK_LINE_MAX; i <= len; i += LINE_SINK_LINE_MAX)
            whole = whole && text[i - 1] == '\n'; /* cut, with a newline of its own */
        _exit(whole ? 0 : 1);
    }
    close(ends[0]);
    CU_ASSERT_TRUE(in_child(ends[1], write_after_waiting));
    close(ends[1]);
    int status = 0;
    waitpid(reader, &status, 0);
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void write_to_nobody(void)
{
    signal(SIGPIPE, SIG_IGN);
    struct errtext e = {0};
    MUST(line_sink_open(&fake_worker, &e) == ERR_OK);
    line_sink_write(&fake_worker, "a\nb\n", 4);
    run_loop(50);
    MUST(dropped() == 2);
    line_sink_close(&fake_worker);
}

static bool has_come(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static int from_sink; /* the reading end of a child's own stdout */

static void write_little_and_much(void)
{
    struct errtext e = {0};
    MUST(line_sink_open(&fake_worker, &e) == ERR_OK);
    char text[32];
    line_sink_write(&fake_worker, "first\n", 6);
    MUST(!has_come(from_sink));
    run_loop(0); /* the turn is over */
    MUST(has_come(from_sink) && read(from_sink, text, sizeof text) == 6);
    for (int i = 0; i < 8; i++)
        line_sink_write(&fake_worker, "a\n", 2);
    run_loop(0);
    MUST(has_come(from_sink) && read(from_sink, text, sizeof text) == 16);
    line_sink_write(&fake_worker, "one\n", 4); /* behind many: there may be more */
    run_loop(0);
    MUST(!has_come(from_sink));
    for (int i = 0; i < 3; i++)
        line_sink_write(&fake_worker, long_line, LINE_SINK_LINE_MAX);
    MUST(!has_come(from_sink));
    line_sink_write(&fake_worker, long_line, LINE_SINK_LINE_MAX);
    MUST(has_come(from_sink));
    line_sink_close(&fake_worker);
}

/* Lines that follow each other closely cost one system call together. */
static void test_together(void)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    from_sink = ends[0];
    CU_ASSERT_TRUE(in_child(ends[1], write_little_and_much));
    close(ends[0]);
    close(ends[1]);
}

static void test_closed_pipe(void)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    close(ends[0]);
    CU_ASSERT_TRUE(in_child(ends[1], write_to_nobody));
    close(ends[1]);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"lines go to a pipe, a socket and a file in order", test_kinds},
        {"a pipe that nobody reads costs lines, never time", test_full_pipe},
        {"lines that had to wait are written later, cut ones whole", test_retry},
        {"lines go at the end of a turn, after many they wait for others, very many do not", test_together},
        {"a closed pipe loses lines and counts them", test_closed_pipe},
    };
    return run_suite("line_sink", tests, sizeof tests / sizeof tests[0]);
}
