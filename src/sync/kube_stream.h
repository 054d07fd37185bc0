/*
 * Cuts the body of an API server's answer into its items while it arrives, in chunks of any size:
 *
 * - KUBE_STREAM_LIST: one document {"kind":"ServiceList","metadata":{...},"items":[ITEM,ITEM,...]},
 *   then the end
 * - KUBE_STREAM_EVENTS: ITEM ITEM ITEM ..., documents one behind the other, with or without white space
 *
 * Each ITEM is handed on as soon as its last byte is there, so that at most one item of a list is ever in
 * memory; a list's kind and metadata are kept as its head. The stream finds where items end by brackets and
 * quotes alone. That keeps two kinds of damage apart:
 *
 * - An item that has its brackets in order but is no JSON, too big or too deep costs that item (`bad`
 *   is told), and the next ones are unharmed.
 *
 * - Brackets or quotes out of order (two halves of events run together, text of a proxy) leave no way
 *   to know where the next item begins: kube_stream_feed() fails, and the caller asks the server again.
 *
 * Any thread, one at a time. The stream owns what it hands on only for the time of the call.
 */
#ifndef SEAMARK_SYNC_KUBE_STREAM_H
#define SEAMARK_SYNC_KUBE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct json_object;

/* Largest item taken. etcd takes 1.5 MiB an object unless told otherwise, and JSON makes it at most a few
 * times longer; what is larger is skipped byte for byte and never held. */
#define KUBE_STREAM_ITEM_MAX ((size_t)16 << 20)
/* Deepest nesting inside an item. The kinds that DNS needs nest some 12 deep, in their managedFields. */
#define KUBE_STREAM_ITEM_DEPTH 64
/* Largest value kept of a list's head. A continue token, the longest part of it, holds one key: below 1 KiB.
 */
#define KUBE_STREAM_HEAD_MAX ((size_t)64 << 10)

enum kube_stream_shape { KUBE_STREAM_LIST, KUBE_STREAM_EVENTS };

struct kube_stream_taker {
    void *ctx;
    /* A whole item, a JSON object; borrowed. Other than ERR_OK ends kube_stream_feed() with that code. */
    int (*item)(void *ctx, struct json_object *item);
    /* An item was left out; `why` for the log. */
    void (*bad)(void *ctx, const char *why);
};

/* What stands in a list beside its items. "" where it does not say. Valid until kube_stream_free(). */
struct kube_list_head {
    const char *kind; /* "ServiceList" */
    const char *resource_version;
    const char *continue_token;
    int64_t remaining; /* remainingItemCount; -1 unknown */
};

struct kube_stream;

/* NULL where there is no memory. `taker` is copied. */
struct kube_stream *kube_stream_new(enum kube_stream_shape shape, const struct kube_stream_taker *taker);
void kube_stream_free(struct kube_stream *s); /* NULL allowed; not from within a taker's function */

/* Takes the next bytes. Errors, after which only kube_stream_free() makes sense: ERR_MALFORMED, ERR_LIMIT,
 * -ENOMEM with `e` set; what taker.item returned. */
int kube_stream_feed(struct kube_stream *s, const char *data, size_t len, struct errtext *e);

/* The answer is over. ERR_TRUNCATED with `e` set where it ends inside a document (what came of it is
 * dropped), or where a list never came. `head` is filled for a list and may be NULL for events. */
int kube_stream_end(struct kube_stream *s, struct kube_list_head *head, struct errtext *e);

#endif
