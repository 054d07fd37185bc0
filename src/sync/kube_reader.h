/*
 * Reading fields of untrusted JSON into one block of memory, for kube_json.c.
 *
 * An object is read twice by the same functions: the first time `base` is NULL, nothing is written and `size`
 * grows to what is needed; the second time the one block is filled. The first error sticks in `error`, and
 * reading goes on with defaults: one check at the end of the first reading. Any thread.
 */
#ifndef SEAMARK_SYNC_KUBE_READER_H
#define SEAMARK_SYNC_KUBE_READER_H

#include <json-c/json_object.h>

#include "sync/kube_json.h"

struct reader {
    char *base;
    size_t size;
    int error;
    const char *kind;
    struct kube_identity id;
    const char *where; /* the part being read, for messages: "spec.ports[]" */
    struct errtext *e;
};

/* Notes what is wrong with `key` (may be "") of the part being read, unless something was wrong before. */
void reader_refuse(struct reader *r, int code, const char *key, const char *why);

/* Room in the block; NULL while it is being measured. */
void *reader_take(struct reader *r, size_t size, size_t align);

/* The field where it is there, not null and of that type. */
struct json_object *reader_field(struct reader *r, struct json_object *object, const char *key,
                                 enum json_type type);
/* A list of at most `max` elements; their number goes to `*count`. */
struct json_object *reader_list(struct reader *r, struct json_object *object, const char *key, size_t max,
                                size_t *count);
/* The element of a list where it is of that type; null is refused too: the API has no lists with holes. */
struct json_object *reader_element(struct reader *r, struct json_object *array, size_t i,
                                   enum json_type type);

/* Copies a text into the block: `value` (NULL allowed), or the field's. "" and what cannot be kept take no
 * room there. */
const char *reader_keep(struct reader *r, struct json_object *value, const char *key);
const char *reader_text(struct reader *r, struct json_object *object, const char *key);
/* The key of a map of texts. */
const char *reader_key(struct reader *r, const char *key);
/* A text that is compared and not kept; "" where there is none. */
const char *reader_word(struct reader *r, struct json_object *object, const char *key);
bool reader_truth(struct reader *r, struct json_object *object, const char *key, bool otherwise);

/* Without a word about what is wrong. A text that could be kept: at most KUBE_TEXT_MAX octets, no NUL. */
bool json_is_plain(struct json_object *value);
/* "" where the field is missing or no such text. */
const char *json_peek(struct json_object *object, const char *key);
/* NULL where the field is missing or no object. */
struct json_object *json_part(struct json_object *object, const char *key);

#endif
