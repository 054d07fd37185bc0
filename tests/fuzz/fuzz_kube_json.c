/* Bytes as an API server's answer: first byte picks the shape, the kind and the size of the chunks, the rest
 * is the body. */
#include <stdlib.h>
#include <string.h>

#include "sync/kube_event.h"
#include "sync/kube_json.h"
#include "sync/kube_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int take(void *ctx, struct json_object *item)
{
    const enum kube_kind *kind = ctx;
    struct kube_event event;
    struct errtext e = {{0}};
    struct json_object *object = kube_event_read(item, &event, &e) == ERR_OK ? event.object : item;
    struct kube_object *o = NULL;
    if (kube_json_object(object, *kind, &o, &e) == ERR_OK && (o->name[0] == '\0' || o->kind != *kind))
        abort();
    kube_object_free(o);
    enum kube_kind named;
    kube_json_kind(object, &named, NULL);
    kube_status_read(object);
    return ERR_OK;
}

static void bad(void *ctx, const char *why)
{
    (void)ctx;
    if (why == NULL || strlen(why) > 200)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    enum kube_kind kind = data[0] % KUBE_KINDS;
    enum kube_stream_shape shape = data[0] & 4 ? KUBE_STREAM_LIST : KUBE_STREAM_EVENTS;
    size_t chunk = (size_t)(data[0] >> 3) * 3 + 1;
    struct kube_stream_taker taker = {&kind, take, bad};
    struct kube_stream *s = kube_stream_new(shape, &taker);
    struct errtext e = {{0}};
    int ret = ERR_OK;
    for (size_t at = 1; ret == ERR_OK && at < len; at += chunk)
        ret = kube_stream_feed(s, (const char *)data + at, len - at < chunk ? len - at : chunk, &e);
    struct kube_list_head head;
    if (ret == ERR_OK)
        kube_stream_end(s, &head, &e);
    kube_stream_free(s);
    return 0;
}
