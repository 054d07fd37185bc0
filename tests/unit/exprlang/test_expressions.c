/* Expressions and what expr-lang makes of them (expressions.txt), and limits, which are our own. */
#include <stdio.h>
#include <stdlib.h>

#include "../runner.h"
#include "expression_names.h"

static struct expr_run *run;

/* What becomes of an expression, in the form of expressions.txt: "~ type\n= type value", "~ type\n?" or "!
 * why". */
static const char *outcome(const char *text)
{
    static struct bytes said;
    struct errtext e = {0};
    struct expr *x = NULL;
    struct tpl_value out;
    bytes_free(&said);
    bytes_init(&said, 1 << 20);
    if (expr_compile(text, &names_env, &x, &e) != ERR_OK) {
        bytes_printf(&said, "! %s", e.text);
        return said.data;
    }
    bytes_printf(&said, "~ %s\n", expr_type(x) == NULL ? "unknown" : expr_type(x)->name);
    expr_run_reset(run);
    if (expr_evaluate(x, run, NULL, names_values(), &out) == ERR_OK) {
        bytes_printf(&said, "= %s ", out.type == NULL ? "<nil>" : out.type->name);
        tpl_format_value(&said, &out);
    } else {
        bytes_append_str(&said, "?");
        CU_ASSERT(expr_run_why(run)[0] != '\0');
    }
    expr_free(x);
    return said.data;
}

static void check(const char *expression, const char *is, const char *should_be)
{
    if (strcmp(is, should_be) == 0)
        return;
    CU_FAIL("an expression gives something else than expr-lang's");
    fprintf(stderr, "\n%s\n  is        %s\n  should be %s\n", expression, is, should_be);
}

/* ---- expressions.txt ---- */

static bool next_line(FILE *f, char **line, size_t *cap)
{
    ssize_t n = getline(line, cap, f);
    if (n <= 0)
        return false;
    if ((*line)[n - 1] == '\n')
        (*line)[n - 1] = '\0';
    return true;
}

/* A type that is not known beforehand is nil's, too: expr-lang says interface {} or unknown. */
static void same_name(char *type)
{
    if (strcmp(type, "~ interface {}") == 0)
        memcpy(type, "~ unknown", sizeof "~ unknown");
}

static void test_what_expr_lang_makes_of_them(void)
{
    FILE *f = fopen("tests/unit/exprlang/expressions.txt", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    char *text = NULL, *line = NULL;
    size_t cap = 0, line_cap = 0;
    unsigned count = 0;
    while (next_line(f, &text, &cap)) {
        if (text[0] == '\0' || text[0] == '#')
            continue;
        char expected[2048];
        CU_ASSERT_TRUE_FATAL(next_line(f, &line, &line_cap));
        same_name(line);
        snprintf(expected, sizeof expected, "%s", line);
        if (line[0] == '~') {
            CU_ASSERT_TRUE_FATAL(next_line(f, &line, &line_cap));
            snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "\n%s", line);
        }
        check(text, outcome(text), expected);
        count++;
    }
    CU_ASSERT(count > 400);
    free(text);
    free(line);
    fclose(f);
}

/* ---- limits, and what is not there ---- */

static void why(const char *text, const char *reason)
{
    const char *said = outcome(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "?"));
    CU_ASSERT_STRING_EQUAL(expr_run_why(run), reason);
    if (strcmp(expr_run_why(run), reason) != 0)
        fprintf(stderr, "\n%s\n  %s\n", text, said);
}

static void test_limits(void)
{
    why("1..1000000000", "more memory than Seamark allows");
    why("repeat('abcdefgh', 100000)", "more memory than Seamark allows");
    why("len(filter(1..900, len(filter(1..900, # > 1)) > 1))", "more memory than Seamark allows");
    why("count(1..900, count(1..2, count(1..900, # > 1) > 1) > 1)", "more memory than Seamark allows");
    why("let x = 1..900; count(x, count(x, # > 1) > 1)", "more steps than Seamark allows");
    why("trim(repeat('y', 20000), repeat('x', 20000) + 'y')", "more steps than Seamark allows");
    why("let x = repeat('a', 20000); count(1..900, replace(x, 'a', '') == 'b')",
        "more steps than Seamark allows");
    char deep[1002];
    memset(deep, '(', 500);
    deep[500] = '1';
    memset(deep + 501, ')', 500);
    deep[1001] = '\0';
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome(deep), "! more than 200 operations within one another"));
    for (size_t i = 0; i < 600; i += 2)
        memcpy(deep + i, "1+", 2);
    deep[600] = '1';
    deep[601] = '\0';
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome(deep), "! more than 200 operations within one another"));
}

static void test_what_is_not_there(void)
{
    check("toJSON(1)", outcome("toJSON(1)"),
          "! the function toJSON is not supported by this version of Seamark yet (1:1)");
    check("s matches s", outcome("s matches s"),
          "! an expression behind matches that is no constant is not supported by this version of Seamark "
          "yet (1:11)");
    CU_ASSERT_TRUE(expr_word_is_reserved("len"));
    CU_ASSERT_TRUE(expr_word_is_reserved("toJSON"));
    CU_ASSERT_TRUE(expr_word_is_reserved("in"));
    CU_ASSERT_TRUE(expr_word_is_reserved("nil"));
    CU_ASSERT_FALSE(expr_word_is_reserved("ip"));
}

static const struct unit_test tests[] = {
    {"expressions give what expr-lang makes of them, errors included", test_what_expr_lang_makes_of_them},
    {"what an evaluation may cost is bounded", test_limits},
    {"what is not there says so", test_what_is_not_there},
};

int main(void)
{
    if (expr_run_new(&run) != ERR_OK)
        return 2;
    int status = run_suite("expressions", tests, sizeof tests / sizeof *tests);
    expr_run_free(run);
    return status;
}
