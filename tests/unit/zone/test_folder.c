#include "zone/folder.h"

#include "fixture.h"

static char *folder;

static const char *below(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void the_folder_that_is_wanted_is_made_with_those_above_it(void)
{
    struct errtext e = {0};
    struct stat st;
    const char *wanted = below("a/b/c");
    CU_ASSERT_PTR_EQUAL(folder_choose(wanted, &e), wanted);
    CU_ASSERT_EQUAL(stat(wanted, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0750);               /* names of services are nobody else's business */
    CU_ASSERT_PTR_EQUAL(folder_choose(wanted, &e), wanted); /* there already */
    wanted = below("a/b/c/d/");
    CU_ASSERT_PTR_EQUAL(folder_choose(wanted, &e), wanted);
    CU_ASSERT_STRING_EQUAL(e.text, "");
}

static void one_that_cannot_be_made_is_said_and_not_replaced_by_another(void)
{
    struct errtext e = {0};
    FILE *f = fopen(below("file"), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fclose(f);
    CU_ASSERT_PTR_NULL(folder_choose(below("file/x"), &e));
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "file/x: cannot be made or written (Not a directory)"));
    e = (struct errtext){0};
    char path[5000];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    CU_ASSERT_PTR_NULL(folder_choose(path, &e));
    CU_ASSERT_STRING_NOT_EQUAL(e.text, "");
    e = (struct errtext){0};
    CU_ASSERT_PTR_NULL(folder_choose("", &e));
    CU_ASSERT_STRING_NOT_EQUAL(e.text, "");
}

static void a_reader_takes_what_is_wanted_and_makes_nothing(void)
{
    const char *wanted = below("not/there");
    CU_ASSERT_PTR_EQUAL(folder_find(wanted), wanted);
    CU_ASSERT(access(wanted, F_OK) < 0);
    const char *found = folder_find(NULL);
    CU_ASSERT(strcmp(found, FOLDER_DEFAULT) == 0 || strcmp(found, FOLDER_FALLBACK) == 0);
}

static void the_folder_of_these_tests_is_cleared(void)
{
    static const char *const names[] = {"a/b/c/d", "a/b/c", "a/b", "a", "file"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CU_ASSERT_EQUAL(remove(below(names[i])), 0);
}

static const struct unit_test tests[] = {
    {"the folder that is wanted is made, with those above it",
     the_folder_that_is_wanted_is_made_with_those_above_it},
    {"one that cannot be made is said, and not replaced by another",
     one_that_cannot_be_made_is_said_and_not_replaced_by_another},
    {"a reader takes what is wanted and makes nothing", a_reader_takes_what_is_wanted_and_makes_nothing},
    {"the folder of these tests is cleared", the_folder_of_these_tests_is_cleared},
};

int main(void)
{
    folder = strdup("/tmp/seamark-folder.XXXXXX");
    if (folder == NULL || mkdtemp(folder) == NULL)
        return 2;
    int status = run_suite("folder", tests, sizeof tests / sizeof tests[0]);
    rmdir(folder);
    free(folder);
    return status;
}
