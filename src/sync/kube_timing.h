/* Times of the API client. kube_timing_usual is what runs; tests shorten it. */
#ifndef SEAMARK_SYNC_KUBE_TIMING_H
#define SEAMARK_SYNC_KUBE_TIMING_H

#include <stdint.h>

struct kube_timing {
    /* Until a list's answer begins: a server under load reads its store first. And without a byte in it. */
    uint32_t list_head_ms;
    uint32_t list_idle_ms;
    /* Until a watch is accepted: the server says so at once, before there is an event. And without a byte in
     * it: bookmarks come about each minute. */
    uint32_t watch_head_ms;
    uint32_t watch_idle_ms;
    /* How long the server is asked to keep a watch, drawn from this range, in seconds. */
    uint32_t watch_min_s;
    uint32_t watch_max_s;
    /* A watch that has lived this long has proved itself, events or not. */
    uint32_t watch_steady_ms;
    /* Waiting after failures: the first time, and the most that doubling comes to. Unreachable is no answer:
     * a SYN costs nobody, and back is soon noticed. Refused is an answer that says no: 403, 429, 500, not
     * JSON. */
    uint32_t unreachable_first_ms;
    uint32_t unreachable_most_ms;
    uint32_t refused_first_ms;
    uint32_t refused_most_ms;
    /* A Retry-After over this many seconds is not believed. */
    uint32_t retry_after_most_s;
};

extern const struct kube_timing kube_timing_usual;

#endif
