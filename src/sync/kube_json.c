#include "sync/kube_json.h"

#include <errno.h>
#include <json-c/json_object.h>
#include <stdlib.h>
#include <string.h>

#include "sync/kube_time.h"

/*
 * An object is read twice by the same functions: the first time `base` is NULL, nothing is written and `size`
 * grows to what is needed; the second time the one block is filled. The first error sticks in `error`, and
 * reading goes on with defaults: one check at the end of the first reading.
 */
struct reader {
    char *base;
    size_t size;
    int error;
    const char *kind;
    struct kube_identity id;
    const char *where; /* the part being read, for messages: "spec.ports[]" */
    struct errtext *e;
};

static void refuse(struct reader *r, int code, const char *key, const char *why)
{
    if (r->error == ERR_OK)
        r->error = errtext_set(r->e, code, "%s %s%s%s: %s%s%s %s", r->kind, r->id.namespace,
                               r->id.namespace[0] == '\0' ? "" : "/",
                               r->id.name[0] == '\0' ? "(no name)" : r->id.name, r->where,
                               r->where[0] == '\0' || key[0] == '\0' ? "" : ".", key, why);
}

static void *take(struct reader *r, size_t size, size_t align)
{
    size_t at = (r->size + align - 1) / align * align;
    r->size = at + size;
    return r->base == NULL ? NULL : r->base + at;
}

/* The field where it is there, not null and of that type. */
static struct json_object *field(struct reader *r, struct json_object *object, const char *key,
                                 enum json_type type)
{
    struct json_object *value;
    if (object == NULL || !json_object_object_get_ex(object, key, &value) || value == NULL)
        return NULL;
    if (json_object_is_type(value, type))
        return value;
    static const char *const expected[] = {
        [json_type_boolean] = "is not true or false", [json_type_int] = "is not a whole number",
        [json_type_object] = "is not an object",      [json_type_array] = "is not a list",
        [json_type_string] = "is not a text",
    };
    refuse(r, ERR_MALFORMED, key, expected[type]);
    return NULL;
}

/* A list of at most `max` elements; their number goes to `*count`. */
static struct json_object *list(struct reader *r, struct json_object *object, const char *key, size_t max,
                                size_t *count)
{
    struct json_object *value = field(r, object, key, json_type_array);
    *count = value == NULL ? 0 : json_object_array_length(value);
    if (*count <= max)
        return value;
    refuse(r, ERR_LIMIT, key, "has too many elements");
    *count = 0;
    return NULL;
}

/* The element of a list where it is of that type; null is refused too: the API has no lists with holes. */
static struct json_object *element(struct reader *r, struct json_object *array, size_t i, enum json_type type)
{
    struct json_object *value = json_object_array_get_idx(array, i);
    if (json_object_is_type(value, type))
        return value;
    refuse(r, ERR_MALFORMED, "", "is of another type");
    return NULL;
}

static bool text_is_plain(struct json_object *value)
{
    size_t len = (size_t)json_object_get_string_len(value);
    return len <= KUBE_TEXT_MAX && memchr(json_object_get_string(value), '\0', len) == NULL;
}

/* Copies a text into the block. "" and what cannot be kept take no room there. */
static const char *keep(struct reader *r, struct json_object *value, const char *key)
{
    size_t len = value == NULL ? 0 : (size_t)json_object_get_string_len(value);
    if (len == 0)
        return "";
    if (!text_is_plain(value)) {
        refuse(r, len > KUBE_TEXT_MAX ? ERR_LIMIT : ERR_MALFORMED, key,
               len > KUBE_TEXT_MAX ? "is too long" : "has a NUL in it");
        return "";
    }
    char *copy = take(r, len + 1, 1);
    if (copy == NULL)
        return "";
    memcpy(copy, json_object_get_string(value), len);
    copy[len] = '\0';
    return copy;
}

static const char *text(struct reader *r, struct json_object *object, const char *key)
{
    return keep(r, field(r, object, key, json_type_string), key);
}

static bool truth(struct reader *r, struct json_object *object, const char *key, bool otherwise)
{
    struct json_object *value = field(r, object, key, json_type_boolean);
    return value == NULL ? otherwise : json_object_get_boolean(value) != 0;
}

/* "" where the field is missing or no text: for what is compared and not kept. */
static const char *peek(struct json_object *object, const char *key)
{
    struct json_object *value;
    if (object == NULL || !json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string) || !text_is_plain(value))
        return "";
    return json_object_get_string(value);
}

static struct json_object *part(struct json_object *object, const char *key)
{
    struct json_object *value;
    if (object == NULL || !json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_object))
        return NULL;
    return value;
}

/* A text that is compared and not kept; "" where there is none. */
static const char *word(struct reader *r, struct json_object *object, const char *key)
{
    field(r, object, key, json_type_string);
    return peek(object, key);
}

static const char *protocol(struct reader *r, struct json_object *port)
{
    static const char *const usual[] = {"TCP", "UDP", "SCTP"}; /* these take no room in the block */
    const char *written = word(r, port, "protocol");
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (strcmp(written, usual[i]) == 0)
            return usual[i];
    const char *kept = text(r, port, "protocol");
    return written[0] == '\0' ? "TCP" : kept;
}

static const struct kube_port *ports(struct reader *r, struct json_object *holder, const char *where,
                                     size_t *count)
{
    struct json_object *array = list(r, holder, "ports", KUBE_PORTS_MAX, count);
    struct kube_port *out = take(r, *count * sizeof *out, _Alignof(struct kube_port));
    const char *outer = r->where;
    r->where = where;
    for (size_t i = 0; i < *count; i++) {
        struct json_object *port = element(r, array, i, json_type_object);
        struct json_object *number = field(r, port, "port", json_type_int);
        int64_t value = number == NULL ? 0 : json_object_get_int64(number);
        if (value < 0 || value > UINT16_MAX)
            refuse(r, ERR_MALFORMED, "port", "is not a port number");
        struct kube_port read = {text(r, port, "name"), protocol(r, port), (uint16_t)value};
        if (out != NULL)
            out[i] = read;
    }
    r->where = outer;
    return out;
}

static const struct ip *ips(struct reader *r, struct json_object *array, size_t listed, size_t *count)
{
    struct ip *out = take(r, listed * sizeof *out, 1);
    *count = 0;
    for (size_t i = 0; i < listed; i++) {
        struct json_object *value = element(r, array, i, json_type_string);
        struct ip ip;
        if (value == NULL || !text_is_plain(value) || !ip_from_text(json_object_get_string(value), &ip))
            continue;
        if (out != NULL)
            out[*count] = ip;
        (*count)++;
    }
    return out;
}

/* As CoreDNS: clusterIPs where it has an element, else clusterIP; headless where the first of them is "None".
 */
static void read_service(struct reader *r, struct json_object *j, struct kube_service *s)
{
    r->where = "";
    struct json_object *spec = field(r, j, "spec", json_type_object);
    r->where = "spec";
    size_t listed;
    struct json_object *many = list(r, spec, "clusterIPs", KUBE_IPS_MAX, &listed);
    struct json_object *one = field(r, spec, "clusterIP", json_type_string);
    struct json_object *first = listed > 0 ? json_object_array_get_idx(many, 0) : one;
    const char *first_text =
        json_object_is_type(first, json_type_string) ? json_object_get_string(first) : "";
    r->where = "spec.clusterIPs[]";
    if (listed > 0) {
        s->ips = ips(r, many, listed, &s->nips);
    } else {
        struct ip *ip = take(r, sizeof *ip, 1);
        struct ip read;
        s->nips = one != NULL && text_is_plain(one) && ip_from_text(first_text, &read) ? 1 : 0;
        if (ip != NULL && s->nips == 1)
            *ip = read;
        s->ips = ip;
    }
    r->where = "spec";
    bool external = strcmp(word(r, spec, "type"), "ExternalName") == 0;
    s->type = external                          ? SERVICE_EXTERNAL_NAME
              : strcmp(first_text, "None") == 0 ? SERVICE_HEADLESS
                                                : SERVICE_CLUSTER_IP;
    s->ports = ports(r, spec, "spec.ports[]", &s->nports);
    s->external_name = text(r, spec, "externalName");
    s->publish_not_ready = truth(r, spec, "publishNotReadyAddresses", false);
}

static void read_endpoint(struct reader *r, struct json_object *j, bool fqdn, struct kube_endpoint *out)
{
    size_t listed;
    r->where = "endpoints[]";
    struct json_object *addresses = list(r, j, "addresses", KUBE_IPS_MAX, &listed);
    out->hostname = text(r, j, "hostname");
    struct json_object *conditions = field(r, j, "conditions", json_type_object);
    struct json_object *target = field(r, j, "targetRef", json_type_object);
    r->where = "endpoints[].conditions";
    out->ready = truth(r, conditions, "ready", true);
    r->where = "endpoints[].targetRef";
    out->target_name = text(r, target, "name");
    r->where = "endpoints[].addresses[]";
    out->fqdn = fqdn && listed > 0 ? keep(r, element(r, addresses, 0, json_type_string), "") : "";
    out->ips = ips(r, addresses, fqdn ? 0 : listed, &out->nips);
}

static void read_slice(struct reader *r, struct json_object *j, struct kube_slice *s)
{
    r->where = "metadata";
    struct json_object *labels =
        field(r, field(r, j, "metadata", json_type_object), "labels", json_type_object);
    r->where = "metadata.labels";
    s->service = text(r, labels, "kubernetes.io/service-name");
    r->where = "";
    s->ports = ports(r, j, "ports[]", &s->nports);
    struct json_object *array = list(r, j, "endpoints", KUBE_ENDPOINTS_MAX, &s->nendpoints);
    bool fqdn = strcmp(word(r, j, "addressType"), "FQDN") == 0;
    struct kube_endpoint *out = take(r, s->nendpoints * sizeof *out, _Alignof(struct kube_endpoint));
    for (size_t i = 0; i < s->nendpoints; i++) {
        struct kube_endpoint read;
        r->where = "endpoints[]";
        read_endpoint(r, element(r, array, i, json_type_object), fqdn, &read);
        if (out != NULL)
            out[i] = read;
    }
    s->endpoints = out;
}

static void read_pod(struct reader *r, struct json_object *j, struct kube_pod *p)
{
    r->where = "";
    struct json_object *status = field(r, j, "status", json_type_object);
    struct json_object *gone;
    p->deleted = json_object_object_get_ex(part(j, "metadata"), "deletionTimestamp", &gone) && gone != NULL;
    r->where = "status";
    /* An API server is asked for none of these (kube_path.c), a file may hold them. */
    static const char *const ended[] = {"Succeeded", "Failed", "Unknown"};
    const char *phase = word(r, status, "phase");
    bool has_ip = true;
    for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++)
        has_ip = has_ip && strcmp(phase, ended[i]) != 0;
    p->ip_text = text(r, has_ip ? status : NULL, "podIP");
    p->ip = (struct ip){0};
    ip_from_text(peek(has_ip ? status : NULL, "podIP"), &p->ip);
}

static uint64_t changed_ms(struct json_object *metadata)
{
    uint64_t newest = 0;
    struct json_object *managed;
    bool there = json_object_object_get_ex(metadata, "managedFields", &managed) &&
                 json_object_is_type(managed, json_type_array);
    for (size_t i = 0; there && i < json_object_array_length(managed); i++) {
        struct json_object *entry = json_object_array_get_idx(managed, i);
        uint64_t ms = json_object_is_type(entry, json_type_object) ? kube_time_ms(peek(entry, "time")) : 0;
        newest = ms > newest ? ms : newest;
    }
    return newest > 0 ? newest : kube_time_ms(peek(metadata, "creationTimestamp"));
}

/* Reads everything into the block, or only counts where there is none yet. */
static struct kube_object *read_object(struct reader *r, struct json_object *j, enum kube_kind kind)
{
    struct kube_object scratch = {0};
    r->size = 0;
    struct kube_object *block = take(r, sizeof *block, _Alignof(struct kube_object));
    struct kube_object *o = block != NULL ? block : &scratch;
    *o = (struct kube_object){.kind = kind};
    r->where = "";
    struct json_object *metadata = field(r, j, "metadata", json_type_object);
    r->where = "metadata";
    o->namespace = kind == KUBE_NAMESPACE ? "" : text(r, metadata, "namespace");
    o->name = text(r, metadata, "name");
    o->uid = text(r, metadata, "uid");
    o->resource_version = text(r, metadata, "resourceVersion");
    if (r->id.name[0] == '\0')
        refuse(r, ERR_MALFORMED, "name", "is missing");
    if (kind != KUBE_NAMESPACE && r->id.namespace[0] == '\0')
        refuse(r, ERR_MALFORMED, "namespace", "is missing");
    o->changed_ms = changed_ms(metadata);
    o->trigger_ms =
        kube_time_ms(peek(part(metadata, "annotations"), "endpoints.kubernetes.io/last-change-trigger-time"));
    if (kind == KUBE_SERVICE)
        read_service(r, j, &o->service);
    else if (kind == KUBE_ENDPOINTSLICE)
        read_slice(r, j, &o->slice);
    else if (kind == KUBE_POD)
        read_pod(r, j, &o->pod);
    return block;
}

int kube_json_object(struct json_object *j, enum kube_kind kind, struct kube_object **out, struct errtext *e)
{
    struct reader r = {.kind = kube_kind_name(kind), .id = kube_json_identity(j), .where = "", .e = e};
    if (kind == KUBE_NAMESPACE)
        r.id.namespace = "";
    if (!json_object_is_type(j, json_type_object))
        return errtext_set(e, ERR_MALFORMED, "%s: not a JSON object", r.kind);
    read_object(&r, j, kind);
    if (r.error != ERR_OK)
        return r.error;
    r.base = malloc(r.size);
    if (r.base == NULL)
        return errtext_set(e, -ENOMEM, "%s %s: no memory", r.kind, r.id.name);
    *out = read_object(&r, j, kind);
    return ERR_OK;
}

int kube_json_kind(struct json_object *j, enum kube_kind *out, struct errtext *e)
{
    bool object = json_object_is_type(j, json_type_object);
    const char *version = object ? peek(j, "apiVersion") : "";
    const char *kind = object ? peek(j, "kind") : "";
    if (version[0] == '\0' || kind[0] == '\0')
        return errtext_set(e, ERR_MALFORMED, "not a Kubernetes object: no %s",
                           version[0] == '\0' ? "apiVersion" : "kind");
    for (enum kube_kind k = 0; k < KUBE_KINDS; k++) {
        const char *wanted = k == KUBE_ENDPOINTSLICE ? "discovery.k8s.io/v1" : "v1";
        if (strcmp(kind, kube_kind_name(k)) != 0)
            continue;
        if (strcmp(version, wanted) == 0) {
            *out = k;
            return ERR_OK;
        }
        if (k == KUBE_ENDPOINTSLICE && strncmp(version, "discovery.k8s.io/", 17) == 0)
            return errtext_set(e, ERR_UNSUPPORTED, "EndpointSlice of %s: only %s is read", version, wanted);
    }
    return ERR_NOT_FOUND; /* another kind, or another group's kind of the same name, such as Knative's Service
                           */
}

struct kube_identity kube_json_identity(struct json_object *j)
{
    struct json_object *metadata = json_object_is_type(j, json_type_object) ? part(j, "metadata") : NULL;
    return (struct kube_identity){peek(metadata, "namespace"), peek(metadata, "name"),
                                  peek(metadata, "resourceVersion")};
}
