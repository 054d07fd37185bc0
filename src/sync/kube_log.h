/*
 * What goes wrong again and again is logged once a minute: one line a cause, so that a new cause is not
 * hidden behind an old one. A cause is an HTTP status or an error code. Pure. One thread.
 */
#ifndef SEAMARK_SYNC_KUBE_LOG_H
#define SEAMARK_SYNC_KUBE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#define KUBE_LOG_EVERY_MS 60000
/* Causes remembered; with more than this in a minute, lines come more often than once a minute. */
#define KUBE_LOG_CAUSES 4

struct kube_log {
    struct {
        int cause;
        uint64_t until_ms;
    } said[KUBE_LOG_CAUSES];
};

/* Whether to write a line about `cause` now; true counts as written. */
bool kube_log_may(struct kube_log *l, int cause, uint64_t now_ms);

#endif
