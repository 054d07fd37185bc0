#include "sync/kube_reader.h"

#include <string.h>

void reader_refuse(struct reader *r, int code, const char *key, const char *why)
{
    if (r->error == ERR_OK)
        r->error = errtext_set(r->e, code, "%s %s%s%s: %s%s%s %s", r->kind, r->id.namespace,
                               r->id.namespace[0] == '\0' ? "" : "/",
                               r->id.name[0] == '\0' ? "(no name)" : r->id.name, r->where,
                               r->where[0] == '\0' || key[0] == '\0' ? "" : ".", key, why);
}

void *reader_take(struct reader *r, size_t size, size_t align)
{
    size_t at = (r->size + align - 1) / align * align;
    r->size = at + size;
    return r->base == NULL ? NULL : r->base + at;
}

struct json_object *reader_field(struct reader *r, struct json_object *object, const char *key,
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
    reader_refuse(r, ERR_MALFORMED, key, expected[type]);
    return NULL;
}

struct json_object *reader_list(struct reader *r, struct json_object *object, const char *key, size_t max,
                                size_t *count)
{
    struct json_object *value = reader_field(r, object, key, json_type_array);
    *count = value == NULL ? 0 : json_object_array_length(value);
    if (*count <= max)
        return value;
    reader_refuse(r, ERR_LIMIT, key, "has too many elements");
    *count = 0;
    return NULL;
}

struct json_object *reader_element(struct reader *r, struct json_object *array, size_t i, enum json_type type)
{
    struct json_object *value = json_object_array_get_idx(array, i);
    if (json_object_is_type(value, type))
        return value;
    reader_refuse(r, ERR_MALFORMED, "", "is of another type");
    return NULL;
}

bool json_is_plain(struct json_object *value)
{
    size_t len = (size_t)json_object_get_string_len(value);
    return len <= KUBE_TEXT_MAX && memchr(json_object_get_string(value), '\0', len) == NULL;
}

const char *reader_keep(struct reader *r, struct json_object *value, const char *key)
{
    size_t len = value == NULL ? 0 : (size_t)json_object_get_string_len(value);
    if (len == 0)
        return "";
    if (!json_is_plain(value)) {
        reader_refuse(r, len > KUBE_TEXT_MAX ? ERR_LIMIT : ERR_MALFORMED, key,
                      len > KUBE_TEXT_MAX ? "is too long" : "has a NUL in it");
        return "";
    }
    char *copy = reader_take(r, len + 1, 1);
    if (copy == NULL)
        return "";
    memcpy(copy, json_object_get_string(value), len);
    copy[len] = '\0';
    return copy;
}

const char *reader_key(struct reader *r, const char *key)
{
    size_t len = strlen(key);
    if (len > KUBE_TEXT_MAX)
        reader_refuse(r, ERR_LIMIT, "", "has a key that is too long");
    char *copy = len > KUBE_TEXT_MAX ? NULL : reader_take(r, len + 1, 1);
    if (copy == NULL)
        return "";
    memcpy(copy, key, len + 1);
    return copy;
}

const char *reader_text(struct reader *r, struct json_object *object, const char *key)
{
    return reader_keep(r, reader_field(r, object, key, json_type_string), key);
}

bool reader_truth(struct reader *r, struct json_object *object, const char *key, bool otherwise)
{
    struct json_object *value = reader_field(r, object, key, json_type_boolean);
    return value == NULL ? otherwise : json_object_get_boolean(value) != 0;
}

const char *json_peek(struct json_object *object, const char *key)
{
    struct json_object *value;
    if (object == NULL || !json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string) || !json_is_plain(value))
        return "";
    return json_object_get_string(value);
}

struct json_object *json_part(struct json_object *object, const char *key)
{
    struct json_object *value;
    if (object == NULL || !json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_object))
        return NULL;
    return value;
}

const char *reader_word(struct reader *r, struct json_object *object, const char *key)
{
    reader_field(r, object, key, json_type_string);
    return json_peek(object, key);
}
