/*
 * Values of templates: what a template is executed on, and what it computes with. They have Go's types, since
 * templates see them: printf's %T and error messages name them, comparisons and verbs depend on them.
 *
 * A value borrows what it points to, which has to stay until the execution ends. The caller's own objects are
 * structs: a type of kind TPL_STRUCT lists fields and methods with functions that read them from the object.
 *
 *     static struct tpl_value name_of(const void *object) { ... return tpl_text(d->name, d->len); }
 *     static const struct tpl_member members[] = {{.name = "Name", .get = name_of}};
 *     static const struct tpl_type type = {"*main.query", TPL_STRUCT, .members = members, .nmembers = 1};
 *     struct tpl_value dot = {.type = &type, .object = d};
 */
#ifndef SEAMARK_GOTEMPLATE_VALUE_H
#define SEAMARK_GOTEMPLATE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum tpl_kind { TPL_BOOL, TPL_INT, TPL_UINT, TPL_FLOAT, TPL_STRING, TPL_LIST, TPL_MAP, TPL_STRUCT };

struct tpl_member;
struct tpl_func;
struct tpl_run;

struct tpl_type {
    const char *name; /* as Go writes it: "uint16", "[]string", "*dns.Msg" */
    enum tpl_kind kind;
    const struct tpl_type *elem; /* of a list's items and a map's values; NULL where they may be anything */
    const struct tpl_member *members; /* of a struct */
    size_t nmembers;
    /* Of a struct, its own text where it has one (Go's String method). Optional. */
    void (*text)(const void *object, struct bytes *out);
};

struct tpl_value {
    const struct tpl_type *type; /* NULL: no value */
    union {
        bool truth;
        int64_t integer;
        uint64_t natural;
        double real;
        struct {
            const char *at;
            size_t len;
        } text;
        struct {
            const struct tpl_value *items;
            uint32_t len;
            uint32_t cap; /* items that are there: slicing may go beyond len, as in Go */
        } list;
        struct {
            const struct tpl_entry *entries; /* in the order of their keys' octets */
            size_t len;
        } map;
        const void *object;
    };
};

/* An entry of a map; keys are strings. */
struct tpl_entry {
    const char *key;
    size_t key_len;
    struct tpl_value value;
};

/* A field (get) or a method (method) of a struct. */
struct tpl_member {
    const char *name;
    struct tpl_value (*get)(const void *object);
    const struct tpl_func *method;
};

/* A function or method. `in` has a letter for each parameter: 's' a string, 'i' an int, 'v' and 'a' anything
 * (Go's reflect.Value and interface{}); `more`, where it is not 0, is the letter of any number of further
 * ones. */
struct tpl_func {
    const char *name;
    const char *in;
    char more;
    /* Computes *out. `receiver` is a method's object. What *out points to is borrowed from the arguments or
     * the object, or made by tpl_alloc(). On failure it says why with tpl_fail() and returns that. */
    int (*call)(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                struct tpl_value *out);
};

extern const struct tpl_type tpl_type_bool, tpl_type_int, tpl_type_int64, tpl_type_uint8, tpl_type_uint16,
    tpl_type_uint32, tpl_type_uint64, tpl_type_float64, tpl_type_string, tpl_type_strings,
    tpl_type_string_map, tpl_type_any_map;

/* The value that is none. */
extern const struct tpl_value tpl_none;

static inline struct tpl_value tpl_bool(bool truth)
{
    return (struct tpl_value){.type = &tpl_type_bool, .truth = truth};
}

static inline struct tpl_value tpl_int(int64_t integer)
{
    return (struct tpl_value){.type = &tpl_type_int, .integer = integer};
}

static inline struct tpl_value tpl_text(const char *at, size_t len)
{
    return (struct tpl_value){.type = &tpl_type_string, .text = {.at = at, .len = len}};
}

/* Appends the value as Go's %v has it: "<nil>" for none. What does not fit sets out->error. */
void tpl_format_value(struct bytes *out, const struct tpl_value *v);

/* The value of a map's key; none where it has none. */
struct tpl_value tpl_map_get(const struct tpl_value *map, const char *key, size_t len);

/* ---- for functions and methods ---- */

/* Memory until the end of the execution, or NULL where its limit is reached: return ERR_LIMIT then. */
void *tpl_alloc(struct tpl_run *run, size_t size);

/* Says why a function fails, without the function's name. Returns ERR_MALFORMED. */
int tpl_fail(struct tpl_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Go's strconv.ParseUint, for a function with the parameters "sii": text, base (2 to 36, or 0: as its prefix
 * says) and how many bits the number may have (0: 64). Its result is a uint64. */
int tpl_call_parse_uint(struct tpl_run *run, const void *receiver, const struct tpl_value *args, size_t nargs,
                        struct tpl_value *out);

#endif
