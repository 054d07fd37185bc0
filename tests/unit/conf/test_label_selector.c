#include <stdlib.h>
#include <string.h>

#include "../runner.h"
#include "conf/label_selector.h"
#include "same_text.h"

static struct bytes text;

static const char *canonical(const char *selector)
{
    struct label_selector s;
    static struct errtext e;
    e = (struct errtext){{0}};
    int ret = label_selector_parse(selector, &s, &e);
    if (ret != ERR_OK)
        return e.text;
    bytes_reset(&text);
    bytes_append_str(&text, "");
    CU_ASSERT_EQUAL(label_selector_text(&s, &text), ERR_OK);
    label_selector_free(&s);
    label_selector_free(&s); /* is empty now */
    return text.data;
}

static const struct {
    const char *selector, *canonical;
} good[] = {
    {"", ""},
    {" \t", ""},
    {"a", "a"},
    {"!a", "!a"},
    {" ! a ", "!a"},
    {"a=b", "a=b"},
    {"a==b", "a=b"},
    {"a = b", "a=b"},
    {"a=", "a="},
    {"a=,b", "a=,b"},
    {"a!=b", "a!=b"},
    {"a != ", "a!="},
    {"a in (b)", "a=b"},
    {"a notin (b)", "a!=b"},
    {"a in (c,b, c)", "a in (b,c)"},
    {"a in(b,c)", "a in (b,c)"},
    {"a notin (c , b)", "a notin (b,c)"},
    {"a in ()", "a="},
    {"a in (,)", "a="},
    {"a in (b,)", "a in (,b)"},
    {"a in (,b)", "a in (,b)"},
    {"a in (b,,c)", "a in (,b,c)"},
    {"in in (in,notin)", "in in (in,notin)"},
    {"notin=in", "notin=in"},
    {"x in (foo,,baz),y,z notin ()", "x in (,baz,foo),y,z!="},
    {"environment in (staging, qa),application=nginx", "application=nginx,environment in (qa,staging)"},
    {"b,a,!c,a=1,a!=2", "a,a=1,a!=2,b,!c"},
    {"a=1,a=2", "a=1,a=2"}, /* never both: nothing is selected */
    {"example.com/App_1.x=V.a_l-9", "example.com/App_1.x=V.a_l-9"},
    {"a-b.c-d.e/x", "a-b.c-d.e/x"},
};

static void test_one_spelling(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ASSERT_TEXT(canonical(good[i].selector), good[i].canonical);
        ASSERT_TEXT(canonical(good[i].canonical), good[i].canonical);
    }
}

static const struct {
    const char *selector, *error; /* the beginning of it */
} bad[] = {
    {",a", "found ',', expected: a label or '!'"},
    {"a,", "found '', expected: a label or '!'"},
    {"a,,b", "found ',', expected: a label or '!'"},
    {"a b", "found 'b', expected: in, notin, =, ==, != or ','"},
    {"a=b c", "found 'c', expected: ',' or the end"},
    {"!a=b", "found '=', expected: ',' or the end"},
    {"!", "found '', expected: a label"},
    {"!!a", "found '!', expected: a label"},
    {"=b", "found '=', expected: a label or '!'"},
    {"a===b", "found '=', expected: a value"},
    {"a=!b", "found '!', expected: a value"},
    {"a in b", "found 'b', expected: '('"},
    {"a in", "found '', expected: '('"},
    {"a in (b", "found '', expected: ',', ')' or a value"},
    {"a in (", "found '', expected: ',', ')' or a value"},
    {"a in (b c)", "found 'c', expected: ',', ')' or a value"},
    {"a in (b=c)", "found '=', expected: ',', ')' or a value"},
    {"a in ((b))", "found '(', expected: ',', ')' or a value"},
    {"a in (b))", "found ')', expected: ',' or the end"},
    {"a>1", "'>' isn't supported in label selectors"},
    {"a < 1", "'<' isn't supported in label selectors"},
    {"-a", "found '-a', expected: a label such as app"},
    {"a-", "found 'a-', expected: a label such as app"},
    {"a/b/c", "found 'a/b/c', expected: a label such as app"},
    {"/a", "found '/a', expected: a label such as app"},
    {"a/", "found 'a/', expected: a label such as app"},
    {"A.com/a", "found 'A.com/a', expected: a label such as app"},
    {"a..b/c", "found 'a..b/c', expected: a label such as app"},
    {"a-.b/c", "found 'a-.b/c', expected: a label such as app"},
    {"a.-b/c", "found 'a.-b/c', expected: a label such as app"},
    {"\xc3\xa4=b", "found '\xc3\xa4', expected: a label such as app"},
    {"a=-b", "found '-b', expected: a label's value"},
    {"a in (b,c/d)", "found 'c/d', expected: a label's value"},
};

static void test_errors(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char found[512];
        snprintf(found, sizeof found, "%.*s", (int)strlen(bad[i].error), canonical(bad[i].selector));
        ASSERT_TEXT(found, bad[i].error);
    }
}

static void test_lengths(void)
{
    char word[400];
    struct label_selector s;
    for (size_t len = 62; len <= 64; len++) {
        memset(word, 'x', len);
        word[len] = '\0';
        CU_ASSERT_EQUAL(label_selector_parse(word, &s, NULL), len <= 63 ? ERR_OK : ERR_MALFORMED);
        if (len <= 63)
            label_selector_free(&s);
        memcpy(word, "a=", 2);
        memset(word + 2, 'x', len);
        word[len + 2] = '\0';
        CU_ASSERT_EQUAL(label_selector_parse(word, &s, NULL), len <= 63 ? ERR_OK : ERR_MALFORMED);
        if (len <= 63)
            label_selector_free(&s);
    }
    memset(word, 'x', 253);
    memcpy(word + 253, "/a", 3);
    CU_ASSERT_EQUAL(label_selector_parse(word, &s, NULL), ERR_OK);
    label_selector_free(&s);
    memset(word, 'x', 254);
    memcpy(word + 254, "/a", 3);
    CU_ASSERT_EQUAL(label_selector_parse(word, &s, NULL), ERR_MALFORMED);
    char *long_text = calloc(1, LABEL_SELECTOR_MAX + 2);
    memset(long_text, ' ', LABEL_SELECTOR_MAX + 1);
    CU_ASSERT_EQUAL(label_selector_parse(long_text, &s, NULL), ERR_LIMIT);
    free(long_text);
}

/* Labels as "a=1 b=": a list of pairs. */
struct pair {
    const char *key, *value;
};

static const char *value_of(const void *labels, const char *key)
{
    for (const struct pair *p = labels; p->key != NULL; p++)
        if (strcmp(p->key, key) == 0)
            return p->value;
    return NULL;
}

static void test_matching(void)
{
    static const struct pair labels[] = {{"app", "web"}, {"empty", ""}, {NULL, NULL}};
    static const struct {
        const char *selector;
        bool selected;
    } cases[] = {
        {"", true},
        {"app", true},
        {"tier", false},
        {"!app", false},
        {"!tier", true},
        {"app=web", true},
        {"app=Web", false},
        {"app==db", false},
        {"app!=db", true},
        {"app!=web", false},
        {"tier!=web", true},
        {"tier=", false},
        {"empty=", true},
        {"empty!=", false},
        {"empty", true},
        {"app in (db,web)", true},
        {"app in ()", false},
        {"app notin (db,web)", false},
        {"app notin (db)", true},
        {"tier notin (db)", true},
        {"app=web,tier", false},
        {"app=web,!tier,empty", true},
        {"app=web,app=db", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct label_selector s;
        CU_ASSERT_EQUAL_FATAL(label_selector_parse(cases[i].selector, &s, NULL), ERR_OK);
        if (label_selector_match(&s, value_of, labels) != cases[i].selected)
            printf("\n    %s\n", cases[i].selector);
        CU_ASSERT_EQUAL(label_selector_match(&s, value_of, labels), cases[i].selected);
        label_selector_free(&s);
    }
}

static const struct unit_test tests[] = {
    {"equal selectors have one spelling", test_one_spelling},
    {"what is no selector is refused with what was found and expected", test_errors},
    {"names, values and prefixes have the API server's lengths", test_lengths},
    {"labels meet a selector or not", test_matching},
};

int main(void)
{
    bytes_init(&text, 1 << 20);
    int ret = run_suite("label_selector", tests, sizeof tests / sizeof tests[0]);
    bytes_free(&text);
    return ret;
}
