#include "sync/kube_yaml.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* A mapping or sequence that has begun and not ended. */
struct frame {
    struct json_object *value;
    char *key;    /* mapping: the key whose value comes next; NULL: a key comes next */
    bool merge;   /* mapping: the value that comes next is to be merged (`<<`) */
    char *anchor; /* its own */
    size_t nodes; /* values in it so far, aliases written out */
};

struct anchor {
    char *name;
    struct json_object *value;
    size_t nodes;
};

struct reader {
    yaml_parser_t parser;
    struct frame stack[YAML_DEPTH_MAX];
    size_t depth;
    struct anchor anchors[YAML_ANCHORS_MAX];
    size_t nanchors;
    struct json_object *root;
    bool has_root;
    unsigned document;
    struct errtext *e;
};

static int fail(const struct reader *r, int code, const char *why)
{
    return errtext_set(r->e, code, "document %u, line %zu: %s", r->document, r->parser.mark.line + 1, why);
}

/* ---- plain scalars ---- */

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static bool is_integer(const char *text, int64_t *out)
{
    const char *digits = text + (*text == '-' || *text == '+');
    int base = strncmp(digits, "0x", 2) == 0 ? 16 : digits[0] == '0' && digits[1] != '\0' ? 8 : 10;
    char *end;
    if (digits[0] < '0' || digits[0] > '9')
        return false;
    errno = 0;
    *out = strtoll(text, &end, base);
    return errno == 0 && *end == '\0';
}

static bool is_float(const char *text, double *out)
{
    char *end;
    const char *p = text + (*text == '-' || *text == '+');
    if (p[strspn(p, "0123456789.eE+-")] != '\0' || strpbrk(p, "0123456789") == NULL)
        return false;
    *out = strtod(text, &end);
    return *end == '\0';
}

/* JSON null is a NULL pointer in json-c, so success is told apart. */
static bool make_scalar(const yaml_event_t *event, struct json_object **out)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
    static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    const char *tag = (const char *)event->data.scalar.tag;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strlen(text) == len &&
                 (tag == NULL || strcmp(tag, YAML_STR_TAG) != 0);
    int64_t integer;
    double number;
    *out = NULL;
    if (plain && is_one_of(text, nulls))
        return true;
    if (plain && is_one_of(text, yes))
        *out = json_object_new_boolean(1);
    else if (plain && is_one_of(text, no))
        *out = json_object_new_boolean(0);
    else if (plain && is_integer(text, &integer))
        *out = json_object_new_int64(integer);
    else if (plain && is_float(text, &number))
        *out = json_object_new_double(number);
    else if (len <= INT32_MAX)
        *out = json_object_new_string_len(text, (int)len);
    return *out != NULL;
}

/* ---- putting values together ---- */

/* Adds what `value` has and `into` has not (YAML merge key). */
static int merge(const struct reader *r, struct json_object *into, struct json_object *value)
{
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            struct json_object *one = json_object_array_get_idx(value, i);
            if (!json_object_is_type(one, json_type_object))
                return fail(r, ERR_MALFORMED, "expected mappings behind <<");
            merge(r, into, one);
        }
        return ERR_OK;
    }
    if (!json_object_is_type(value, json_type_object))
        return fail(r, ERR_MALFORMED, "expected a mapping behind <<");
    json_object_object_foreach(value, key, member)
    {
        if (!json_object_object_get_ex(into, key, NULL))
            json_object_object_add(into, key, json_object_get(member));
    }
    return ERR_OK;
}

/* Puts a finished value where it belongs. Takes `value` over. */
static int place(struct reader *r, struct json_object *value, size_t nodes)
{
    int ret = ERR_OK;
    if (r->depth == 0) {
        r->root = value;
        r->has_root = true;
        return ERR_OK;
    }
    struct frame *f = &r->stack[r->depth - 1];
    f->nodes += nodes;
    if (f->nodes > YAML_NODES_MAX) {
        json_object_put(value);
        return fail(r, ERR_LIMIT, "too many values, with aliases written out");
    }
    if (json_object_is_type(f->value, json_type_array)) {
        ret = json_object_array_add(f->value, value) < 0 ? -ENOMEM : ERR_OK;
    } else if (f->key == NULL) {
        json_object_put(value);
        return fail(r, ERR_MALFORMED, "expected a text as key");
    } else if (f->merge) {
        ret = merge(r, f->value, value);
        json_object_put(value);
    } else {
        ret = json_object_object_add(f->value, f->key, value) < 0 ? -ENOMEM : ERR_OK;
    }
    free(f->key);
    f->key = NULL;
    f->merge = false;
    return ret;
}

/* Keeps a finished value for aliases. Only a finished one: so nothing can hold itself. */
static int keep_anchor(struct reader *r, const char *name, struct json_object *value, size_t nodes)
{
    if (name == NULL)
        return ERR_OK;
    if (r->nanchors == YAML_ANCHORS_MAX)
        return fail(r, ERR_LIMIT, "too many anchors");
    char *copy = strdup(name);
    if (copy == NULL)
        return -ENOMEM;
    r->anchors[r->nanchors++] =
        (struct anchor){.name = copy, .value = json_object_get(value), .nodes = nodes};
    return ERR_OK;
}

static int on_alias(struct reader *r, const char *name)
{
    for (size_t i = r->nanchors; i-- > 0;) /* the last one of a name counts */
        if (strcmp(r->anchors[i].name, name) == 0)
            return place(r, json_object_get(r->anchors[i].value), r->anchors[i].nodes);
    return fail(r, ERR_MALFORMED, "an alias of an anchor that is not there");
}

static bool key_comes_next(const struct reader *r)
{
    return r->depth > 0 && json_object_is_type(r->stack[r->depth - 1].value, json_type_object) &&
           r->stack[r->depth - 1].key == NULL;
}

static int on_scalar(struct reader *r, const yaml_event_t *event)
{
    struct json_object *value;
    if (key_comes_next(r)) {
        struct frame *f = &r->stack[r->depth - 1];
        f->key = strdup((const char *)event->data.scalar.value);
        f->merge = f->key != NULL && strcmp(f->key, "<<") == 0 &&
                   event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        return f->key == NULL ? -ENOMEM : ERR_OK;
    }
    if (!make_scalar(event, &value))
        return -ENOMEM;
    int ret = keep_anchor(r, (const char *)event->data.scalar.anchor, value, 1);
    if (ret == ERR_OK)
        return place(r, value, 1);
    json_object_put(value);
    return ret;
}

static int on_start(struct reader *r, struct json_object *value, const char *anchor)
{
    char *copy = anchor == NULL ? NULL : strdup(anchor);
    int ret = value == NULL || (anchor != NULL && copy == NULL) ? -ENOMEM : ERR_OK;
    if (ret == ERR_OK && key_comes_next(r))
        ret = fail(r, ERR_MALFORMED, "expected a text as key");
    if (ret == ERR_OK && r->depth == YAML_DEPTH_MAX)
        ret = fail(r, ERR_LIMIT, "nested too deep");
    if (ret != ERR_OK) {
        json_object_put(value);
        free(copy);
        return ret;
    }
    r->stack[r->depth++] = (struct frame){.value = value, .anchor = copy, .nodes = 1};
    return ERR_OK;
}

static int on_end(struct reader *r)
{
    struct frame f = r->stack[--r->depth];
    int ret = keep_anchor(r, f.anchor, f.value, f.nodes);
    free(f.anchor);
    free(f.key);
    if (ret == ERR_OK)
        return place(r, f.value, f.nodes);
    json_object_put(f.value);
    return ret;
}

/* ---- documents ---- */

static void reset(struct reader *r)
{
    while (r->depth > 0) {
        struct frame *f = &r->stack[--r->depth];
        json_object_put(f->value);
        free(f->key);
        free(f->anchor);
    }
    while (r->nanchors > 0) {
        json_object_put(r->anchors[--r->nanchors].value);
        free(r->anchors[r->nanchors].name);
    }
    json_object_put(r->root);
    r->root = NULL;
    r->has_root = false;
}

static int on_event(struct reader *r, const yaml_event_t *event,
                    int (*each)(void *ctx, struct json_object *doc, unsigned number), void *ctx)
{
    int ret = ERR_OK;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        r->document++;
        return ERR_OK;
    case YAML_DOCUMENT_END_EVENT:
        if (r->root != NULL)
            ret = each(ctx, r->root, r->document);
        reset(r);
        return ret;
    case YAML_SCALAR_EVENT:
        return on_scalar(r, event);
    case YAML_ALIAS_EVENT:
        return key_comes_next(r) ? fail(r, ERR_MALFORMED, "expected a text as key")
                                 : on_alias(r, (const char *)event->data.alias.anchor);
    case YAML_MAPPING_START_EVENT:
        return on_start(r, json_object_new_object(), (const char *)event->data.mapping_start.anchor);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(r, json_object_new_array(), (const char *)event->data.sequence_start.anchor);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        return on_end(r);
    default:
        return ERR_OK;
    }
}

int kube_yaml(const char *data, size_t len, int (*each)(void *ctx, struct json_object *doc, unsigned number),
              void *ctx, struct errtext *e)
{
    struct reader *r = calloc(1, sizeof *r);
    if (r == NULL || yaml_parser_initialize(&r->parser) != 1) {
        free(r);
        return -ENOMEM;
    }
    r->e = e;
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)data, len);
    int ret = ERR_OK;
    for (bool more = true; more && ret == ERR_OK;) {
        yaml_event_t event;
        if (yaml_parser_parse(&r->parser, &event) != 1) {
            const char *why = r->parser.problem != NULL ? r->parser.problem : "not YAML";
            ret = errtext_set(e, ERR_MALFORMED, "document %u, line %zu: %s",
                              r->document > 0 ? r->document : 1, r->parser.problem_mark.line + 1, why);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        ret = on_event(r, &event, each, ctx);
        yaml_event_delete(&event);
    }
    reset(r);
    yaml_parser_delete(&r->parser);
    free(r);
    return ret;
}
