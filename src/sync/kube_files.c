#include "sync/kube_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "sync/kube_json.h"
#include "sync/kube_select.h"
#include "sync/kube_stream.h"
#include "sync/kube_yaml.h"

#define JSON_DEPTH_MAX 64
#define LIST_DEPTH_MAX 4     /* Lists in Lists; kubectl makes none */
#define RETRY_MS       30000 /* until what could not be read is read again, where nothing changes before */
#define STREAM_MIN     (4 << 20) /* octets from which on a file is read item by item, if it can be */

struct kube_files {
    const struct kubernetes_block *block;
    const char *path;
    struct kube_sink sink;
    uint64_t signature;
    bool tried;        /* the signature is that of the last load */
    uint64_t retry_ms; /* after an incomplete load: not before; 0: none */
    bool loaded;       /* the sink has heard of every kind */
    /* while loading */
    const char *file;
    unsigned document;
    int first_error;
    bool incomplete; /* something could not be read at all: what is missing is not gone */
};

struct kube_files *kube_files_new(const struct kubernetes_block *k, const struct kube_sink *sink)
{
    struct kube_files *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->block = k;
    f->path = k->objects;
    f->sink = *sink;
    return f;
}

void kube_files_free(struct kube_files *f)
{
    free(f);
}

static void note_error(struct kube_files *f, int code, const char *why)
{
    if (f->document > 0)
        log_error("sync: %s: document %u: %s", f->file, f->document, why);
    else
        log_error("sync: %s: %s", f->file, why);
    if (f->first_error == ERR_OK)
        f->first_error = code;
    if (code > -ERR_BASE) /* the system's: no memory, a failed read, no permission */
        f->incomplete = true;
}

/* ---- which files ---- */

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), s = strlen(suffix);
    return n > s && strcmp(name + n - s, suffix) == 0;
}

static int is_object_file(const struct dirent *entry)
{
    const char *name = entry->d_name;
    return name[0] != '.' &&
           (has_suffix(name, ".json") || has_suffix(name, ".yaml") || has_suffix(name, ".yml"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Calls visit with the path of each file. Returns what was wrong with f->path itself. */
static int each_file(struct kube_files *f,
                     void (*visit)(struct kube_files *f, const char *path, const struct stat *st))
{
    struct stat st;
    if (stat(f->path, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode)) {
        visit(f, f->path, &st);
        return ERR_OK;
    }
    struct dirent **names;
    int n = scandir(f->path, &names, is_object_file, by_name);
    if (n < 0)
        return -errno;
    for (int i = 0; i < n; i++) {
        char path[4096];
        if (i < KUBE_FILES_MAX &&
            (size_t)snprintf(path, sizeof path, "%s/%s", f->path, names[i]->d_name) < sizeof path &&
            stat(path, &st) == 0)
            visit(f, path, &st);
        free(names[i]);
    }
    free(names);
    return n > KUBE_FILES_MAX ? ERR_LIMIT : ERR_OK;
}

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return hash;
}

static void sign_file(struct kube_files *f, const char *path, const struct stat *st)
{
    const uint64_t parts[] = {(uint64_t)st->st_ino, (uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec};
    f->signature = mix(mix(f->signature, path, strlen(path) + 1), parts, sizeof parts);
}

static uint64_t sign(struct kube_files *f)
{
    uint64_t before = f->signature;
    f->signature = UINT64_C(0xcbf29ce484222325);
    int ret = each_file(f, sign_file);
    uint64_t now = mix(f->signature, &ret, sizeof ret);
    f->signature = before;
    return now;
}

bool kube_files_changed(struct kube_files *f)
{
    if (f->retry_ms != 0 && clock_ms() >= f->retry_ms)
        return true;
    return !f->tried || sign(f) != f->signature;
}

/* ---- what is in them ---- */

static const char *text_of(struct json_object *j, const char *key)
{
    struct json_object *value;
    if (!json_object_is_type(j, json_type_object) || !json_object_object_get_ex(j, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return "";
    return json_object_get_string(value);
}

static void set_default_namespace(struct json_object *j)
{
    struct json_object *metadata;
    if (json_object_object_get_ex(j, "metadata", &metadata) &&
        json_object_is_type(metadata, json_type_object) &&
        !json_object_object_get_ex(metadata, "namespace", NULL))
        json_object_object_add(metadata, "namespace", json_object_new_string("default"));
}

/* The kind of the items of a typed list ("ServiceList"), whose items need not say. */
static bool item_kind(const char *list_kind, enum kube_kind *out)
{
    for (int kind = 0; kind < KUBE_KINDS; kind++) {
        size_t len = strlen(kube_kind_name((enum kube_kind)kind));
        if (strncmp(list_kind, kube_kind_name((enum kube_kind)kind), len) == 0 &&
            strcmp(list_kind + len, "List") == 0) {
            *out = (enum kube_kind)kind;
            return true;
        }
    }
    return false;
}

static void on_object(struct kube_files *f, struct json_object *j, const char *list_kind)
{
    struct errtext e = {0};
    struct kube_object *o;
    enum kube_kind kind;
    int ret =
        text_of(j, "kind")[0] == '\0' && item_kind(list_kind, &kind) ? ERR_OK : kube_json_kind(j, &kind, &e);
    bool known = ret == ERR_OK || ret == ERR_UNSUPPORTED;
    if (ret == ERR_NOT_FOUND || (known && !kube_select_wants(f->block, kind)) ||
        (ret == ERR_OK && !kube_select_matches(f->block, kind, j)))
        return;
    if (ret == ERR_OK && kind != KUBE_NAMESPACE)
        set_default_namespace(j);
    if (ret == ERR_OK)
        ret = kube_json_object(j, kind, &o, &e);
    if (ret == ERR_OK)
        f->sink.put(f->sink.ctx, o);
    else
        note_error(f, ret, e.text[0] != '\0' ? e.text : err_text(ret));
}

static void on_value(struct kube_files *f, struct json_object *j, const char *list_kind, unsigned depth)
{
    struct json_object *items;
    const char *kind = text_of(j, "kind");
    if (!has_suffix(kind, "List") && strcmp(kind, "List") != 0) {
        on_object(f, j, list_kind);
        return;
    }
    if (!json_object_object_get_ex(j, "items", &items) || items == NULL)
        return;
    if (depth == LIST_DEPTH_MAX || !json_object_is_type(items, json_type_array)) {
        note_error(f, ERR_MALFORMED, "a List whose items are no objects");
        return;
    }
    for (size_t i = 0; i < json_object_array_length(items); i++)
        on_value(f, json_object_array_get_idx(items, i), kind, depth + 1);
}

static int on_document(void *ctx, struct json_object *doc, unsigned number)
{
    struct kube_files *f = ctx;
    f->document = number;
    on_value(f, doc, "", 0);
    f->document = 0;
    return ERR_OK;
}

static int read_json(struct kube_files *f, const char *data, size_t len, struct errtext *e)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    if (tokener == NULL)
        return -ENOMEM;
    int ret = ERR_OK;
    size_t at = strspn(data, " \t\r\n");
    for (unsigned number = 1; ret == ERR_OK && at < len; number++) {
        json_tokener_reset(tokener);
        struct json_object *doc = json_tokener_parse_ex(tokener, data + at, (int)(len - at));
        enum json_tokener_error error = json_tokener_get_error(tokener);
        if (error != json_tokener_success)
            ret = errtext_set(e, ERR_MALFORMED, "document %u, octet %zu: %s", number,
                              at + json_tokener_get_parse_end(tokener),
                              error == json_tokener_continue ? "the file ends in the middle of it"
                                                             : json_tokener_error_desc(error));
        else
            on_document(f, doc, number);
        at += json_tokener_get_parse_end(tokener);
        at += strspn(data + at, " \t\r\n");
        json_object_put(doc);
    }
    json_tokener_free(tokener);
    return ret;
}

/* ---- large lists ---- */

static int on_item(void *ctx, struct json_object *item)
{
    if (text_of(item, "kind")[0] == '\0')
        return ERR_UNSUPPORTED; /* of a typed list: which, may stand behind the items */
    on_value(ctx, item, "", 1);
    return ERR_OK;
}

static void on_bad_item(void *ctx, const char *why)
{
    note_error(ctx, ERR_MALFORMED, why);
}

static int feed_file(int fd, struct kube_stream *stream, struct errtext *e)
{
    char chunk[65536];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : ERR_OK;
        int ret = kube_stream_feed(stream, chunk, (size_t)n, e);
        if (ret != ERR_OK)
            return ret;
    }
}

/* Reads one List item by item, as a list of an API server is read: so `kubectl get -A -o json` of a large
 * cluster takes no more memory than its objects do. False where the file is something else; then what was
 * told is told again. */
static bool stream_list(struct kube_files *f, const char *path)
{
    struct kube_stream_taker taker = {.ctx = f, .item = on_item, .bad = on_bad_item};
    struct kube_list_head head;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct kube_stream *stream = fd < 0 ? NULL : kube_stream_new(KUBE_STREAM_LIST, &taker);
    f->document = 1;
    bool read_whole = stream != NULL && feed_file(fd, stream, NULL) == ERR_OK &&
                      kube_stream_end(stream, &head, NULL) == ERR_OK;
    f->document = 0;
    kube_stream_free(stream);
    if (fd >= 0)
        close(fd);
    return read_whole;
}

static bool looks_like_json(const char *path, const char *data)
{
    if (has_suffix(path, ".yaml") || has_suffix(path, ".yml"))
        return false;
    return has_suffix(path, ".json") || data[strspn(data, " \t\r\n")] == '{';
}

static void load_file(struct kube_files *f, const char *path, const struct stat *st)
{
    struct bytes data;
    struct errtext e = {0};
    f->file = path;
    f->document = 0;
    if (st->st_size >= STREAM_MIN && S_ISREG(st->st_mode) && !has_suffix(path, ".yaml") &&
        !has_suffix(path, ".yml") && stream_list(f, path))
        return;
    bytes_init(&data, KUBE_FILES_SIZE_MAX);
    int ret = fsio_read(path, &data);
    if (ret == ERR_OK && data.len == 0) /* cut by a shell whose command has not written yet */
        ret = errtext_set(&e, ERR_MALFORMED, "the file is empty");
    if (ret == ERR_OK)
        ret = looks_like_json(path, data.data) ? read_json(f, data.data, data.len, &e)
                                               : kube_yaml(data.data, data.len, on_document, f, &e);
    if (ret != ERR_OK)
        note_error(f, ret, e.text[0] != '\0' ? e.text : err_text(ret));
    bytes_free(&data);
}

static void tell_cluster(const struct kube_files *f)
{
    char uid[32];
    char *real = realpath(f->path, NULL);
    const char *path = real != NULL ? real : f->path;
    snprintf(uid, sizeof uid, "files-%016" PRIx64, mix(UINT64_C(0xcbf29ce484222325), path, strlen(path)));
    free(real);
    f->sink.cluster(f->sink.ctx, uid);
}

int kube_files_load(struct kube_files *f)
{
    f->first_error = ERR_OK;
    f->incomplete = false;
    f->tried = true;
    f->signature = sign(f); /* before reading: a change in between is seen next time */
    tell_cluster(f);
    for (int kind = 0; kind < KUBE_KINDS; kind++)
        f->sink.list_begin(f->sink.ctx, (enum kube_kind)kind);
    int ret = each_file(f, load_file);
    if (ret != ERR_OK) {
        f->file = f->path;
        f->document = 0;
        note_error(f, ret, err_text(ret));
    }
    f->retry_ms = f->incomplete ? clock_ms() + RETRY_MS : 0;
    bool whole = !f->incomplete && (f->first_error == ERR_OK || !f->loaded);
    for (int kind = 0; kind < KUBE_KINDS && whole; kind++)
        f->sink.list_end(f->sink.ctx, (enum kube_kind)kind, "");
    f->loaded = f->loaded || whole;
    return f->first_error;
}
