#include "base/flags.h"

#include <string.h>

#include "../runner.h"

static struct {
    const char *conf;
    uint32_t port;
    bool quiet;
} v;

static const struct flag flags[] = {
    {"conf", FLAG_TEXT, &v.conf, 0, "a file"},
    {"dns.port", FLAG_NUMBER, &v.port, 65535, "a port"},
    {"quiet", FLAG_SWITCH, &v.quiet, 0, "no banner"},
};

#define WORDS_MAX 8

/* Reads a command line given as words with a blank between. Returns the number of words that are no flags, or
 * a negative code. */
static int parse(const char *line, struct errtext *e)
{
    static char text[256];
    char *argv[WORDS_MAX] = {text};
    int argc = 1;
    memset(&v, 0, sizeof v);
    *e = (struct errtext){0};
    snprintf(text, sizeof text, "seamark %s", line);
    for (char *p = text; (p = strchr(p, ' ')) != NULL && argc < WORDS_MAX;) {
        *p++ = '\0';
        argv[argc++] = p;
    }
    int rest = -1;
    int ret = flags_parse(flags, sizeof flags / sizeof flags[0], argc, argv, &rest, e);
    return ret != ERR_OK ? ret : argc - rest;
}

static void one_dash_and_two_with_blank_or_equals_sign_are_the_same(void)
{
    static const char *const lines[] = {"-conf F -dns.port 53 -quiet", "--conf F --dns.port 53 --quiet",
                                        "-conf=F -dns.port=53 -quiet", "--conf=F --dns.port=53 -quiet=true",
                                        "-quiet=1 -dns.port 053 -conf F"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct errtext e;
        CU_ASSERT_EQUAL_FATAL(parse(lines[i], &e), 0);
        CU_ASSERT_STRING_EQUAL(v.conf, "F");
        CU_ASSERT_EQUAL(v.port, 53);
        CU_ASSERT_TRUE(v.quiet);
    }
}

static void flags_end_at_two_dashes_and_at_the_first_word(void)
{
    struct errtext e;
    CU_ASSERT_EQUAL(parse("-quiet -- -conf x", &e), 2);
    CU_ASSERT_PTR_NULL(v.conf);
    CU_ASSERT_EQUAL(parse("word -quiet", &e), 2);
    CU_ASSERT_FALSE(v.quiet);
    CU_ASSERT_EQUAL(parse("-quiet -", &e), 1); /* a dash alone is a word */
    CU_ASSERT_TRUE(v.quiet);
}

static void a_value_may_be_empty_or_hold_what_it_likes(void)
{
    struct errtext e;
    CU_ASSERT_EQUAL(parse("-conf=", &e), 0);
    CU_ASSERT_STRING_EQUAL(v.conf, "");
    CU_ASSERT_EQUAL(parse("-conf=a=b", &e), 0);
    CU_ASSERT_STRING_EQUAL(v.conf, "a=b");
    CU_ASSERT_EQUAL(parse("-conf -quiet", &e), 0); /* as Go: the next word is the value, whatever it is */
    CU_ASSERT_STRING_EQUAL(v.conf, "-quiet");
    CU_ASSERT_FALSE(v.quiet);
    CU_ASSERT_EQUAL(parse("-quiet=false", &e), 0);
    CU_ASSERT_FALSE(v.quiet);
}

static void what_is_wrong_is_said_by_name(void)
{
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"-nonsense", "flag provided but not defined: -nonsense"},
        {"-con F", "flag provided but not defined: -con"},
        {"--conf.x=1", "flag provided but not defined: -conf.x"},
        {"-conf", "flag needs an argument: -conf"},
        {"-dns.port", "flag needs an argument: -dns.port"},
        {"-dns.port x", "flag -dns.port: expected a number from 0 to 65535, found \"x\""},
        {"-dns.port 65536", "flag -dns.port: expected a number from 0 to 65535, found \"65536\""},
        {"-dns.port -1", "flag -dns.port: expected a number from 0 to 65535, found \"-1\""},
        {"-dns.port=", "flag -dns.port: expected a number from 0 to 65535, found \"\""},
        {"-dns.port=99999999999999999999", "flag -dns.port: expected a number from 0 to 65535, found "
                                           "\"99999999999999999999\""},
        {"-dns.port=53x", "flag -dns.port: expected a number from 0 to 65535, found \"53x\""},
        {"-quiet=maybe", "flag -quiet: expected true or false, found \"maybe\""},
        {"-=x", "bad flag syntax: -=x"},
        {"---x", "bad flag syntax: ---x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct errtext e;
        CU_ASSERT_EQUAL(parse(cases[i].line, &e), ERR_CONFIG);
        CU_ASSERT_STRING_EQUAL(e.text, cases[i].text);
        CU_ASSERT_EQUAL(v.port, 0);
    }
}

static void the_last_one_wins(void)
{
    struct errtext e;
    CU_ASSERT_EQUAL(parse("-dns.port 1 -dns.port 2", &e), 0);
    CU_ASSERT_EQUAL(v.port, 2);
}

static const struct unit_test tests[] = {
    {"one dash and two, with blank or equals sign, are the same",
     one_dash_and_two_with_blank_or_equals_sign_are_the_same},
    {"flags end at two dashes and at the first word", flags_end_at_two_dashes_and_at_the_first_word},
    {"a value may be empty or hold what it likes", a_value_may_be_empty_or_hold_what_it_likes},
    {"what is wrong is said by name", what_is_wrong_is_said_by_name},
    {"the last one wins", the_last_one_wins},
};

int main(void)
{
    return run_suite("flags", tests, sizeof tests / sizeof tests[0]);
}
