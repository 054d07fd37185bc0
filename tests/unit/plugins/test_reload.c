#include <unistd.h>

#include "fake_serve.h"

#include "metrics/metrics.h"

#include "../runner.h"

extern const struct plugin plugin_reload;

static char folder[] = "/tmp/seamark-reload-XXXXXX";
static char path[64];

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static uint64_t hash_of_file(void)
{
    struct corefile *c = NULL;
    if (corefile_load(path, &c, NULL) != ERR_OK)
        abort();
    uint64_t hash = c->hash;
    corefile_free(c);
    return hash;
}

static bool page_has(const char *line)
{
    struct bytes out;
    bytes_init(&out, 1 << 20);
    metrics_render(&out);
    bool found = out.data != NULL && strstr(out.data, line) != NULL;
    if (!found)
        fprintf(stderr, "not on the page: %s\n", line);
    bytes_free(&out);
    return found;
}

static int take(struct errtext *e)
{
    (void)e;
    fake_control.hash = hash_of_file();
    return ERR_OK;
}

static int refuse(struct errtext *e)
{
    return errtext_set(e, ERR_CONFIG, "Corefile:1 - bad");
}

/* One life of the plugin: an interval is 2 seconds at least, so the test waits for a few. */
static void test_life(void)
{
    write_file(". {\nreload 2s 0\n}\n");
    fake_control.path = path;
    fake_control.hash = hash_of_file();
    struct fake_stage *f = fake_setup(&plugin_reload, ". {\nreload 2s 0\n}\n");
    CU_ASSERT_EQUAL_FATAL(plugin_reload.start(f->state, &f->e), ERR_OK);
    char line[128];
    snprintf(line, sizeof line, "coredns_reload_version_info{hash=\"fnv1a\",value=\"%016llx\"} 1\n",
             (unsigned long long)fake_control.hash);
    CU_ASSERT_TRUE(page_has(line));
    CU_ASSERT_TRUE(page_has("\ncoredns_reload_failed_total 0\n"));

    write_file("# a comment is no change\n. {\n  reload 2s 0\n}\n");
    fake_run_loop(2200);
    CU_ASSERT_EQUAL(fake_control.reloads, 0);

    fake_control.reload = refuse;
    write_file(". {\nreload 2s 0\nwhoami\n}\n");
    fake_run_loop(4200); /* tried once, not at every look */
    CU_ASSERT_EQUAL(fake_control.reloads, 1);
    CU_ASSERT_TRUE(page_has("\ncoredns_reload_failed_total 1\n"));
    CU_ASSERT_TRUE(page_has(line));

    write_file(". {\n");
    fake_run_loop(4200); /* does not parse: said and counted once */
    CU_ASSERT_EQUAL(fake_control.reloads, 1);
    CU_ASSERT_TRUE(page_has("\ncoredns_reload_failed_total 2\n"));

    fake_control.reload = take;
    write_file(". {\nreload 2s 0\nerrors\n}\n");
    fake_run_loop(2200);
    CU_ASSERT_EQUAL(fake_control.reloads, 2);
    snprintf(line, sizeof line, "coredns_reload_version_info{hash=\"fnv1a\",value=\"%016llx\"} 1\n",
             (unsigned long long)hash_of_file());
    CU_ASSERT_TRUE(page_has(line));

    fake_control.draining = true;
    write_file(". {\nreload 2s 0\nlog\n}\n");
    fake_run_loop(2200);
    CU_ASSERT_EQUAL(fake_control.reloads, 2);
    plugin_reload.stop(f->state);
    fake_free(&plugin_reload, f);
    fake_control.draining = false;
}

static void test_no_file(void)
{
    fake_control.path = NULL; /* the built-in configuration */
    struct fake_stage *f = fake_setup(&plugin_reload, ". {\nreload\n}\n");
    CU_ASSERT_EQUAL(plugin_reload.start(f->state, &f->e), ERR_OK);
    plugin_reload.stop(f->state);
    fake_free(&plugin_reload, f);
}

static void test_errors(void)
{
    static const char *const good[] = {"reload", "reload 2s", "reload 10s 5s", "reload 10s 0",
                                       "reload 2s 1h"};
    static const char *const bad[] = {"reload 1s",      "reload 10",        "reload 10s 500ms", "reload x",
                                      "reload 10s -1s", "reload 10s 5s 1s", "reload {\n}"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_STRING_EQUAL(fake_error(&plugin_reload, good[i]), "");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_reload, bad[i]), "Corefile:2 - plugin/reload: "));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a changed Corefile is taken, a bad one tried and counted once", test_life},
        {"without a file there is nothing to watch", test_no_file},
        {"intervals and jitters that are too short are errors", test_errors},
    };
    if (mkdtemp(folder) == NULL)
        return 2;
    snprintf(path, sizeof path, "%s/Corefile", folder);
    fake_control.base = event_base_new();
    int status = run_suite("reload", tests, sizeof tests / sizeof tests[0]);
    event_base_free(fake_control.base);
    unlink(path);
    rmdir(folder);
    return status;
}
