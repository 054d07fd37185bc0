#include "sync/kube_gate.h"

const struct kube_timing kube_timing_usual = {
    .list_head_ms = 30000,
    .list_idle_ms = 30000,
    .watch_head_ms = 10000,
    .watch_idle_ms = 75000,
    .watch_min_s = 300, /* client-go's range */
    .watch_max_s = 600,
    .watch_steady_ms = 10000,
    .unreachable_first_ms = 250,
    .unreachable_most_ms = 4000, /* 19 requests in the first minute, and back is seen within 5 s */
    .refused_first_ms = 1000,
    .refused_most_ms = 20000, /* recovered within 30 s of whatever was mended */
    .retry_after_most_s = 300,
};

uint64_t kube_backoff_ms(const struct kube_timing *t, unsigned failures, enum kube_trouble trouble,
                         uint32_t retry_after_s, uint32_t random)
{
    uint64_t ms = trouble == KUBE_UNREACHABLE ? t->unreachable_first_ms : t->refused_first_ms;
    uint64_t most = trouble == KUBE_UNREACHABLE ? t->unreachable_most_ms : t->refused_most_ms;
    for (unsigned i = 1; i < failures && ms < most; i++)
        ms *= 2;
    if (ms > most)
        ms = most;
    uint32_t told = retry_after_s < t->retry_after_most_s ? retry_after_s : t->retry_after_most_s;
    if (ms < (uint64_t)told * 1000)
        ms = (uint64_t)told * 1000;
    return ms + ms / 10 * random / UINT32_MAX;
}

bool kube_gate_may_start(const struct kube_gate *g, uint64_t now_ms)
{
    return g->open || (!g->probing && now_ms >= g->ready_ms);
}

uint64_t kube_gate_ready_ms(const struct kube_gate *g)
{
    return g->open ? 0 : g->probing ? UINT64_MAX : g->ready_ms;
}

static bool is_probe(const struct kube_gate *g, int who)
{
    return !g->open && g->probing && g->prober == who;
}

void kube_gate_started(struct kube_gate *g, int who)
{
    if (g->open || g->probing)
        return;
    g->probing = true;
    g->prober = who;
}

void kube_gate_good(struct kube_gate *g)
{
    *g = (struct kube_gate){.open = true};
}

void kube_gate_ended(struct kube_gate *g, int who)
{
    if (is_probe(g, who))
        g->probing = false;
}

void kube_gate_bad(struct kube_gate *g, const struct kube_timing *t, int who, enum kube_trouble trouble,
                   uint32_t retry_after_s, uint64_t now_ms, uint32_t random)
{
    if (!g->open && !is_probe(g, who)) {
        uint64_t told =
            retry_after_s == 0 ? 0 : now_ms + kube_backoff_ms(t, 1, trouble, retry_after_s, random);
        g->ready_ms = g->ready_ms > told ? g->ready_ms : told;
        return;
    }
    unsigned failures = g->failures < UINT32_MAX ? g->failures + 1 : g->failures;
    uint64_t ready = now_ms + kube_backoff_ms(t, failures, trouble, retry_after_s, random);
    *g = (struct kube_gate){.failures = failures, .ready_ms = ready};
}
