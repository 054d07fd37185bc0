#include "sync/kube_event.h"

#include <json-c/json_object.h>
#include <string.h>

static struct json_object *member(struct json_object *j, const char *key, enum json_type type)
{
    struct json_object *value;
    if (!json_object_is_type(j, json_type_object) || !json_object_object_get_ex(j, key, &value) ||
        !json_object_is_type(value, type))
        return NULL;
    return value;
}

static const char *text(struct json_object *j, const char *key)
{
    struct json_object *value = member(j, key, json_type_string);
    return value == NULL ? "" : json_object_get_string(value);
}

int kube_event_read(struct json_object *j, struct kube_event *out, struct errtext *e)
{
    static const struct {
        const char *name;
        enum kube_event_type type;
    } types[] = {
        {"ADDED", KUBE_EVENT_PUT},         {"MODIFIED", KUBE_EVENT_PUT}, {"DELETED", KUBE_EVENT_REMOVE},
        {"BOOKMARK", KUBE_EVENT_BOOKMARK}, {"ERROR", KUBE_EVENT_ERROR},
    };
    const char *name = text(j, "type");
    struct json_object *object = NULL;
    if (name[0] == '\0' || !json_object_object_get_ex(j, "object", &object) || object == NULL)
        return errtext_set(e, ERR_MALFORMED, "not a watch event: no type or no object");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(name, types[i].name) != 0)
            continue;
        struct json_object *notes =
            member(member(object, "metadata", json_type_object), "annotations", json_type_object);
        bool ends = strcmp(text(notes, "k8s.io/initial-events-end"), "true") == 0;
        *out = (struct kube_event){types[i].type, object, types[i].type == KUBE_EVENT_BOOKMARK && ends};
        return ERR_OK;
    }
    return errtext_set(e, ERR_MALFORMED, "watch event of unknown type \"%.40s\"", name);
}

static bool has_cause(struct json_object *status, const char *reason)
{
    struct json_object *causes =
        member(member(status, "details", json_type_object), "causes", json_type_array);
    for (size_t i = 0; causes != NULL && i < json_object_array_length(causes); i++)
        if (strcmp(text(json_object_array_get_idx(causes, i), "reason"), reason) == 0)
            return true;
    return false;
}

struct kube_status kube_status_read(struct json_object *j)
{
    struct json_object *code = member(j, "code", json_type_int);
    return (struct kube_status){
        .code = code == NULL ? 0 : json_object_get_int(code),
        .reason = text(j, "reason"),
        .message = text(j, "message"),
        /* Servers from before the cause had a name say it in words. */
        .version_too_large = has_cause(j, "ResourceVersionTooLarge") ||
                             strncmp(text(j, "message"), "Too large resource version", 26) == 0,
    };
}
