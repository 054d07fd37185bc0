/* A file of name servers, and a host name, looked at again and again. */
#include "../runner.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exchange/upstream_address.h"
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

/* ---- host names, looked up by a resolver on loopback ---- */

static int server;
static struct upstream_resolvers resolvers;

/* Answers the two questions of one lookup: A with these last octets of 10.0.0.x, AAAA with nothing. */
static void answer_lookup(const char *octets)
{
    for (unsigned n = 0; n < 2; n++) {
        uint8_t m[512];
        struct sockaddr_in from;
        socklen_t from_len = sizeof from;
        ssize_t len = recvfrom(server, m, sizeof m, 0, (struct sockaddr *)&from, &from_len);
        CU_ASSERT_TRUE_FATAL(len > 12);
        m[2] |= 0x80;
        uint8_t *at = m + len;
        bool a = at[-3] == 1; /* the type's lower octet, before the class */
        for (const char *octet = octets; a && *octet != '\0'; octet++) {
            const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 10, 0, 0, (uint8_t)*octet};
            memcpy(at, record, sizeof record);
            at += sizeof record;
            m[7]++;
        }
        sendto(server, m, (size_t)(at - m), 0, (struct sockaddr *)&from, from_len);
    }
}

static bool look_up(const char *octets)
{
    s.next_ms = 0;
    CU_ASSERT_FALSE(upstream_source_look(&s));
    CU_ASSERT_PTR_NOT_NULL_FATAL(s.lookup);
    answer_lookup(octets);
    while (!upstream_lookup_wait(s.lookup, 1000))
        ;
    return upstream_source_look(&s);
}

static void begin_host(void)
{
    socklen_t len = sizeof resolvers.list[0].in;
    resolvers = (struct upstream_resolvers){.count = 1};
    resolvers.list[0].in.sin_family = AF_INET;
    resolvers.list[0].in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server = socket(AF_INET, SOCK_DGRAM, 0);
    CU_ASSERT_EQUAL_FATAL(bind(server, &resolvers.list[0].sa, len), 0);
    getsockname(server, &resolvers.list[0].sa, &len);
    CU_ASSERT_EQUAL_FATAL(upstream_source_host(&s, "dns.example.org", 5353, &resolvers), ERR_OK);
}

static void the_addresses_of_a_host_are_looked_up_again(void)
{
    begin_host();
    CU_ASSERT_TRUE(upstream_source_changes(&s));
    CU_ASSERT_TRUE(look_up("\2\1"));
    CU_ASSERT_TRUE(first_is("10.0.0.1:5353") && s.count == 2);
    CU_ASSERT_FALSE(upstream_source_look(&s)); /* not yet */
    CU_ASSERT_PTR_NULL(s.lookup);
    CU_ASSERT_FALSE(look_up("\1\2")); /* the order of an answer is no change */
    CU_ASSERT_TRUE(look_up("\3"));
    CU_ASSERT_TRUE(first_is("10.0.0.3:5353") && s.count == 1);
    CU_ASSERT_FALSE(look_up("")); /* none: what was known stays in use */
    CU_ASSERT_TRUE(first_is("10.0.0.3:5353") && s.bad);
    CU_ASSERT_FALSE(look_up("\3"));
    CU_ASSERT_FALSE(s.bad);
    upstream_source_free(&s);
    close(server);
}

static void a_lookup_that_is_let_go_ends_by_itself(void)
{
    begin_host();
    CU_ASSERT_FALSE(upstream_source_look(&s));
    CU_ASSERT_PTR_NOT_NULL(s.lookup);
    upstream_source_free(&s);
    answer_lookup("\1");
    close(server);
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
        {"the addresses of a host are looked up again", the_addresses_of_a_host_are_looked_up_again},
        {"a lookup that is let go ends by itself", a_lookup_that_is_let_go_ends_by_itself},
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
