/* YAML into JSON values, and files and folders of objects into what a sink hears. */
#include "../runner.h"
#include "base/bytes.h"
#include "sync/kube_files.h"
#include "sync/kube_yaml.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- YAML ---- */

static int add_document(void *ctx, struct json_object *doc, unsigned number)
{
    bytes_printf(ctx, "%u:%s\n", number, json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PLAIN));
    return ERR_OK;
}

static void expect_yaml(const char *yaml, const char *expected)
{
    struct bytes out;
    struct errtext e = {{0}};
    bytes_init(&out, 1 << 20);
    bytes_append_str(&out, "");
    int ret = kube_yaml(yaml, strlen(yaml), add_document, &out, &e);
    if (ret != ERR_OK || strcmp(out.data, expected) != 0)
        fprintf(stderr, "\n%s: %s\nfound %s\n", yaml, e.text, out.data);
    CU_ASSERT_EQUAL(ret, ERR_OK);
    CU_ASSERT_STRING_EQUAL(out.data, expected);
    bytes_free(&out);
}

static void expect_yaml_error(const char *yaml, int code, const char *text)
{
    struct bytes out;
    struct errtext e = {{0}};
    bytes_init(&out, 1 << 20);
    CU_ASSERT_EQUAL(kube_yaml(yaml, strlen(yaml), add_document, &out, &e), code);
    if (strstr(e.text, text) == NULL)
        fprintf(stderr, "\n%s: found \"%s\"\n", yaml, e.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, text));
    bytes_free(&out);
}

static void scalars(void)
{
    expect_yaml("[a, 'b', \"c\", ~, null, '', 'null', true, yes, 'yes', off, 1, -2, +3, 0x10, 010, 08, 1.5, "
                "1e3, '1', .5, "
                "1.2.3.4, 2001-12-14, !!str 7, 10.0, -, 1_000, 99999999999999999999]\n",
                "1:[\"a\",\"b\",\"c\",null,null,\"\",\"null\",true,true,\"yes\",false,1,-2,3,16,8,8.0,1.5,"
                "1000.0,\"1\",0.5,"
                "\"1.2.3.4\",\"2001-12-14\",\"7\",10.0,\"-\",\"1_000\",1e+20]\n");
}

static void block_and_flow(void)
{
    expect_yaml("a:\n  b: [1, {c: d}]\n  e: |\n    two\n    lines\n  \"f\": >-\n    one\n    line\n",
                "1:{\"a\":{\"b\":[1,{\"c\":\"d\"}],\"e\":\"two\\nlines\\n\",\"f\":\"one line\"}}\n");
    expect_yaml("{\"json\": [1, true, null, \"x\"]}", "1:{\"json\":[1,true,null,\"x\"]}\n");
    expect_yaml("1: x\ntrue: y\n", "1:{\"1\":\"x\",\"true\":\"y\"}\n"); /* keys are texts */
}

static void documents(void)
{
    expect_yaml("a: 1\n---\n---\nb: 2\n...\n# end\n", "1:{\"a\":1}\n3:{\"b\":2}\n");
    expect_yaml("", "");
    expect_yaml("# nothing\n", "");
}

static void anchors(void)
{
    expect_yaml("a: &x {k: 1}\nb: *x\nc: &y s\nd: *y\n",
                "1:{\"a\":{\"k\":1},\"b\":{\"k\":1},\"c\":\"s\",\"d\":\"s\"}\n");
    expect_yaml("base: &b {k: 1, l: 2}\nd:\n  <<: *b\n  l: 3\n",
                "1:{\"base\":{\"k\":1,\"l\":2},\"d\":{\"k\":1,\"l\":3}}\n");
    expect_yaml("d:\n  l: 3\n  <<: [{l: 4, m: 5}, {m: 6, n: 7}]\n", "1:{\"d\":{\"l\":3,\"m\":5,\"n\":7}}\n");
    expect_yaml("'<<': x\n", "1:{\"<<\":\"x\"}\n");
}

static void broken_yaml(void)
{
    expect_yaml_error("a: 1\n---\nb: [\n", ERR_MALFORMED, "document 2, line ");
    expect_yaml_error("a: *nothing\n", ERR_MALFORMED, "document 1, line 1: an alias");
    expect_yaml_error("a: &a [*a]\n", ERR_MALFORMED,
                      "an alias of an anchor that is not there"); /* holds itself */
    expect_yaml_error("{[a]: b}\n", ERR_MALFORMED, "expected a text as key");
    expect_yaml_error("<<: 1\n", ERR_MALFORMED, "expected a mapping behind <<");
    expect_yaml_error("a: \x01\n", ERR_MALFORMED, "control characters");
}

static void yaml_limits(void)
{
    struct bytes text;
    bytes_init(&text, 1 << 20);
    for (int i = 0; i < YAML_DEPTH_MAX + 1; i++)
        bytes_append_str(&text, "[");
    expect_yaml_error(text.data, ERR_LIMIT, "nested too deep");
    bytes_reset(&text);
    bytes_append_str(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++)
        bytes_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
                     i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    expect_yaml_error(text.data, ERR_LIMIT, "too many values");
    bytes_reset(&text);
    for (int i = 0; i < YAML_ANCHORS_MAX + 1; i++)
        bytes_printf(&text, "- &a%d x\n", i);
    expect_yaml_error(text.data, ERR_LIMIT, "too many anchors");
    bytes_free(&text);
}

/* ---- files ---- */

struct heard {
    struct bytes text;
    char folder[64];
    struct kubernetes_block block;
};

static void hear_begin(void *ctx, enum kube_kind kind)
{
    bytes_printf(ctx, kind == KUBE_NAMESPACE ? "begin\n" : "");
}

static void hear_put(void *ctx, struct kube_object *o)
{
    bytes_printf(ctx, "%s %s/%s\n", kube_kind_name(o->kind), o->namespace, o->name);
    kube_object_free(o);
}

static void hear_end(void *ctx, enum kube_kind kind, const char *version)
{
    (void)version;
    bytes_printf(ctx, kind == KUBE_NAMESPACE ? "end\n" : "");
}

static void hear_cluster(void *ctx, const char *uid)
{
    CU_ASSERT_EQUAL(strncmp(uid, "files-", 6), 0);
    (void)ctx;
}

static struct kube_files *open_folder(struct heard *h)
{
    struct kube_sink sink = {.ctx = &h->text,
                             .list_begin = hear_begin,
                             .put = hear_put,
                             .list_end = hear_end,
                             .cluster = hear_cluster};
    bytes_init(&h->text, 1 << 20);
    snprintf(h->folder, sizeof h->folder, "/tmp/seamark-files-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(h->folder));
    h->block = (struct kubernetes_block){.objects = h->folder};
    return kube_files_new(&h->block, &sink);
}

static void write_file(const struct heard *h, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", h->folder, name);
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static void remove_file(const struct heard *h, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", h->folder, name);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static void expect_load(struct kube_files *f, struct heard *h, int code, const char *expected)
{
    bytes_reset(&h->text);
    bytes_append_str(&h->text, "");
    CU_ASSERT_TRUE(kube_files_changed(f));
    CU_ASSERT_EQUAL(kube_files_load(f), code);
    CU_ASSERT_FALSE(kube_files_changed(f));
    if (strcmp(h->text.data, expected) != 0)
        fprintf(stderr, "\nexpected:\n%sfound:\n%s", expected, h->text.data);
    CU_ASSERT_STRING_EQUAL(h->text.data, expected);
}

static void close_folder(struct kube_files *f, struct heard *h)
{
    kube_files_free(f);
    bytes_free(&h->text);
    CU_ASSERT_EQUAL(rmdir(h->folder), 0);
}

#define SERVICE_X "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"x\"}}"

static void a_folder_in_sorted_order(void)
{
    struct heard h;
    struct kube_files *f = open_folder(&h);
    write_file(&h, "b.yml",
               "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n---\n"
               "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: skipped}\n");
    write_file(&h, "a.json", SERVICE_X "\n" SERVICE_X);
    write_file(&h, "c.yaml",
               "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - " SERVICE_X
               "\n");
    write_file(&h, "d.json",
               "{\"kind\": \"ServiceList\", \"apiVersion\": \"v1\", \"items\": [{\"metadata\": "
               "{\"name\": \"y\", \"namespace\": \"n\"}}]}");
    write_file(&h, "e.txt", "not read");
    write_file(&h, ".f.yaml", "not read");
    expect_load(f, &h, ERR_OK,
                "begin\nService default/x\nService default/x\nNamespace /n\nService default/x\n"
                "Service n/y\nend\n");
    write_file(&h, "a.json", SERVICE_X);
    expect_load(f, &h, ERR_OK,
                "begin\nService default/x\nNamespace /n\nService default/x\nService n/y\nend\n");
    static const char *const names[] = {"a.json", "b.yml", "c.yaml", "d.json", "e.txt", ".f.yaml"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        remove_file(&h, names[i]);
    expect_load(f, &h, ERR_OK, "begin\nend\n");
    close_folder(f, &h);
}

static void errors_keep_what_was_there(void)
{
    struct heard h;
    struct kube_files *f = open_folder(&h);
    write_file(&h, "a.json", SERVICE_X "{\"kind\": ");
    write_file(&h, "b.json", "[]");
    write_file(&h, "c.json", "{\"kind\": \"List\", \"items\": 7}");
    write_file(&h, "d.json", SERVICE_X);
    expect_load(f, &h, ERR_MALFORMED,
                "begin\nService default/x\nService default/x\nend\n"); /* the first time: a start */
    write_file(&h, "d.json", SERVICE_X SERVICE_X);
    expect_load(f, &h, ERR_MALFORMED, "begin\nService default/x\nService default/x\nService default/x\n");
    remove_file(&h, "a.json");
    remove_file(&h, "b.json");
    remove_file(&h, "c.json");
    expect_load(f, &h, ERR_OK, "begin\nService default/x\nService default/x\nend\n");
    write_file(&h, "d.json", ""); /* cut by a shell whose command has not written yet */
    expect_load(f, &h, ERR_MALFORMED, "begin\n");
    remove_file(&h, "d.json");
    close_folder(f, &h);
}

/* A file of more than 4 MiB: `begin`, many services, `end`. */
static void write_large(const struct heard *h, const char *begin, const char *item, const char *end)
{
    struct bytes text;
    bytes_init(&text, 64 << 20);
    bytes_append_str(&text, begin);
    for (int i = 0; i < 50000; i++)
        bytes_printf(&text, "%s%s", i > 0 ? ",\n" : "", item);
    bytes_append_str(&text, end);
    CU_ASSERT(text.len > 4 << 20);
    write_file(h, "large.json", text.data);
    bytes_free(&text);
}

static void expect_large(struct kube_files *f, struct heard *h, int code, size_t least)
{
    size_t lines = 0;
    h->text.max = 64 << 20;
    bytes_reset(&h->text);
    CU_ASSERT_EQUAL(kube_files_load(f), code);
    static const char line[] = "Service default/x\n";
    for (size_t at = 0; at + sizeof line - 1 <= h->text.len; at++)
        lines += memcmp(h->text.data + at, line, sizeof line - 1) == 0;
    CU_ASSERT(lines >= least);
}

#define SERVICE_LONG                                                                                         \
    "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"x\"}, \"spec\": {\"type\": " \
    "\"ClusterIP\"}}"

static void large_files(void)
{
    struct heard h;
    struct kube_files *f = open_folder(&h);
    write_large(&h, "{\"apiVersion\": \"v1\", \"items\": [", SERVICE_LONG, "], \"kind\": \"List\"}\n");
    expect_large(f, &h, ERR_OK, 50000);
    write_large(&h, "{\"items\": [",
                "{\"metadata\": {\"name\": \"x\"}, \"spec\": {\"type\": \"ClusterIP\", \"selector\": {\"a\": "
                "\"b\"}}}",
                "], \"kind\": \"ServiceList\", \"apiVersion\": \"v1\"}");
    expect_large(f, &h, ERR_OK, 50000); /* the kind stands behind the items */
    write_large(&h, "{\"items\": [", SERVICE_LONG, "], \"kind\": \"List\"} " SERVICE_X);
    expect_large(f, &h, ERR_OK, 50001); /* not one list alone */
    write_large(&h, "{\"items\": [", SERVICE_LONG, "");
    expect_large(f, &h, ERR_MALFORMED, 0);
    remove_file(&h, "large.json");
    close_folder(f, &h);
}

static void a_path_that_is_not_there(void)
{
    struct heard h;
    struct kube_files *f = open_folder(&h);
    CU_ASSERT_EQUAL(rmdir(h.folder), 0);
    bytes_append_str(&h.text, "");
    CU_ASSERT_EQUAL(kube_files_load(f), -2 /* ENOENT */);
    CU_ASSERT_FALSE(kube_files_changed(f));         /* said once, not every second */
    CU_ASSERT_PTR_NULL(strstr(h.text.data, "end")); /* not an empty cluster */
    CU_ASSERT_EQUAL(mkdir(h.folder, 0755), 0);
    write_file(&h, "a.json", SERVICE_X);
    expect_load(f, &h, ERR_OK, "begin\nService default/x\nend\n");
    remove_file(&h, "a.json");
    close_folder(f, &h);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"plain scalars are null, truth, numbers or text; quoted ones text", scalars},
        {"blocks and flow make mappings and sequences", block_and_flow},
        {"a file has several documents", documents},
        {"anchors, aliases and merge keys", anchors},
        {"broken YAML names document and line", broken_yaml},
        {"depth, values and anchors are bounded", yaml_limits},
        {"a folder is read in sorted order, lists and all", a_folder_in_sorted_order},
        {"errors remove nothing that was there", errors_keep_what_was_there},
        {"large lists are read, whole or item by item", large_files},
        {"a path that is not there is no empty cluster", a_path_that_is_not_there},
    };
    return run_suite("kube_files", tests, sizeof tests / sizeof tests[0]);
}
