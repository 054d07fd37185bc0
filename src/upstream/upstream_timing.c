#include "upstream/upstream_timing.h"

#include "base/clock.h"

#define NS_PER_S UINT64_C(1000000000)

/* The newest answer is between an eighth and half of the mean: the more, the longer ago the last one was. */
#define WEIGHT_MIN_MS 125
#define WEIGHT_MAX_MS 500
#define WEIGHT_ALL_MS 1000

/* What is not answered at all does not drive the 95th percentile above this. */
#define P95_MAX_US 1000000

static uint32_t load(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void store(uint32_t *p, uint32_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELAXED);
}

static uint32_t to_us(uint64_t ns)
{
    uint64_t us = ns / 1000 + 1;
    return us > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)us;
}

/* A step up for one answer in twenty that is above it balances nineteen steps down: that is the 95th
 * percentile. */
static uint32_t next_p95(uint32_t p95, uint32_t us)
{
    if (p95 == 0)
        return 2 * us;
    uint32_t step = p95 / 64 + 1;
    if (us > p95)
        return p95 + 19 * step;
    return p95 > step ? p95 - step : 1;
}

static void add_to_mean(struct upstream *u, uint32_t us)
{
    uint32_t mean = load(&u->mean_us), now = (uint32_t)clock_ms();
    uint64_t weight = now - load(&u->measured_ms);
    weight = weight < WEIGHT_MIN_MS ? WEIGHT_MIN_MS : weight > WEIGHT_MAX_MS ? WEIGHT_MAX_MS : weight;
    uint64_t sum = mean * (WEIGHT_ALL_MS - weight) + us * weight;
    store(&u->mean_us, mean == 0 ? us : (uint32_t)((sum + WEIGHT_ALL_MS - 1) / WEIGHT_ALL_MS));
    store(&u->measured_ms, now);
}

void upstream_timing_answered(struct upstream *u, uint64_t ns)
{
    uint32_t us = to_us(ns);
    add_to_mean(u, us);
    store(&u->p95_us, next_p95(load(&u->p95_us), us));
}

void upstream_timing_unanswered(struct upstream *u, uint64_t ns)
{
    uint32_t us = to_us(ns), p95 = load(&u->p95_us);
    if (us > load(&u->mean_us)) /* otherwise it says nothing */
        add_to_mean(u, us);
    if (p95 != 0 && us > p95 && p95 < P95_MAX_US) /* the same: it would have been later than that */
        store(&u->p95_us, next_p95(p95, us));
}

uint32_t upstream_timing_mean_us(const struct upstream *u)
{
    return load(&u->mean_us);
}

uint32_t upstream_timing_p95_us(const struct upstream *u)
{
    return load(&u->p95_us);
}

/* ---- the budget ---- */

/* In any half-open second: `burst` at once and one every interval make qps. */
static uint64_t interval(uint32_t qps, uint64_t *tolerance)
{
    uint32_t burst = 1 + qps / 50;
    uint64_t ns = (NS_PER_S + qps - burst) / (qps - burst + 1);
    *tolerance = (burst - 1) * ns;
    return ns;
}

/* When a question may be put, given the theoretical arrival time of the next one. */
static uint64_t allowed_at(uint64_t arrival, uint64_t tolerance, uint64_t now)
{
    return arrival > now + tolerance ? arrival - tolerance : now;
}

uint64_t upstream_budget_at(const struct upstream *u, uint32_t qps, uint64_t now_ns)
{
    uint64_t tolerance;
    interval(qps, &tolerance);
    return allowed_at(__atomic_load_n(&u->arrival_ns, __ATOMIC_RELAXED), tolerance, now_ns);
}

uint64_t upstream_budget_take(struct upstream *u, uint32_t qps, uint64_t now_ns, uint64_t latest_ns)
{
    uint64_t tolerance, step = interval(qps, &tolerance);
    uint64_t arrival = __atomic_load_n(&u->arrival_ns, __ATOMIC_RELAXED);
    for (;;) {
        uint64_t at = allowed_at(arrival, tolerance, now_ns);
        uint64_t next = (arrival > now_ns ? arrival : now_ns) + step;
        if (at > latest_ns)
            return 0;
        if (__atomic_compare_exchange_n(&u->arrival_ns, &arrival, next, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
            return at;
    }
}
