#include <fcntl.h>
#include <unistd.h>

#include "fake_serve.h"

#include "fake_lines.h"

#include "base/log.h"

#include "../runner.h"

extern const struct plugin plugin_errors;

static struct fake_stage *start(const char *directive)
{
    char text[512];
    snprintf(text, sizeof text, ". {\n%s\n}\n", directive);
    struct fake_stage *f = fake_setup(&plugin_errors, text);
    if (f->ret != ERR_OK)
        fprintf(stderr, "%s\n", f->e.text);
    CU_ASSERT_EQUAL_FATAL(f->ret, ERR_OK);
    CU_ASSERT_EQUAL_FATAL(plugin_errors.start(f->state, &f->e), ERR_OK);
    return f;
}

static void stop(struct fake_stage *f)
{
    plugin_errors.stop(f->state);
    fake_free(&plugin_errors, f);
}

static const char *fail(struct fake_stage *f, uint16_t rcode, const char *why)
{
    struct request *r = fake_request("A.example.org", RR_AAAA);
    r->reply->rcode = rcode;
    r->error_text = why;
    plugin_errors.answer(f->state, r);
    return fake_lines_take();
}

/* Runs `what` and gives what it has written to stdout. */
static const char *written_by(void (*what)(void *), void *ctx)
{
    static char out[4096];
    int ends[2], kept = dup(STDOUT_FILENO);
    fflush(stdout);
    if (pipe2(ends, O_NONBLOCK) < 0 || dup2(ends[1], STDOUT_FILENO) < 0)
        abort();
    what(ctx);
    dup2(kept, STDOUT_FILENO);
    ssize_t n = read(ends[0], out, sizeof out - 1);
    out[n > 0 ? n : 0] = '\0';
    close(kept);
    close(ends[0]);
    close(ends[1]);
    return out;
}

static void test_lines(void)
{
    struct fake_stage *f = start("errors {\nstacktrace\n}");
    CU_ASSERT_STRING_EQUAL(fail(f, RCODE_SERVFAIL, "read udp: i/o timeout"),
                           "[ERROR] plugin/errors: 2 a.example.org. AAAA: read udp: i/o timeout\n");
    CU_ASSERT_STRING_EQUAL(fail(f, RCODE_REFUSED, "too many"),
                           "[ERROR] plugin/errors: 5 a.example.org. AAAA: too many\n");
    CU_ASSERT_STRING_EQUAL(fail(f, RCODE_SERVFAIL, "two\nlines\x1b"),
                           "[ERROR] plugin/errors: 2 a.example.org. AAAA: two?lines?\n");
    CU_ASSERT_STRING_EQUAL(fail(f, RCODE_SERVFAIL, NULL), "");
    CU_ASSERT_STRING_EQUAL(fail(f, RCODE_NOERROR, "a stale answer was found after all"), "");
    char large[3000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    const char *line = fail(f, RCODE_SERVFAIL, large);
    CU_ASSERT_TRUE(strlen(line) < 700 && line[strlen(line) - 1] == '\n');
    stop(f);
}

static enum verdict never(void *state, struct request *r)
{
    (void)state, (void)r;
    return VERDICT_NEXT;
}

static void test_end_of_chain(void)
{
    struct fake_stage *f = start("errors {\nconsolidate 1h \"^plugin/other: no next\"\n}");
    static const struct plugin last = {.name = "hosts", .query = never}, apart = {.name = "health"};
    f->block.stages[f->block.nstages++] = (struct stage){.plugin = &last};
    f->block.stages[f->block.nstages++] = (struct stage){.plugin = &apart};
    struct route route = {.block = &f->block};
    struct request *r = fake_request("a.example.org", RR_A);
    r->route = &route;
    r->stage = (uint8_t)f->block.nstages;
    r->reply->rcode = RCODE_SERVFAIL;
    r->error_text = "no next plugin found";
    plugin_errors.answer(f->state, r);
    CU_ASSERT_STRING_EQUAL(fake_lines_take(),
                           "[ERROR] plugin/errors: 2 a.example.org. A: plugin/hosts: no next plugin found\n");
    stop(f);
}

static void run_200_ms(void *ctx)
{
    (void)ctx;
    fake_run_loop(200);
}

static void test_consolidate(void)
{
    struct fake_stage *f =
        start("errors {\nconsolidate 100ms \".* timeout$\" warning\nconsolidate 1h other\n}");
    for (int i = 0; i < 3; i++)
        CU_ASSERT_STRING_EQUAL(fail(f, RCODE_SERVFAIL, "i/o timeout"), "");
    CU_ASSERT_STRING_NOT_EQUAL(fail(f, RCODE_SERVFAIL, "refused"), "");
    CU_ASSERT_STRING_EQUAL(written_by(run_200_ms, NULL),
                           "[WARNING] plugin/errors: 3 errors like '.* timeout$' occurred in last 100ms\n");
    CU_ASSERT_STRING_EQUAL(written_by(run_200_ms, NULL), "");
    stop(f);
}

static void test_show_first(void)
{
    struct fake_stage *f = start("errors {\nconsolidate 100ms timeout info show_first\n}");
    CU_ASSERT_STRING_EQUAL(fail(f, RCODE_SERVFAIL, "timeout 1"),
                           "[INFO] plugin/errors: 2 a.example.org. AAAA: timeout 1\n");
    CU_ASSERT_STRING_EQUAL(written_by(run_200_ms, NULL), ""); /* the only one has been shown */
    CU_ASSERT_STRING_NOT_EQUAL(fail(f, RCODE_SERVFAIL, "timeout 2"), "");
    CU_ASSERT_STRING_EQUAL(fail(f, RCODE_SERVFAIL, "timeout 3"), "");
    CU_ASSERT_STRING_EQUAL(written_by(run_200_ms, NULL),
                           "[INFO] plugin/errors: 2 errors like 'timeout' occurred in last 100ms\n");
    stop(f);
}

static void stop_it(void *ctx)
{
    plugin_errors.stop(ctx);
}

static void test_told_at_stop(void)
{
    struct fake_stage *f = start("errors {\nconsolidate 1h timeout\n}");
    CU_ASSERT_STRING_EQUAL(fail(f, RCODE_SERVFAIL, "timeout"), "");
    CU_ASSERT_STRING_EQUAL(written_by(stop_it, f->state),
                           "[ERROR] plugin/errors: 1 errors like 'timeout' occurred in last 1h\n");
    fake_free(&plugin_errors, f);
}

static void test_debug_level(void)
{
    struct fake_stage *f = start("errors {\nconsolidate 100ms timeout debug show_first\n}");
    CU_ASSERT_STRING_EQUAL(fail(f, RCODE_SERVFAIL, "timeout"), "");
    log_set_debug(true);
    CU_ASSERT_STRING_EQUAL(written_by(run_200_ms, NULL), "");
    CU_ASSERT_STRING_EQUAL(fail(f, RCODE_SERVFAIL, "timeout"),
                           "[DEBUG] plugin/errors: 2 a.example.org. AAAA: timeout\n");
    log_set_debug(false);
    stop(f);
}

static void test_errors(void)
{
    static const char *const bad[] = {
        "errors {\nconsolidate\n}",
        "errors {\nconsolidate 5m\n}",
        "errors {\nconsolidate x y\n}",
        "errors {\nconsolidate 0s y\n}",
        "errors {\nconsolidate 5m \"(\"\n}",
        "errors {\nconsolidate 5m y loud\n}",
        "errors {\nconsolidate 5m y show_first warning\n}",
        "errors {\nconsolidate 5m y info warning\n}",
        "errors {\nstacktrace x\n}",
        "errors {\nother\n}",
    };
    CU_ASSERT_STRING_EQUAL(fake_error(&plugin_errors, "errors stdout"), "");
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_errors, "errors file.log"),
                                  "Corefile:2 - plugin/errors: invalid log file"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_errors, bad[i]), "Corefile:3 - plugin/errors: "));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a failure with a reason is one line, and no reason breaks it", test_lines},
        {"at the end of the chain its last plugin is named", test_end_of_chain},
        {"errors that match are counted and told once when their time is over", test_consolidate},
        {"show_first writes the first and counts the others", test_show_first},
        {"what was counted is told when the configuration ends", test_told_at_stop},
        {"the level debug is shown with debug alone", test_debug_level},
        {"options that do not read are errors that name their line", test_errors},
    };
    fake_control.base = event_base_new();
    int status = run_suite("errors", tests, sizeof tests / sizeof tests[0]);
    event_base_free(fake_control.base);
    fake_lines_take();
    fake_lines_take();
    return status;
}
