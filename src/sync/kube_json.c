#include "sync/kube_json.h"

#include <errno.h>
#include <json-c/linkhash.h>
#include <stdlib.h>
#include <string.h>

#include "sync/kube_reader.h"
#include "sync/kube_time.h"

static const char *protocol(struct reader *r, struct json_object *port)
{
    static const char *const usual[] = {"TCP", "UDP", "SCTP"}; /* these take no room in the block */
    const char *written = reader_word(r, port, "protocol");
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (strcmp(written, usual[i]) == 0)
            return usual[i];
    const char *kept = reader_text(r, port, "protocol");
    return written[0] == '\0' ? "TCP" : kept;
}

static const struct kube_port *ports(struct reader *r, struct json_object *holder, const char *where,
                                     size_t *count)
{
    struct json_object *array = reader_list(r, holder, "ports", KUBE_PORTS_MAX, count);
    struct kube_port *out = reader_take(r, *count * sizeof *out, _Alignof(struct kube_port));
    const char *outer = r->where;
    r->where = where;
    for (size_t i = 0; i < *count; i++) {
        struct json_object *port = reader_element(r, array, i, json_type_object);
        struct json_object *number = reader_field(r, port, "port", json_type_int);
        int64_t value = number == NULL ? 0 : json_object_get_int64(number);
        if (value < 0 || value > UINT16_MAX)
            reader_refuse(r, ERR_MALFORMED, "port", "is not a port number");
        struct kube_port read = {reader_text(r, port, "name"), protocol(r, port), (uint16_t)value};
        if (out != NULL)
            out[i] = read;
    }
    r->where = outer;
    return out;
}

static const struct ip *ips(struct reader *r, struct json_object *array, size_t listed, size_t *count)
{
    struct ip *out = reader_take(r, listed * sizeof *out, 1);
    *count = 0;
    for (size_t i = 0; i < listed; i++) {
        struct json_object *value = reader_element(r, array, i, json_type_string);
        struct ip ip;
        if (value == NULL || !json_is_plain(value) || !ip_from_text(json_object_get_string(value), &ip))
            continue;
        if (out != NULL)
            out[*count] = ip;
        (*count)++;
    }
    return out;
}

/* spec.externalIPs, then the load balancer's entries: the address of each, or else its host name. */
static const struct kube_external *externals(struct reader *r, struct json_object *j,
                                             struct json_object *spec, size_t *count)
{
    size_t nips, nentries;
    r->where = "spec";
    struct json_object *addresses = reader_list(r, spec, "externalIPs", KUBE_EXTERNALS_MAX, &nips);
    r->where = "";
    struct json_object *status = reader_field(r, j, "status", json_type_object);
    r->where = "status";
    struct json_object *balancer = reader_field(r, status, "loadBalancer", json_type_object);
    r->where = "status.loadBalancer";
    struct json_object *entries = reader_list(r, balancer, "ingress", KUBE_EXTERNALS_MAX, &nentries);
    struct kube_external *out =
        reader_take(r, (nips + nentries) * sizeof *out, _Alignof(struct kube_external));
    *count = 0;
    for (size_t i = 0; i < nips + nentries; i++) {
        struct kube_external read = {.host = ""};
        r->where = i < nips ? "spec.externalIPs[]" : "status.loadBalancer.ingress[]";
        if (i < nips) {
            struct json_object *value = reader_element(r, addresses, i, json_type_string);
            if (value != NULL && json_is_plain(value))
                ip_from_text(json_object_get_string(value), &read.ip);
        } else {
            struct json_object *entry = reader_element(r, entries, i - nips, json_type_object);
            if (!ip_from_text(reader_word(r, entry, "ip"), &read.ip))
                read.host = reader_text(r, entry, "hostname");
        }
        if (read.ip.family == 0 && read.host[0] == '\0')
            continue;
        if (out != NULL)
            out[*count] = read;
        (*count)++;
    }
    return out;
}

/* As CoreDNS: clusterIPs where it has an element, else clusterIP; headless where the first of them is "None".
 */
static void read_service(struct reader *r, struct json_object *j, struct kube_service *s)
{
    r->where = "";
    struct json_object *spec = reader_field(r, j, "spec", json_type_object);
    r->where = "spec";
    size_t listed;
    struct json_object *many = reader_list(r, spec, "clusterIPs", KUBE_IPS_MAX, &listed);
    struct json_object *one = reader_field(r, spec, "clusterIP", json_type_string);
    struct json_object *first = listed > 0 ? json_object_array_get_idx(many, 0) : one;
    const char *first_text =
        json_object_is_type(first, json_type_string) ? json_object_get_string(first) : "";
    r->where = "spec.clusterIPs[]";
    if (listed > 0) {
        s->ips = ips(r, many, listed, &s->nips);
    } else {
        struct ip *ip = reader_take(r, sizeof *ip, 1);
        struct ip read;
        s->nips = one != NULL && json_is_plain(one) && ip_from_text(first_text, &read) ? 1 : 0;
        if (ip != NULL && s->nips == 1)
            *ip = read;
        s->ips = ip;
    }
    r->where = "spec";
    bool external = strcmp(reader_word(r, spec, "type"), "ExternalName") == 0;
    s->type = external                          ? SERVICE_EXTERNAL_NAME
              : strcmp(first_text, "None") == 0 ? SERVICE_HEADLESS
                                                : SERVICE_CLUSTER_IP;
    s->ports = ports(r, spec, "spec.ports[]", &s->nports);
    s->external_name = reader_text(r, spec, "externalName");
    s->externals = externals(r, j, spec, &s->nexternals);
    r->where = "spec";
    s->publish_not_ready = reader_truth(r, spec, "publishNotReadyAddresses", false);
}

/* A ServiceImport (v1alpha1): headless where its type says so; any other type has its own addresses. */
static void read_import(struct reader *r, struct json_object *j, struct kube_service *s)
{
    r->where = "";
    struct json_object *spec = reader_field(r, j, "spec", json_type_object);
    r->where = "spec";
    size_t listed;
    struct json_object *addresses = reader_list(r, spec, "ips", KUBE_IPS_MAX, &listed);
    s->type = strcmp(reader_word(r, spec, "type"), "Headless") == 0 ? SERVICE_HEADLESS : SERVICE_CLUSTER_IP;
    s->ports = ports(r, spec, "spec.ports[]", &s->nports);
    s->external_name = "";
    r->where = "spec.ips[]";
    s->ips = ips(r, addresses, listed, &s->nips);
}

static void read_endpoint(struct reader *r, struct json_object *j, bool fqdn, struct kube_endpoint *out)
{
    size_t listed;
    r->where = "endpoints[]";
    struct json_object *addresses = reader_list(r, j, "addresses", KUBE_IPS_MAX, &listed);
    out->hostname = reader_text(r, j, "hostname");
    out->zone = reader_text(r, j, "zone");
    struct json_object *conditions = reader_field(r, j, "conditions", json_type_object);
    struct json_object *target = reader_field(r, j, "targetRef", json_type_object);
    r->where = "endpoints[].conditions";
    out->ready = reader_truth(r, conditions, "ready", true);
    r->where = "endpoints[].targetRef";
    out->target_name = reader_text(r, target, "name");
    r->where = "endpoints[].addresses[]";
    out->fqdn =
        fqdn && listed > 0 ? reader_keep(r, reader_element(r, addresses, 0, json_type_string), "") : "";
    out->ips = ips(r, addresses, fqdn ? 0 : listed, &out->nips);
}

static void read_slice(struct reader *r, struct json_object *j, struct kube_slice *s)
{
    r->where = "metadata";
    struct json_object *labels =
        reader_field(r, reader_field(r, j, "metadata", json_type_object), "labels", json_type_object);
    r->where = "metadata.labels";
    s->service = reader_text(r, labels, "kubernetes.io/service-name");
    s->imported = reader_text(r, labels, "multicluster.kubernetes.io/service-name");
    s->cluster = reader_text(r, labels, "multicluster.kubernetes.io/source-cluster");
    r->where = "";
    s->ports = ports(r, j, "ports[]", &s->nports);
    struct json_object *array = reader_list(r, j, "endpoints", KUBE_ENDPOINTS_MAX, &s->nendpoints);
    bool fqdn = strcmp(reader_word(r, j, "addressType"), "FQDN") == 0;
    struct kube_endpoint *out = reader_take(r, s->nendpoints * sizeof *out, _Alignof(struct kube_endpoint));
    for (size_t i = 0; i < s->nendpoints; i++) {
        struct kube_endpoint read;
        r->where = "endpoints[]";
        read_endpoint(r, reader_element(r, array, i, json_type_object), fqdn, &read);
        if (out != NULL)
            out[i] = read;
    }
    s->endpoints = out;
}

static const struct kube_label *labels(struct reader *r, struct json_object *j, size_t *count)
{
    r->where = "metadata";
    struct json_object *map = reader_field(r, json_part(j, "metadata"), "labels", json_type_object);
    size_t listed = map == NULL ? 0 : (size_t)json_object_object_length(map), n = 0;
    *count = 0;
    if (listed > KUBE_LABELS_MAX)
        reader_refuse(r, ERR_LIMIT, "labels", "has too many elements");
    if (listed == 0 || listed > KUBE_LABELS_MAX)
        return NULL;
    struct kube_label *out = reader_take(r, listed * sizeof *out, _Alignof(struct kube_label));
    r->where = "metadata.labels";
    json_object_object_foreach(map, key, value)
    {
        struct kube_label read = {reader_key(r, key), ""};
        if (value != NULL)
            read.value = reader_text(r, map, key);
        if (out != NULL)
            out[n] = read;
        n++;
    }
    *count = n;
    return out;
}

static void add_pod_ip(struct kube_pod *p, const char *text)
{
    struct ip ip;
    if (p->nips == KUBE_POD_IPS_MAX || !ip_from_text(text, &ip) ||
        (p->nips > 0 && memcmp(&p->ips[0], &ip, sizeof ip) == 0))
        return;
    p->ips[p->nips++] = ip;
}

static void read_pod_ips(struct reader *r, struct json_object *status, struct kube_pod *p)
{
    size_t listed;
    const char *one = reader_word(r, status, "podIP");
    struct json_object *many = reader_list(r, status, "podIPs", KUBE_IPS_MAX, &listed);
    p->nips = 0;
    r->where = "status.podIPs[]";
    for (size_t i = 0; i < listed; i++)
        add_pod_ip(p, reader_word(r, reader_element(r, many, i, json_type_object), "ip"));
    if (listed == 0)
        add_pod_ip(p, one);
}

static void read_pod(struct reader *r, struct json_object *j, struct kube_pod *p)
{
    r->where = "";
    struct json_object *status = reader_field(r, j, "status", json_type_object);
    struct json_object *gone;
    p->deleted =
        json_object_object_get_ex(json_part(j, "metadata"), "deletionTimestamp", &gone) && gone != NULL;
    r->where = "status";
    /* An API server is asked for none of these (kube_path.c), a file may hold them. */
    static const char *const ended[] = {"Succeeded", "Failed", "Unknown"};
    const char *phase = reader_word(r, status, "phase");
    bool has_ip = true;
    for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++)
        has_ip = has_ip && strcmp(phase, ended[i]) != 0;
    read_pod_ips(r, has_ip ? status : NULL, p);
    p->labels = labels(r, j, &p->nlabels);
}

static uint64_t changed_ms(struct json_object *metadata)
{
    uint64_t newest = 0;
    struct json_object *managed;
    bool there = json_object_object_get_ex(metadata, "managedFields", &managed) &&
                 json_object_is_type(managed, json_type_array);
    for (size_t i = 0; there && i < json_object_array_length(managed); i++) {
        struct json_object *entry = json_object_array_get_idx(managed, i);
        uint64_t ms =
            json_object_is_type(entry, json_type_object) ? kube_time_ms(json_peek(entry, "time")) : 0;
        newest = ms > newest ? ms : newest;
    }
    return newest > 0 ? newest : kube_time_ms(json_peek(metadata, "creationTimestamp"));
}

/* Reads everything into the block, or only counts where there is none yet. */
static struct kube_object *read_object(struct reader *r, struct json_object *j, enum kube_kind kind)
{
    struct kube_object scratch = {0};
    r->size = 0;
    struct kube_object *block = reader_take(r, sizeof *block, _Alignof(struct kube_object));
    struct kube_object *o = block != NULL ? block : &scratch;
    *o = (struct kube_object){.kind = kind};
    r->where = "";
    struct json_object *metadata = reader_field(r, j, "metadata", json_type_object);
    r->where = "metadata";
    o->namespace = kind == KUBE_NAMESPACE ? "" : reader_text(r, metadata, "namespace");
    o->name = reader_text(r, metadata, "name");
    o->uid = reader_text(r, metadata, "uid");
    o->resource_version = reader_text(r, metadata, "resourceVersion");
    if (r->id.name[0] == '\0')
        reader_refuse(r, ERR_MALFORMED, "name", "is missing");
    if (kind != KUBE_NAMESPACE && r->id.namespace[0] == '\0')
        reader_refuse(r, ERR_MALFORMED, "namespace", "is missing");
    o->changed_ms = changed_ms(metadata);
    o->trigger_ms = kube_time_ms(
        json_peek(json_part(metadata, "annotations"), "endpoints.kubernetes.io/last-change-trigger-time"));
    if (kind == KUBE_SERVICE)
        read_service(r, j, &o->service);
    else if (kind == KUBE_ENDPOINTSLICE)
        read_slice(r, j, &o->slice);
    else if (kind == KUBE_POD)
        read_pod(r, j, &o->pod);
    else if (kind == KUBE_SERVICEIMPORT)
        read_import(r, j, &o->service);
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
    const char *version = object ? json_peek(j, "apiVersion") : "";
    const char *kind = object ? json_peek(j, "kind") : "";
    if (version[0] == '\0' || kind[0] == '\0')
        return errtext_set(e, ERR_MALFORMED, "not a Kubernetes object: no %s",
                           version[0] == '\0' ? "apiVersion" : "kind");
    for (enum kube_kind k = 0; k < KUBE_KINDS; k++) {
        const char *wanted = kube_kind_version(k), *slash = strchr(wanted, '/');
        if (strcmp(kind, kube_kind_name(k)) != 0)
            continue;
        bool same_group = slash != NULL && strncmp(version, wanted, (size_t)(slash - wanted) + 1) == 0;
        if (strcmp(version, wanted) != 0 && !same_group)
            continue;
        *out = k;
        if (strcmp(version, wanted) == 0)
            return ERR_OK;
        return errtext_set(e, ERR_UNSUPPORTED, "%s of %s: only %s is read", kind, version, wanted);
    }
    return ERR_NOT_FOUND; /* another kind, or another group's kind of the same name, such as Knative's Service
                           */
}

struct kube_identity kube_json_identity(struct json_object *j)
{
    struct json_object *metadata = json_object_is_type(j, json_type_object) ? json_part(j, "metadata") : NULL;
    return (struct kube_identity){json_peek(metadata, "namespace"), json_peek(metadata, "name"),
                                  json_peek(metadata, "resourceVersion")};
}
