#include "sync/kube_pace.h"

void kube_pace_init(struct kube_pace *p, const struct kubernetes_block *k, uint64_t now_ms)
{
    *p = (struct kube_pace){.max_inflight = k->apiserver_max_inflight, .filled_ms = now_ms};
    if (k->apiserver_qps == 0 && k->apiserver_burst == 0)
        return;
    p->qps = k->apiserver_qps > 0 ? k->apiserver_qps : KUBE_PACE_QPS;
    p->burst = k->apiserver_burst > 0 ? k->apiserver_burst : KUBE_PACE_BURST;
    p->tokens = p->burst;
}

static void fill(struct kube_pace *p, uint64_t now_ms)
{
    if (now_ms > p->filled_ms)
        p->tokens += p->qps * (double)(now_ms - p->filled_ms) / 1000;
    if (p->tokens > p->burst)
        p->tokens = p->burst;
    p->filled_ms = now_ms;
}

uint64_t kube_pace_ready_ms(struct kube_pace *p, unsigned inflight, uint64_t now_ms)
{
    if (p->max_inflight > 0 && inflight >= p->max_inflight)
        return UINT64_MAX;
    if (p->qps == 0)
        return now_ms;
    fill(p, now_ms);
    if (p->tokens >= 1)
        return now_ms;
    double wait_ms = (1 - p->tokens) / p->qps * 1000;
    return now_ms + (wait_ms > 1e12 ? (uint64_t)1e12 : (uint64_t)wait_ms) + 1;
}

void kube_pace_started(struct kube_pace *p)
{
    if (p->qps > 0)
        p->tokens -= 1;
}
