/*
 * How fast the API server is asked: the options `apiserver_qps`, `apiserver_burst` and
 * `apiserver_max_inflight`.
 *
 * Rate: a bucket of `burst` tokens, filled at `qps` a second; a request takes one, and waits where there is
 * none. Where only one of the two is given, the other is what client-go has: 5 a second, 10 at once. Where
 * neither is, nothing waits: each kind of objects has at most one request under way, and gate and back-off
 * see to it that failures are not answered with haste.
 *
 * Number: at most `max_inflight` requests are under way. A watch counts until it is accepted, a streaming
 * list until the list is whole: what then stays open costs the server little.
 *
 * Pure: the caller brings the time. One thread.
 */
#ifndef SEAMARK_SYNC_KUBE_PACE_H
#define SEAMARK_SYNC_KUBE_PACE_H

#include "conf/kubernetes_block.h"

#define KUBE_PACE_QPS   5 /* client-go's, where only the burst is given */
#define KUBE_PACE_BURST 10

struct kube_pace {
    double qps; /* 0: no limit */
    double burst;
    double tokens;
    uint64_t filled_ms;    /* up to when `tokens` counts */
    unsigned max_inflight; /* 0: no limit */
};

/* The bucket is full. */
void kube_pace_init(struct kube_pace *p, const struct kubernetes_block *k, uint64_t now_ms);

/* When a request may start where `inflight` are under way: `now_ms` for at once, later for a lack of tokens,
 * UINT64_MAX where one of the others has to end first. */
uint64_t kube_pace_ready_ms(struct kube_pace *p, unsigned inflight, uint64_t now_ms);
/* A request starts. */
void kube_pace_started(struct kube_pace *p);

#endif
