/* Templates and what Go makes of them (templates.txt), and limits, which are our own. */
#include <stdlib.h>

#include "../runner.h"
#include "template_data.h"

static struct tpl_run *run;

/* What became of a template: "= output", "! error". Valid until the next call. */
static const char *outcome(const char *text, size_t len, const char **shown)
{
    static struct bytes said;
    static char tree[TPL_TEXT_MAX];
    struct errtext e = {0};
    struct tpl *t = NULL;
    const char *out = "";
    size_t out_len = 0;
    bytes_free(&said);
    bytes_init(&said, 1 << 20);
    *shown = NULL;
    int ret = tpl_parse("answer", text, len, data_functions, 1, &t, &e);
    if (ret == ERR_OK)
        ret = tpl_execute(t, run, &data_dot, &out, &out_len, &e);
    if (ret == ERR_OK) {
        snprintf(tree, sizeof tree, "%s", tpl_text_of(t));
        *shown = tree;
        bytes_append_str(&said, "= ");
        bytes_append(&said, out, out_len);
    } else {
        bytes_printf(&said, "! %s", e.text);
    }
    tpl_free(t);
    return said.data;
}

/* ---- templates.txt ---- */

/* Undoes the escapes of a line; returns its length. */
static size_t unescape(char *line)
{
    char *to = line;
    for (const char *at = line; *at != '\0'; at++) {
        if (*at != '\\' || at[1] == '\0') {
            *to++ = *at;
            continue;
        }
        char hex[3] = "";
        switch (*++at) {
        case 'n':
            *to++ = '\n';
            break;
        case 't':
            *to++ = '\t';
            break;
        case 'r':
            *to++ = '\r';
            break;
        case 'x':
            memcpy(hex, at + 1, 2);
            *to++ = (char)strtol(hex, NULL, 16);
            at += 2;
            break;
        default:
            *to++ = *at;
        }
    }
    *to = '\0';
    return (size_t)(to - line);
}

static bool next_line(FILE *f, char **line, size_t *cap)
{
    ssize_t n = getline(line, cap, f);
    if (n <= 0)
        return false;
    if ((*line)[n - 1] == '\n')
        (*line)[n - 1] = '\0';
    return true;
}

static void check(const char *name, const char *what, const char *is, const char *should_be)
{
    if (is != NULL && strcmp(is, should_be) == 0)
        return;
    CU_FAIL("a template gives something else than Go's");
    fprintf(stderr, "\n%s\n  %s is        %s\n  %s should be %s\n", name, what, is, what, should_be);
}

static void test_what_go_makes_of_them(void)
{
    FILE *f = fopen("tests/unit/gotemplate/templates.txt", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    char *text = NULL, *expected = NULL;
    size_t cap = 0, expected_cap = 0;
    unsigned count = 0;
    while (next_line(f, &text, &cap)) {
        if (text[0] == '\0' || text[0] == '#')
            continue;
        char *name = strdup(text);
        size_t len = unescape(text);
        const char *tree, *is = outcome(text, len, &tree);
        CU_ASSERT_TRUE_FATAL(next_line(f, &expected, &expected_cap));
        size_t expected_len = unescape(expected);
        if (memchr(expected, '\0', expected_len) == NULL)
            check(name, "it", is, expected);
        if (expected[0] == '=') {
            CU_ASSERT_TRUE_FATAL(next_line(f, &expected, &expected_cap));
            unescape(expected);
            if (tree != NULL)
                check(name, "its tree", tree, expected + 2);
        }
        free(name);
        count++;
    }
    CU_ASSERT(count > 400);
    free(text);
    free(expected);
    fclose(f);
}

/* ---- limits ---- */

static void expect(const char *text, const char *said)
{
    const char *tree;
    check(text, "it", outcome(text, strlen(text), &tree), said);
}

static void test_limits_of_execution(void)
{
    expect("{{range 1000000000}}{{end}}", "! template: answer:1:8: more steps than Seamark allows");
    expect("{{range 10000}}0123456789{{end}}", "! template: answer:1:15: more output than Seamark allows");
    expect("{{range 30000}}ab{{break}}{{end}}", "= ab");
    expect("{{printf \"%100000d\" 1}}", "! template: answer:1:2: more memory than Seamark allows");
    expect("{{$x := \"0123456789\"}}{{range 20}}{{$x = print $x $x}}{{end}}",
           "! template: answer:1:41: more memory than Seamark allows");
    /* texts that are made and given up again, each within the limit of memory */
    expect("{{range 9000}}{{len (printf \"%.60000f\" 1.5)}}{{end}}",
           "! template: answer:1:39: more steps than Seamark allows");
    expect("{{$x := printf \"%10000d\" 1}}{{range 9000}}{{len (html $x)}}{{end}}",
           "! template: answer:1:54: more steps than Seamark allows");
}

static const struct unit_test tests[] = {
    {"templates give what Go makes of them, errors included", test_what_go_makes_of_them},
    {"what an execution may cost is bounded", test_limits_of_execution},
};

int main(void)
{
    if (tpl_run_new(&run) != ERR_OK)
        return 2;
    int status = run_suite("templates", tests, sizeof tests / sizeof *tests);
    tpl_run_free(run);
    return status;
}
