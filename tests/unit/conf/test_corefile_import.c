/* Imports of files, patterns and snippets, in a folder of their own. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../runner.h"
#include "conf/corefile_p.h"
#include "corefile_text.h"
#include "same_text.h"

static char folder[64];
static struct bytes text;
static struct errtext error;

static char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(const char *name, const char *format, ...)
{
    FILE *f = fopen(in_folder(name), "w");
    va_list ap;
    va_start(ap, format);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    vfprintf(f, format, ap);
    va_end(ap);
    fclose(f);
}

/* A fresh folder for every test. */
static void begin(void)
{
    char command[128];
    if (folder[0] != '\0') {
        snprintf(command, sizeof command, "rm -rf '%s'", folder);
        CU_ASSERT_EQUAL_FATAL(system(command), 0);
    }
    snprintf(folder, sizeof folder, "/tmp/seamark-import-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

/* Loads folder/Corefile; its text, or the error with the folder taken out of it. */
static const char *load(void)
{
    struct corefile *c = NULL;
    memset(&error, 0, sizeof error);
    if (corefile_load(in_folder("Corefile"), &c, &error) == ERR_OK) {
        text_of_corefile(&text, c);
        corefile_free(c);
        return text.data;
    }
    for (char *hit; (hit = strstr(error.text, folder)) != NULL;)
        memmove(hit, hit + strlen(folder) + 1, strlen(hit + strlen(folder) + 1) + 1);
    return error.text;
}

static void test_file(void)
{
    begin();
    put("Corefile", ". {\nimport part\nlog\n}\nimport more/servers\n");
    put("part", "errors\ncache 30 {\nsuccess 5\n}");
    mkdir(in_folder("more"), 0755);
    put("more/servers", "a.org {\nimport inner\n}\n");
    put("more/inner", "whoami\n"); /* relative to the importing file */
    ASSERT_TEXT(load(), ". { errors; cache [30] { success [5] }; log } a.org. { whoami }");
}

static void test_absolute_and_variable(void)
{
    begin();
    put("Corefile", ". {\nimport %s/part\nimport {$SEAMARK_PART}\n}\n", folder);
    put("part", "errors");
    setenv("SEAMARK_PART", in_folder("part"), 1);
    ASSERT_TEXT(load(), ". { errors; errors }");
}

static void test_glob(void)
{
    begin();
    mkdir(in_folder("custom"), 0755);
    mkdir(in_folder("custom/..data"), 0755);
    mkdir(in_folder("custom/folder.override"), 0755);
    put("Corefile", ". {\nimport custom/*.override\nloop\n}\nimport custom/*.server\n");
    put("custom/b.override", "log");
    put("custom/a.override", "errors");
    put("custom/.hidden.override", "debug");
    put("custom/x.other", "}{");
    put("custom/1.server", "a.org {\nwhoami\n}");
    put("custom/2.server", "b.org {\nwhoami\n}");
    ASSERT_TEXT(load(), ". { debug; errors; log; loop } a.org. { whoami } b.org. { whoami }");
}

static void test_empty_glob(void)
{
    begin();
    put("Corefile", ". {\nimport custom/*.override\nerrors\n}\nimport /nonexistent/*.server\n");
    ASSERT_TEXT(load(), ". { errors }");
    put("Corefile", "import ?.none\n");
    ASSERT_TEXT(load(), "");
}

static void test_bad_imports(void)
{
    static const struct {
        const char *corefile, *error;
    } cases[] = {
        {". {\nimport missing\n}", "Corefile:2 - file to import not found: missing"},
        {". {\nimport\n}",
         "Corefile:2 - expected a snippet, a file or a pattern behind \"import\", found the end of "
         "the line"},
        {"import",
         "Corefile:1 - expected a snippet, a file or a pattern behind \"import\", found the end of the line"},
        {". {\nimport a b\n}",
         "Corefile:2 - import takes one snippet, file or pattern, found \"b\" behind it"},
        {". {\nimport \"\"\n}",
         "Corefile:2 - expected a snippet, a file or a pattern behind \"import\", found an empty word"},
        {". {\nimport {$SEAMARK_UNSET}\n}",
         "Corefile:2 - expected a snippet, a file or a pattern behind \"import\", found an empty word"},
        {". {\nimport */*.x\n}",
         "Corefile:2 - a pattern to import may have one wildcard (*) only, found */*.x"},
        {". {\nimport ??\n}", "Corefile:2 - a pattern to import may have one wildcard (*) only, found ??"},
        {". {\nimport [ab]\n}",
         "Corefile:2 - a pattern to import may have one wildcard (*) only, found [ab]"},
        {". {\nimport sub\n}", "Corefile:2 - could not import sub: Is a directory"},
        {". {\nimport pipe\n}", "Corefile:2 - could not import pipe: Invalid argument"},
        {". {\nimport part/x\n}", "Corefile:2 - could not import part/x: Not a directory"},
        {". {\nimport s\n}\n(s) {\n}",
         "Corefile:2 - file to import not found: s"}, /* a snippet before its use */
        {". {\nimport broken\n}", "broken:2 - expected a closing '\"', found the end of the file"},
        {". {\nimport unclosed\n",
         "unclosed:3 - expected '}' to end \"cache\" of line 2, found the end of the file"},
        {"import key",
         "key:2 - expected a zone such as example.org, 10.0.0.0/16 or tls://.:853, found \"a..b\" (not "
         "a domain name)"},
        {". {\nimport big\n}", "Corefile:2 - could not import big: larger than 1048576 bytes"},
    };
    begin();
    mkdir(in_folder("sub"), 0755);
    CU_ASSERT_EQUAL(mkfifo(in_folder("pipe"), 0600), 0);
    put("part", "errors");
    put("broken", "errors\n\"");
    put("unclosed", "errors\ncache {\nsuccess");
    put("key", "\na..b {\n}");
    put("big", "%1048577s", "");
    unsetenv("SEAMARK_UNSET");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("Corefile", "%s", cases[i].corefile);
        ASSERT_TEXT(load(), cases[i].error);
    }
}

static void test_cycles(void)
{
    begin();
    put("Corefile", ". {\nimport a\n}");
    put("a", "errors\nimport b");
    put("b", "log\nimport a");
    load();
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "b:2 - import cycle: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "a imports itself"));
    put("Corefile", "import Corefile");
    load();
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "Corefile:1 - import cycle: "));
    put("Corefile", "(s) {\nerrors\nimport s\n}\n. {\nimport s\n}");
    ASSERT_TEXT(load(), "Corefile:3 - import cycle: s imports itself");
    put("Corefile", "(a) {\nimport b\n}\n(b) {\nimport a\n}\n. {\nimport a\n}");
    ASSERT_TEXT(load(), "Corefile:5 - import cycle: a imports itself");
    CU_ASSERT_EQUAL(symlink("a", in_folder("link")), 0);
    put("a", "import link"); /* the same file under another name */
    put("Corefile", ". {\nimport a\n}");
    load();
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "a:1 - import cycle: "));
}

/* Twice in a row, and from files that a pattern gave, is no cycle. */
static void test_no_cycle(void)
{
    begin();
    put("Corefile", ". {\nimport *.conf\nimport a.conf\nimport b.conf\n}");
    put("a.conf", "errors\nimport b.conf");
    put("b.conf", "log");
    ASSERT_TEXT(load(), ". { errors; log; log; errors; log; log }");
}

static void test_depth(void)
{
    begin();
    char name[32];
    for (int i = 0; i < 80; i++) {
        snprintf(name, sizeof name, "f%d", i);
        put(name, "import f%d\n", i + 1);
    }
    put("f80", "errors\n");
    put("f17", "import f18\nlog\n");
    put("Corefile", ". {\nimport f17\n}"); /* the Corefile itself and f17 to f79 are 64 */
    ASSERT_TEXT(load(), "f79:1 - more than 64 imports inside each other");
    put("Corefile", ". {\nimport f18\n}");
    ASSERT_TEXT(load(), ". { errors }");
}

/* Each snippet imports the one before it ten times: 10^10 words if nobody counted. */
static void test_expansion(void)
{
    begin();
    struct bytes all;
    bytes_init(&all, 1 << 20);
    bytes_append_str(&all, "(s0) {\nerrors\n}\n");
    for (int i = 1; i <= 10; i++) {
        bytes_printf(&all, "(s%d) {\n", i);
        for (int j = 0; j < 10; j++)
            bytes_printf(&all, "import s%d\n", i - 1);
        bytes_append_str(&all, "}\n");
    }
    bytes_append_str(&all, ". {\nimport s10\n}\n");
    put("Corefile", "%s", all.data);
    ASSERT_TEXT(load(), "Corefile:2 - more than 250000 words, those of imports included");
    bytes_free(&all);
}

static void test_braces_across_files(void)
{
    begin();
    put("Corefile", "import open\nlog\n}\n");
    put("open", ". {\nerrors\n");
    ASSERT_TEXT(load(), ". { errors; log }");
}

static void test_files_listed(void)
{
    begin();
    put("Corefile", ". {\nimport part\nimport part\nimport ./part\n}");
    put("part", "errors");
    struct corefile *c = NULL;
    CU_ASSERT_EQUAL_FATAL(corefile_load(in_folder("Corefile"), &c, NULL), ERR_OK);
    CU_ASSERT_EQUAL(c->nfiles, 2);
    ASSERT_TEXT(c->files[0], in_folder("Corefile"));
    ASSERT_TEXT(c->files[1], in_folder("part"));
    ASSERT_TEXT(c->blocks[0].directives[0].file, in_folder("part"));
    CU_ASSERT_EQUAL(c->blocks[0].directives[2].line, 1);
    corefile_free(c);
}

static void test_unreadable_main(void)
{
    begin();
    struct corefile *c = NULL;
    memset(&error, 0, sizeof error);
    CU_ASSERT_EQUAL(corefile_load("/nonexistent/Corefile", &c, &error), -ENOENT);
    ASSERT_TEXT(error.text, "/nonexistent/Corefile: No such file or directory");
    memset(&error, 0, sizeof error);
    put("Corefile", "%1048577s", "");
    CU_ASSERT_EQUAL(corefile_load(in_folder("Corefile"), &c, &error), ERR_LIMIT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "Corefile: larger than 1048576 bytes"));
    CU_ASSERT_PTR_NULL(c);
}

static int read_nothing(const char *path, struct bytes *out)
{
    (void)path, (void)out;
    return -ENOMEM;
}

static void test_no_memory(void)
{
    begin();
    put("part", "errors");
    struct corefile *c = NULL;
    memset(&error, 0, sizeof error);
    snprintf(error.text, sizeof error.text, "%s", "");
    CU_ASSERT_EQUAL(corefile_parse_with(read_nothing, in_folder("Corefile"), "import part", 11, &c, &error),
                    -ENOMEM);
    CU_ASSERT_PTR_NULL(c);
}

static void test_many_files(void)
{
    begin();
    mkdir(in_folder("d"), 0755);
    for (int i = 0; i < 1024; i++) {
        char name[32];
        snprintf(name, sizeof name, "d/%d", i);
        put(name, "errors\n");
    }
    put("Corefile", ". {\nimport d/*\n}");
    ASSERT_TEXT(load(), "Corefile:2 - more than 1024 files");
}

static const struct unit_test tests[] = {
    {"a file is put in the place of its import", test_file},
    {"an import may be absolute or come from a variable", test_absolute_and_variable},
    {"a pattern gives its files in order, and no folders", test_glob},
    {"a pattern without files is no error", test_empty_glob},
    {"a wrong import says where and why, in the imported file too", test_bad_imports},
    {"an import cycle is named", test_cycles},
    {"importing twice is no cycle", test_no_cycle},
    {"imports inside imports are limited", test_depth},
    {"snippets that multiply are limited", test_expansion},
    {"a brace may close in another file, as in CoreDNS", test_braces_across_files},
    {"every file is listed once", test_files_listed},
    {"a Corefile that cannot be read says so", test_unreadable_main},
    {"no memory is no error of the configuration", test_no_memory},
    {"the number of files is limited", test_many_files},
};

int main(void)
{
    bytes_init(&text, 1 << 20);
    int status = run_suite("corefile_import", tests, sizeof tests / sizeof *tests);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (folder[0] != '\0' && system(command) != 0)
        status = 1;
    bytes_free(&text);
    return status;
}
