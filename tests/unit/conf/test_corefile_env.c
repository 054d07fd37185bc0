#include <stdlib.h>
#include <string.h>

#include "../runner.h"
#include "conf/corefile_p.h"
#include "same_text.h"

static const char *expand(const char *word, char out[1024])
{
    struct conf_arena *arena = conf_arena_new(1 << 20);
    struct token token = {.text = word, .file = "Corefile", .line = 3};
    struct errtext e = {0};
    const char *result = NULL;
    if (corefile_env(arena, &token, &result, &e) == ERR_OK)
        snprintf(out, 1024, "%s", result);
    else
        snprintf(out, 1024, "%s", e.text);
    conf_arena_free(arena);
    return out;
}

static const struct {
    const char *word, *result;
} cases[] = {
    {"plain", "plain"},
    {"{$SEAMARK_A}", "one"},
    {"{%SEAMARK_A%}", "one"},
    {"x{$SEAMARK_A}y{%SEAMARK_B%}z", "xoneytwo wordsz"},
    {"{$SEAMARK_A}{$SEAMARK_A}", "oneone"},
    {"{$SEAMARK_UNSET}", ""},
    {"a{%SEAMARK_UNSET%}b", "ab"},
    {"{$}", "{$}"},
    {"{%%}", "{%%}"},
    {"{%}", "{%}"},
    {"{$SEAMARK_A", "{$SEAMARK_A"},
    {"{%SEAMARK_A}", "{%SEAMARK_A}"},
    {"{$}{$SEAMARK_A}", "{$}{$SEAMARK_A}"}, /* an empty reference ends the search */
    {"{{ .Name }}", "{{ .Name }}"},
    {"{remote}", "{remote}"},
    {"{$SEAMARK_REF}", "one"}, /* a value may name a variable */
    {"{$SEAMARK_LOOP}", "Corefile:3 - environment variables in \"{$SEAMARK_LOOP}\" give more than 65536 "
                        "bytes or name each other"},
    {"{$SEAMARK_BOMB}", "Corefile:3 - environment variables in \"{$SEAMARK_BOMB}\" give more than 65536 "
                        "bytes or name each other"},
};

static void test_cases(void)
{
    char out[1024];
    setenv("SEAMARK_A", "one", 1);
    setenv("SEAMARK_B", "two words", 1);
    setenv("SEAMARK_REF", "{$SEAMARK_A}", 1);
    setenv("SEAMARK_LOOP", "{$SEAMARK_LOOP}", 1);
    setenv("SEAMARK_BOMB", "{$SEAMARK_BOMB}{$SEAMARK_BOMB}{$SEAMARK_BOMB}{$SEAMARK_BOMB}", 1);
    unsetenv("SEAMARK_UNSET");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ASSERT_TEXT(expand(cases[i].word, out), cases[i].result);
}

static void test_untouched(void)
{
    struct conf_arena *arena = conf_arena_new(1 << 20);
    struct token token = {.text = "plain", .file = "Corefile", .line = 1};
    const char *result = NULL;
    CU_ASSERT_EQUAL(corefile_env(arena, &token, &result, NULL), ERR_OK);
    CU_ASSERT_PTR_EQUAL(result, token.text);
    conf_arena_free(arena);
}

static const struct unit_test tests[] = {
    {"variables are put in as CoreDNS puts them in, and loops end", test_cases},
    {"a word without variables is not copied", test_untouched},
};

int main(void)
{
    return run_suite("corefile_env", tests, sizeof tests / sizeof *tests);
}
