#include <string.h>

#include "../runner.h"
#include "conf/corefile_p.h"
#include "same_text.h"

/* Tokens as text: a '/' before one that starts a line, words in [], the line number behind. */
static const char *lex(const char *text, size_t len, char out[1024])
{
    struct conf_arena *arena = conf_arena_new(1 << 20);
    struct token_list list = {0};
    struct errtext e = {0};
    size_t n = 0;
    out[0] = '\0';
    if (corefile_lex(arena, "Corefile", text, len, &list, &e) != ERR_OK)
        snprintf(out, 1024, "%s", e.text);
    for (size_t i = 0; i < list.count; i++)
        n += (size_t)snprintf(out + n, 1024 - n, "%s[%s]%u", list.tokens[i].starts_line ? "/" : "",
                              list.tokens[i].text, list.tokens[i].line);
    conf_arena_free(arena);
    return out;
}

static const struct {
    const char *text, *tokens;
} cases[] = {
    {"", ""},
    {"\n \t\n", ""},
    {"a b\nc", "/[a]1[b]1/[c]2"},
    {"a\r\nb\r\n", "/[a]1/[b]2"},
    {"a\rb", "/[ab]1"}, /* a carriage return is nothing at all, not even the end of a word */
    {"\xEF\xBB\xBF.:53", "/[.:53]1"},
    {"a\xEF\xBB\xBF", "/[a\xEF\xBB\xBF]1"}, /* a byte order mark is one at the start only */
    {"# all of it\na # and \"this\nb", "/[a]2/[b]3"},
    {"a#b\nc", "/[a]1/[c]2"},
    {"a#b c\nd", "/[a]1[c]1/[d]2"}, /* a comment glued to a word ends at white space, in CoreDNS too */
    {"a #b c\nd", "/[a]1/[d]2"},
    {"\"a b\" c", "/[a b]1[c]1"},
    {"\"a \\\"b\\\" \\n \\\\\"", "/[a \"b\" \\n \\\\]1"},
    {"\"a\nb\" c\nd", "/[a\nb]1[c]2/[d]3"}, /* c is on the line where the quoted text ended */
    {"\"# no comment\" b", "/[# no comment]1[b]1"},
    {"\"\" a", "/[]1[a]1"},
    {"a\"b c\"d", "/[a\"b]1[c\"d]1"}, /* a quote inside a word is a character like others */
    {"\"a\"b", "/[a]1[b]1"},
    {"a\\\nb", "/[a\\]1/[b]2"},     /* a backslash does not join lines */
    {"a\xC2\xA0\x62", "/[a]1[b]1"}, /* no-break space */
    {"a\xE3\x80\x80\x62\xE2\x80\xAF", "/[a]1[b]1"},
    {"\xC3\xA4\xC2\xB5", "/[\xC3\xA4\xC2\xB5]1"},
    {"a\xC2", "/[a\xC2]1"}, /* a cut sequence is no reason to read beyond the end */
    {"{}", "/[{}]1"},
    {"a\"", "/[a\"]1"},
    {"\"", "Corefile:1 - expected a closing '\"', found the end of the file"},
    {"a\n\"b\n\nc", "Corefile:2 - expected a closing '\"', found the end of the file"},
    {"\"a\\\"", "Corefile:1 - expected a closing '\"', found the end of the file"},
    {"\"a\\", "Corefile:1 - expected a closing '\"', found the end of the file"},
};

static void test_cases(void)
{
    char out[1024];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ASSERT_TEXT(lex(cases[i].text, strlen(cases[i].text), out), cases[i].tokens);
}

static void test_nul(void)
{
    char out[1024];
    ASSERT_TEXT(lex("a\nb\0c", 5, out), "Corefile:2 - expected text, found a NUL byte");
    ASSERT_TEXT(lex("# \0", 3, out), "Corefile:1 - expected text, found a NUL byte");
}

static const struct unit_test tests[] = {
    {"text becomes the words that CoreDNS sees", test_cases},
    {"a NUL byte is refused with its line", test_nul},
};

int main(void)
{
    return run_suite("corefile_lex", tests, sizeof tests / sizeof *tests);
}
