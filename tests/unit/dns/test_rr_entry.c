/* Records as people write them. */
#include "dns/rr_entry.h"

#include <stdio.h>
#include <string.h>

#include "../runner.h"
#include "base/err.h"

static struct rr_storage storage;

/* The record in one form, or why there is none. Valid until the next call. */
static const char *read(const char *text)
{
    static struct bytes line, out;
    struct rr rr;
    const char *why = "";
    bytes_init(&line, 65536);
    bytes_free(&out);
    bytes_init(&out, 1 << 20);
    int ret = rr_from_entry(text, strlen(text), 3600, &line, &storage, &rr, &why);
    if (ret == ERR_OK)
        ret = rr_to_text(&rr, &out);
    else
        bytes_append_str(&out, why);
    bytes_free(&line);
    return out.data;
}

static void expect(const char *text, const char *record)
{
    const char *is = read(text);
    CU_ASSERT_STRING_EQUAL(is, record);
    if (strcmp(is, record) != 0)
        fprintf(stderr, "\n%s\n  is        %s\n  should be %s\n", text, is, record);
}

static void test_what_may_be_left_out(void)
{
    expect("a.example. 60 IN A 10.0.0.1", "a.example.\t60\tIN\tA\t10.0.0.1");
    expect("a.example A 10.0.0.1", "a.example.\t3600\tIN\tA\t10.0.0.1");
    expect("a.example. IN A 10.0.0.1", "a.example.\t3600\tIN\tA\t10.0.0.1");
    expect("a.example. 5 A 10.0.0.1", "a.example.\t5\tIN\tA\t10.0.0.1");
    expect("a.example. in 5 a 10.0.0.1", "a.example.\t5\tIN\tA\t10.0.0.1");
    expect("a.example. 5 ch txt x", "a.example.\t5\tCH\tTXT\t\"x\"");
    expect("a.example. CLASS3 TXT x", "a.example.\t3600\tCH\tTXT\t\"x\"");
    expect("foogle.com 60 IN CNAME google.com", "foogle.com.\t60\tIN\tCNAME\tgoogle.com.");
    expect("@ CNAME @", ".\t3600\tIN\tCNAME\t.");
    expect("@ TXT @", ".\t3600\tIN\tTXT\t\"@\"");
    expect("a MX 10 @", "a.\t3600\tIN\tMX\t10 .");
}

static void test_times_have_units(void)
{
    expect("a 1h30m A 10.0.0.1", "a.\t5400\tIN\tA\t10.0.0.1");
    expect("a 1W A 10.0.0.1", "a.\t604800\tIN\tA\t10.0.0.1");
    expect("a 2d1 A 10.0.0.1", "a.\t172801\tIN\tA\t10.0.0.1");
    expect("a. SOA n. h. (1 1h 2m 3d 60)", "a.\t3600\tIN\tSOA\tn. h. 1 3600 120 259200 60");
    expect("a 99999999999 A 10.0.0.1", "expected a TTL, a class or a type");
    expect("a 5x A 10.0.0.1", "expected a TTL, a class or a type");
}

static void test_parentheses_comments_and_lines(void)
{
    expect("invalid. 60 IN SOA ns.invalid. hostmaster.invalid. (1 60 60 60 60)",
           "invalid.\t60\tIN\tSOA\tns.invalid. hostmaster.invalid. 1 60 60 60 60");
    expect("a. SOA n. h. ( 1 ; serial\n 2 ; refresh\n\t3 4\n5 )", "a.\t3600\tIN\tSOA\tn. h. 1 2 3 4 5");
    expect("a. A (\n10.0.0.1\n)", "a.\t3600\tIN\tA\t10.0.0.1");
    expect("\n; nothing\n\na. A 10.0.0.1 ; why\n", "a.\t3600\tIN\tA\t10.0.0.1");
    expect("a. A 10.0.0.1\nb. A 10.0.0.2", "a.\t3600\tIN\tA\t10.0.0.1");
    expect("a. TXT \"( ; )\" b\\;c", "a.\t3600\tIN\tTXT\t\"( ; )\" \"b;c\"");
    expect("a. TXT \"over\ntwo\"", "a.\t3600\tIN\tTXT\t\"over\\010two\"");
    expect("a. SOA n. h. (1 2 3 4 5", "a parenthesis is not closed");
    expect("a. A 10.0.0.1)", "a parenthesis is closed that was not opened");
    expect("a. TXT \"x", "a quotation mark is not closed");
}

static void test_long_strings_are_cut(void)
{
    char xs[301], text[400], record[400];
    memset(xs, 'x', 300);
    xs[300] = '\0';
    snprintf(text, sizeof text, "a. TXT \"%s\"", xs);
    snprintf(record, sizeof record, "a.\t3600\tIN\tTXT\t\"%.255s\" \"%.45s\"", xs, xs);
    expect(text, record);
}

static void test_what_is_none(void)
{
    expect("", "expected a record");
    expect(" \n ; only this", "expected a record that begins with its owner");
    expect("\n; only this", "expected a record");
    expect(" a. A 10.0.0.1", "expected a record that begins with its owner");
    expect("$TTL 5", "directives are not read here");
    expect("a.", "expected a type");
    expect("a. 5 IN", "expected a type");
    expect("a. 5 IN NOPE x", "unknown record type");
    expect("a. A", "the rdata ends too early");
    expect("a. A 10.0.0", "expected an IPv4 address");
    expect("a. A 010.0.0.1", "expected an IPv4 address");
    expect("a. A 0.0.0.0", "a.\t3600\tIN\tA\t0.0.0.0");
    expect("a. A 10.0.0.1 x", "something follows the rdata");
    expect("a..b A 10.0.0.1", "expected a domain name as the owner");
    expect("<no value>.example. 60 IN A 10.0.0.1", "expected a TTL, a class or a type");
}

static void test_types_of_all_kinds(void)
{
    expect("a TYPE1 \\# 4 0a000001", "a.\t3600\tIN\tA\t10.0.0.1");
    expect("a CAA 0 issue \"ca.example\"", "a.\t3600\tIN\tCAA\t0 issue \"ca.example\"");
    expect("a HTTPS 1 . alpn=\"h2,h3\"", "a.\t3600\tIN\tHTTPS\t1 . alpn=h2,h3");
    expect("_a._tcp SRV 0 100 53 b", "_a._tcp.\t3600\tIN\tSRV\t0 100 53 b.");
    expect("a AAAA 2001:db8::1", "a.\t3600\tIN\tAAAA\t2001:db8::1");
}

static const struct unit_test tests[] = {
    {"TTL, class and final dots may be left out", test_what_may_be_left_out},
    {"times may have units", test_times_have_units},
    {"parentheses, comments and several lines are read", test_parentheses_comments_and_lines},
    {"strings that are too long become several", test_long_strings_are_cut},
    {"what is no record is refused with the reason", test_what_is_none},
    {"records of all types are read", test_types_of_all_kinds},
};

int main(void)
{
    return run_suite("rr_entry", tests, sizeof tests / sizeof *tests);
}
