#include "sync/kube_stream.h"

#include <errno.h>
#include <json-c/json_object.h>
#include <json-c/json_tokener.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* Deeper brackets than this end the stream: no document of the API comes near it. */
#define SCAN_DEPTH_MAX 10000
/* How deep the kind of the open bracket is remembered (one bit each); below, brackets are counted only. */
#define SCAN_KINDS_MAX 64
/* An item buffer that has grown beyond this is given back after the item. */
#define BUFFER_KEEP ((size_t)256 << 10)
/* Longer keys of a list's head are none that we know. */
#define KEY_MAX 32

/* What the last byte that is not white space was: it decides what may come next. */
enum before { BEFORE_NOTHING, BEFORE_OPEN, BEFORE_COLON, BEFORE_COMMA, BEFORE_VALUE };

/* Who gets the value that is being read. */
enum capture { CAPTURE_NONE, CAPTURE_ITEM, CAPTURE_TOO_BIG, CAPTURE_HEAD };

struct kube_stream {
    enum kube_stream_shape shape;
    struct kube_stream_taker taker;
    struct json_tokener *tokener;

    enum before before;
    bool in_text, escaped, in_word; /* word: a number, true, false, null */
    uint32_t depth;
    uint64_t objects; /* bit i: the bracket at depth i is '{' */

    enum capture capture;
    uint32_t capture_depth; /* the depth that the value stands at: where it ends */
    struct bytes buffer;    /* what earlier chunks held of it */

    /* A list only. */
    bool done, in_items;
    bool key_next; /* the text being read is a key of the head */
    char key[KEY_MAX];
    size_t key_len;
    struct json_object *kind, *metadata;
};

struct kube_stream *kube_stream_new(enum kube_stream_shape shape, const struct kube_stream_taker *taker)
{
    struct kube_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->shape = shape;
    s->taker = *taker;
    bytes_init(&s->buffer, KUBE_STREAM_ITEM_MAX);
    s->tokener = json_tokener_new_ex(KUBE_STREAM_ITEM_DEPTH);
    if (s->tokener == NULL) {
        free(s);
        return NULL;
    }
    json_tokener_set_flags(s->tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    return s;
}

void kube_stream_free(struct kube_stream *s)
{
    if (s == NULL)
        return;
    json_object_put(s->kind);
    json_object_put(s->metadata);
    json_tokener_free(s->tokener);
    bytes_free(&s->buffer);
    free(s);
}

/* One whole value to JSON; NULL with `*why` set where it is none. */
static struct json_object *parse(struct kube_stream *s, const char *data, size_t len, const char **why)
{
    json_tokener_reset(s->tokener);
    struct json_object *j = json_tokener_parse_ex(s->tokener, data, (int)len);
    enum json_tokener_error error = json_tokener_get_error(s->tokener);
    if (error == json_tokener_success && json_tokener_get_parse_end(s->tokener) == len)
        return j;
    json_object_put(j);
    *why = error == json_tokener_success || error == json_tokener_continue ? "not one JSON value"
                                                                           : json_tokener_error_desc(error);
    return NULL;
}

static int take_item(struct kube_stream *s, const char *data, size_t len)
{
    const char *why = "larger than what is taken";
    struct json_object *j = s->capture == CAPTURE_TOO_BIG ? NULL : parse(s, data, len, &why);
    if (j == NULL) {
        s->taker.bad(s->taker.ctx, why);
        return ERR_OK;
    }
    int ret = s->taker.item(s->taker.ctx, j);
    json_object_put(j);
    return ret;
}

static int take_head(struct kube_stream *s, const char *data, size_t len, struct errtext *e)
{
    const char *why;
    struct json_object *j = parse(s, data, len, &why);
    if (j == NULL)
        return errtext_set(e, ERR_MALFORMED, "%s of the list: %s", s->key, why);
    struct json_object **slot = strcmp(s->key, "kind") == 0 ? &s->kind : &s->metadata;
    json_object_put(*slot);
    *slot = j;
    return ERR_OK;
}

/* Keeps what this chunk holds of a value that goes on in the next. */
static int keep(struct kube_stream *s, const char *data, size_t len, struct errtext *e)
{
    if (s->capture == CAPTURE_HEAD && s->buffer.len + len > KUBE_STREAM_HEAD_MAX)
        return errtext_set(e, ERR_LIMIT, "%s of the list: more than %zu bytes", s->key, KUBE_STREAM_HEAD_MAX);
    if (s->capture == CAPTURE_TOO_BIG || bytes_append(&s->buffer, data, len) == ERR_OK)
        return ERR_OK;
    if (s->buffer.error != ERR_LIMIT)
        return errtext_set(e, s->buffer.error, "item: %s", err_text(s->buffer.error));
    s->capture = CAPTURE_TOO_BIG;
    bytes_free(&s->buffer);
    return ERR_OK;
}

/* The captured value is whole: its last part is `data`. */
static int finish(struct kube_stream *s, const char *data, size_t len, struct errtext *e)
{
    if (s->buffer.len > 0 || len > KUBE_STREAM_ITEM_MAX || s->capture == CAPTURE_HEAD) {
        int ret = keep(s, data, len, e);
        if (ret != ERR_OK)
            return ret;
        data = s->buffer.data;
        len = s->buffer.len;
    }
    int ret = s->capture == CAPTURE_HEAD ? take_head(s, data, len, e) : take_item(s, data, len);
    s->capture = CAPTURE_NONE;
    if (s->buffer.cap > BUFFER_KEEP)
        bytes_free(&s->buffer);
    else
        bytes_reset(&s->buffer);
    return ret;
}

/* A value begins with `c`: decides who gets it. Called with the depth that the value stands at. */
static void begin_value(struct kube_stream *s, char c)
{
    if (s->capture != CAPTURE_NONE)
        return;
    s->capture_depth = s->depth;
    if (s->shape == KUBE_STREAM_EVENTS) {
        s->capture = CAPTURE_ITEM;
    } else if (s->in_items && s->depth == 2) {
        if (c == '{')
            s->capture = CAPTURE_ITEM;
        else
            s->taker.bad(s->taker.ctx, "not an object");
    } else if (s->depth == 1 && s->before == BEFORE_COLON) {
        if (c == '[' && strcmp(s->key, "items") == 0)
            s->in_items = true;
        else if ((c == '"' && strcmp(s->key, "kind") == 0) || (c == '{' && strcmp(s->key, "metadata") == 0))
            s->capture = CAPTURE_HEAD;
    }
}

static bool value_may_come(const struct kube_stream *s)
{
    return s->before == BEFORE_OPEN || s->before == BEFORE_COLON || s->before == BEFORE_COMMA;
}

static bool in_object(const struct kube_stream *s)
{
    return s->depth > SCAN_KINDS_MAX || (s->objects >> (s->depth - 1) & 1) != 0;
}

static bool open_bracket(struct kube_stream *s, char c)
{
    bool document = s->depth == 0 && !s->done && c == '{';
    if (!document && (s->depth == 0 || !value_may_come(s) || s->depth >= SCAN_DEPTH_MAX))
        return false;
    begin_value(s, c);
    if (s->depth < SCAN_KINDS_MAX) {
        uint64_t bit = (uint64_t)1 << s->depth;
        s->objects = c == '{' ? s->objects | bit : s->objects & ~bit;
    }
    s->depth++;
    s->before = BEFORE_OPEN;
    return true;
}

static bool close_bracket(struct kube_stream *s, char c)
{
    if (s->depth == 0 || (s->before != BEFORE_OPEN && s->before != BEFORE_VALUE))
        return false;
    if (s->depth <= SCAN_KINDS_MAX && in_object(s) != (c == '}'))
        return false;
    s->depth--;
    s->before = BEFORE_VALUE;
    if (s->depth == 1 && s->capture == CAPTURE_NONE)
        s->in_items = false;
    if (s->depth == 0)
        s->done = s->shape == KUBE_STREAM_LIST;
    return true;
}

static bool open_text(struct kube_stream *s)
{
    if (s->depth == 0 || !value_may_come(s))
        return false;
    s->key_next = s->shape == KUBE_STREAM_LIST && s->depth == 1 && s->before != BEFORE_COLON;
    if (s->key_next)
        s->key_len = 0;
    else
        begin_value(s, '"');
    s->in_text = true;
    return true;
}

/* One byte outside texts. False: it cannot stand here. */
static bool outside(struct kube_stream *s, char c)
{
    bool word = s->in_word;
    s->in_word = false;
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        return true;
    case '"':
        return open_text(s);
    case '{':
    case '[':
        return open_bracket(s, c);
    case '}':
    case ']':
        return close_bracket(s, c);
    case ':':
    case ',':
        if (s->depth == 0 || s->before != BEFORE_VALUE || (c == ':' && !in_object(s)))
            return false;
        s->before = c == ':' ? BEFORE_COLON : BEFORE_COMMA;
        return true;
    default: /* a byte of a number, true, false or null; whether it is one is the tokener's business */
        if ((unsigned char)c < ' ' || s->depth == 0 || (!word && !value_may_come(s)))
            return false;
        if (!word)
            begin_value(s, c);
        s->in_word = true;
        s->before = BEFORE_VALUE;
        return true;
    }
}

/* One byte inside a text. False: a control character, which JSON does not allow there. */
static bool inside(struct kube_stream *s, char c)
{
    if (s->escaped) {
        s->escaped = false;
    } else if (c == '\\') {
        s->escaped = true;
    } else if (c == '"') {
        s->in_text = false;
        s->before = BEFORE_VALUE;
        if (s->key_next)
            s->key[s->key_len < KEY_MAX ? s->key_len : 0] = '\0';
        s->key_next = false;
    }
    if (s->in_text && s->key_next && s->key_len < KEY_MAX)
        s->key[s->key_len++] = c;
    return (unsigned char)c >= ' ';
}

int kube_stream_feed(struct kube_stream *s, const char *data, size_t len, struct errtext *e)
{
    size_t from = 0; /* where in this chunk the captured value begins */
    for (size_t i = 0; i < len; i++) {
        enum capture was = s->capture;
        if (!(s->in_text ? inside(s, data[i]) : outside(s, data[i])))
            return errtext_set(e, ERR_MALFORMED, "not the JSON of a %s: unexpected byte 0x%02x",
                               s->shape == KUBE_STREAM_LIST ? "list" : "watch", (unsigned char)data[i]);
        if (s->capture == CAPTURE_NONE)
            continue;
        if (was == CAPTURE_NONE)
            from = i;
        if (s->depth == s->capture_depth && !s->in_text) {
            int ret = finish(s, data + from, i + 1 - from, e);
            if (ret != ERR_OK)
                return ret;
        }
    }
    return s->capture == CAPTURE_NONE ? ERR_OK : keep(s, data + from, len - from, e);
}

static const char *head_text(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string))
        return "";
    const char *text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text : "";
}

int kube_stream_end(struct kube_stream *s, struct kube_list_head *head, struct errtext *e)
{
    if (s->depth > 0 || (s->shape == KUBE_STREAM_LIST && !s->done))
        return errtext_set(e, ERR_TRUNCATED, "the answer ends inside a document");
    if (s->shape == KUBE_STREAM_EVENTS)
        return ERR_OK;
    struct json_object *version = NULL, *token = NULL, *remaining = NULL;
    json_object_object_get_ex(s->metadata, "resourceVersion", &version);
    json_object_object_get_ex(s->metadata, "continue", &token);
    bool counted = json_object_object_get_ex(s->metadata, "remainingItemCount", &remaining) &&
                   json_object_is_type(remaining, json_type_int);
    *head = (struct kube_list_head){
        .kind = head_text(s->kind),
        .resource_version = head_text(version),
        .continue_token = head_text(token),
        .remaining = counted ? json_object_get_int64(remaining) : -1,
    };
    return ERR_OK;
}
