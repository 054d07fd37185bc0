/*
 * Bytes as Kubernetes objects: the first byte picks the options and whether JSON or YAML follows; each
 * document is an object, or a watch event {type, object}. Whatever they hold, each record must read back from
 * its text as it was, the records must come in canonical order, and the increments must be the whole.
 */
#include <json-c/json.h>
#include <string.h>

#include "../unit/sync/cluster.h"
#include "../unit/sync/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct run {
    struct store *store;
    struct changes *changes;
    struct image image;
    unsigned documents;
};

static int on_document(void *ctx, struct json_object *doc, unsigned number)
{
    struct run *r = ctx;
    struct json_object *object, *type;
    struct kube_object *o;
    enum kube_kind kind;
    struct errtext e = {{0}};
    bool removed =
        json_object_is_type(doc, json_type_object) && json_object_object_get_ex(doc, "type", &type) &&
        json_object_is_type(type, json_type_string) && strcmp(json_object_get_string(type), "DELETED") == 0;
    if (json_object_is_type(doc, json_type_object) && json_object_object_get_ex(doc, "object", &object))
        doc = object;
    (void)number;
    if (kube_json_kind(doc, &kind, &e) != ERR_OK || kube_json_object(doc, kind, &o, &e) != ERR_OK)
        return ERR_OK;
    if (removed)
        store_remove(r->store, o->kind, o->namespace, o->name);
    else
        store_put(r->store, o);
    kube_object_free(o);
    if (++r->documents % 3 == 0)
        changes_take(r->changes, image_change, &r->image);
    return r->documents < 200 ? ERR_OK : ERR_LIMIT;
}

static void read_json(struct run *r, const char *text, size_t len)
{
    struct json_tokener *tokener = json_tokener_new();
    size_t at = 0;
    while (at < len) {
        json_tokener_reset(tokener);
        struct json_object *doc = json_tokener_parse_ex(tokener, text + at, (int)(len - at));
        size_t used = json_tokener_get_parse_end(tokener);
        bool more = json_tokener_get_error(tokener) == json_tokener_success && used > 0 &&
                    on_document(r, doc, 1) == ERR_OK;
        json_object_put(doc);
        if (!more)
            break;
        at += used;
    }
    json_tokener_free(tokener);
}

static void check_round_trip(const struct record_rules *rules, const struct store *store)
{
    static struct rr_storage storage;
    for (size_t zone = 0; zone < rules->nzones; zone++) {
        struct record_stream *stream = record_stream_open(rules, &rules->zones[zone], store, 1);
        struct rr rr, back;
        while (stream != NULL && record_stream_next(stream, &rr) == 1) {
            char *line = image_line(&rr);
            if (rr_from_text(line, strlen(line), &storage, &back) != ERR_OK || rr_compare(&rr, &back) != 0 ||
                rr.ttl != back.ttl || !name_in(rr.owner, rules->zones[zone].apex))
                abort();
            free(line);
        }
        record_stream_close(stream);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const options[] = {
        "", "pods verified\nendpoint_pod_names", "pods insecure\nttl 0",
        "namespaces default\nignore empty_service\nmulticluster other.example\nzonal"};
    static struct cluster blocks[4];
    if (len < 2)
        return 0;
    struct cluster *c = &blocks[data[0] & 3];
    if (c->corefile == NULL) {
        cluster_open_with(c, "cluster.local 10.0.0.0/8 fd00::/8 other.example", options[data[0] & 3],
                          data[0] & 1 ? "k8s_external ext.example 10.0.0.0/8 {\nheadless\n}"
                                      : "k8s_external ext.example");
        ip_from_text("10.0.0.1", &c->rules.local[0]);
        c->rules.nlocal = 1;
        store_free(c->store);
    }
    struct run r = {.store = cluster_new_store(c)};
    CLUSTER_MUST(r.store != NULL && (r.changes = changes_new(&c->rules, r.store)) != NULL);
    CLUSTER_MUST(changes_begin(r.changes) == ERR_OK);
    image_fill(&r.image, &c->rules, r.store);
    char *text = strndup((const char *)data + 1, len - 1); /* JSON and YAML of the daemon end in NUL too */
    if (data[0] & 4)
        kube_yaml(text, strlen(text), on_document, &r, NULL);
    else
        read_json(&r, text, strlen(text));
    CLUSTER_MUST(changes_take(r.changes, image_change, &r.image) == ERR_OK);
    CLUSTER_MUST(image_equals(&r.image, &c->rules, r.store));
    check_round_trip(&c->rules, r.store);
    image_free(&r.image);
    changes_free(r.changes);
    store_free(r.store);
    free(text);
    return 0;
}
