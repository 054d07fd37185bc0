#include "gotemplate/value.h"

#include <string.h>

#include "gotemplate/exec_p.h"

const struct tpl_type tpl_type_bool = {.name = "bool", .kind = TPL_BOOL};
const struct tpl_type tpl_type_int = {.name = "int", .kind = TPL_INT};
const struct tpl_type tpl_type_int64 = {.name = "int64", .kind = TPL_INT};
const struct tpl_type tpl_type_uint8 = {.name = "uint8", .kind = TPL_UINT};
const struct tpl_type tpl_type_uint16 = {.name = "uint16", .kind = TPL_UINT};
const struct tpl_type tpl_type_uint32 = {.name = "uint32", .kind = TPL_UINT};
const struct tpl_type tpl_type_uint64 = {.name = "uint64", .kind = TPL_UINT};
const struct tpl_type tpl_type_float64 = {.name = "float64", .kind = TPL_FLOAT};
const struct tpl_type tpl_type_string = {.name = "string", .kind = TPL_STRING};
const struct tpl_type tpl_type_strings = {.name = "[]string", .kind = TPL_LIST, .elem = &tpl_type_string};
const struct tpl_type tpl_type_string_map = {
    .name = "map[string]string", .kind = TPL_MAP, .elem = &tpl_type_string};
const struct tpl_type tpl_type_any_map = {.name = "map[string]interface {}", .kind = TPL_MAP};

const struct tpl_value tpl_none = {0};

bool tpl_truth(const struct tpl_value *v)
{
    if (v->type == NULL)
        return false;
    switch (v->type->kind) {
    case TPL_BOOL:
        return v->truth;
    case TPL_INT:
    case TPL_UINT:
        return v->natural != 0;
    case TPL_FLOAT:
        return v->real != 0;
    case TPL_STRING:
        return v->text.len > 0;
    case TPL_LIST:
        return v->list.len > 0;
    case TPL_MAP:
        return v->map.len > 0;
    default:
        return true;
    }
}

const char *tpl_type_pointed_to(const struct tpl_value *v)
{
    return v->type->name + (v->type->name[0] == '*');
}

struct tpl_value tpl_map_get(const struct tpl_value *map, const char *key, size_t len)
{
    for (size_t i = 0; i < map->map.len; i++) {
        const struct tpl_entry *entry = &map->map.entries[i];
        if (entry->key_len == len && memcmp(entry->key, key, len) == 0)
            return entry->value;
    }
    return tpl_none;
}
