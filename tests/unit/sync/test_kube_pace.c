/* How fast and how many at once. */
#include "../runner.h"
#include "sync/kube_pace.h"

static struct kube_pace pace_of(double qps, unsigned burst, unsigned max_inflight)
{
    struct kubernetes_block k = {
        .apiserver_qps = qps, .apiserver_burst = burst, .apiserver_max_inflight = max_inflight};
    struct kube_pace p;
    kube_pace_init(&p, &k, 1000);
    return p;
}

/* Requests that may start at once. */
static unsigned starts(struct kube_pace *p, uint64_t now)
{
    unsigned n = 0;
    for (; n < 1000 && kube_pace_ready_ms(p, 0, now) == now; n++)
        kube_pace_started(p);
    return n;
}

static void no_limit(void)
{
    struct kube_pace p = pace_of(0, 0, 0);
    CU_ASSERT_EQUAL(starts(&p, 1000), 1000);
    CU_ASSERT_EQUAL(kube_pace_ready_ms(&p, 1000000, 1000), 1000);
}

static void rate(void)
{
    struct kube_pace p = pace_of(2, 3, 0);
    CU_ASSERT_EQUAL(starts(&p, 1000), 3);
    CU_ASSERT_EQUAL(kube_pace_ready_ms(&p, 0, 1000), 1501);
    CU_ASSERT_EQUAL(starts(&p, 1500), 1);
    CU_ASSERT_EQUAL(starts(&p, 1900), 0);
    CU_ASSERT_EQUAL(starts(&p, 2000), 1);
    CU_ASSERT_EQUAL(starts(&p, 3600000), 3); /* no more than the burst, however long it rested */
    CU_ASSERT_EQUAL(starts(&p, 100), 0);     /* a clock that goes back gives none */
}

static void defaults_of_client_go(void)
{
    struct kube_pace p = pace_of(0.5, 0, 0);
    CU_ASSERT_EQUAL(starts(&p, 1000), 10);
    CU_ASSERT_EQUAL(starts(&p, 2900), 0);
    CU_ASSERT_EQUAL(starts(&p, 3000), 1);
    p = pace_of(0, 1, 0);
    CU_ASSERT_EQUAL(starts(&p, 1000), 1);
    CU_ASSERT_EQUAL(kube_pace_ready_ms(&p, 0, 1000), 1201);
    p = pace_of(1e-300, 1, 0);
    CU_ASSERT_EQUAL(starts(&p, 1000), 1);
    CU_ASSERT(kube_pace_ready_ms(&p, 0, 1000) >= (uint64_t)1e12 &&
              kube_pace_ready_ms(&p, 0, 1000) < UINT64_MAX);
}

static void number(void)
{
    struct kube_pace p = pace_of(0, 0, 2);
    CU_ASSERT_EQUAL(kube_pace_ready_ms(&p, 1, 1000), 1000);
    CU_ASSERT_EQUAL(kube_pace_ready_ms(&p, 2, 1000), UINT64_MAX);
    p = pace_of(1, 1, 1);
    kube_pace_started(&p);
    CU_ASSERT_EQUAL(kube_pace_ready_ms(&p, 1, 5000), UINT64_MAX);
    CU_ASSERT_EQUAL(kube_pace_ready_ms(&p, 0, 5000), 5000);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"without the options nothing waits", no_limit},
        {"a burst starts at once, then so many a second", rate},
        {"what is not given is as client-go has it", defaults_of_client_go},
        {"at the most so many are under way", number},
    };
    return run_suite("kube_pace", tests, sizeof tests / sizeof tests[0]);
}
