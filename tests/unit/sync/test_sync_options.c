/* The command line, the Corefile it stands for, and the lock of the folder. */
#include "../runner.h"
#include "conf/corefile.h"
#include "conf/kubernetes_block.h"
#include "sync/sync_lock.h"
#include "sync/sync_options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 12

/* Splits at blanks. */
static int parse(const char *line, struct sync_options *out, struct errtext *e)
{
    static char text[512];
    static char *argv[ARGS_MAX + 1];
    int argc = 1;
    argv[0] = text;
    snprintf(text, sizeof text, "seamark-sync %s", line);
    char *rest = text, *word;
    strsep(&rest, " ");
    while (rest != NULL && (word = strsep(&rest, " ")) != NULL && argc < ARGS_MAX)
        if (*word != '\0')
            argv[argc++] = word;
    argv[argc] = NULL;
    *e = (struct errtext){{0}};
    return sync_options_parse(argc, argv, out, e);
}

static void flags(void)
{
    struct sync_options o;
    struct errtext e;
    CU_ASSERT_EQUAL(parse("-conf Corefile -zones /z -once", &o, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(o.conf, "Corefile");
    CU_ASSERT_STRING_EQUAL(o.zones, "/z");
    CU_ASSERT_TRUE(o.once);
    CU_ASSERT_EQUAL(parse("--from=x=y --once=false -parent-pid 7 cluster.local 10.0.0.0/8", &o, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(o.from, "x=y");
    CU_ASSERT_FALSE(o.once);
    CU_ASSERT_EQUAL(o.parent_pid, 7);
    CU_ASSERT_EQUAL(o.nnames, 2);
    CU_ASSERT_EQUAL(parse("-from x -- cluster.local", &o, &e), ERR_OK);
    CU_ASSERT_EQUAL(o.nnames, 1);
    CU_ASSERT_EQUAL(parse("-version", &o, &e), ERR_OK);
    CU_ASSERT_EQUAL(parse("-h", &o, &e), ERR_OK);
    CU_ASSERT_TRUE(o.help);
    CU_ASSERT_EQUAL(parse("-from x -from y z", &o, &e), ERR_OK); /* the last one counts */
    CU_ASSERT_STRING_EQUAL(o.from, "y");
}

static void wrong_flags(void)
{
    static const char *const rows[][2] = {
        {"", "expected -conf FILE or -from PATH"},
        {"-conf x -from y z", "expected -conf FILE or -from PATH"},
        {"-from x", "expected at least one zone"},
        {"-conf x cluster.local", "unexpected argument \"cluster.local\""},
        {"-nonsense", "flag provided but not defined: -nonsense"},
        {"-zones", "flag needs an argument: -zones"},
        {"-once=maybe -conf x", "flag -once: expected true or false, found \"maybe\""},
        {"-parent-pid x -conf y", "flag -parent-pid: expected a number"},
        {"---x", "bad flag syntax"},
        {"-=x", "bad flag syntax"},
        {"-from x zone -once", "expected a zone, found \"-once\""},
        {"-from x {", "expected a zone, found \"{\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sync_options o;
        struct errtext e;
        CU_ASSERT_EQUAL(parse(rows[i][0], &o, &e), ERR_CONFIG);
        if (strstr(e.text, rows[i][1]) == NULL)
            fprintf(stderr, "\n%s: \"%s\"\n", rows[i][0], e.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(e.text, rows[i][1]));
    }
}

static void corefile_of_the_command_line(void)
{
    char *names[] = {(char[]){"cluster.local"}, (char[]){"10.0.0.0/23"}};
    struct sync_options o = {.from = "some where/\"x\" #1{$HOME}", .names = names, .nnames = 2};
    struct bytes text;
    struct corefile *c;
    struct kubernetes_block k;
    struct errtext e = {{0}};
    bytes_init(&text, 4096);
    CU_ASSERT_EQUAL(sync_options_corefile(&o, &text), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(corefile_parse("command line", text.data, text.len, &c, &e), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(
        kubernetes_block_parse(&c->blocks[0], server_block_find(&c->blocks[0], "kubernetes"), &k, &e),
        ERR_OK);
    CU_ASSERT_EQUAL(k.zones.count, 3);
    CU_ASSERT_STRING_EQUAL(k.primary, "cluster.local.");
    CU_ASSERT_STRING_EQUAL(k.objects, "-from"); /* whatever the path is, it cannot be misread */
    kubernetes_block_free(&k);
    corefile_free(c);
    bytes_free(&text);
}

static void locks(void)
{
    char base[] = "/tmp/seamark-lock-XXXXXX", path[256], pid[64];
    struct errtext e = {{0}};
    int fd, other;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(base));
    CU_ASSERT_EQUAL_FATAL(sync_lock(base, &fd, &e), ERR_OK);
    CU_ASSERT_EQUAL(sync_lock(base, &other, &e), ERR_EXISTS);
    snprintf(pid, sizeof pid, "(process %ld)", (long)getpid());
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, pid));
    close(fd);
    CU_ASSERT_EQUAL_FATAL(sync_lock(base, &fd, &e), ERR_OK);
    close(fd);
    snprintf(path, sizeof path, "%s/.lock", base);
    unlink(path);
    CU_ASSERT_EQUAL(symlink("/etc/passwd", path), 0);
    CU_ASSERT(sync_lock(base, &fd, &e) != ERR_OK); /* no other file is touched */
    unlink(path);
    rmdir(base);
    CU_ASSERT(sync_lock(base, &fd, &e) != ERR_OK);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"flags are read as Go reads them", flags},
        {"wrong flags say what is wrong", wrong_flags},
        {"-from stands for a Corefile", corefile_of_the_command_line},
        {"a folder has one writer", locks},
    };
    return run_suite("sync_options", tests, sizeof tests / sizeof tests[0]);
}
