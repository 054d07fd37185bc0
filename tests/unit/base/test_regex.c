#include "base/regex.h"

#include <stdlib.h>
#include <string.h>

#include "../runner.h"

static struct regex *compiled(const char *pattern)
{
    struct regex *r = NULL;
    struct errtext e = {0};
    if (regex_new(pattern, &r, &e) != ERR_OK)
        fprintf(stderr, "%s\n", e.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    return r;
}

static bool matches(const char *pattern, const char *text)
{
    struct regex *r = compiled(pattern);
    bool ret = regex_match(r, text, strlen(text), NULL, 0);
    regex_free(r);
    return ret;
}

static bool span_is(const char *text, struct regex_span s, const char *want)
{
    return s.set && s.len == strlen(want) && memcmp(text + s.at, want, s.len) == 0;
}

static void test_matches(void)
{
    CU_ASSERT_TRUE(matches(".* timeout$", "read udp 10.0.0.1:5 -> 10.0.0.2:53: i/o timeout"));
    CU_ASSERT_FALSE(matches(".* timeout$", "timeout of something"));
    CU_ASSERT_TRUE(matches("^read .* i/o (timeout|error)", "read udp i/o error"));
    CU_ASSERT_TRUE(matches("(?i)UNREACHABLE", "network is unreachable"));
    CU_ASSERT_TRUE(matches("\\d+\\.\\d+\\.\\d+\\.\\d+", "to 10.0.0.1"));
    CU_ASSERT_TRUE(matches("", "anything"));
    CU_ASSERT_TRUE(matches("^$", ""));
    CU_ASSERT_FALSE(matches("(?s)nothing", ""));
    CU_ASSERT_TRUE(matches("a\\.b\\z", "xa.b"));
    CU_ASSERT_TRUE(matches("\\Qa.b\\E", "a.b"));
    CU_ASSERT_FALSE(matches("\\Qa.b\\E", "axb"));
}

static void test_names_of_groups_in_both_spellings(void)
{
    static const char *const same[][2] = {
        {"(?<a>x)(?P<b>y)", "xy"},        {"[(?<]a", "<a"},           {"\\(?<", "<"},
        {"\\Q(?<a>\\E(?<b>c)", "(?<a>c"}, {"[]](?<a>b)", "]b"},       {"[^](?<]+(?<a>b)", "xb"},
        {"[[:alpha:](?<]", "<"},          {"\\Q\\\\E(?<b>c)", "\\c"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        CU_ASSERT_TRUE(matches(same[i][0], same[i][1]));
    CU_ASSERT_FALSE(matches("[[:digit:](?<]", "P"));
    struct regex *r = compiled("(?<a>x)(?P<b>y)");
    CU_ASSERT_STRING_EQUAL(regex_group_name(r, 1), "a");
    CU_ASSERT_STRING_EQUAL(regex_group_name(r, 2), "b");
    CU_ASSERT_PTR_NULL(regex_group_name(r, 3));
    regex_free(r);
}

static void test_groups(void)
{
    const char *text = "ip-10-0-0-1.ec2.internal.";
    struct regex *r = compiled("ip-(\\d+)-(?P<second>\\d+)-(x)?.*?(\\.)");
    struct regex_span s[7];
    CU_ASSERT_EQUAL(regex_groups(r), 4);
    CU_ASSERT_EQUAL(regex_group_named(r, "second?", 6), 2);
    CU_ASSERT_EQUAL(regex_group_named(r, "second", 3), ERR_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(regex_group_name(r, 2), "second");
    CU_ASSERT_TRUE_FATAL(regex_match(r, text, strlen(text), s, 7));
    CU_ASSERT_TRUE(span_is(text, s[0], "ip-10-0-0-1."));
    CU_ASSERT_TRUE(span_is(text, s[1], "10"));
    CU_ASSERT_TRUE(span_is(text, s[2], "0"));
    CU_ASSERT_FALSE(s[3].set);
    CU_ASSERT_TRUE(span_is(text, s[4], "."));
    CU_ASSERT_EQUAL(s[4].at, 11);
    CU_ASSERT_FALSE(s[5].set);
    CU_ASSERT_FALSE(s[6].set);
    CU_ASSERT_FALSE(regex_match(r, text, 5, s, 7));
    CU_ASSERT_TRUE(regex_match(r, text, strlen(text), s, 2));
    CU_ASSERT_TRUE(span_is(text, s[1], "10"));
    regex_free(r);
    /* An empty group takes part; the first alternative wins, not the longest. */
    r = compiled("(x*)(a|ab)");
    CU_ASSERT_TRUE_FATAL(regex_match(r, "ab", 2, s, 3));
    CU_ASSERT_TRUE(span_is("ab", s[1], ""));
    CU_ASSERT_TRUE(span_is("ab", s[2], "a"));
    regex_free(r);
}

static void test_malformed(void)
{
    static const struct {
        const char *pattern, *why;
    } cases[] = {
        {"a(b", "error parsing regexp: missing closing ): `a(b`"},
        {"a)", "error parsing regexp: unexpected ): `a)`"},
        {"[z-a]", "error parsing regexp: invalid character class range: `z-a`"},
        {"[a", "error parsing regexp: missing closing ]: `[a`"},
        {"*", "error parsing regexp: missing argument to repetition operator: `*`"},
        {"a**", "error parsing regexp: invalid nested repetition operator: `**`"},
        {"a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"},
        {"(?z)b", "error parsing regexp: invalid or unsupported Perl syntax: `(?z`"},
        {"(a)\\1", "error parsing regexp: invalid escape sequence: `\\1`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct regex *r = NULL;
        struct errtext e = {0};
        CU_ASSERT_EQUAL(regex_new(cases[i].pattern, &r, &e), ERR_MALFORMED);
        CU_ASSERT_PTR_NULL(r);
        CU_ASSERT_STRING_EQUAL(e.text, cases[i].why);
    }
}

static void test_limits(void)
{
    struct regex *r = NULL;
    struct errtext e = {0};
    char *text = malloc(REGEX_PATTERN_MAX + 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, 'a', REGEX_PATTERN_MAX + 1);
    text[REGEX_PATTERN_MAX + 1] = '\0';
    CU_ASSERT_EQUAL(regex_new(text, &r, &e), ERR_LIMIT);
    CU_ASSERT_STRING_EQUAL(e.text, "regex pattern too long: 10001 > 10000");
    text[REGEX_PATTERN_MAX] = '\0';
    CU_ASSERT_EQUAL(regex_new(text, &r, NULL), ERR_OK);
    regex_free(r);
    for (int i = 0; i <= REGEX_GROUPS_MAX; i++)
        memcpy(text + 2 * i, "()", 3);
    CU_ASSERT_EQUAL(regex_new(text, &r, NULL), ERR_LIMIT);
    text[2 * REGEX_GROUPS_MAX] = '\0';
    CU_ASSERT_EQUAL(regex_new(text, &r, NULL), ERR_OK);
    struct regex_span s[1 + REGEX_GROUPS_MAX];
    CU_ASSERT_TRUE(regex_match(r, "x", 1, s, 1 + REGEX_GROUPS_MAX));
    CU_ASSERT_TRUE(s[REGEX_GROUPS_MAX].set);
    regex_free(r);
    memset(text, '(', 5000);
    memset(text + 5000, ')', 5000);
    CU_ASSERT_NOT_EQUAL(regex_new(text, &r, NULL), ERR_OK);
    e.text[0] = '\0';
    CU_ASSERT_EQUAL(regex_new("((a{100}){100}){100}", &r, &e), ERR_MALFORMED);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "invalid repeat count"));
    CU_ASSERT_EQUAL(regex_new("\\pL{1000}", &r, NULL), ERR_LIMIT);
    free(text);
}

/* Each would take a backtracking matcher longer than the universe has existed; here the test just ends. */
static void test_linear(void)
{
    const size_t len = 60000;
    char *text = malloc(len + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, 'a', len);
    text[len] = '\0';
    CU_ASSERT_FALSE(matches("^(a+)+!$", text));
    CU_ASSERT_FALSE(matches("(a|aa)+b", text));
    CU_ASSERT_FALSE(matches("(x+x+)+y|(a*)*b", text));
    CU_ASSERT_FALSE(matches("(a?){100}a{100}b", text));
    /* More states than the memory of an expression holds. */
    for (size_t i = 0; i < len; i++)
        text[i] = "ab"[(i * i / 7 + i / 3) % 2];
    CU_ASSERT_FALSE(matches("a[ab]{300}c", text));
    struct regex *r = compiled("(b[ab]{200})*?c");
    struct regex_span s[2];
    CU_ASSERT_FALSE(regex_match(r, text, len, s, 2));
    regex_free(r);
    free(text);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"expressions match as they do in Go", test_matches},
        {"groups are told by number and name, those that took no part too", test_groups},
        {"groups may be named as Go 1.22 has it, too", test_names_of_groups_in_both_spellings},
        {"a broken expression is an error in Go's words", test_malformed},
        {"length, groups and memory have limits", test_limits},
        {"no expression takes more than linear time", test_linear},
    };
    return run_suite("regex", tests, sizeof tests / sizeof tests[0]);
}
