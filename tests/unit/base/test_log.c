#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../runner.h"

/* Stands in for stdout while fn runs; returns what was written. */
static const char *caught(void (*fn)(void))
{
    static char text[16384];
    fflush(stdout);
    int kept = dup(STDOUT_FILENO), file = memfd_create("log", MFD_CLOEXEC);
    CU_ASSERT_FATAL(kept >= 0 && file >= 0);
    dup2(file, STDOUT_FILENO);
    fn();
    dup2(kept, STDOUT_FILENO);
    close(kept);
    ssize_t n = pread(file, text, sizeof text - 1, 0);
    close(file);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void write_each_level(void)
{
    log_info("zone %s: loaded %d records", "cluster.local.", 7);
    log_warning("w");
    log_error("e");
    log_debug("not shown");
}

static void lines_carry_their_level_as_coredns_writes_it(void)
{
    CU_ASSERT_STRING_EQUAL(caught(write_each_level),
                           "[INFO] zone cluster.local.: loaded 7 records\n[WARNING] w\n[ERROR] e\n");
}

static void write_debug(void)
{
    log_set_debug(true);
    log_debug("shown %d", 1);
    log_set_debug(false);
    log_debug("not shown");
}

static void debug_lines_are_shown_only_when_asked_for(void)
{
    CU_ASSERT_STRING_EQUAL(caught(write_debug), "[DEBUG] shown 1\n");
    CU_ASSERT_FALSE(log_debug_on());
}

static void write_long(void)
{
    char text[5000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    log_info("%s", text);
    log_info("next");
}

static void a_long_line_is_cut_and_stays_one_line(void)
{
    const char *text = caught(write_long);
    const char *newline = strchr(text, '\n');
    CU_ASSERT_PTR_NOT_NULL_FATAL(newline);
    CU_ASSERT(newline - text > 2000 && newline - text < 2048);
    CU_ASSERT_STRING_EQUAL(newline + 1, "[INFO] next\n");
}

static void a_line_from_an_outsider_comes_once_a_second_and_says_how_many_more(void)
{
    struct log_limit limit = {0};
    uint64_t more = 99;
    CU_ASSERT_TRUE(log_limit_allows(&limit, &more));
    CU_ASSERT_EQUAL(more, 0);
    for (unsigned i = 0; i < 500; i++)
        CU_ASSERT_FALSE(log_limit_allows(&limit, &more));
    limit.next_ms = 0; /* a second later */
    CU_ASSERT_TRUE(log_limit_allows(&limit, &more));
    CU_ASSERT_EQUAL(more, 500);
    limit.next_ms = 0;
    CU_ASSERT_TRUE(log_limit_allows(&limit, &more));
    CU_ASSERT_EQUAL(more, 0);
}

static void write_limited(void)
{
    for (unsigned i = 0; i < 1000; i++)
        log_limited(LOG_LEVEL_WARNING, "refused %u", i);
}

static void a_flood_is_one_line(void)
{
    CU_ASSERT_STRING_EQUAL(caught(write_limited), "[WARNING] refused 0\n");
}

/* A container runtime that no longer reads the log must not stop the server. */
static void a_reader_that_reads_nothing_stops_nobody(void)
{
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    dup2(fds[1], STDOUT_FILENO);
    alarm(20);
    for (unsigned i = 0; i < 5000; i++)
        log_info("line %06u of some length, so that the pipe is full before long", i);
    alarm(0);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(fds[1]);
    /* What got through is whole lines from the first on. */
    char line[256];
    unsigned count = 0;
    FILE *f = fdopen(fds[0], "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned number = 0;
        CU_ASSERT_EQUAL(sscanf(line, "[INFO] line %u of some", &number), 1);
        CU_ASSERT_EQUAL(number, count);
        CU_ASSERT_EQUAL(line[strlen(line) - 1], '\n');
        count++;
    }
    fclose(f);
    CU_ASSERT(count > 500 && count < 5000);
}

static const struct unit_test tests[] = {
    {"lines carry their level as CoreDNS writes it", lines_carry_their_level_as_coredns_writes_it},
    {"debug lines are shown only when asked for", debug_lines_are_shown_only_when_asked_for},
    {"a long line is cut and stays one line", a_long_line_is_cut_and_stays_one_line},
    {"a line from an outsider comes once a second and says how many more",
     a_line_from_an_outsider_comes_once_a_second_and_says_how_many_more},
    {"a flood is one line", a_flood_is_one_line},
    {"a reader that reads nothing stops nobody", a_reader_that_reads_nothing_stops_nobody},
};

int main(void)
{
    return run_suite("log", tests, sizeof tests / sizeof tests[0]);
}
