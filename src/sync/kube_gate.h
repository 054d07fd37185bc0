/*
 * When to ask an API server that failed again. Pure: the caller brings the time and the chance. One thread.
 *
 * Kinds of objects share one server, so they share one gate. It is open while the server answers. When a
 * request fails for a reason that is the server's (no answer, 401, 429, 5xx) it closes, for longer each time;
 * then one request, the probe, is let through, and its outcome opens the gate for all or closes it for
 * longer. An absent server is so asked as often as one kind would ask it: some 20 times in the first minute.
 * It starts closed and ready: the first request is a probe, and those that follow find a connection made.
 */
#ifndef SEAMARK_SYNC_KUBE_GATE_H
#define SEAMARK_SYNC_KUBE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/kube_timing.h"

enum kube_trouble { KUBE_UNREACHABLE, KUBE_REFUSED };

/* How long to wait after `failures` in a row (at least 1), in ms. At least what Retry-After said; up to a
 * tenth is added, by chance (`random`: any 32 bits), so that many clients do not come back as one. */
uint64_t kube_backoff_ms(const struct kube_timing *t, unsigned failures, enum kube_trouble trouble,
                         uint32_t retry_after_s, uint32_t random);

struct kube_gate {
    bool open;
    bool probing;      /* closed, and a probe is under way */
    int prober;        /* whose */
    unsigned failures; /* in a row; 0 while open */
    uint64_t ready_ms; /* closed: when the next probe may start */
};

bool kube_gate_may_start(const struct kube_gate *g, uint64_t now_ms);
/* When kube_gate_may_start() will become true by time alone; UINT64_MAX where it waits for a probe. */
uint64_t kube_gate_ready_ms(const struct kube_gate *g);

/* `who` starts a request; has seen the server answer it; has ended it without learning anything about the
 * server. */
void kube_gate_started(struct kube_gate *g, int who);
void kube_gate_good(struct kube_gate *g);
void kube_gate_ended(struct kube_gate *g, int who);
/* `who` has failed and the server is to blame: closes the gate, or keeps it closed for longer where `who` was
 * the probe. What fails beside that was under way when the gate closed: it is the same failure and changes
 * nothing. */
void kube_gate_bad(struct kube_gate *g, const struct kube_timing *t, int who, enum kube_trouble trouble,
                   uint32_t retry_after_s, uint64_t now_ms, uint32_t random);

#endif
