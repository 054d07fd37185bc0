/* A file of name servers, looked at again and again. */
#include "../runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "upstream/upstream_address.h"
#include "upstream/upstream_source.h"

static char path[] = "/tmp/seamark-source-XXXXXX";
static struct upstream_source s;

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_TRUE(fputs(text, f) >= 0);
    fclose(f);
}

static void begin(const char *text)
{
    write_file(text);
    CU_ASSERT_EQUAL_FATAL(upstream_source_file(&s, path), ERR_OK);
}

static bool first_is(const char *text)
{
    char found[UPSTREAM_TEXT_MAX];
    return s.count > 0 && strcmp(upstream_address_text(&s.addresses[0], found), text) == 0;
}

static void a_change_is_taken_when_two_looks_have_seen_it(void)
{
    begin("nameserver 10.0.0.1\n");
    CU_ASSERT_TRUE(first_is("10.0.0.1:53"));
    CU_ASSERT_FALSE(upstream_source_look(&s));
    write_file("nameserver 10.0.0.2\nnameserver 10.0.0.3\n");
    CU_ASSERT_FALSE(upstream_source_look(&s));
    CU_ASSERT_TRUE(first_is("10.0.0.1:53"));
    CU_ASSERT_TRUE(upstream_source_look(&s));
    CU_ASSERT_TRUE(first_is("10.0.0.2:53"));
    CU_ASSERT_EQUAL(s.count, 2);
    CU_ASSERT_FALSE(upstream_source_look(&s));
    upstream_source_free(&s);
}

static void a_file_that_is_still_being_written_is_waited_for(void)
{
    begin("nameserver 10.0.0.1\n");
    write_file("nameserver 10.0.0.2\n");
    CU_ASSERT_FALSE(upstream_source_look(&s));
    write_file("nameserver 10.0.0.2\nnameserver 10.0.0.3\n");
    CU_ASSERT_FALSE(upstream_source_look(&s));
    CU_ASSERT_EQUAL(s.count, 1);
    CU_ASSERT_TRUE(upstream_source_look(&s));
    CU_ASSERT_EQUAL(s.count, 2);
    upstream_source_free(&s);
}

static void a_change_that_is_taken_back_is_none(void)
{
    begin("nameserver 10.0.0.1\n");
    write_file("nameserver 10.0.0.2\n");
    CU_ASSERT_FALSE(upstream_source_look(&s));
    write_file("nameserver 10.0.0.1\n");
    CU_ASSERT_FALSE(upstream_source_look(&s));
    write_file("nameserver 10.0.0.2\n");
    CU_ASSERT_FALSE(upstream_source_look(&s));
    CU_ASSERT_TRUE(first_is("10.0.0.1:53"));
    upstream_source_free(&s);
}

static void what_names_no_server_or_is_gone_keeps_what_was(void)
{
    begin("nameserver 10.0.0.1\n");
    write_file("");
    CU_ASSERT_FALSE(upstream_source_look(&s));
    CU_ASSERT_FALSE(upstream_source_look(&s));
    CU_ASSERT_TRUE(s.bad);
    CU_ASSERT_TRUE(first_is("10.0.0.1:53"));
    unlink(path);
    CU_ASSERT_FALSE(upstream_source_look(&s));
    CU_ASSERT_TRUE(first_is("10.0.0.1:53"));
    write_file("nameserver 10.0.0.1\n"); /* back as it was: its servers count again */
    CU_ASSERT_FALSE(upstream_source_look(&s));
    CU_ASSERT_TRUE(upstream_source_look(&s));
    CU_ASSERT_FALSE(s.bad);
    upstream_source_free(&s);
}

static void an_address_never_changes(void)
{
    union address a;
    CU_ASSERT_EQUAL_FATAL(upstream_address_parse("10.0.0.7:5353", &a), ERR_OK);
    upstream_source_address(&s, &a);
    CU_ASSERT_FALSE(upstream_source_changes(&s));
    CU_ASSERT_FALSE(upstream_source_look(&s));
    CU_ASSERT_TRUE(first_is("10.0.0.7:5353"));
    upstream_source_free(&s);
}

static void what_is_no_file_is_an_error(void)
{
    CU_ASSERT_NOT_EQUAL(upstream_source_file(&s, "/nonexistent/resolv.conf"), ERR_OK);
    CU_ASSERT_NOT_EQUAL(upstream_source_file(&s, "/tmp"), ERR_OK);
    CU_ASSERT_NOT_EQUAL(upstream_source_file(&s, "/dev/zero"), ERR_OK);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a change is taken when two looks have seen it", a_change_is_taken_when_two_looks_have_seen_it},
        {"a file that is still being written is waited for",
         a_file_that_is_still_being_written_is_waited_for},
        {"a change that is taken back is none", a_change_that_is_taken_back_is_none},
        {"what names no server, or is gone, keeps what was", what_names_no_server_or_is_gone_keeps_what_was},
        {"an address never changes", an_address_never_changes},
        {"what is no file is an error", what_is_no_file_is_an_error},
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    int failed = run_suite("upstream_source", tests, sizeof tests / sizeof tests[0]);
    unlink(path);
    return failed;
}
