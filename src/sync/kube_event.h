/*
 * What a watch says beside objects: the event around an object, and the Status that comes with a refusal, as
 * an event or as the body of an HTTP error. Pure and total, as kube_json.h. Texts are borrowed from the JSON.
 * Any thread.
 */
#ifndef SEAMARK_SYNC_KUBE_EVENT_H
#define SEAMARK_SYNC_KUBE_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct json_object;

enum kube_event_type {
    KUBE_EVENT_PUT,    /* ADDED or MODIFIED: the two differ in nothing that a taker of state could use */
    KUBE_EVENT_REMOVE, /* DELETED; the object is its last state, with the resource version of the deletion */
    KUBE_EVENT_BOOKMARK,
    KUBE_EVENT_ERROR, /* the object is a Status; nothing follows */
};

struct kube_event {
    enum kube_event_type type;
    struct json_object *object; /* borrowed; never NULL, but of any JSON type */
    bool ends_initial; /* a bookmark that says: all that there was at the start of a streaming list has been
                          sent */
};

/* ERR_MALFORMED with `e` set where `j` is no event, or one of a type that the API does not have. */
int kube_event_read(struct json_object *j, struct kube_event *out, struct errtext *e);

struct kube_status {
    int code;            /* an HTTP status, 0 where it does not say */
    const char *reason;  /* "Expired"; "" where it does not say */
    const char *message; /* "" where it does not say */
    /* The resource version asked for is ahead of the server: its data have been put back (etcd from a
     * backup), or it is another server. Waiting does not help for long; listing does. */
    bool version_too_large;
};

/* `j` (borrowed) may be anything, NULL too. */
struct kube_status kube_status_read(struct json_object *j);

#endif
