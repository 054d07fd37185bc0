/* sync/kube_stream.h: the same items come out however the bytes are cut, and damage costs no more than it
 * must. */
#include "sync/kube_stream.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../runner.h"
#include "base/bytes.h"

/* What came out of a stream, as text: "item;item;!bad;" and behind it "= head" or "error". */
struct record {
    struct bytes text;
    int stop_at; /* the item whose taker says ERR_STALE; 0 none */
    int items;
};

static int on_item(void *ctx, struct json_object *item)
{
    struct record *r = ctx;
    bytes_printf(&r->text, "%s;", json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN));
    return ++r->items == r->stop_at ? ERR_STALE : ERR_OK;
}

static void on_bad(void *ctx, const char *why)
{
    struct record *r = ctx;
    CU_ASSERT_TRUE(why[0] != '\0');
    bytes_append_str(&r->text, "!;");
}

/* Feeds `text` in chunks of `chunk` bytes, the first one of `first`. */
static void play(enum kube_stream_shape shape, const char *text, size_t len, size_t first, size_t chunk,
                 struct record *r)
{
    bytes_init(&r->text, (size_t)64 << 20);
    bytes_append_str(&r->text, "");
    r->items = 0;
    struct kube_stream_taker taker = {r, on_item, on_bad};
    struct kube_stream *s = kube_stream_new(shape, &taker);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    struct errtext e = {{0}};
    int ret = ERR_OK;
    for (size_t at = 0, n = first; ret == ERR_OK && at < len; at += n, n = chunk) {
        n = n < len - at ? n : len - at;
        char *copy =
            malloc(n > 0 ? n : 1); /* of exactly this size: reading beyond it is seen by the sanitizer */
        if (n > 0)
            memcpy(copy, text + at, n);
        ret = kube_stream_feed(s, copy, n, &e);
        free(copy);
    }
    struct kube_list_head head = {0};
    if (ret == ERR_OK)
        ret = kube_stream_end(s, shape == KUBE_STREAM_LIST ? &head : NULL, &e);
    CU_ASSERT_EQUAL(e.text[0] != '\0', ret != ERR_OK && ret != ERR_STALE);
    if (ret != ERR_OK)
        bytes_printf(&r->text, "error %s", err_text(ret));
    else if (shape == KUBE_STREAM_LIST)
        bytes_printf(&r->text, "= %s %s %s %lld", head.kind, head.resource_version, head.continue_token,
                     (long long)head.remaining);
    kube_stream_free(s);
}

struct stream_case {
    const char *text;
    const char *gives;
};

static void check_every_cut(enum kube_stream_shape shape, const struct stream_case *c)
{
    size_t len = strlen(c->text);
    struct record r = {0};
    for (size_t first = 0; first <= len; first++) {
        play(shape, c->text, len, first, len, &r);
        if (strcmp(r.text.data, c->gives) != 0)
            printf("\n    %s\n    cut at %zu gives %s\n", c->text, first, r.text.data);
        CU_ASSERT_STRING_EQUAL_FATAL(r.text.data, c->gives);
        bytes_free(&r.text);
    }
    for (size_t chunk = 1; chunk <= 7; chunk++) {
        play(shape, c->text, len, chunk, chunk, &r);
        CU_ASSERT_STRING_EQUAL_FATAL(r.text.data, c->gives);
        bytes_free(&r.text);
    }
}

static void lists(void)
{
    static const struct stream_case cases[] = {
        {"{\"kind\":\"ServiceList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"12\","
         "\"continue\":\"abc\","
         "\"remainingItemCount\":7},\"items\":[{\"a\":1},{\"b\":[{\"c\":\"}]\"}]}]}\n",
         "{\"a\":1};{\"b\":[{\"c\":\"}]\"}]};= ServiceList 12 abc 7"},
        {" {\"items\" : [ { \"a\" : \"\\\"\\\\\" } , {} ] , \"metadata\" : { \"resourceVersion\" : \"1\" } , "
         "\"kind\" : \"L\" } ",
         "{\"a\":\"\\\"\\\\\"};{};= L 1  -1"},
        {"{\"kind\":\"L\",\"items\":[],\"metadata\":{}}", "= L   -1"},
        {"{\"kind\":\"L\",\"items\":null,\"metadata\":{\"resourceVersion\":\"3\"}}", "= L 3  -1"},
        {"{\"kind\":\"Status\",\"code\":500,\"details\":{\"items\":[{\"a\":1}]}}", "= Status   -1"},
        {"{}", "=    -1"},
        {"{\"kind\":7,\"metadata\":[],\"items\":{\"a\":[{}]}}", "=    -1"},
        {"{\"metadata\":{\"resourceVersion\":7,\"continue\":null,\"remainingItemCount\":\"x\"}}", "=    -1"},
        {"{\"kind\":\"L\\u0000\",\"metadata\":{\"resourceVersion\":\"1\\u00002\"}}", "=    -1"},
        {"{\"a-key-that-is-longer-than-any-that-is-known\":[{\"a\":1}],\"items\":[{\"b\":1}]}",
         "{\"b\":1};=    -1"},
        {"{\"items\":[1,\"{\",null,[{}],{\"a\":1},true]}", "!;!;!;!;{\"a\":1};!;=    -1"},
        {"{\"items\":[{\"a\":01},{\"b\":tru},{\"c\":1}]}", "!;!;{\"c\":1};=    -1"},
        {"{\"items\":[{\"a\":\"\xff\"},{\"c\":\"\xc3\xa4\"}]}", "!;{\"c\":\"\xc3\xa4\"};=    -1"},
        {"{\"items\":[{\"items\":[{\"metadata\":{}}],\"kind\":\"x\"}],\"kind\":\"L\"}",
         "{\"items\":[{\"metadata\":{}}],\"kind\":\"x\"};= L   -1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_every_cut(KUBE_STREAM_LIST, &cases[i]);
}

static void broken_lists(void)
{
    static const struct stream_case cases[] = {
        {"", "error data ends too early"},
        {"{\"items\":[{\"a\":1},{\"b\"", "{\"a\":1};error data ends too early"},
        {"{\"items\":[{\"a\":1}]", "{\"a\":1};error data ends too early"},
        {"{\"items\":[{\"a\":1}}", "{\"a\":1};error malformed data"},
        {"{\"items\":[{\"a\":1]", "error malformed data"},
        {"{}{}", "error malformed data"},
        {"{} x", "error malformed data"},
        {"[]", "error malformed data"},
        {"<html>", "error malformed data"},
        {"404 page not found\n", "error malformed data"},
        {"{\"items\":[{\"a\":1},]}", "{\"a\":1};error malformed data"},
        {"{\"items\":[{\"a\":1}{\"b\":1}]}", "{\"a\":1};error malformed data"},
        {"{\"a\":\"\n\"}", "error malformed data"},
        {"{\"metadata\":{\"a\":01}}", "error malformed data"},
        {"{\"kind\" \"x\"}", "error malformed data"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_every_cut(KUBE_STREAM_LIST, &cases[i]);
}

static void events(void)
{
    static const struct stream_case cases[] = {
        {"", ""},
        {"\n \r\n", ""},
        {"{\"type\":\"ADDED\",\"object\":{\"a\":1}}\n{\"type\":\"DELETED\"}\n",
         "{\"type\":\"ADDED\",\"object\":{\"a\":1}};{\"type\":\"DELETED\"};"},
        {"{\"a\":1}{\"b\":2}{}", "{\"a\":1};{\"b\":2};{};"},
        {"{\n  \"a\": [\n    1\n  ]\n}\n{\"b\":2}", "{\"a\":[1]};{\"b\":2};"},
        {"{\"a\":nope}\n{\"b\":2}\n", "!;{\"b\":2};"},
        {"{\"a\":1}\n{\"b\":", "{\"a\":1};error data ends too early"},
        {"{\"a\":1}\nbad\n{\"b\":2}", "{\"a\":1};error malformed data"},
        {"{\"a\":1},{\"b\":2}", "{\"a\":1};error malformed data"},
        {"{\"a\":{\"b\n{\"type\":1}\n", "error malformed data"},
        /* half an event swallows the next one as its value, and is found out by the one behind it */
        {"{\"a\":1}{\"type\":\"ADDED\",\"object\":\n{\"b\":1}\n{\"c\":1}", "{\"a\":1};error malformed data"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_every_cut(KUBE_STREAM_EVENTS, &cases[i]);
}

static void nesting(void)
{
    static const struct {
        size_t levels;
        const char *gives;
    } cases[] = {
        {KUBE_STREAM_ITEM_DEPTH - 4, "{\"b\":1};"},
        {1000, "!;{\"b\":1};"},
        {20000, "error malformed data"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes text;
        bytes_init(&text, 1 << 20);
        bytes_append_str(&text, "{\"a\":");
        for (size_t n = 0; n < cases[i].levels; n++)
            bytes_append(&text, "[", 1);
        for (size_t n = 0; n < cases[i].levels; n++)
            bytes_append(&text, "]", 1);
        bytes_append_str(&text, "}{\"b\":1}");
        struct record r = {0};
        play(KUBE_STREAM_EVENTS, text.data, text.len, 100, 4096, &r);
        CU_ASSERT_TRUE(r.text.len >= strlen(cases[i].gives));
        CU_ASSERT_STRING_EQUAL(r.text.data + r.text.len - strlen(cases[i].gives), cases[i].gives);
        bytes_free(&r.text);
        bytes_free(&text);
    }
}

/* Head and item values around their limits, in one chunk and in many. */
static void sizes(void)
{
    static const struct {
        const char *before, *behind;
        size_t fill;
        const char *gives;
    } cases[] = {
        {"{\"items\":[{\"a\":\"", "\"},{\"b\":1}]}", KUBE_STREAM_ITEM_MAX, "!;{\"b\":1};=    -1"},
        {"{\"items\":[{\"a\":\"", "\"},{\"b\":1}]}", KUBE_STREAM_ITEM_MAX - 100, "{\"b\":1};=    -1"},
        {"{\"kind\":\"L\",\"x\":\"", "\",\"items\":[{\"b\":1}]}", KUBE_STREAM_ITEM_MAX, "{\"b\":1};= L   -1"},
        {"{\"metadata\":{\"continue\":\"", "\"}}", KUBE_STREAM_HEAD_MAX, "error limit exceeded"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].before) + cases[i].fill + strlen(cases[i].behind);
        char *text = malloc(len + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        memset(text, 'x', len);
        memcpy(text, cases[i].before, strlen(cases[i].before));
        memcpy(text + len - strlen(cases[i].behind), cases[i].behind, strlen(cases[i].behind));
        for (int small = 0; small <= 1; small++) {
            struct record r = {0};
            play(KUBE_STREAM_LIST, text, len, 10, small ? 16384 : len, &r);
            CU_ASSERT_TRUE_FATAL(r.text.len >= strlen(cases[i].gives));
            CU_ASSERT_STRING_EQUAL(r.text.data + r.text.len - strlen(cases[i].gives), cases[i].gives);
            bytes_free(&r.text);
        }
        free(text);
    }
}

static void taker_stops(void)
{
    struct record r = {.stop_at = 2};
    const char *text = "{\"a\":1}{\"b\":1}{\"c\":1}";
    for (size_t chunk = 1; chunk < 30; chunk++) {
        play(KUBE_STREAM_EVENTS, text, strlen(text), chunk, chunk, &r);
        CU_ASSERT_STRING_EQUAL(r.text.data,
                               "{\"a\":1};{\"b\":1};error data does not follow on what is loaded");
        bytes_free(&r.text);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a list gives its items and its head, wherever it is cut", lists},
        {"a list that is broken or ends early is an error, wherever it is cut", broken_lists},
        {"a watch gives its events one by one, wherever it is cut", events},
        {"an item nested too deep is left out, an endless one ends the stream", nesting},
        {"an item over the limit is left out and the next is taken", sizes},
        {"a taker can end the stream", taker_stops},
    };
    return run_suite("kube_stream", tests, sizeof tests / sizeof tests[0]);
}
