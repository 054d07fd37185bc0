/* Blocks, keys and directives from memory: what loads and as what, what does not and with which words. */
#include <string.h>

#include "../runner.h"
#include "corefile_text.h"
#include "same_text.h"

static const struct {
    const char *text, *loaded;
} good[] = {
    {"", ""},
    {"# nothing\n", ""},
    {"\"\"", ""},
    {".", ". {  }"},
    {".:53", ".:53 {  }"},
    {". {\n}\n", ". {  }"},
    {".\n{\nwhoami\n}\n", ". { whoami }"},
    {".:53\nwhoami\nlog\n", ".:53 { whoami; log }"},
    {".:53 {\nwhoami\nlog\n}", ".:53 { whoami; log }"},
    {". { whoami\n}", ". { whoami }"},
    {"a.org b.org {\nlog\n}", "a.org. b.org. { log }"},
    {"a.org, b.org {\nlog\n}", "a.org. b.org. { log }"},
    {"a.org,b.org {\nlog\n}", "a.org. b.org. { log }"},
    {"a.org,\nb.org,\nc.org\nlog\n", "a.org. b.org. c.org. { log }"},
    {"a.org , b.org {\n}", "a.org. b.org. {  }"},
    {"a.org {\n} b.org {\n}", "a.org. {  } b.org. {  }"},
    {"a.org {\nlog\n}\nb.org:5353 {\nerrors\n}", "a.org. { log } b.org.:5353 { errors }"},
    {"tls://example.org grpc://example.org:1443 {\n}", "tls://example.org. grpc://example.org.:1443 {  }"},
    {"10.0.0.0/23:53 {\n}", "0.0.10.in-addr.arpa.:53 1.0.10.in-addr.arpa.:53 {  }"},
    {"2001:db8::/31 {\n}", "8.b.d.0.1.0.0.2.ip6.arpa. 9.b.d.0.1.0.0.2.ip6.arpa. {  }"},
    {". {\ncache 30 {\nsuccess 100\ndenial 10 5\n}\nlog\n}",
     ". { cache [30] { success [100]; denial [10] [5] }; log }"},
    {". {\ncache {\n}\n}", ". { cache {  } }"},
    {". {\ncache {}\n}", ". { cache [{}] }"}, /* a word like others */
    {". {\nhealth { lameduck 5s\n}\n}", ". { health { lameduck [5s] } }"},
    {". {\nhealth { lameduck 5s }\n}", ". { health { lameduck [5s] } }"},
    {". {\na {\nb {\nc\n}\nd\n}\n}", ". { a { b { c }; d } }"},
    {". {\na {\nb {\nc } }\n}", ". { a { b { c } } }"},
    {". {\nlog . \"{remote} {type}\"\n}", ". { log [.] [{remote} {type}] }"},
    {". {\nlog \"a\nb\" c\nerrors\n}", ". { log [a\nb] [c]; errors }"},
    {". {\nrewrite name suffix a \"\"\n}", ". { rewrite [name] [suffix] [a] [] }"},
    {". {\r\n    errors\r\n}\r\n", ". { errors }"},
    {"\xEF\xBB\xBF. {\nerrors\n}", ". { errors }"},
    {". {\nforward . 1.1.1.1#53 9.9.9.9\n}", ". { forward [.] [1.1.1.1] [9.9.9.9] }"},
    {". {\nlog\nlog a.org\n}", ". { log; log [a.org] }"},
    {"(s) {\nerrors\ncache 30\n}\n. {\nimport s\nlog\n}", ". { errors; cache [30]; log }"},
    {"(s) {\n}\n. {\nimport s\nlog\n}", ". { log }"},
    {"(s) {\nsuccess 10\n}\n. {\ncache {\nimport s\ndenial 5\n}\n}",
     ". { cache { success [10]; denial [5] } }"},
    {"(a) {\nerrors\n}\n(b) {\nimport a\nlog\n}\n. {\nimport b\nimport b\n}",
     ". { errors; log; errors; log }"},
    {"(s) { errors\ncache {\nsuccess 1\n}\n}\n. {\nimport s\n}", ". { errors; cache { success [1] } }"},
    {"(keys) {\na.org b.org {\nlog\n}\n}\nimport keys", "a.org. b.org. { log }"},
    {"(keys) {\nb.org\n}\na.org,\nimport keys\nlog", "a.org. b.org. { log }"},
    {". {\nlog import\n}", ". { log [import] }"},
};

static const struct {
    const char *text, *error;
} bad[] = {
    {". {\nerrors\n",
     "Corefile:2 - expected '}' to end the server block of line 1, found the end of the file"},
    {". {", "Corefile:1 - expected '}' to end the server block of line 1, found the end of the file"},
    {". {\nerrors\n}\n}\n", "Corefile:4 - expected a zone, found '}'"},
    {"}", "Corefile:1 - expected a zone, found '}'"},
    {".\nwhoami\n}", "Corefile:3 - expected a directive, found '}' that no '{' opened"},
    {"{\nerrors\n}", "Corefile:1 - expected a zone before the server block, found none"},
    {"{$SEAMARK_UNSET} {\nerrors\n}", "Corefile:1 - expected a zone before the server block, found none"},
    {"a.org, {\n}", "Corefile:1 - expected a zone behind the comma, found '{'"},
    {"a.org,", "Corefile:1 - expected a zone behind the comma, found the end of the file"},
    {"a.org,\n\nb.org,\n", "Corefile:3 - expected a zone behind the comma, found the end of the file"},
    {". {\nwhoami }",
     "Corefile:2 - expected the end of the line, found '}' that no '{' of \"whoami\" opened"},
    {". {\ncache\n{\n}\n}",
     "Corefile:3 - expected '{' at the end of the line of \"cache\", found it on a line of its own"},
    {". {\n{\n}\n}", "Corefile:2 - expected a directive, found '{'"},
    {". {\ncache {\nsuccess\n",
     "Corefile:3 - expected '}' to end \"cache\" of line 2, found the end of the file"},
    {". {\ncache {\n} 30\n}", "Corefile:3 - expected the end of the line behind '}', found \"30\""},
    {". {\ncache {\n} }\n}", "Corefile:3 - expected the end of the line behind '}', found \"}\""},
    {". {\n\"\" a\n}", "Corefile:2 - expected a directive, found an empty word (\"\")"},
    {". {\n{$SEAMARK_UNSET} a\n}",
     "Corefile:2 - expected a directive, found an empty word (\"{$SEAMARK_UNSET}\")"},
    {". {\nlog \"a\n}\n", "Corefile:2 - expected a closing '\"', found the end of the file"},
    {"udp://. {\n}",
     "Corefile:1 - expected a zone such as example.org, 10.0.0.0/16 or tls://.:853, found \"udp://.\" "
     "(the schemes are dns, tls, quic, grpc, https and https3)"},
    {"a.org,\n.:99999 {\n}", "Corefile:2 - expected a zone such as example.org, 10.0.0.0/16 or tls://.:853, "
                             "found \".:99999\" (a port is a "
                             "number from 1 to 65535)"},
    {"a..b {\n}",
     "Corefile:1 - expected a zone such as example.org, 10.0.0.0/16 or tls://.:853, found \"a..b\" (not a "
     "domain name)"},
    {"10.0.0.0/40 {\n}",
     "Corefile:1 - expected a zone such as example.org, 10.0.0.0/16 or tls://.:853, found "
     "\"10.0.0.0/40\" (a prefix is at most 32 for IPv4 and 128 for IPv6)"},
    {"(s) a.org {\n}", "Corefile:1 - expected a zone such as example.org, 10.0.0.0/16 or tls://.:853, found "
                       "\"(s)\" (a zone's name has "
                       "no parentheses; a snippet is one word, (name), and nothing else)"},
    {"(s)\nerrors", "Corefile:2 - expected '{' behind the snippet's name, found \"errors\""},
    {"(s)", "Corefile:1 - expected '{' behind the snippet's name, found \"the end of the file\""},
    {"(s) {\nerrors", "Corefile:2 - expected '}' to end the snippet of line 1, found the end of the file"},
    {"(s) {\n}\n\n(s) {\n}", "Corefile:4 - snippet \"s\" is defined twice"},
    {". {\na {\nb {\nc {\nd {\ne {\nf {\ng {\nh {\ni {\nj\n}\n}\n}\n}\n}\n}\n}\n}\n}\n}",
     "Corefile:11 - more than 8 braces inside each other"},
};

static void test_good(void)
{
    struct bytes text;
    bytes_init(&text, 1 << 20);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct corefile *c = NULL;
        struct errtext e = {0};
        int ret = corefile_parse("Corefile", good[i].text, strlen(good[i].text), &c, &e);
        CU_ASSERT_EQUAL(ret, ERR_OK);
        ASSERT_TEXT(e.text, "");
        if (ret == ERR_OK)
            ASSERT_TEXT(text_of_corefile(&text, c), good[i].loaded);
        corefile_free(c);
    }
    bytes_free(&text);
}

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct corefile *c = NULL;
        struct errtext e = {0};
        CU_ASSERT_EQUAL(corefile_parse("Corefile", bad[i].text, strlen(bad[i].text), &c, &e), ERR_CONFIG);
        ASSERT_TEXT(e.text, bad[i].error);
        CU_ASSERT_PTR_NULL(c);
    }
}

static void test_places(void)
{
    static const char text[] =
        "\n\n.:53 {\n  errors\n\n  cache 30 {\n    success 5\n  }\n}\n10.0.0.0/23 {\n}\n";
    struct corefile *c = NULL;
    CU_ASSERT_EQUAL_FATAL(corefile_parse("Corefile", text, sizeof text - 1, &c, NULL), ERR_OK);
    CU_ASSERT_EQUAL(c->blocks[0].line, 3);
    ASSERT_TEXT(c->blocks[0].file, "Corefile");
    CU_ASSERT_EQUAL(c->blocks[0].directives[0].line, 4);
    CU_ASSERT_EQUAL(c->blocks[0].directives[1].line, 6);
    CU_ASSERT_EQUAL(c->blocks[0].directives[1].body[0].line, 7);
    CU_ASSERT_PTR_NULL(c->blocks[0].directives[1].args[1]); /* the list of arguments ends in NULL */
    CU_ASSERT_PTR_NULL(c->blocks[0].keys[0].cidr);
    ASSERT_TEXT(c->blocks[1].keys[1].cidr, "10.0.0.0/23");
    CU_ASSERT_PTR_EQUAL(server_block_find(&c->blocks[0], "cache"), &c->blocks[0].directives[1]);
    CU_ASSERT_PTR_NULL(server_block_find(&c->blocks[0], "success"));
    CU_ASSERT_EQUAL(c->nfiles, 1);
    ASSERT_TEXT(c->files[0], "Corefile");
    corefile_free(c);
    corefile_free(NULL);
}

static void test_hostile_words(void)
{
    static const char text[] = ". {\n\"a\nb\x1b[2J\" {\n";
    struct corefile *c = NULL;
    struct errtext e = {0};
    CU_ASSERT_EQUAL(corefile_parse("Corefile", text, sizeof text - 1, &c, &e), ERR_CONFIG);
    ASSERT_TEXT(e.text, "Corefile:3 - expected '}' to end \"a?b?[2J\" of line 2, found the end of the file");
}

static void test_many_keys(void)
{
    struct bytes text;
    struct corefile *c = NULL;
    struct errtext e = {0};
    bytes_init(&text, 1 << 20);
    for (unsigned i = 0; i < 65; i++)
        bytes_printf(&text, "10.0.%u.0/25 ", i);
    CU_ASSERT_EQUAL(corefile_parse("Corefile", text.data, text.len, &c, &e), ERR_CONFIG);
    ASSERT_TEXT(e.text, "Corefile:1 - more than 8192 zones in one server block");
    bytes_free(&text);
}

static void test_many_words(void)
{
    struct bytes text;
    struct corefile *c = NULL;
    struct errtext e = {0};
    bytes_init(&text, 1 << 20);
    bytes_append_str(&text, ".\nhosts ");
    for (unsigned i = 0; i < 250000; i++)
        bytes_append_str(&text, "a ");
    CU_ASSERT_EQUAL(corefile_parse("Corefile", text.data, text.len, &c, &e), ERR_CONFIG);
    ASSERT_TEXT(e.text, "Corefile:2 - more than 250000 words");
    bytes_free(&text);
}

static const struct unit_test tests[] = {
    {"what CoreDNS loads is loaded", test_good},
    {"an error says where and what was expected", test_bad},
    {"every line knows where it stands", test_places},
    {"a word cannot smuggle line ends into an error", test_hostile_words},
    {"the zones of a block are limited", test_many_keys},
    {"the words of a file are limited", test_many_words},
};

int main(void)
{
    return run_suite("corefile_block", tests, sizeof tests / sizeof *tests);
}
